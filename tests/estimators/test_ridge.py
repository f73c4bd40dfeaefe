"""Ridge: scikit-learn's contract, exact answers, and what its own parameters mean."""

from __future__ import annotations

import inspect
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import lsq_linear
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from regularize import Ridge
from regularize.solvers.ridge import RidgeSolver
from ridge_judge import judge_ridge, reference

OURS = {"penalty_factor": None, "bounds": None, "standardize": False, "coef_prior": None}
SOLVERS = ("auto", "cholesky", "svd", "sparse_cg", "lsqr", "sag", "saga")
EXACT = {"tol": 1e-15, "max_iter": 10_000}

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 6)) * [1.0, 2.0, 0.5, 1.0, 3.0, 1.0] + [1.0, 0.0, -2.0, 5.0, 0.0, 1.0]
Y = X @ [1.0, -1.0, 2.0, 0.0, 0.5, 0.0] + RNG.standard_normal(30) + 3.0
TARGETS = np.c_[Y, X[:, 0] - Y, RNG.standard_normal(30)]
WEIGHT = RNG.uniform(0.2, 3.0, 30)


def coef(X=X, y=Y, sample_weight=None, **parameters):  # noqa: N803
    return Ridge(alpha=2.0).set_params(**parameters).fit(X, y, sample_weight=sample_weight).coef_


@parametrize_with_checks(
    [Ridge(), Ridge(solver="sparse_cg", max_iter=1000)],
    expected_failed_checks=lambda _: {
        "check_non_transformer_estimators_n_iter": "n_iter_ is None for these solvers, as in scikit-learn"
    },
)
def test_the_estimator_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


def test_the_signature_is_that_of_scikit_learn_plus_our_keywords():
    ours, theirs = (inspect.signature(model).parameters for model in (Ridge, sklearn.linear_model.Ridge))
    assert list(ours) == [*theirs, *OURS]
    for name, parameter in theirs.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind)
    for name, default in OURS.items():
        assert (ours[name].default, ours[name].kind) == (default, inspect.Parameter.KEYWORD_ONLY)
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in Ridge.__mro__)


