"""The rules that select an alpha."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from regularize import selection

ALPHAS = np.array([4.0, 3.0, 2.0, 1.0])


def test_the_standard_error_is_that_of_the_mean_over_folds():
    mean, error = selection.mean_and_standard_error(np.array([[1.0, 2.0, 6.0]]))
    assert_allclose(mean, [3.0])
    assert_allclose(error, [np.sqrt((4 + 1 + 9) / 2) / np.sqrt(3)])


def test_min_takes_the_larger_of_equally_good_alphas():
    errors = np.array([[3.0, 3.0], [1.0, 3.0], [2.0, 2.0], [4.0, 4.0]])
    assert selection.select("min", ALPHAS, errors) == 1


def test_1se_takes_the_largest_alpha_within_one_standard_error_of_the_smallest_mean():
    errors = np.array([[9.0, 9.0], [2.9, 3.0], [1.0, 3.0], [2.5, 2.5]])  # 2 +- 1 at alpha = 2
    assert selection.select("1se", ALPHAS, errors) == 1
    errors[1] += 0.1
    assert selection.select("1se", ALPHAS, errors) == 2


def test_1se_may_pass_over_a_worse_alpha_in_between():
    errors = np.array([[3.0, 3.0], [9.0, 9.0], [1.0, 3.0], [2.5, 2.5]])
    assert selection.select("1se", ALPHAS, errors) == 0


def test_a_mean_of_nan_is_never_taken():
    errors = np.array([[np.nan, 0.0], [5.0, 5.0], [4.0, 4.5], [np.nan, np.nan]])
    assert selection.select("min", ALPHAS, errors) == 2
    with pytest.raises(ValueError, match="NaN for every alpha"):
        selection.select("min", ALPHAS, np.full((4, 2), np.nan))


@pytest.mark.parametrize("answer", [4, -1, 1.0, None])
def test_a_rule_must_return_an_index(answer):
    with pytest.raises(ValueError, match=r"selection_rule must return an index in the range \[0, 4\)"):
        selection.select(lambda alphas, errors: answer, ALPHAS, np.zeros((4, 2)))
