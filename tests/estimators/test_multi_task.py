"""MultiTaskLasso and MultiTaskElasticNet: scikit-learn's answers and contract, and what a norm over targets means."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import warnings

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import ortho_group
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import regularize
from regularize import ElasticNet, Lasso, MultiTaskElasticNet, MultiTaskLasso

MODELS = [MultiTaskLasso, MultiTaskElasticNet]
OURS = {"penalty_factor": None, "standardize": False}
TIGHT = {"tol": 1e-13, "max_iter": 100_000}
N, P, T = 30, 8, 3
RNG = np.random.default_rng(0)
X = (RNG.standard_normal((N, P)) + 1.0) * (RNG.random((N, P)) < 0.6)
Y = X[:, :3] @ RNG.standard_normal((3, T)) + 0.5 * RNG.standard_normal((N, T)) + 2.0
WEIGHT = RNG.integers(0, 4, N).astype(float)
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csr": sparse.csr_matrix,
    "csc array": sparse.csc_array,
    "csc int64": lambda X: with_long_indices(sparse.csc_array(X)),  # noqa: N803
}
since_1_9 = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="scikit-learn's multi-task models take weights and sparse X since 1.9",
)


def with_long_indices(matrix):
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


def theirs(model, **parameters):
    return getattr(sklearn.linear_model, model.__name__)(**TIGHT, **parameters)


def assert_same_model(ours, expected, atol=1e-7):
    assert_allclose(ours.coef_, expected.coef_, rtol=1e-6, atol=atol)
    assert_allclose(ours.intercept_, expected.intercept_, rtol=1e-6, atol=atol)


@parametrize_with_checks([MultiTaskLasso(), MultiTaskElasticNet()])
def test_the_estimator_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", MODELS)
def test_the_signature_is_that_of_scikit_learn_plus_our_keywords(model):
    ours, reference = inspect.signature(model).parameters, inspect.signature(type(theirs(model))).parameters
    assert list(ours) == [*reference, *OURS]
    for name, parameter in reference.items():
        assert (ours[name].default, ours[name].kind) == (parameter.default, parameter.kind)
    for name, default in OURS.items():
        assert (ours[name].default, ours[name].kind) == (default, inspect.Parameter.KEYWORD_ONLY)
    assert list(inspect.signature(model.fit).parameters) == ["self", "X", "y", "sample_weight"]


@pytest.mark.parametrize("model", MODELS)
def test_it_is_no_model_of_scikit_learn_and_has_its_path_and_tags(model):
    assert not any(base.__module__.startswith("sklearn.linear_model") for base in model.__mro__)
    assert model.path is regularize.enet_path
    tags = get_tags(model())
    assert tags.target_tags == get_tags(theirs(model)).target_tags
    assert tags.input_tags.sparse


@since_1_9
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_solution_is_that_of_scikit_learn(model, fit_intercept, weighted, layout):
    weight = WEIGHT if weighted else None
    expected = theirs(model, alpha=0.3, fit_intercept=fit_intercept).fit(X, Y, sample_weight=weight)
    fitted = model(alpha=0.3, fit_intercept=fit_intercept, **TIGHT)
    fitted.fit(LAYOUTS[layout](X), Y, sample_weight=weight)
    assert_same_model(fitted, expected)
    assert_allclose(fitted.predict(LAYOUTS[layout](X)), expected.predict(X), rtol=1e-6, atol=1e-6)
    assert_allclose(fitted.eps_, expected.eps_)
    assert fitted.converged_ and fitted.dual_gap_ <= fitted.eps_ / N
    assert_array_equal(fitted.coef_ != 0, expected.coef_ != 0)


def test_a_feature_has_coefficients_for_all_targets_or_for_none():
    used = MultiTaskLasso(alpha=0.3).fit(X, Y).coef_ != 0
    assert_array_equal(used.any(axis=0), used.all(axis=0))
    assert 0 < used[0].sum() < P


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("n_targets", [1, T])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_attributes_have_the_shapes_and_dtypes_of_scikit_learn(model, dtype, n_targets, fit_intercept):
    features, targets = (10 * X).astype(dtype), Y[:, :n_targets]
    expected = getattr(sklearn.linear_model, model.__name__)(fit_intercept=fit_intercept).fit(features, targets)
    fitted = model(fit_intercept=fit_intercept).fit(features, targets)
    for name in ("coef_", "intercept_", "dual_gap_", "n_iter_", "eps_"):
        ours, reference = getattr(fitted, name), getattr(expected, name)
        assert type(ours) is type(reference), name
        assert np.shape(ours) == np.shape(reference), name
        assert np.asarray(ours).dtype == np.asarray(reference).dtype, name
    assert fitted.converged_ is True
    assert fitted.predict(features).shape == targets.shape
    assert type(fitted.sparse_coef_) is type(expected.sparse_coef_)
    assert_array_equal(fitted.sparse_coef_.toarray(), fitted.coef_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("standardize", [True, False])
def test_one_target_is_the_model_of_one_target(dtype, standardize):
    options = {"alpha": 0.2, "standardize": standardize, "penalty_factor": np.linspace(0.0, 2.0, P), **TIGHT}
    features, target = X.astype(dtype), Y[:, 0]
    pairs = [(MultiTaskLasso(**options), Lasso(**options)), (MultiTaskElasticNet(**options), ElasticNet(**options))]
    for together, alone in pairs:
        together.fit(features, target[:, None], sample_weight=WEIGHT)
        alone.fit(features, target, sample_weight=WEIGHT)
        assert_allclose(together.coef_[0], alone.coef_, rtol=1e-5, atol=1e-6)
        assert_allclose(together.intercept_[0], alone.intercept_, rtol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_a_rotation_of_the_targets_rotates_the_coefficients(model):
    rotation = ortho_group.rvs(T, random_state=0)
    plain = model(alpha=0.3, **TIGHT).fit(X, Y)
    rotated = model(alpha=0.3, **TIGHT).fit(X, Y @ rotation)
    assert_allclose(rotated.coef_.T, plain.coef_.T @ rotation, rtol=1e-5, atol=1e-7)
    assert_allclose(rotated.intercept_, plain.intercept_ @ rotation, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("standardize", [True, False])
def test_a_weight_is_a_repetition(form, standardize):
    rows = np.repeat(np.arange(N), WEIGHT.astype(int))
    model = MultiTaskElasticNet(alpha=0.2, standardize=standardize, **TIGHT)
    repeated = clone(model).fit(form(X[rows]), Y[rows])
    weighted = clone(model).fit(form(X), Y, sample_weight=7.0 * WEIGHT)
    assert_same_model(weighted, repeated)
    assert not np.allclose(weighted.coef_, clone(model).fit(X, Y).coef_, rtol=1e-3)


def test_the_dual_gap_bounds_the_distance_to_the_minimum():
    def objective(model):
        return 0.5 * ((Y - model.predict(X)) ** 2).sum() / N + 0.3 * np.linalg.norm(model.coef_, axis=0).sum()

    best = objective(MultiTaskLasso(alpha=0.3, **TIGHT).fit(X, Y))
    rough = MultiTaskLasso(alpha=0.3, tol=1e-2).fit(X, Y)
    assert -1e-12 * best <= objective(rough) - best <= rough.dual_gap_ + 1e-12 * best
    assert rough.dual_gap_ <= rough.eps_ / N == pytest.approx(1e-2 * ((Y - Y.mean(axis=0)) ** 2).sum() / N)


def test_a_factor_divides_the_column_and_may_be_zero_or_infinite():
    factor = np.array([0.5, 1.0, 2.0, 4.0, 1.0, 0.0, np.inf, 1.0])
    fitted = MultiTaskLasso(alpha=0.3, penalty_factor=factor, **TIGHT).fit(X, Y)
    assert (fitted.coef_[:, 6] == 0).all() and (fitted.coef_[:, 5] != 0).all()
    kept = np.isfinite(factor)
    assert_same_model_on_kept(fitted, kept, MultiTaskLasso(alpha=0.3, penalty_factor=factor[kept], **TIGHT))
    scale = np.array([0.5, 1.0, 2.0, 4.0, 1.0, 1.0, 1.0, 1.0])
    divided = theirs(MultiTaskLasso, alpha=0.3).fit(X / scale, Y)
    by_factor = MultiTaskLasso(alpha=0.3, penalty_factor=scale, **TIGHT).fit(X, Y)
    assert_allclose(by_factor.coef_, divided.coef_ / scale, rtol=1e-5, atol=1e-7)


def assert_same_model_on_kept(fitted, kept, model):
    rest = model.fit(X[:, kept], Y)
    assert_allclose(fitted.coef_[:, kept], rest.coef_, rtol=1e-5, atol=1e-7)
    assert_allclose(fitted.intercept_, rest.intercept_, rtol=1e-6)


def test_an_unpenalised_feature_is_fitted_by_least_squares_at_any_alpha():
    factor = np.ones(P)
    factor[2] = 0.0
    fitted = MultiTaskLasso(alpha=1e6, penalty_factor=factor, **TIGHT).fit(X, Y)
    least_squares = sklearn.linear_model.LinearRegression().fit(X[:, [2]], Y)
    assert_allclose(fitted.coef_[:, 2], least_squares.coef_[:, 0], rtol=1e-6)
    assert_array_equal(np.delete(fitted.coef_, 2, axis=1), 0.0)


@pytest.mark.parametrize("form", [np.asarray, sparse.csc_matrix], ids=["dense", "sparse"])
def test_standardize_penalises_the_coefficients_of_standardised_columns(form):
    scaler = StandardScaler().fit(X, sample_weight=WEIGHT)
    expected = MultiTaskElasticNet(alpha=0.3, **TIGHT).fit(scaler.transform(X), Y, sample_weight=WEIGHT)
    fitted = MultiTaskElasticNet(alpha=0.3, standardize=True, **TIGHT).fit(form(X), Y, sample_weight=WEIGHT)
    assert_allclose(fitted.coef_, expected.coef_ / scaler.scale_, rtol=1e-5, atol=1e-7)
    assert_allclose(fitted.predict(X), expected.predict(scaler.transform(X)), rtol=1e-6)


def test_columns_may_be_named_and_names_are_checked():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdefgh"))
    fitted = MultiTaskLasso(alpha=1e6, penalty_factor={"c": 0.0}).fit(frame, Y)
    assert list(frame.columns[(fitted.coef_ != 0).all(axis=0)]) == ["c"]
    assert list(fitted.feature_names_in_) == list("abcdefgh")
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[list("hgfedcba")])


def test_a_warm_start_hands_the_last_coefficients_to_the_solver(monkeypatch):
    starts = []
    solve = regularize.estimators.multi_task.squared_loss_path

    def watched(*args, coef_init, **options):
        starts.append(coef_init)
        return solve(*args, coef_init=coef_init, **options)

    monkeypatch.setattr("regularize.estimators.multi_task.squared_loss_path", watched)
    model = MultiTaskLasso(alpha=0.3, warm_start=True, **TIGHT).fit(X, Y)
    first = model.coef_
    kept = first.copy()
    model.set_params(alpha=0.2).fit(X, Y)
    assert starts[0] is None
    assert_array_equal(starts[1], kept)
    assert_array_equal(first, kept)
    assert_allclose(model.coef_, MultiTaskLasso(alpha=0.2, **TIGHT).fit(X, Y).coef_, rtol=1e-5, atol=1e-7)
    with pytest.raises(ValueError, match=r"coef_ \(warm_start=True\) of MultiTaskLasso must have shape \(2, 8\)"):
        model.fit(X, Y[:, :2])


def test_what_did_not_converge_is_told_once(monkeypatch):
    solve = regularize.estimators.multi_task.squared_loss_path

    def unfinished(*args, **options):
        return dataclasses.replace(solve(*args, **options), converged=np.array([False]), dual_gaps=np.array([0.125]))

    monkeypatch.setattr("regularize.estimators.multi_task.squared_loss_path", unfinished)
    with pytest.warns(ConvergenceWarning) as caught:
        fitted = MultiTaskLasso(alpha=0.25).fit(X, Y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert message.startswith("Objective did not converge. You might want to increase the number of iterations")
    assert "Duality gap: 1.250e-01, tolerance: " in message and message.endswith("alpha: 0.25")
    assert fitted.converged_ is False and fitted.dual_gap_ == 0.125


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_fit_that_converges_is_silent(alpha):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiTaskLasso(alpha=alpha).fit(X, Y)


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (MultiTaskLasso(), {"y": Y[:, 0]}, "For mono-task outputs, use Lasso. MultiTaskLasso takes y of shape"),
        (MultiTaskElasticNet(), {"y": Y[:, 0]}, "For mono-task outputs, use ElasticNet. "),
        (MultiTaskLasso(), {"y": Y[:20]}, "inconsistent numbers of samples"),
        (MultiTaskLasso(), {"y": np.where(Y > 2, np.nan, Y)}, "Input y contains NaN"),
        (MultiTaskLasso(), {"X": np.where(X > 2, np.inf, X)}, "Input X contains infinity"),
        (MultiTaskLasso(), {"sample_weight": -WEIGHT}, "Negative values in data passed to `sample_weight`"),
        (MultiTaskLasso(), {"sample_weight": np.ones(3)}, r"sample_weight.shape == \(3,\), expected \(30,\)!"),
        (MultiTaskLasso(alpha=-1), {}, r"The 'alpha' parameter of MultiTaskLasso must be a float in the range \[0.0"),
        (MultiTaskElasticNet(l1_ratio=2), {}, "The 'l1_ratio' parameter of MultiTaskElasticNet"),
        (MultiTaskLasso(max_iter=0), {}, "The 'max_iter' parameter"),
        (MultiTaskLasso(tol=-1.0), {}, "The 'tol' parameter"),
        (MultiTaskLasso(selection="x"), {}, "The 'selection' parameter"),
        (MultiTaskLasso(penalty_factor=[1.0]), {}, r"The 'penalty_factor' parameter of MultiTaskLasso must have shape"),
        (MultiTaskLasso(penalty_factor={"a": 1.0}), {}, "'penalty_factor' parameter .* is a dict by column name"),
    ],
)
def test_bad_arguments_are_refused_by_name_before_any_work(model, changes, message, monkeypatch):
    monkeypatch.setattr("regularize.estimators.base.make_design", None)  # any work would raise TypeError
    with pytest.raises(ValueError, match=message):
        model.fit(**{"X": X, "y": Y, **changes})
    assert not hasattr(model, "n_features_in_")


def test_sparse_targets_are_refused():
    with pytest.raises(TypeError, match="Sparse data was passed for y"):
        MultiTaskLasso().fit(X, sparse.csr_matrix(Y))


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(error, monkeypatch):
    model = MultiTaskLasso().fit(X, Y)
    before = dict(vars(model))

    def fail(*_, **__):
        raise error

    monkeypatch.setattr("regularize.estimators.multi_task.squared_loss_path", fail)
    with pytest.raises(error):
        model.fit(X[:, :5], Y)
    assert vars(model) == before


def test_a_ctrl_c_that_the_solver_survived_ends_the_fit(monkeypatch):
    solve = regularize.estimators.multi_task.squared_loss_path

    def interrupted(*args, **options):
        return dataclasses.replace(solve(*args, **options), interrupted=True)

    monkeypatch.setattr("regularize.estimators.multi_task.squared_loss_path", interrupted)
    with pytest.raises(KeyboardInterrupt):
        MultiTaskLasso().fit(X, Y)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_that_is_passed_is_modified(layout):
    features, targets, weight = LAYOUTS[layout](X.copy()), Y.copy(), WEIGHT.copy()
    MultiTaskElasticNet(copy_X=False).fit(features, targets, sample_weight=weight)
    assert_array_equal(features.toarray() if sparse.issparse(features) else features, X)
    assert_array_equal(targets, Y)
    assert_array_equal(weight, WEIGHT)


def test_a_copy_by_pickle_or_clone_is_equal():
    fitted = MultiTaskLasso(alpha=0.1, penalty_factor=np.arange(8.0)).fit(X, Y)
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))
    copied = clone(fitted)
    assert not hasattr(copied, "coef_")
    assert_array_equal(copied.fit(X, Y).coef_, fitted.coef_)


def test_it_works_in_pipelines_and_searches_and_weights_are_routed():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MultiTaskElasticNet()), {"multitaskelasticnet__alpha": [0.01, 100.0]}, cv=3
    ).fit(X, Y)
    assert search.best_params_ == {"multitaskelasticnet__alpha": 0.01}
    with sklearn.config_context(enable_metadata_routing=True):
        model = MultiTaskLasso(alpha=0.1).set_fit_request(sample_weight=True)
        routed = make_pipeline("passthrough", model)
        routed.fit(X, Y, sample_weight=WEIGHT)
        assert model.get_metadata_routing().fit.requests == {"sample_weight": True}
    assert_array_equal(routed[-1].coef_, MultiTaskLasso(alpha=0.1).fit(X, Y, sample_weight=WEIGHT).coef_)


def test_a_fit_is_one_task_of_the_callbacks():
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")
    events = []

    class Recorder:
        def setup(self, estimator, context):
            events.append("setup")

        def teardown(self, estimator, context):
            events.append("teardown")

        def on_fit_task_begin(self, estimator, context):
            events.append(f"begin {context.task_name} of {context.max_subtasks}")

        def on_fit_task_end(self, estimator, context):
            events.append(f"end {context.task_name}")

    MultiTaskLasso().set_callbacks(Recorder()).fit(X, Y)
    assert events == ["setup", "begin fit of 0", "end fit", "teardown"]
