"""The scikit-learn tests that cannot apply to regularize, by name, each with its reason.

A key is `<file>::<test>`, which names every parameter set of the test, or `<file>::<test>[<parameters>]`,
which names one. Only what contradicts a documented decision of regularize, or tests an implementation detail
of scikit-learn, belongs here; a test that merely fails does not. The listed tests still run and must fail in
the way that is stated: one that passes fails the test run, and so does a name that scikit-learn `WRITTEN_FOR`
does not have.
"""

from typing import NamedTuple

import pytest


class NotApplicable(NamedTuple):
    """Why a test cannot apply, the exception it must end with, and the release that dropped the demand."""

    reason: str
    ends_with: type[BaseException]
    before: str | None = None


WRITTEN_FOR = "1.9"

TWO_ITERATIONS_ARE_TOO_FEW = NotApplicable(
    "demands that two iterations do not converge on constant columns, whose coefficients are 0",
    ends_with=pytest.fail.Exception,
    before="1.8",
)
FRESH_SCHEDULE = NotApplicable(
    "demands that 5 + 5 iterations, too few to converge, end where 10 do, as in plain cyclic descent; each fit of"
    " regularize starts its schedule of sweeps and Newton steps afresh",
    ends_with=AssertionError,
)
GROUPS_WITHOUT_ROUTING = NotApplicable(
    "demands that groups are refused without metadata routing, and passes one-dimensional y, whose refusal comes first;"
    " regularize documents groups as an argument of fit that reaches the splitter either way",
    ends_with=AssertionError,
)

NOT_APPLICABLE = {
    "test_coordinate_descent.py::test_check_input_false": NotApplicable(
        "demands a ValueError for C-ordered X with check_input=False, because scikit-learn's kernel reads"
        " Fortran order only; regularize fits X of any memory order",
        ends_with=pytest.fail.Exception,
    ),
    "test_coordinate_descent.py::test_enet_copy_X_False_check_input_False": NotApplicable(
        "demands that copy_X=False overwrites X with its centred values; regularize centres implicitly and"
        " never modifies X",
        ends_with=AssertionError,
    ),
    "test_coordinate_descent.py::test_lasso_dual_gap": NotApplicable(
        "compares 7 digits of the gap with a recomputation; regularize's Newton step solves this problem"
        " exactly, so that its gap is rounding error, of which no two computations share a digit",
        ends_with=AssertionError,
    ),
    "test_coordinate_descent.py::test_warm_start": FRESH_SCHEDULE,
    "test_coordinate_descent.py::test_warm_start_multitask_lasso": FRESH_SCHEDULE,
    "test_coordinate_descent.py::test_enet_coordinate_descent": TWO_ITERATIONS_ARE_TOO_FEW,
    "test_sparse_coordinate_descent.py::test_sparse_enet_coordinate_descent": TWO_ITERATIONS_ARE_TOO_FEW,
    "test_coordinate_descent.py::test_warm_start_convergence": NotApplicable(
        "demands one iteration of a warm start that is within the tolerance; later releases demand none",
        ends_with=AssertionError,
        before="1.8",
    ),
    "test_coordinate_descent.py::test_enet_alpha_max_sample_weight": NotApplicable(
        "demands a non-zero coefficient just below alpha_max at the default tol, within which zeros are;"
        " later releases ask for tol=1e-8",
        ends_with=AssertionError,
        before="1.8",
    ),
    "test_coordinate_descent.py::test_lassoCV_does_not_set_precompute": NotApplicable(
        "demands that LassoCV refits by an instance of the Lasso of scikit-learn's private module; regularize takes"
        " the coefficients from the path on all rows",
        ends_with=AssertionError,
    ),
    "test_coordinate_descent.py::test_cv_estimators_reject_params_with_no_routing_enabled": NotApplicable(
        "demands that groups are refused without metadata routing; regularize documents them as an argument of fit"
        " that reaches the splitter either way",
        ends_with=pytest.fail.Exception,
    ),
    "test_coordinate_descent.py::test_cv_estimators_reject_params_with_no_routing_enabled[MultiTaskElasticNetCV]": (
        GROUPS_WITHOUT_ROUTING
    ),
    "test_coordinate_descent.py::test_cv_estimators_reject_params_with_no_routing_enabled[MultiTaskLassoCV]": (
        GROUPS_WITHOUT_ROUTING
    ),
    "test_ridge.py::test_ridge_fit_intercept_sparse_sag": NotApplicable(
        "demands a warning that 'sag' takes many iterations for an intercept with sparse X; here 'sag' is conjugate"
        " gradients, for which that is not so",
        ends_with=pytest.fail.Exception,
    ),
    "test_ridge.py::test_ridge_regression_convergence_fail": NotApplicable(
        "demands that conjugate gradients miss tol=0 on a well-conditioned problem of five rows; regularize counts a"
        " gap of rounding size as none",
        ends_with=pytest.fail.Exception,
    ),
    "test_ridge.py::test_lbfgs_solver_error": NotApplicable(
        "demands that one iteration is not enough for two orthogonal columns; coordinate descent, which 'lbfgs' stands"
        " for, solves them in one sweep",
        ends_with=pytest.fail.Exception,
    ),
    "test_ridge.py::test_ridge_cv_individual_penalties": NotApplicable(
        "demands that cv and alpha_per_target exclude each other; regularize selects an alpha per target with cv, too",
        ends_with=pytest.fail.Exception,
    ),
}
