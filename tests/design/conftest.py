"""The design of one matrix in every layout, under every kind of weights, with and without an intercept."""

from __future__ import annotations

import numpy as np
import pytest

from designs import WEIGHTS, exact, example, orthogonal_to, weights_of
from problems import LAYOUTS
from regularize.design import make_design


@pytest.fixture(params=list(LAYOUTS))
def layout(request):
    return request.param


@pytest.fixture(params=WEIGHTS)
def weights(request):
    return weights_of(request.param, 13)


@pytest.fixture(params=[True, False], ids=["intercept", "no intercept"])
def fit_intercept(request):
    return request.param


@pytest.fixture
def design(layout, weights, fit_intercept):
    return make_design(LAYOUTS[layout](example()), weights, fit_intercept=fit_intercept)


@pytest.fixture
def Z(layout, weights, fit_intercept, design):
    Z, _, deviation = exact(LAYOUTS[layout](example()), weights, fit_intercept, design.scale)
    if fit_intercept:
        Z = Z * (deviation > 1e-15)
    return Z.astype(np.float64)


@pytest.fixture
def residual(design):
    return orthogonal_to(design.root_weights)
