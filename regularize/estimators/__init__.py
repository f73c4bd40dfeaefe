"""scikit-learn estimators: validate, call the path driver, set attributes."""

from regularize.estimators.elastic_net import ElasticNet, Lasso
from regularize.estimators.elastic_net_cv import ElasticNetCV, LassoCV
from regularize.estimators.information_criterion import ElasticNetIC, LassoIC

__all__ = ["ElasticNet", "ElasticNetCV", "ElasticNetIC", "Lasso", "LassoCV", "LassoIC"]