class TestAttributes:
    @pytest.mark.parametrize("solver", ["auto", "svd", "lsqr", "sag"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
    @pytest.mark.parametrize("y", [Y, Y[:, None], TARGETS], ids=["1D", "column", "three targets"])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_have_the_shapes_and_dtypes_of_scikit_learn(self, solver, dtype, y, fit_intercept):
        data = (10 * X).astype(dtype)
        parameters = {"solver": solver, "fit_intercept": fit_intercept, "tol": 1e-3, "max_iter": 10_000}
        expected, fitted = (model(**parameters).fit(data, y) for model in (sklearn.linear_model.Ridge, Ridge))
        for name in ("coef_", "intercept_", "n_iter_"):
            ours, theirs = getattr(fitted, name), getattr(expected, name)
            assert type(ours) is type(theirs), name
            assert np.shape(ours) == np.shape(theirs), name
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype, name
        assert fitted.solver_ == expected.solver_
        assert fitted.n_features_in_ == 6
        assert fitted.predict(data).shape == expected.predict(data).shape
        several = () if np.atleast_2d(y.T).shape[0] == 1 else (3,)
        assert np.shape(fitted.dual_gap_) == np.shape(fitted.converged_) == several
        assert np.all(fitted.converged_)

    @pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("positive", [True, False])
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
    def test_solvers_are_refused_or_named_as_in_scikit_learn(self, solver, fit_intercept, positive, container):
        parameters = {"solver": solver, "fit_intercept": fit_intercept, "positive": positive}

        def outcome(model):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # scikit-learn's sag and saga do not converge here
                try:
                    return model(**parameters).fit(container(X), Y).solver_
                except (ValueError, TypeError) as error:
                    return type(error), str(error).split(". ")[0].removesuffix(" or bounds")

        assert outcome(Ridge) == outcome(sklearn.linear_model.Ridge)
        assert Ridge(**parameters).__sklearn_tags__() == _without_array_api(sklearn.linear_model.Ridge(**parameters))

    def test_names_of_columns_are_kept_and_checked(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcdef"))
        fitted = Ridge(penalty_factor={"b": 0.0}, coef_prior={"a": 1.0}).fit(frame, Y)
        assert list(fitted.feature_names_in_) == list("abcdef")
        assert_allclose(fitted.coef_, coef(alpha=1.0, penalty_factor=[1, 0, 1, 1, 1, 1], coef_prior=[1, 0, 0, 0, 0, 0]))
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(frame[list("fedcba")])

    def test_a_copy_by_pickle_or_clone_is_equal(self):
        fitted = Ridge(alpha=[1.0, 2.0, 3.0], penalty_factor=np.arange(6.0), coef_prior=np.ones((3, 6))).fit(X, TARGETS)
        assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))
        copied = clone(fitted)
        assert not hasattr(copied, "coef_")
        assert_array_equal(copied.fit(X, TARGETS).coef_, fitted.coef_)

    def test_the_html_representation_names_the_model(self):
        assert "Ridge" in Ridge(alpha=0.5)._repr_html_()
        assert repr(Ridge(alpha=0.5).fit(X, Y)) == "Ridge(alpha=0.5)"

    def test_predict_before_fit_raises(self):
        with pytest.raises(NotFittedError):
            Ridge().predict(X)


def _without_array_api(estimator):
    return replace(estimator.__sklearn_tags__(), array_api_support=False)


class TestExactness:
    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
    @pytest.mark.parametrize("rows", [30, 4], ids=["tall", "wide"])
    def test_every_solver_gives_the_closed_form(self, solver, fit_intercept, weight, rows):
        data, y, weight = X[:rows], Y[:rows], None if weight is None else weight[:rows]
        fitted = Ridge(alpha=0.7, solver=solver, fit_intercept=fit_intercept, **EXACT).fit(
            data, y, sample_weight=weight
        )
        expected, intercept = reference(data, y, 0.7, sample_weight=weight, fit_intercept=fit_intercept)
        assert_allclose(fitted.coef_, expected.astype(float), rtol=1e-6 if solver in SOLVERS[3:] else 1e-11)
        assert_allclose(fitted.intercept_, float(intercept), rtol=1e-6, atol=1e-12)

    @pytest.mark.parametrize("layout", ["C", "F", "csc_matrix", "csr_array", "coo_matrix", "csc_array64", "float32"])
    @pytest.mark.parametrize("standardize", [True, False])
    def test_every_layout_gives_the_closed_form_with_all_options(self, layout, standardize):
        options = {"penalty_factor": [1, 0, np.inf, 2, 0.5, 1], "standardize": standardize}
        prior = [0.5, 7.0, 0.0, -1.0, 0.0, 2.0]
        model = Ridge(alpha=3.0, coef_prior=prior, **options, **EXACT)
        fitted = model.fit(as_layout(layout), Y, sample_weight=WEIGHT)
        data = X.astype(np.float32 if layout == "float32" else np.float64)
        verdict = judge_ridge(
            data, Y, 3.0, fitted.coef_, fitted.intercept_, sample_weight=WEIGHT, prior=prior, **options
        )
        assert verdict.residual <= (1e-6 if layout == "float32" else 1e-11)  # float32 rounds the answer
        assert fitted.coef_[2] == 0.0
        assert fitted.coef_.dtype == data.dtype

    @pytest.mark.parametrize("solver", ["sparse_cg", "lsqr", "sag", "saga"])
    def test_names_that_iterate_factorise_small_dense_x_unless_their_iterations_are_limited(self, solver):
        exact, named = Ridge().fit(X, Y), Ridge(solver=solver).fit(X, Y)
        assert_array_equal(named.coef_, exact.coef_)
        assert named.solver_ == solver
        limited = Ridge(solver=solver, max_iter=2, tol=0.5).fit(X, Y)
        assert np.any(limited.coef_ != exact.coef_)
        if solver != "sparse_cg":
            assert_array_equal(named.n_iter_, 1)

    @pytest.mark.parametrize("solver", ["auto", "svd", "sparse_cg"])
    def test_each_target_has_its_own_alpha(self, solver):
        alphas = [0.0, 1.0, 30.0]
        together = coef(y=TARGETS, alpha=alphas, solver=solver, **EXACT)
        for k, alpha in enumerate(alphas):
            assert_allclose(together[k], reference(X, TARGETS[:, k], alpha)[0].astype(float), rtol=1e-6)
        assert_allclose(coef(y=TARGETS, alpha=[2.0]), coef(y=TARGETS, alpha=2.0))
        with pytest.raises(ValueError, match="Number of targets and number of penalties do not correspond: 2 != 3"):
            coef(y=TARGETS, alpha=[1.0, 2.0])

    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_least_squares_of_the_smallest_norm_at_alpha_zero(self, fit_intercept):
        mean = X[:4].mean(axis=0) * fit_intercept
        expected = np.linalg.pinv(X[:4] - mean) @ (Y[:4] - Y[:4].mean() * fit_intercept)
        assert_allclose(coef(X[:4], Y[:4], alpha=0.0, fit_intercept=fit_intercept), expected, rtol=1e-8)

    def test_the_dual_gap_bounds_the_distance_to_the_minimum(self):
        def objective(model):
            return ((Y - model.predict(X)) ** 2).sum() + model.alpha * (model.coef_**2).sum()

        with pytest.warns(ConvergenceWarning):
            rough = Ridge(solver="sparse_cg", max_iter=2, tol=1e-10).fit(X, Y)
        distance = objective(rough) - objective(Ridge(solver="svd").fit(X, Y))
        assert 1e-3 < distance <= rough.dual_gap_ * (1.0 + 1e-9)
        good = Ridge(solver="sparse_cg", tol=1e-10, max_iter=1000).fit(X, Y)
        assert good.dual_gap_ <= 1e-10 * ((Y - Y.mean()) ** 2).sum()

    def test_one_row_gives_its_own_mean(self):
        fitted = Ridge().fit([[1.0, 2.0]], [3.0])
        assert_array_equal(fitted.coef_, [0.0, 0.0])
        assert fitted.intercept_ == 3.0


def as_layout(layout):
    if layout in ("C", "F"):
        return np.array(X, order=layout)
    if layout == "float32":
        return X.astype(np.float32)
    matrix = getattr(sparse, layout.removesuffix("64"))(X)
    if layout.endswith("64"):
        matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


class TestWeights:
    COUNTS = np.array([0, 1, 2, 3, 1] * 6)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csc_matrix])
    @pytest.mark.parametrize("options", [{}, {"standardize": True}, {"positive": True}, {"fit_intercept": False}])
    def test_are_repetitions_and_zeros_are_removed_rows(self, container, options):
        rows = np.repeat(np.arange(30), self.COUNTS)
        weighted = coef(container(X), sample_weight=self.COUNTS, **options, **EXACT)
        assert_allclose(weighted, coef(container(X[rows]), Y[rows], **options, **EXACT), rtol=1e-7, atol=1e-9)

    def test_are_not_rescaled(self):
        assert_allclose(coef(sample_weight=4.0 * WEIGHT, alpha=8.0), coef(sample_weight=WEIGHT))
        assert_allclose(coef(sample_weight=4.0, alpha=8.0), coef())
        assert_allclose(coef(sample_weight=4.0), coef(sample_weight=np.full(30, 4)))

    @pytest.mark.parametrize("weight", [-WEIGHT, np.zeros(30), WEIGHT[:5], np.c_[WEIGHT, WEIGHT], 0.0, -1.0, "a"])
    def test_that_make_no_sense_are_refused(self, weight):
        with pytest.raises(ValueError, match="(?i)sample.weight|could not convert"):
            coef(sample_weight=weight)


