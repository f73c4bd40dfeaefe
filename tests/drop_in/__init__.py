"""scikit-learn's own tests, run with regularize's estimators and path functions in place of its own."""
