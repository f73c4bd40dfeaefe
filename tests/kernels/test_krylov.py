"""One step of conjugate gradients for all shifts at once against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.kernels.krylov import advance


def state(p, k, seed=0):
    """Vectors of k shifts and the scalars of a step."""
    rng = np.random.default_rng(seed)
    return {
        "solutions": rng.standard_normal((p, k)),
        "directions": rng.standard_normal((p, k)),
        "gradient": rng.standard_normal(p),
        "steps": rng.standard_normal(k),
        "momenta": rng.standard_normal(k),
    }


@pytest.mark.parametrize("p", [0, 1, 7])
@pytest.mark.parametrize("k", [0, 1, 2, 5])
def test_all_shifts_take_their_own_step_along_the_old_direction(p, k):
    given = state(p, k)
    old = {name: array.copy() for name, array in given.items()}
    advance(**given)
    assert_allclose(given["solutions"], old["solutions"] + old["directions"] * old["steps"], rtol=1e-14, atol=1e-15)
    expected = old["gradient"][:, np.newaxis] + old["directions"] * old["momenta"]
    assert_allclose(given["directions"], expected, rtol=1e-14, atol=1e-15)
    for name in ("gradient", "steps", "momenta"):
        assert_array_equal(given[name], old[name])


def test_shifts_that_are_done_stay_where_they_are():
    """They are the last ones: steps are given for the others only."""
    given = state(6, 4)
    old = {name: given[name].copy() for name in ("solutions", "directions")}
    advance(**given | {"steps": given["steps"][:2], "momenta": given["momenta"][:2]})
    for name, array in old.items():
        assert_array_equal(given[name][:, 2:], array[:, 2:])
        assert not np.any(given[name][:, :2] == array[:, :2])


def test_read_only_scalars_and_gradients_will_do():
    given = state(4, 2)
    for name in ("gradient", "steps", "momenta"):
        given[name].flags.writeable = False
    advance(**given)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("solutions", (3, 2)), ("solutions", (4, 1)), ("directions", (3, 2)), ("directions", (4, 1)), ("momenta", (1,))],
)
def test_shapes_that_do_not_fit_are_refused_before_anything_changes(name, shape):
    given = state(4, 2) | {name: np.ones(shape)}
    old = {key: array.copy() for key, array in given.items()}
    with pytest.raises(ValueError, match="shapes do not fit"):
        advance(**given)
    for key, array in old.items():
        assert_array_equal(given[key], array)
