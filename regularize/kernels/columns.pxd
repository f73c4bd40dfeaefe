"""How the columns of X lie in memory; the values travel beside, as a typed pointer.

Every sum is taken in float64, whatever the type of X.
"""
from cython cimport floating
from libc.stdint cimport int32_t, int64_t

from regularize.kernels.blas cimport dot


cdef struct DenseColumns:                # Fortran order
    Py_ssize_t n_rows

cdef struct CscColumns32:
    const int32_t *indices
    const int32_t *indptr

cdef struct CscColumns64:
    const int64_t *indices
    const int64_t *indptr

ctypedef fused Columns:
    DenseColumns
    CscColumns32
    CscColumns64

ctypedef fused Index:                    # what scipy stores in .indices and .indptr
    int32_t
    int64_t

ctypedef fused Gathered:                 # what columns are copied to
    float
    double

cdef enum:
    BLAS_FROM = 48                       # shorter columns are summed inline: a BLAS call costs more
    LONG = 16                            # entries of a sparse column from which several partial sums pay


cdef inline double column_dot(const floating *X, Columns layout, Py_ssize_t j, const double *v) noexcept nogil:
    """x_j @ v, in four partial sums so that the additions do not wait for each other"""
    cdef Py_ssize_t i, n
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0
    cdef const floating *x
    if Columns is DenseColumns:
        n = layout.n_rows
        x = X + j * n
        if floating is double:
            if n >= BLAS_FROM:
                return dot(n, x, v)
        i = 0
        while i + 4 <= n:
            s0 += x[i] * v[i]
            s1 += x[i + 1] * v[i + 1]
            s2 += x[i + 2] * v[i + 2]
            s3 += x[i + 3] * v[i + 3]
            i += 4
        while i < n:
            s0 += x[i] * v[i]
            i += 1
    else:
        i = layout.indptr[j]
        n = layout.indptr[j + 1]
        if n - i >= LONG:
            while i + 4 <= n:
                s0 += X[i] * v[layout.indices[i]]
                s1 += X[i + 1] * v[layout.indices[i + 1]]
                s2 += X[i + 2] * v[layout.indices[i + 2]]
                s3 += X[i + 3] * v[layout.indices[i + 3]]
                i += 4
        while i < n:
            s0 += X[i] * v[layout.indices[i]]
            i += 1
    return (s0 + s1) + (s2 + s3)


cdef inline void column_axpy(const floating *X, Columns layout, Py_ssize_t j, double a, double *v) noexcept nogil:
    """v += a * x_j"""
    cdef Py_ssize_t i
    if Columns is DenseColumns:
        for i in range(layout.n_rows):
            v[i] += a * X[j * layout.n_rows + i]
    else:
        for i in range(layout.indptr[j], layout.indptr[j + 1]):
            v[layout.indices[i]] += a * X[i]
