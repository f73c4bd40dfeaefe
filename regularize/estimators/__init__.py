"""scikit-learn estimators: validate, call the path driver, set attributes."""

from regularize.estimators.elastic_net import ElasticNet, Lasso
from regularize.estimators.elastic_net_cv import ElasticNetCV, LassoCV
from regularize.estimators.information_criterion import ElasticNetIC, LassoIC
from regularize.estimators.ridge import Ridge
from regularize.estimators.ridge_classifier import RidgeClassifier
from regularize.estimators.ridge_classifier_cv import RidgeClassifierCV
from regularize.estimators.ridge_cv import RidgeCV

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "ElasticNetIC",
    "Lasso",
    "LassoCV",
    "LassoIC",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
]
