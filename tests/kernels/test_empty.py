"""Arrays without an entry pass through every kernel: in a process of its own, since a kernel that errs kills it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import numpy as np
from regularize.kernels import block_descent, blocks, column_products, descent, gram, krylov, products, quadratic
from regularize.kernels import row_products, row_runs, scan

floats, ints = (lambda *shape: np.zeros(shape)), (lambda *shape: np.zeros(shape, dtype=np.int64))
fortran = lambda *shape: np.zeros(shape, order="F")
for n in (0, 1, 3):
    for p in (0, 1, 3):
        for m in (0, p):
            X, columns = fortran(n, p), np.arange(m)
            column_products.moments(X=X, weights=floats(n), first=0, mean=floats(p), norm=floats(p))
            for t in (0, 1, 2):
                products.dense_dots(X=X, columns=columns, V=floats(t, n), out=floats(t, m))
                column_products.stretch(X=X, V=floats(t, n), first=0, out=floats(t, m))
            products.dense_combination(X=X, coef=floats(p), out=floats(n))
            column_products.gather(X=X, columns=columns, root_weights=floats(n), centre=floats(p),
                                   inverse_scale=floats(p), out=fortran(n, m))
            column_products.grams_of_runs(Z=X, bounds=np.array([0, m]), out=floats(m * m))
            rows = floats(n, p)
            row_products.moments(X=rows, weights=floats(n), first=0, mean=floats(p), norm=floats(p))
            for t in (0, 1, 2):
                row_products.stretch(X=rows, V=floats(t, n), first=0, out=floats(t, m))
                row_products.listed(X=rows, columns=columns, V=floats(t, n), out=floats(t, m))
            row_products.gather(X=rows, columns=columns, root_weights=floats(n), centre=floats(p),
                                inverse_scale=floats(p), out=fortran(n, m))
            for Z in (floats(n, p), X):
                gram.add_gram(Z=Z, gram=floats(p, p), first=0, last=m)
            gram.mirror(gram=floats(p, p), first=0)
            krylov.advance(solutions=floats(n, p), directions=floats(n, p), gradient=floats(n), steps=floats(m),
                           momenta=floats(m))
            csc = dict(data=floats(0), indices=ints(0), indptr=ints(p + 1))
            products.csc_moments(**csc, weights=floats(n), first=0, mean=floats(p), norm=floats(p))
            for t in (0, 1, 2):
                products.csc_dots(**csc, columns=columns, V=floats(t, n), out=floats(t, m))
            products.csc_combination(**csc, coef=floats(p), out=floats(n))
            row_runs.RowRuns(n).extend(data=floats(0), rows=ints(0), indptr=ints(p + 1), offsets=floats(p),
                                       gram=floats(p, p))
            penalty = dict(curvature=floats(p), l1=floats(p), l2=floats(p), lower=floats(p), upper=floats(p))
            state = dict(coef=floats(p), residual=floats(n), alpha=1.0, active_only=False)
            descent.dense_sweep(Z=X, **state, **penalty)
            descent.csc_sweep(data=floats(0), rows=ints(0), indptr=ints(p + 1), offsets=floats(p), **state, **penalty)
            for k in (0, 2):
                scan.spans(known=floats(k, n), products=floats(k, k), residuals=floats(2, n), parallel=1e-12,
                           pairs=np.zeros((2, 2), dtype=np.intp), shares=floats(2, 2), distances=floats(2))
            boxes = dict(l1=floats(p), lower=floats(p), upper=floats(p))
            flags = dict(skip=np.zeros(p, dtype=np.uint8), exceeds=np.zeros(p, dtype=np.uint8))
            for k in (0, 2):
                spans = dict(pairs=np.zeros((k, 2), dtype=np.intp), shares=floats(k, 2), distances=floats(k),
                             alphas=floats(k))
                scan.exceeding(known=floats(1, p), **spans, norms=floats(p), **boxes, **flags)
                for t in (0, 1):
                    blocks_of_one = dict(norm=floats(p), starts=np.arange(p + 1), indices=np.arange(p))
                    scan.exceeding_blocks(known=floats(1, t, p), **spans, radii=floats(p), **boxes, **blocks_of_one,
                                          **flags)
                    scan.critical_alphas(floats(k, t, p), **boxes, **blocks_of_one, alphas=floats(k, p))
            del penalty["curvature"]
            problem = dict(gram=floats(p, p), response=floats(p), **penalty, correlations=floats(p), coef=floats(p),
                           response_norm=0.0, tolerance=0.0, max_iter=10)
            quadratic.QuadraticSolver().solve(**problem, alpha=1.0)
            for k in (0, 2):
                quadratic.QuadraticSolver().solve_path(**problem, alphas=floats(k), first=0, coefs=floats(k, p),
                                                       n_iters=ints(k), is_knot=np.zeros(k, dtype=np.uint8))
            groups = dict(starts=np.arange(p + 1), norm=floats(p), **penalty)
            for t in (1, 2):
                changed = dict(response=floats(p, t), correlations=floats(p, t), coef=floats(p, t))
                for k in (0, 2):
                    blocks.BlockSolver().solve_path(**{**problem, **groups, **changed}, alphas=floats(k), first=0,
                                                    coefs=floats(k, p, t), n_iters=ints(k),
                                                    is_knot=np.zeros(k, dtype=np.uint8))
                clusters = dict(cluster=np.zeros(p, dtype=np.intp), first=np.unique([0, p]), places=ints(min(p, 1)),
                                grams=floats(p * p), curvature=floats(p))
                rounds = block_descent.BlockDescent(n, t, 1.0, **groups, **clusters)
                state = dict(known=floats(p, t), chosen=np.ones(p, dtype=np.uint8), start=floats(t, n),
                             coef=floats(p, t), residual=floats(t, n), n_sweeps=2, combined=True)
                rounds.dense_round(Z=X, **state)
                rounds.csc_round(data=floats(0), rows=ints(0), indptr=ints(p + 1), offsets=floats(p),
                                   root_weights=floats(n), **state)
print("alive")
"""


@pytest.mark.parametrize("build", ["", "baseline"])
def test_the_interpreter_survives_empty_arrays_in_every_kernel(build, monkeypatch):
    monkeypatch.setenv("REGULARIZE_KERNELS", build)
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert done.stdout == "alive\n", done.stderr
    assert done.returncode == 0


def test_sparse_products_of_nothing_are_zero():
    from regularize.kernels import products

    nothing = dict(data=np.zeros(0), indices=np.zeros(0, dtype=np.int32), indptr=np.zeros(4, dtype=np.int32))
    out, mean, norm = np.full((2, 3), np.nan), np.full(3, np.nan), np.full(3, np.nan)
    products.csc_dots(**nothing, columns=np.arange(3), V=np.ones((2, 5)), out=out)
    products.csc_moments(**nothing, weights=np.full(5, 0.2), first=0, mean=mean, norm=norm)
    assert not (out.any() or mean.any() or norm.any())


@pytest.mark.parametrize("name", ["Z", "coef", "residual"])
def test_none_in_place_of_an_array_is_a_type_error(name):
    from regularize.kernels import descent

    arguments = dict(Z=np.zeros((2, 1), order="F"), coef=np.zeros(1), residual=np.zeros(2))
    arguments |= dict.fromkeys(("curvature", "l1", "l2", "lower", "upper"), np.zeros(1))
    with pytest.raises(TypeError):
        descent.dense_sweep(**{**arguments, name: None}, alpha=1.0, active_only=False)
