"""Everything that may raise on user input, in one place and in scikit-learn's wording.

All checks come before any work, and none of them changes what the user passed.
"""

from sklearn.exceptions import ConvergenceWarning

from regularize.validation.data import (
    DTYPES,
    Samples,
    check_fit_data,
    check_labelled_data,
    check_path_data,
    check_sample_weight,
    column_names,
    total_weight,
)
from regularize.validation.gram import check_gram, is_matrix
from regularize.validation.groups import Shares, make_group_penalty
from regularize.validation.multi_task import make_multi_task_penalty
from regularize.validation.parameters import (
    CONSTRAINTS,
    GRID_CONSTRAINTS,
    GROUP_PATH_CONSTRAINTS,
    PATH_CONSTRAINTS,
    SELECTIONS,
    Constraint,
    InvalidParameterError,
    check_alphas,
    check_parameters,
)
from regularize.validation.penalty import check_coef_init, make_penalty
from regularize.validation.ridge import (
    RIDGE_CONSTRAINTS,
    RIDGE_PATH_CONSTRAINTS,
    RIDGE_REGRESSION_CONSTRAINTS,
    check_coef_prior,
    check_diagnostics,
    check_target_alphas,
    ridge_solver_name,
)

__all__ = [
    "CONSTRAINTS",
    "DTYPES",
    "GRID_CONSTRAINTS",
    "GROUP_PATH_CONSTRAINTS",
    "PATH_CONSTRAINTS",
    "RIDGE_CONSTRAINTS",
    "RIDGE_PATH_CONSTRAINTS",
    "RIDGE_REGRESSION_CONSTRAINTS",
    "SELECTIONS",
    "Constraint",
    "ConvergenceWarning",
    "InvalidParameterError",
    "Samples",
    "Shares",
    "check_alphas",
    "check_coef_init",
    "check_coef_prior",
    "check_diagnostics",
    "check_fit_data",
    "check_gram",
    "check_labelled_data",
    "check_parameters",
    "check_path_data",
    "check_sample_weight",
    "check_target_alphas",
    "column_names",
    "is_matrix",
    "make_group_penalty",
    "make_multi_task_penalty",
    "make_penalty",
    "ridge_solver_name",
    "total_weight",
]
