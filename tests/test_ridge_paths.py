"""ridge_regression and ridge_path: scikit-learn's contract, one path for many fits, and what is known of its models."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from regularize import ElasticNetIC, Ridge, lasso_path, ridge_path, ridge_regression
from regularize.solvers.ridge import RidgeSolver
from ridge_judge import normal_residuals, reference

RNG = np.random.default_rng(0)
X = RNG.standard_normal((25, 6)) * [1.0, 2.0, 0.5, 1.0, 3.0, 1.0] + [1.0, 0.0, -2.0, 5.0, 0.0, 1.0]
Y = X @ [1.0, -1.0, 2.0, 0.0, 0.5, 0.0] + RNG.standard_normal(25) + 3.0
TARGETS = np.c_[Y, X[:, 0] - Y, RNG.standard_normal(25)]
WEIGHT = RNG.uniform(0.2, 3.0, 25)
ALPHAS = np.array([100.0, 3.0, 0.1])
SOLVERS = ("auto", "cholesky", "svd", "sparse_cg", "lsqr", "sag", "saga")
OPTIONS = {
    "intercept": {"fit_intercept": True},
    "no intercept": {"fit_intercept": False},
    "weights": {"fit_intercept": True, "sample_weight": WEIGHT},
    "one weight": {"fit_intercept": True, "sample_weight": 3.0},
    "factors": {"fit_intercept": True, "penalty_factor": [1, 0, np.inf, 2, 0.5, 1]},
    "standardised": {"fit_intercept": True, "sample_weight": WEIGHT, "standardize": True},
    "prior": {"fit_intercept": True, "coef_prior": np.arange(6.0)},
}
BOUNDED = {"positive": {"positive": True, "fit_intercept": True}, "bounds": {"bounds": (-0.5, [1, 0, 1, 0, 1, 2])}}


@pytest.fixture(params=OPTIONS)
def options(request):
    return OPTIONS[request.param]


def fitted(alpha, X=X, y=Y, *, fit_intercept=False, sample_weight=None, **options):  # noqa: N803
    """The estimator with the options of the functions."""
    return Ridge(alpha, fit_intercept=fit_intercept, **options).fit(X, y, sample_weight=sample_weight)


class TestRidgeRegression:
    def test_the_signature_is_that_of_scikit_learn(self):
        ours, theirs = (
            inspect.signature(f).parameters for f in (ridge_regression, sklearn.linear_model.ridge_regression)
        )
        assert [(p.name, p.kind, p.default) for p in ours.values()] == [
            (p.name, p.kind, p.default) for p in theirs.values()
        ]

    @pytest.mark.parametrize(
        ("solver", "return_intercept"), [*((solver, False) for solver in SOLVERS), ("auto", True), ("sag", True)]
    )
    @pytest.mark.parametrize("y", [Y, Y[:, None], TARGETS], ids=["1D", "column", "three targets"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_the_answer_has_the_shapes_and_types_of_scikit_learn(self, solver, y, dtype, return_intercept):
        parameters = {"solver": solver, "return_intercept": return_intercept, "return_n_iter": True, "tol": 1e-3}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sag
            theirs = sklearn.linear_model.ridge_regression(X.astype(dtype), y, 1.0, max_iter=500, **parameters)
        ours = ridge_regression(X.astype(dtype), y, 1.0, **parameters)
        assert type(ours) is type(theirs)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert type(a) is type(b)
            assert np.shape(a) == np.shape(b)
            assert np.asarray(a).dtype == np.asarray(b).dtype
        alone = ridge_regression(X.astype(dtype), y, 1.0, solver=solver)
        assert isinstance(alone, np.ndarray)

    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("weight", [None, WEIGHT])
    def test_every_solver_gives_the_closed_form(self, solver, weight):
        alphas = [0.1, 1.0, 30.0]
        given = {"solver": solver, "sample_weight": weight, "tol": 1e-15, "max_iter": 10_000}
        coefs = ridge_regression(X, TARGETS, alphas, **given)
        for k, alpha in enumerate(alphas):
            expected, _ = reference(X, TARGETS[:, k], alpha, sample_weight=weight, fit_intercept=False)
            assert_allclose(coefs[k], expected.astype(float), rtol=1e-6)

    @pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_matrix, sparse.csc_array])
    def test_the_intercept_is_that_of_the_estimator(self, container):
        coef, n_iter, intercept = ridge_regression(
            container(X), Y, 2.0, sample_weight=WEIGHT, return_intercept=True, return_n_iter=True, tol=1e-14
        )
        expected, mean = reference(X, Y, 2.0, sample_weight=WEIGHT)
        assert_allclose(coef, expected.astype(float), rtol=1e-6)
        assert intercept == pytest.approx(float(mean))
        assert n_iter.shape == (1,)

    def test_positive_coefficients_are_those_of_the_estimator(self):
        coef = ridge_regression(X, Y, 2.0, positive=True, tol=1e-14)
        assert_allclose(coef, fitted(2.0, positive=True, tol=1e-14).coef_)
        assert coef.min() == 0.0

    @pytest.mark.parametrize("container", [np.asarray, sparse.csc_matrix])
    def test_unchecked_input_gives_the_same_answer(self, container):
        unchecked = ridge_regression(container(X), Y, 2.0, check_input=False)
        assert_array_equal(unchecked, ridge_regression(container(X), Y, 2.0))

    @pytest.mark.parametrize(
        ("parameters", "error", "message"),
        [
            ({"solver": "svd", "positive": True}, ValueError, "When positive=True, only 'lbfgs' solver can be used"),
            ({"solver": "lbfgs"}, ValueError, "'lbfgs' solver can be used only when positive=True"),
            ({"solver": "svd", "return_intercept": True}, ValueError, "In Ridge, only 'sag' solver can directly fit"),
            ({"positive": True, "return_intercept": True}, ValueError, "In Ridge, only 'sag' solver can directly fit"),
            ({"solver": "svd", "X": sparse.csc_matrix(X)}, TypeError, "SVD solver does not support sparse inputs"),
            ({"alpha": -1.0}, ValueError, "The 'alpha' parameter of ridge_regression must be a float in the range"),
            ({"alpha": [1.0, 2.0]}, ValueError, "Number of targets and number of penalties do not correspond: 2 != 1"),
            ({"max_iter": -1}, ValueError, "The 'max_iter' parameter of ridge_regression must be an int in the range"),
            ({"verbose": -1}, ValueError, "The 'verbose' parameter of ridge_regression"),
            ({"y": Y[:7]}, ValueError, "inconsistent numbers of samples"),
            ({"X": np.where(X > 5.0, np.nan, X)}, ValueError, "Input X contains NaN"),
        ],
    )
    def test_what_makes_no_sense_is_refused_as_in_scikit_learn(self, parameters, error, message):
        with pytest.raises(error) as caught:
            ridge_regression(**{"X": X, "y": Y, "alpha": 1.0, **parameters})
        assert message in str(caught.value)

    def test_iterations_that_do_not_suffice_warn_once(self):
        with pytest.warns(ConvergenceWarning, match="lsqr did not converge after 1 iterations") as caught:
            ridge_regression(X, TARGETS, 1.0, solver="lsqr", max_iter=1, tol=1e-14)
        assert len(caught) == 1
        assert caught[0].filename == __file__


class TestRidgePath:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    def test_the_answer_has_the_shapes_of_the_lasso_path(self, dtype):
        data = (10 * X).astype(dtype)
        ours, theirs = ridge_path(data, Y, ALPHAS), lasso_path(data, Y, alphas=ALPHAS)
        assert [a.shape for a in ours] == [a.shape for a in theirs] == [(3,), (6, 3), (3,)]
        assert [a.dtype for a in ours] == [a.dtype for a in theirs]
        alphas, coefs, gaps, found = ridge_path(data, TARGETS, ALPHAS, return_diagnostics=True)
        assert (alphas.shape, coefs.shape, gaps.shape) == ((3,), (3, 6, 3), (3, 3))
        assert found.df.shape == (3,)
        assert {v.shape for name, v in found._asdict().items() if name != "df"} == {(3, 3)}
        assert ridge_path(data, Y[:, None], ALPHAS[:2])[1].shape == (1, 6, 2)

    def test_each_alpha_is_a_fit(self, options):
        alphas, coefs, gaps, found = ridge_path(X, TARGETS, ALPHAS, return_diagnostics=[], **options)
        assert_array_equal(alphas, ALPHAS)
        for i, alpha in enumerate(alphas):
            model = fitted(alpha, y=TARGETS, **options)
            assert_allclose(coefs[:, :, i], model.coef_, rtol=1e-9, atol=1e-12)
            assert_allclose(found.intercepts[:, i], model.intercept_, rtol=1e-9, atol=1e-12)
            errors = (TARGETS - model.predict(X)) ** 2
            weight = WEIGHT if np.ndim(options.get("sample_weight")) else None
            assert_allclose(found.mean_squared_errors[:, i], np.average(errors, axis=0, weights=weight))
        assert (gaps >= 0.0).all() and found.converged.all()
        one = ridge_path(X, Y, ALPHAS, **options)
        assert_allclose(one[1], coefs[0], rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize("bounds", BOUNDED)
    def test_each_alpha_within_bounds_is_a_fit(self, bounds):
        _, coefs, gaps = ridge_path(X, Y, ALPHAS, tol=1e-14, **BOUNDED[bounds])
        for i, alpha in enumerate(ALPHAS):
            assert_allclose(coefs[:, i], fitted(alpha, tol=1e-14, **BOUNDED[bounds]).coef_, rtol=1e-6, atol=1e-9)
        assert (gaps <= 1e-14 * (Y @ Y)).all()

    @pytest.mark.parametrize("layout", [np.asfortranarray, np.float32, sparse.csr_matrix, sparse.csc_array])
    @pytest.mark.parametrize("rows", [25, 4], ids=["tall", "wide"])
    def test_every_layout_solves_the_normal_equations(self, layout, rows):
        data = layout(X[:rows])
        alphas, coefs, _ = ridge_path(data, TARGETS[:rows], [10.0, 1e-3], fit_intercept=True, tol=1e-15)
        exact = data.toarray() if sparse.issparse(data) else data
        found = normal_residuals(exact, TARGETS[:rows], alphas, coefs.transpose(2, 0, 1))
        assert found.max() <= (1e-5 if exact.dtype == np.float32 else 1e-9)

    def test_alphas_are_sorted_and_duplicates_kept(self):
        given = [1.0, 10.0, 1.0, 0.0]
        alphas, coefs, _ = ridge_path(X, Y, given)
        assert_array_equal(alphas, [10.0, 1.0, 1.0, 0.0])
        assert_array_equal(coefs[:, 1], coefs[:, 2])
        assert_allclose(coefs[:, 3], np.linalg.lstsq(X, Y)[0])
        assert given == [1.0, 10.0, 1.0, 0.0]

    def test_the_names_of_columns_are_known(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcdef"))
        named = ridge_path(frame, Y, ALPHAS, penalty_factor={"b": 0.0}, coef_prior={"f": 2.0})
        expected = ridge_path(X, Y, ALPHAS, penalty_factor=[1, 0, 1, 1, 1, 1], coef_prior=[0, 0, 0, 0, 0, 2])
        assert_allclose(named[1], expected[1])

    def test_nothing_that_is_passed_is_modified(self):
        data, y, weight = X.copy(), Y.copy(), WEIGHT.copy()
        for frozen in (data, y, weight):
            frozen.flags.writeable = False
        ridge_path(data, y, ALPHAS, sample_weight=weight, fit_intercept=True, return_diagnostics=True)

    def test_alphas_that_did_not_converge_are_named_in_one_warning(self, monkeypatch):
        solve = RidgeSolver.path

        def unfinished(self, alphas):
            result = solve(self, alphas)
            return replace(result, converged=alphas * 25 > 1.0, dual_gaps=alphas)

        monkeypatch.setattr(RidgeSolver, "path", unfinished)
        with pytest.warns(ConvergenceWarning) as caught:
            ridge_path(X, TARGETS, [10.0, 1.0, 0.5], return_diagnostics=True)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        message = str(caught[0].message)
        assert "Duality gap: 2.000e+00" in message
        assert message.endswith("2 of 3 alphas: 1, 0.5, targets: 0, 1, 2")

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"alphas": 0}, "'alphas' parameter of ridge_path must be an int in the range [1, inf) or an array-like"),
            ({"alphas": []}, "'alphas' parameter of ridge_path must be a non-empty 1D array"),
            ({"alphas": [1.0, -1.0]}, "'alphas' parameter of ridge_path is invalid: alphas[1] == -1.0"),
            ({"eps": 2.0}, "'eps' parameter of ridge_path must be a float in the range (0.0, 1.0]"),
            ({"tol": -1.0}, "'tol' parameter of ridge_path"),
            ({"penalty_factor": [1.0]}, "'penalty_factor' parameter of ridge_path must have shape (6,)"),
            ({"coef_prior": [1.0]}, "'coef_prior' parameter of ridge_path must have shape (6,) or (1, 6)"),
            ({"return_diagnostics": "cv"}, "return_diagnostics of ridge_path must be a bool or some of"),
            ({"return_diagnostics": 5}, "return_diagnostics of ridge_path must be a bool or some of"),
            ({"return_diagnostics": [["df"]]}, "return_diagnostics of ridge_path must be a bool or some of"),
            ({"return_diagnostics": ["df"], "positive": True}, "the formulas of df, gcv and loo do not hold"),
        ],
    )
    def test_a_bad_parameter_is_refused_by_name(self, parameters, message):
        with pytest.raises(ValueError) as error:
            ridge_path(X, Y, **parameters)
        assert message in str(error.value)


class TestGrid:
    def test_is_geometric_and_as_long_as_asked(self):
        alphas, coefs, _ = ridge_path(X, Y)
        assert coefs.shape == (6, 100)
        assert alphas[-1] / alphas[0] == pytest.approx(1e-8)
        assert_allclose(alphas[1:] / alphas[:-1], 1e-8 ** (1 / 99))
        assert ridge_path(X, Y, 5, eps=1e-2)[0][-1] == pytest.approx(1e-2 * alphas[0])
        assert ridge_path(X, Y, np.int64(1))[0] == pytest.approx(alphas[:1])

    def test_spans_the_way_from_no_model_to_least_squares(self, options):
        found = ridge_path(X, Y, 50, return_diagnostics="df", **options)[3]
        factor = np.asarray(options.get("penalty_factor", np.ones(6)))
        smallest = np.count_nonzero(factor == 0) + options["fit_intercept"]
        assert smallest < found.df[0] < smallest + 0.01
        largest = np.count_nonzero(np.isfinite(factor)) + options["fit_intercept"]
        assert largest - 0.01 < found.df[-1] < largest

    def test_is_in_the_units_of_the_penalty(self):
        first = ridge_path(X, Y, 1)[0]
        assert ridge_path(10 * X, Y, 1)[0] == pytest.approx(100 * first)
        assert ridge_path(X, Y, 1, sample_weight=2.0)[0] == pytest.approx(2 * first)
        assert ridge_path(X, Y, 1, penalty_factor=np.full(6, 4.0))[0] == pytest.approx(first / 4)
        standardised = ridge_path(X * np.arange(1, 7), Y, 1, fit_intercept=True, standardize=True)[0]
        assert standardised == pytest.approx([100 * 25 * 6])

    def test_of_columns_without_information_starts_at_one(self):
        alphas, coefs, _ = ridge_path(np.ones((25, 2)), Y, 3, fit_intercept=True, eps=1e-2)
        assert_allclose(alphas, [1.0, 0.1, 0.01])
        assert_allclose(coefs, np.zeros((2, 3)), atol=1e-12)


class TestDiagnostics:
    def test_df_is_the_trace_of_the_matrix_that_maps_y_to_its_fit(self, options):
        df = ridge_path(X, Y, ALPHAS, return_diagnostics="df", **options)[3].df
        linear = {name: value for name, value in options.items() if name != "coef_prior"}  # which adds a constant
        for i, alpha in enumerate(ALPHAS):
            hat = fitted(alpha, y=np.eye(25), **linear).predict(X)
            assert df[i] == pytest.approx(np.trace(hat), rel=1e-9)

    def test_gcv_is_its_formula(self, options):
        found = ridge_path(X, TARGETS, ALPHAS, return_diagnostics=["df", "gcv"], **options)[3]
        total = np.sum(np.broadcast_to(options.get("sample_weight", 1.0), 25))
        assert_allclose(found.gcv_errors, found.mean_squared_errors / (1.0 - found.df / total) ** 2)
        assert found.loo_errors is None

    def test_gcv_is_that_of_the_information_criteria(self):
        model = ElasticNetIC(criterion="gcv", l1_ratio=0.0, alphas=ALPHAS / WEIGHT.sum(), tol=1e-12)
        model.fit(X, Y, sample_weight=WEIGHT)
        found = ridge_path(X, Y, ALPHAS, fit_intercept=True, sample_weight=WEIGHT, return_diagnostics="gcv")[3]
        assert_allclose(found.gcv_errors, model.criterion_, rtol=1e-6)

    def test_gcv_is_infinite_where_nothing_is_left_to_judge_by(self):
        alphas = [1.0, 1e-14, 1e-15, 1e-16, 0.0]
        found = ridge_path(X[:4], Y[:4], alphas, fit_intercept=True, return_diagnostics="gcv")[3]
        assert np.isfinite(found.gcv_errors[0])
        assert_array_equal(found.gcv_errors[1:], np.inf)

    @pytest.mark.parametrize("rows", [25, 5], ids=["tall", "wide"])
    def test_loo_is_that_of_explicit_refits(self, options, rows):
        data, targets, options = X[:rows], TARGETS[:rows], dict(options)
        if np.ndim(options.get("sample_weight")):
            options["sample_weight"] = WEIGHT[:rows]
        found = ridge_path(data, targets, ALPHAS, return_diagnostics="loo", **options)[3]
        if options.pop("standardize", False):  # by the standard deviations of all rows
            mean = np.average(data, axis=0, weights=options["sample_weight"])
            options["penalty_factor"] = np.average((data - mean) ** 2, axis=0, weights=options["sample_weight"])
        weight = np.array(np.broadcast_to(options.pop("sample_weight", 1.0), rows))
        errors = np.zeros((3, 3))
        for row in range(rows):
            others = np.where(np.arange(rows) == row, 0.0, weight)
            for i, alpha in enumerate(ALPHAS):
                model = fitted(alpha, data, targets, sample_weight=others, **options)
                errors[:, i] += weight[row] * (targets[row] - model.predict(data[row : row + 1])[0]) ** 2
        assert_allclose(found.loo_errors, errors / weight.sum(), rtol=1e-8)

    def test_what_is_not_asked_for_is_none(self):
        for asked in ("df", ["gcv"], {"df", "loo"}, ()):
            found = ridge_path(X, Y, ALPHAS, return_diagnostics=asked)[3]
            names = {asked} if isinstance(asked, str) else set(asked)
            answered = {"df": found.df, "gcv": found.gcv_errors, "loo": found.loo_errors}
            assert {name for name, value in answered.items() if value is not None} == names
        assert len(ridge_path(X, Y, ALPHAS)) == 3

    def test_of_a_model_with_bounds_are_what_it_has(self):
        found = ridge_path(X, Y, ALPHAS, positive=True, fit_intercept=True, return_diagnostics=True)[3]
        assert found.df is found.gcv_errors is found.loo_errors is None
        assert found.intercepts.shape == found.mean_squared_errors.shape == (3,)
