"""scikit-learn estimators: validate, call the path driver, set attributes."""

from regularize.estimators.elastic_net import ElasticNet, Lasso

__all__ = ["ElasticNet", "Lasso"]
