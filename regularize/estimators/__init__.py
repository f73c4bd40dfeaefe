"""scikit-learn estimators: validate, call the path driver, set attributes."""

from regularize.estimators.elastic_net import ElasticNet, Lasso
from regularize.estimators.elastic_net_cv import ElasticNetCV, LassoCV
from regularize.estimators.group_lasso import GroupElasticNet, GroupLasso
from regularize.estimators.group_lasso_cv import GroupElasticNetCV, GroupLassoCV
from regularize.estimators.information_criterion import ElasticNetIC, LassoIC
from regularize.estimators.multi_task import MultiTaskElasticNet, MultiTaskLasso
from regularize.estimators.multi_task_cv import MultiTaskElasticNetCV, MultiTaskLassoCV
from regularize.estimators.ridge import Ridge
from regularize.estimators.ridge_classifier import RidgeClassifier
from regularize.estimators.ridge_classifier_cv import RidgeClassifierCV
from regularize.estimators.ridge_cv import RidgeCV
from regularize.estimators.sparse_group_lasso import SparseGroupLasso
from regularize.estimators.sparse_group_lasso_cv import SparseGroupLassoCV

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "ElasticNetIC",
    "GroupElasticNet",
    "GroupElasticNetCV",
    "GroupLasso",
    "GroupLassoCV",
    "Lasso",
    "LassoCV",
    "LassoIC",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SparseGroupLasso",
    "SparseGroupLassoCV",
]
