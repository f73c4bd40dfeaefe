"""alpha_from_prior: the estimators' coefficients are the most probable ones, as a general optimiser finds them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

from regularize import ElasticNet, Lasso, Ridge, alpha_from_prior, prior_from_alpha

NOISE_VARIANCE = 1.7
GAUSSIAN, LAPLACE = 0.4, 0.15  # scales


def data(n=25, p=3):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p)) * [1.0, 0.5, 2.0] + [0.0, 1.0, -1.0]
    return X, X @ [1.0, 0.0, -0.5] + 2.0 + rng.standard_normal(n), rng.uniform(0.2, 3.0, n)


def most_probable(log_prior, X, y, weights):
    """Coefficients at the largest posterior density; the log densities are scipy's."""

    def minus_log_posterior(parameters):
        w, b = parameters[:-1], parameters[-1]
        noise = np.sqrt(NOISE_VARIANCE / weights)
        return -np.sum(stats.norm.logpdf(y, X @ w + b, noise)) - np.sum(log_prior(w))

    # Searches along lines: they do not mind the kinks of the Laplace density.
    options = {"xtol": 1e-10, "ftol": 1e-15, "maxiter": 10_000}
    found = optimize.minimize(minus_log_posterior, np.zeros(X.shape[1] + 1), method="Powell", options=options)
    assert found.success
    return found.x[:-1]


def gaussian(w):
    return stats.norm.logpdf(w, 0, GAUSSIAN)


def laplace(w):
    return stats.laplace.logpdf(w, 0, LAPLACE)


def product(w):
    return gaussian(w) + laplace(w)


def elastic_net_of_the_product(total):
    """Both parts of the penalty, each from its own scale: alpha times l1_ratio, and alpha times 1 - l1_ratio."""
    l1 = alpha_from_prior(NOISE_VARIANCE, LAPLACE, total, "laplace", model="lasso")
    l2 = alpha_from_prior(NOISE_VARIANCE, GAUSSIAN, total, model="elastic_net")
    ratio = l1 / (l1 + l2)
    by_each = [
        alpha_from_prior(NOISE_VARIANCE, scale, total, prior, model="elastic_net", l1_ratio=ratio)
        for prior, scale in (("laplace", LAPLACE), ("gaussian", GAUSSIAN))
    ]
    assert_allclose(by_each, l1 + l2, rtol=1e-14)
    return ElasticNet(alpha=l1 + l2, l1_ratio=ratio, tol=1e-14)


