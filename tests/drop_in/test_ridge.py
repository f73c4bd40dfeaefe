"""scikit-learn's tests of the same name, in sklearn/linear_model/tests, with ours in place of its own."""

from .substitution import substituted_tests

globals().update(substituted_tests("test_ridge"))
