"""The examples of the public docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import warnings

import pytest

MODULES = [
    "regularize.paths",
    "regularize.grids",
    "regularize.group_paths",
    "regularize.displays",
    "regularize.path_search",
    "regularize.priors",
    "regularize.proximal",
    "regularize.proximal.gradient_method",
    "regularize.proximal.groups",
    "regularize.proximal.operators",
    "regularize.proximal.penalties",
    "regularize.ridge_paths",
    "regularize.estimators.base",
    "regularize.estimators.base_cv",
    "regularize.estimators.elastic_net",
    "regularize.estimators.elastic_net_cv",
    "regularize.estimators.information_criterion",
    "regularize.estimators.base_ridge_cv",
    "regularize.estimators.cv_routing",
    "regularize.estimators.ridge_cv",
    "regularize.estimators.ridge_classifier_cv",
    "regularize.estimators.ridge",
    "regularize.estimators.ridge_classifier",
    "regularize.estimators.group_lasso",
    "regularize.estimators.group_lasso_cv",
    "regularize.estimators.sparse_group_lasso",
    "regularize.estimators.sparse_group_lasso_cv",
    "regularize.estimators.multi_task",
    "regularize.estimators.multi_task_cv",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    module = importlib.import_module(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 0
    assert failed == 0