MODELS = {
    "Ridge": (gaussian, lambda total: Ridge(alpha=alpha_from_prior(NOISE_VARIANCE, GAUSSIAN, total))),
    "Lasso": (
        laplace,
        lambda total: Lasso(alpha=alpha_from_prior(NOISE_VARIANCE, LAPLACE, total, "laplace"), tol=1e-14),
    ),
    "ElasticNet, l1_ratio=0": (
        gaussian,
        lambda total: ElasticNet(
            alpha=alpha_from_prior(NOISE_VARIANCE, GAUSSIAN, total, model="elastic_net"), l1_ratio=0, tol=1e-14
        ),
    ),
    "ElasticNet": (product, elastic_net_of_the_product),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_estimator_finds_the_most_probable_coefficients(name, is_weighted):
    X, y, weights = data()
    weights = weights if is_weighted else np.ones_like(y)
    log_prior, estimator = MODELS[name]
    model = estimator(weights.sum()).fit(X, y, weights if is_weighted else None)
    assert_allclose(model.coef_, most_probable(log_prior, X, y, weights), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_standardize_puts_the_prior_on_the_coefficients_of_standardised_columns(name):
    X, y, weights = data()
    mean = np.average(X, axis=0, weights=weights)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    log_prior, estimator = MODELS[name]
    model = estimator(weights.sum()).set_params(standardize=True).fit(X, y, weights)
    expected = most_probable(lambda w: log_prior(w * deviation), X, y, weights)
    assert_allclose(model.coef_, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_a_penalty_factor_changes_the_scale_of_its_feature(name):
    X, y, weights = data()
    factor = np.array([0.5, 4.0, 1.0])
    log_prior, estimator = MODELS[name]
    model = estimator(weights.sum()).set_params(penalty_factor=factor).fit(X, y, weights)

    def scaled(w):
        return sum(
            f * part(w_j)  # up to a constant, the density of the scale divided by the factor, or by its root
            for part in ((gaussian, laplace) if log_prior is product else (log_prior,))
            for f, w_j in zip(factor, w, strict=True)
        )

    assert_allclose(model.coef_, most_probable(scaled, X, y, weights), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        dict(prior="gaussian"),
        dict(prior="gaussian", model="ridge"),
        dict(prior="gaussian", model="elastic_net"),
        dict(prior="gaussian", model="elastic_net", l1_ratio=0.3),
        dict(prior="laplace"),
        dict(prior="laplace", model="elastic_net", l1_ratio=0.3),
    ],
)
def test_one_is_the_inverse_of_the_other(options):
    scales = np.array([1e-150, 1e-3, 1.0, 1e100, np.inf])
    alphas = alpha_from_prior(2.5, scales, 40, **options)
    assert alphas[-1] == 0
    assert_allclose(prior_from_alpha(alphas, 2.5, 40, **options), scales, rtol=1e-14)


def test_there_is_one_alpha_per_target():
    alphas = alpha_from_prior([1.0, 2.0], [0.5, 0.25])
    assert_allclose(alphas, [4.0, 32.0])
    assert isinstance(alpha_from_prior(np.float32(1), 2), float)
    assert isinstance(prior_from_alpha(np.float64(1), 2), float)


@pytest.mark.parametrize("function", [alpha_from_prior, prior_from_alpha])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(prior="cauchy"), "'prior' parameter .* must be a str among"),
        (dict(prior="laplace", model="ridge"), "the prior of model='ridge' is not 'laplace'"),
        (dict(prior="gaussian", model="lasso", n_samples=3), "the prior of model='lasso' is not 'gaussian'"),
        (dict(model="logistic"), "'model' parameter"),
        (dict(prior="laplace"), "needs n_samples"),
        (dict(model="elastic_net"), "needs n_samples"),
        (dict(model="elastic_net", n_samples=0), "'n_samples' parameter"),
        (dict(model="elastic_net", n_samples=np.inf), "'n_samples' parameter"),
        (dict(l1_ratio=0.5), "l1_ratio belongs to model='elastic_net'"),
        (dict(model="elastic_net", n_samples=3, l1_ratio=1.5), "'l1_ratio' parameter"),
        (dict(model="elastic_net", n_samples=3, l1_ratio=1), "l1_ratio=1 has no 'gaussian' prior"),
        (dict(prior="laplace", model="elastic_net", n_samples=3, l1_ratio=0.0), "l1_ratio=0 has no 'laplace' prior"),
    ],
)
def test_impossible_choices_are_refused_by_name(function, options, message):
    with pytest.raises(ValueError, match=message):
        function(1.0, 1.0, **options)


@pytest.mark.parametrize("value", [0, -1.0, np.nan, "1", None, [1.0, 0.0], [], [[1.0], [1.0, 2.0]], True])
def test_scales_and_variances_are_positive(value):
    with pytest.raises(ValueError, match="'prior_scale' parameter of alpha_from_prior must be positive"):
        alpha_from_prior(1.0, value)
    for function in (alpha_from_prior, prior_from_alpha):
        variance = {"noise_variance": value}
        with pytest.raises(ValueError, match="'noise_variance' parameter"):
            function(**variance, **({"prior_scale": 1.0} if function is alpha_from_prior else {"alpha": 1.0}))


@pytest.mark.parametrize("alpha", [-1.0, np.nan, np.inf, "1", [1.0, -1.0]])
def test_alphas_are_not_negative_and_finite(alpha):
    with pytest.raises(ValueError, match="'alpha' parameter of prior_from_alpha must be non-negative and finite"):
        prior_from_alpha(alpha, 1.0)
    assert prior_from_alpha(0, 1.0) == np.inf


@pytest.mark.parametrize(("variance", "scale"), [(1.0, 1e-200), (1e300, [1.0, 1e-20])])
def test_an_alpha_that_overflows_is_refused(variance, scale):
    with pytest.raises(ValueError, match="alpha overflows"):
        alpha_from_prior(variance, scale)