class TestPenalty:
    def test_factors_scale_the_penalty_of_their_feature(self):
        factor = np.array([0.25, 1.0, 4.0, 9.0, 2.0, 1.0])
        assert_allclose(coef(penalty_factor=factor), coef(X / np.sqrt(factor)) / np.sqrt(factor))

    def test_a_factor_of_zero_leaves_a_feature_unpenalised(self):
        slope = np.polyfit(X[:, 0], Y, 1)[0]
        assert_allclose(coef(alpha=1e15, penalty_factor=[0, 1, 1, 1, 1, 1]), [slope, 0, 0, 0, 0, 0], atol=1e-10)

    def test_an_infinite_factor_excludes_a_feature(self):
        without = coef(np.delete(X, 1, axis=1))
        assert_allclose(coef(penalty_factor=[1, np.inf, 1, 1, 1, 1]), np.insert(without, 1, 0.0))
        assert_array_equal(coef(penalty_factor=[np.inf] * 6), np.zeros(6))

    def test_standardize_penalises_the_coefficients_of_standardised_columns(self):
        data = np.c_[X, np.full(30, 3.0)]
        scale = np.sqrt(np.average((X - np.average(X, axis=0, weights=WEIGHT)) ** 2, axis=0, weights=WEIGHT))
        expected = np.append(coef(X / scale, sample_weight=WEIGHT) / scale, 0.0)
        assert_allclose(coef(data, sample_weight=WEIGHT, standardize=True), expected, atol=1e-12)

    @pytest.mark.parametrize("container", [np.asarray, sparse.csc_matrix])
    @pytest.mark.parametrize(
        ("options", "lower", "upper"),
        [
            ({"positive": True}, 0.0, np.inf),
            ({"bounds": (-0.5, 1.0)}, -0.5, 1.0),
            ({"bounds": (0.2, None), "solver": "lbfgs"}, 0.2, np.inf),
            ({"bounds": (None, [1, 0, 1, 0, -1, 2])}, -np.inf, [1, 0, 1, 0, -1, 2]),
        ],
    )
    def test_bounds_give_the_solution_within_them(self, container, options, lower, upper):
        design = np.vstack([X - X.mean(axis=0), np.sqrt(2.0) * np.eye(6)])
        expected = lsq_linear(design, np.append(Y - Y.mean(), np.zeros(6)), (lower, upper), "bvls", tol=1e-14).x
        fitted = Ridge(alpha=2.0, tol=1e-14, **options).fit(container(X), Y)
        assert_allclose(fitted.coef_, expected, rtol=1e-6, atol=1e-9)
        assert ((lower <= fitted.coef_) & (fitted.coef_ <= upper)).all()
        assert fitted.solver_ == "lbfgs"
        assert_allclose(fitted.intercept_, Y.mean() - X.mean(axis=0) @ fitted.coef_)

    def test_bounds_need_a_solver_for_them(self):
        with pytest.raises(ValueError, match="solver='svd' does not support positive fitting or bounds"):
            coef(solver="svd", bounds=(0.0, 1.0))

    @pytest.mark.parametrize("options", [{}, {"bounds": (-1.0, 3.0)}, {"solver": "sparse_cg"}])
    def test_the_prior_is_where_the_coefficients_are_shrunk_to(self, options):
        prior = np.array([1.0, -1.0, 2.0, 0.5, 0.0, 3.0])
        assert_allclose(coef(alpha=1e15, coef_prior=prior, **options), prior, atol=1e-9)
        shifted = {"bounds": (-1.0 - prior, 3.0 - prior)} if "bounds" in options else options
        expected = prior + coef(y=Y - X @ prior, **shifted, **EXACT)
        assert_allclose(coef(coef_prior=prior, **options, **EXACT), expected, rtol=1e-6, atol=1e-8)

    def test_each_target_may_have_its_own_prior(self):
        prior = np.arange(18.0).reshape(3, 6)
        together = coef(y=TARGETS, coef_prior=prior)
        for k in range(3):
            assert_allclose(together[k], coef(y=TARGETS[:, k], coef_prior=prior[k]))
        assert_allclose(coef(y=TARGETS, coef_prior=prior[1]), coef(y=TARGETS, coef_prior=np.tile(prior[1], (3, 1))))
        assert_allclose(coef(coef_prior=prior[:1]), coef(coef_prior=prior[0]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"alpha": -1.0},
            "'alpha' parameter of Ridge must be a float in the range [0.0, inf) or an array-like. Got -1",
        ),
        ({"alpha": np.inf}, "'alpha' parameter of Ridge must be a float"),
        ({"alpha": [-1.0]}, "'alpha' parameter of Ridge must be non-negative and finite. Got [-1.0]"),
        ({"alpha": ["a"]}, "'alpha' parameter of Ridge must hold real numbers"),
        ({"fit_intercept": "yes"}, "'fit_intercept' parameter of Ridge must be an instance of 'bool'"),
        ({"max_iter": 0}, "'max_iter' parameter of Ridge must be an int in the range [1, inf) or None. Got 0"),
        ({"tol": -1.0}, "'tol' parameter of Ridge must be a float in the range [0.0, inf)"),
        ({"solver": "qr"}, "'solver' parameter of Ridge must be a str among {'auto', 'cholesky', 'lbfgs',"),
        ({"random_state": -1}, "'random_state' parameter of Ridge must be an int"),
        ({"penalty_factor": [1.0]}, "'penalty_factor' parameter of Ridge must have shape (6,)"),
        ({"bounds": (1.0, 0.0)}, "'bounds' parameter of Ridge must have lower <= upper"),
        ({"coef_prior": [1.0]}, "'coef_prior' parameter of Ridge must have shape (6,) or (1, 6). Got (1,)"),
        ({"coef_prior": [np.nan] * 6}, "'coef_prior' parameter of Ridge contains NaN or infinity"),
        ({"coef_prior": {"a": 1.0}}, "'coef_prior' parameter of Ridge is a dict by column name, but X"),
        (
            {"coef_prior": np.ones(6), "penalty_factor": [1, 1, np.inf, 1, 1, 1]},
            "'coef_prior' parameter of Ridge must be 0 where penalty_factor is inf: feature 2",
        ),
    ],
)
def test_a_bad_parameter_is_refused_by_name(parameters, message):
    with pytest.raises(ValueError) as error:
        Ridge(**parameters).fit(X, Y)
    assert message in str(error.value)


