"""Groups of features and their penalty: what is accepted, what it becomes, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from regularize.validation import InvalidParameterError, Shares, check_parameters, make_group_penalty

NAMES = ["a", "b", "c", "d", "e"]
LASSO = Shares.group_elastic_net(1.0)


def penalty(groups, weights=None, shares=LASSO, **options):
    return make_group_penalty("GroupLasso", 5, shares, groups=groups, group_weights=weights, **options)


FORMS = {
    "labels": [7, 7, 1, 1, 1],
    "labels as an array": np.array([7, 7, 1, 1, 1]),
    "strings": ["z", "z", "y", "y", "y"],
    "an array of strings": np.array(["z", "z", "y", "y", "y"]),
    "floats": (0.5, 0.5, -1.0, -1.0, -1.0),
    "lists": [[0, 1], [2, 3, 4]],
    "lists in any order": [(1, 0), np.array([4, 2, 3])],
    "ranges": [range(2), range(2, 5)],
    "sets": [{0, 1}, {2, 3, 4}],
    "names": [["a", "b"], ["c", "d", "e"]],
    "names and positions": [["a", 1], ["c", 3, "e"]],
    "dict": {"first": [0, 1], "second": [2, 3, 4]},
    "dict of names": {"first": ["a", "b"], "second": np.array(["c", "d", "e"])},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_means_the_same_groups(form):
    groups = penalty(FORMS[form], columns=NAMES).groups
    assert_array_equal(groups.labels, [0, 0, 1, 1, 1])
    assert_array_equal(groups.members(np.array([1])), [2, 3, 4])


@pytest.mark.parametrize("container", ["Series", "Categorical", "Index"])
def test_labels_may_come_from_pandas(container):
    pandas = pytest.importorskip("pandas")
    labels = getattr(pandas, container)(["z", "z", "y", "y", "y"])
    assert_array_equal(penalty(labels).groups.labels, [0, 0, 1, 1, 1])


def test_an_int_is_the_size_of_consecutive_groups():
    assert_array_equal(penalty(5).groups.labels, np.zeros(5))
    assert_array_equal(penalty(np.int64(1)).groups.labels, np.arange(5))
    assert_array_equal(make_group_penalty("GroupLasso", 6, LASSO, groups=2).groups.labels, [0, 0, 1, 1, 2, 2])


def test_groups_are_in_the_order_of_the_user_and_their_features_in_that_of_the_data():
    assert_array_equal(penalty(["q", "p", "q", "p", "a"]).groups.labels, [0, 1, 0, 1, 2])
    assert_array_equal(penalty([[4], [3, 0], [1, 2]]).groups.labels, [1, 2, 2, 1, 0])
    assert_array_equal(penalty([[4], [3, 0], [1, 2]]).groups.indices, [4, 0, 3, 1, 2])


def test_an_integer_is_a_position_even_if_columns_are_named_by_integers():
    groups = [[0, 1], [2, 3, 4]]
    assert_array_equal(penalty(groups, columns=[4, 3, 2, 1, 0]).groups.labels, [0, 0, 1, 1, 1])


def test_a_name_may_be_anything_that_is_no_integer():
    columns = [("a", 1), ("a", 2), None, 0.5, "e"]
    assert_array_equal(penalty([columns[:2], columns[2:]], columns=columns).groups.labels, [0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (2, "must divide the number of features if it is a size: 5 is no multiple of 2"),
        (10, "5 is no multiple of 10"),
        ([1, 1, 2], "must have one label per feature, 5 of them. Got 3"),
        ([], "must have one label per feature"),
        (["x", None, "x", "x", "x"], "has no label for feature 'b': None"),
        ([0.0, 0.0, np.nan, 1.0, 1.0], "has no label for feature 'c': nan"),
        ([1, 1, SimpleNamespace(), 2, 2], "must hold hashable labels. Got namespace() for feature 'c'"),
        ([[0, 1], 2, 3, 4], "must hold lists of features or labels, not both. Got [0, 1] and 2"),
        ([[0, 1], [3, 4]], "must hold every feature once. These are in no group: feature 'c'"),
        ([[0]], "These are in no group: feature 'b', feature 'c', feature 'd', feature 'e'"),
        ({}, "These are in no group: feature 'a', feature 'b', feature 'c', feature 'd', feature 'e'."),
        ([[0, 1, 2], [2, 3, 4]], "These are listed more than once: feature 'c'"),
        ([[0, 1], [2, 3, 3, 4]], "These are listed more than once: feature 'd'"),
        ({"u": ["a", "b"], "v": ["b", 0, "c", "d", "e"]}, "listed more than once: feature 'a', feature 'b'"),
        ([[0, 1], [2, 3, 5]], "must hold positions from 0 to 4. Got 5 in group 1"),
        ([[0, 1], [2, 3, -1]], "must hold positions from 0 to 4. Got -1 in group 1"),
        ([["a", "b"], ["c", "d", "z"]], "must hold columns of X. Got 'z' in group 1"),
        ([[0.0, 1.0], [2.0, 3.0, 4.0]], "must hold columns of X. Got 0.0 in group 0"),
        ([[0, 1], [2, 3, [4]]], "must hold columns of X. Got [4] in group 1"),
        ([[True, True, False, False, False], [False, False, True, True, True]], "columns of X. Got True in group 0"),
        ([[0, 1], np.array([2, 3, 4]) > 2], "must hold columns of X. Got "),
        ({"u": ["a", "b", "c", "d", "e"], "v": []}, "must hold no empty group. Group 'v' is empty"),
        ({"u": "abcde"}, "must map each group to a list of features. Got 'abcde' for group 'u'"),
        ({"a": 0, "b": 0, "c": 1, "d": 1, "e": 1}, "must map each group to a list of features. Got 0 for group 'a'"),
    ],
)
def test_what_is_no_partition_is_refused_by_name(groups, message):
    with pytest.raises(InvalidParameterError) as error:
        penalty(groups, columns=NAMES)
    assert str(error.value).startswith("The 'groups' parameter of GroupLasso ")
    assert message in str(error.value)


def test_a_mask_is_refused_even_if_columns_are_called_0_and_1():
    with pytest.raises(ValueError, match="must hold columns of X. Got True in group 1"):
        make_group_penalty("GroupLasso", 2, LASSO, groups=[[1], [True]], columns=[0, 1])


def test_of_many_features_the_first_are_named():
    with pytest.raises(ValueError, match=r"feature 2, feature 3, feature 4, feature 5, feature 6 and 193 more\."):
        make_group_penalty("GroupLasso", 200, LASSO, groups=[[0, 1]])


def test_names_without_a_data_frame_are_refused():
    with pytest.raises(
        ValueError, match="positions, for X is not a data frame with column names. Got 'a' in group 'u'"
    ):
        penalty({"u": ["a", "b"], "v": ["c", "d", "e"]})


def test_what_pandas_has_for_missing_is_no_label():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="has no label for feature 1"):
        penalty(pandas.array([1, None, 1, 2, 2], dtype="Int64"))


@pytest.mark.parametrize("groups", [0, -1, 1.5, True, "a", None, np.array(2)])
def test_what_cannot_be_groups_is_refused_first(groups):
    with pytest.raises(InvalidParameterError, match="'groups' parameter of it must be an int in the range"):
        check_parameters("it", {"groups": groups})


@pytest.mark.parametrize("weights", [1.0, "a", np.array(2.0)])
def test_what_cannot_be_weights_is_refused_first(weights):
    with pytest.raises(InvalidParameterError, match="'group_weights' parameter of it must be an array-like, a dict"):
        check_parameters("it", {"group_weights": weights})


class TestWeights:
    """Weights of the groups."""

    @pytest.mark.parametrize(
        ("groups", "weights", "expected"),
        [
            ([1, 1, 0, 0, 0], None, [2**0.5, 3**0.5]),
            ([1, 1, 0, 0, 0], [4, 0.5], [4.0, 0.5]),
            ([1, 1, 0, 0, 0], {0: 5.0}, [2**0.5, 5.0]),
            ([1, 1, 0, 0, 0], {}, [2**0.5, 3**0.5]),
            (["u", "u", "v", "v", "v"], {"v": 1, "u": 2}, [2.0, 1.0]),
            ([[0, 1], [2, 3, 4]], {1: 0.0}, [2**0.5, 0.0]),
            ({"u": [2, 3], "v": [0, 1, 4]}, {"v": 7.0}, [2**0.5, 7.0]),
            (1, {3: 9.0}, [1.0, 1.0, 1.0, 9.0, 1.0]),
        ],
    )
    def test_they_are_in_the_order_of_the_groups_or_by_name(self, groups, weights, expected):
        assert_allclose(penalty(groups, weights).norm, expected, rtol=1e-15)

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1.0], "must have shape (2,), one entry per group. Got (1,)"),
            ([1.0, -1.0], "must be in the range [0.0, inf]. Got -1.0 for group 'v'"),
            ([np.nan, 1.0], "must be in the range [0.0, inf]. Got nan for group 'u'"),
            ({"v": -2.0}, "Got -2.0 for group 'v'"),
            ({"w": 1.0, 0: 1.0}, "names groups that there are not: 'w', 0. The groups are 'u', 'v'."),
            ({"u": [1.0]}, "must map each group to a number"),
            ({"u": "heavy"}, "must hold real numbers"),
            (["light", "heavy"], "must hold real numbers"),
        ],
    )
    def test_bad_ones_are_refused_by_name(self, weights, message):
        with pytest.raises(InvalidParameterError) as error:
            penalty(["u", "u", "v", "v", "v"], weights)
        assert str(error.value).startswith("The 'group_weights' parameter of GroupLasso ")
        assert message in str(error.value)

    def test_an_array_of_the_user_is_not_written_to(self):
        weights = np.array([np.inf, 1.0])
        penalty([[0, 1], [2, 3, 4]], weights)
        assert_array_equal(weights, [np.inf, 1.0])


class TestRecord:
    """The penalty that the parameters become."""

    GROUPS = (0, 0, 1, 1, 1)

    def test_the_weights_multiply_norms_and_squares(self):
        record = penalty(self.GROUPS, [2.0, 3.0], Shares.group_elastic_net(0.25))
        assert_array_equal(record.norm, [0.5, 0.75])
        assert_array_equal(record.features.l2, [1.5, 1.5, 2.25, 2.25, 2.25])
        assert_array_equal(record.features.l1, np.zeros(5))

    def test_the_sparse_group_lasso_has_factors_for_single_coefficients(self):
        factor = [1.0, 2.0, 0.0, np.inf, 4.0]
        record = penalty(self.GROUPS, [2.0, 3.0], Shares.sparse_group_lasso(0.25), penalty_factor=factor)
        assert_array_equal(record.norm, [1.5, 2.25])
        assert_array_equal(record.features.l1, [0.25, 0.5, 0.0, 0.0, 1.0])
        assert_array_equal(record.features.excluded, [False, False, False, True, False])
        assert_array_equal(record.features.l2, np.zeros(5))

    def test_an_infinite_weight_excludes_the_group_and_leaves_no_infinity_but_in_open_bounds(self):
        record = penalty(self.GROUPS, [np.inf, 3.0], Shares(norm=0.5, squares=0.25, single=0.25))
        assert_array_equal(record.norm, [0.0, 1.5])
        assert_array_equal(record.features.excluded, [True, True, False, False, False])
        assert_array_equal(record.features.l1, [0.0, 0.0, 0.25, 0.25, 0.25])
        assert_array_equal(record.features.l2, [0.0, 0.0, 0.75, 0.75, 0.75])

    def test_a_group_whose_features_are_all_excluded_has_no_norm(self):
        shares = Shares.sparse_group_lasso(0.5)
        record = penalty(self.GROUPS, None, shares, penalty_factor=[np.inf, np.inf, 1.0, 1.0, np.inf])
        assert_allclose(record.norm, [0.0, 0.5 * 3**0.5])
        record = penalty(self.GROUPS, None, bounds=([0, 0, 0, 0, 0], [0, 0, np.inf, np.inf, 0]))
        assert_allclose(record.norm, [0.0, 3**0.5])

    def test_constraints_of_sign_are_possible_in_every_group(self):
        bounds = ([0, -np.inf, -np.inf, 0, 0], [np.inf, 0, np.inf, 0, np.inf])
        record = penalty(self.GROUPS, bounds=bounds)
        assert_array_equal((record.features.lower, record.features.upper), bounds)
        assert_array_equal(penalty(self.GROUPS, positive=True).features.lower, np.zeros(5))

    @pytest.mark.parametrize("bounds", [(-1.0, None), (None, 2.0), (0.0, 1.0)])
    def test_other_bounds_are_refused_where_a_norm_of_several_features_is_penalised(self, bounds):
        with pytest.raises(InvalidParameterError) as error:
            penalty(self.GROUPS, [0.0, 1.0], bounds=bounds, columns=NAMES)
        assert "The 'bounds' parameter of GroupLasso must be 0 or infinite in a penalised group" in str(error.value)
        assert "for feature 'c'" in str(error.value)

    @pytest.mark.parametrize(
        ("groups", "weights", "shares"),
        [
            (1, None, LASSO),
            ([0, 0, 1, 1, 1], [0.0, 0.0], LASSO),
            ([0, 0, 1, 1, 1], [0.0, np.inf], LASSO),
            ([0, 0, 1, 1, 1], None, Shares.group_elastic_net(0.0)),
            ([0, 0, 1, 1, 1], None, Shares.sparse_group_lasso(1.0)),
        ],
        ids=["groups of one", "unpenalised", "excluded", "ridge", "lasso"],
    )
    def test_any_bounds_are_possible_where_no_norm_of_several_features_is_penalised(self, groups, weights, shares):
        record = penalty(groups, weights, shares, bounds=(-1.0, 2.0))
        kept = ~record.features.excluded
        assert kept[:2].all()
        assert_array_equal(record.features.lower[kept], np.full(kept.sum(), -1.0))

    def test_bounds_without_zero_contradict_an_infinite_weight(self):
        with pytest.raises(ValueError, match="'bounds' .* must contain 0 where group_weights is inf: feature 2"):
            penalty(1, {2: np.inf}, bounds=([0, 0, 1, 0, 0], [2, 2, 2, 2, 2]))

    def test_bounds_without_zero_contradict_an_infinite_factor(self):
        with pytest.raises(ValueError, match="'bounds' .* must contain 0 where penalty_factor is inf: feature 2"):
            penalty(1, penalty_factor=[1, 1, np.inf, 1, 1], bounds=(1.0, 2.0))