class TestConvergence:
    def test_iterations_that_do_not_suffice_warn_once(self):
        model = Ridge(solver="sparse_cg", max_iter=1, tol=1e-14)
        with pytest.warns(ConvergenceWarning, match="sparse_cg did not converge after 1 iterations") as caught:
            model.fit(X, TARGETS)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        message = str(caught[0].message)
        assert "Duality gap: " in message and "tolerance: " in message and message.endswith("targets: 0, 1, 2")
        assert not model.converged_.any()

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [({}, "Objective did not converge"), ({"positive": True}, "The lbfgs solver did not converge")],
    )
    def test_what_the_engine_says_of_its_answer_is_passed_on(self, parameters, words, monkeypatch):
        solve = RidgeSolver.path

        def unfinished(self, alphas):
            result = solve(self, alphas)
            return replace(result, converged=result.converged & False, dual_gaps=np.full(alphas.shape, 0.5))

        monkeypatch.setattr(RidgeSolver, "path", unfinished)
        with pytest.warns(ConvergenceWarning, match=words):
            fitted = Ridge(**parameters).fit(X, Y)
        assert fitted.converged_ is False
        assert fitted.dual_gap_ == 30.0  # twice the number of rows, times the gap of means

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_a_fit_that_converges_is_silent(self, solver):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert Ridge(solver=solver).fit(X, Y).converged_ is True


class TestFailedFit:
    """A fit that fails leaves the estimator as it was."""

    @pytest.mark.parametrize(
        "failure", [{"y": [np.nan] * 30}, {"sample_weight": -WEIGHT}, {"X": X[:7]}, {"y": TARGETS[:, :2]}]
    )
    def test_by_bad_input(self, failure):
        model = Ridge(alpha=[1.0, 2.0, 3.0]).fit(X, TARGETS)
        before = dict(vars(model))
        with pytest.raises(ValueError):
            model.fit(**{"X": X[:, :5], "y": TARGETS, **failure})
        assert vars(model) == before

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
    def test_inside_the_solver(self, error, monkeypatch):
        model, unfitted = Ridge().fit(X, Y), Ridge()
        before = dict(vars(model))

        def fail(*_):
            raise error

        monkeypatch.setattr(RidgeSolver, "path", fail)
        for estimator in (model, unfitted):
            with pytest.raises(error):
                estimator.fit(X[:, :5], Y)
        assert vars(model) == before
        assert not hasattr(unfitted, "n_features_in_")

    def test_because_a_warning_is_an_error(self):
        model = Ridge(solver="lsqr", max_iter=1, tol=1e-14)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ConvergenceWarning):
                model.fit(X, Y)
        assert not hasattr(model, "coef_")

    def test_because_the_answer_overflows(self, monkeypatch):
        solve = RidgeSolver.path
        monkeypatch.setattr(
            RidgeSolver, "path", lambda *a: replace(solve(*a), coefs=np.full((1, 1, 6), 1e300, dtype=np.float64))
        )
        with pytest.raises(ValueError, match="The solution is not finite"):
            Ridge().fit(X.astype(np.float32), Y)


@pytest.mark.parametrize("copy_X", [True, False])
@pytest.mark.parametrize("layout", ["C", "F", "csc_matrix", "csr_array"])
def test_nothing_that_is_passed_is_modified(copy_X, layout):  # noqa: N803
    data, y, weight = as_layout(layout), TARGETS.copy(), WEIGHT.copy()
    before = data.copy()
    for frozen in (y, weight, *([data] if layout in "CF" else [data.data, data.indices])):
        frozen.flags.writeable = False
    Ridge(copy_X=copy_X).fit(data, y, sample_weight=weight)
    assert abs(data - before).sum() == 0


class TestComposition:
    def test_pipelines_and_searches(self):
        X, y = load_diabetes(return_X_y=True)
        search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [1.0, 1e6]}, cv=3).fit(X, y)
        assert search.best_params_ == {"ridge__alpha": 1.0}
        assert search.best_score_ > 0.4

    def test_sample_weight_is_routed_when_it_is_requested(self):
        with sklearn.config_context(enable_metadata_routing=True):
            model = Ridge(alpha=2.0).set_fit_request(sample_weight=True)
            piped = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
            piped.fit(X, Y, sample_weight=WEIGHT)
        scaled = StandardScaler().fit_transform(X)
        assert_allclose(piped[-1].coef_, coef(scaled, sample_weight=WEIGHT))

    def test_select_from_model_takes_the_threshold_of_scikit_learn(self):
        ours, theirs = (SelectFromModel(model(alpha=2.0)).fit(X, Y) for model in (Ridge, sklearn.linear_model.Ridge))
        assert_allclose(ours.threshold_, theirs.threshold_)
        assert_array_equal(ours.get_support(), theirs.get_support())
