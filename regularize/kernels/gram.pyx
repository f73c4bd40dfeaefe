"""Gram matrices that grow by tiles of rows, in place: BLAS adds to one triangle, which is mirrored at the end."""
from scipy.linalg.cython_blas cimport dgemm, dsyrk

cdef enum:
    TILE = 32                            # rows and columns of a tile in the mirroring


cdef inline Py_ssize_t apart(const double[:, :] A, int across) noexcept nogil:
    """Numbers between two vectors of A that lie along the other axis without gaps; zero if they do not."""
    cdef Py_ssize_t size = sizeof(double), length = A.shape[1 - across], stride = A.strides[across] // size
    if length > 1 and A.strides[1 - across] != size:
        return 0
    if A.shape[across] == 1:
        return length
    return stride if stride >= length and A.strides[across] % size == 0 else 0


def add_gram(
    const double[:, :] Z not None,              # IN      (n, p), copied unless rows or columns are contiguous
    double[:, ::1] gram not None,               # IN/OUT  (p, p)
    Py_ssize_t first,
    Py_ssize_t last,
):
    """gram[i, j] += sum_k Z[k, i] Z[k, j] for the columns ``first <= j < last`` of the upper triangle, ``i <= j``.

    The upper one, because to Fortran it is the lower, which OpenBLAS adds to a tenth faster where Z lies by rows.
    """
    cdef int n = <int> Z.shape[0], before = <int> first, width = <int> (last - first), a, c
    cdef bint by_rows
    cdef double one = 1.0
    cdef char *lower = b"L"
    cdef char *keep = b"N"
    cdef char *turn = b"T"
    cdef double *whole
    cdef double *panel
    if not 0 <= first <= last <= Z.shape[1] or gram.shape[0] < last or gram.shape[1] < last:
        raise ValueError("add_gram: columns outside the matrix")
    if n == 0 or width == 0:
        return
    if not (apart(Z, 0) or apart(Z, 1)):
        Z = Z.copy()
    with nogil:
        by_rows = apart(Z, 0) > 0
        a, c = <int> (apart(Z, 0) or apart(Z, 1)), <int> apart(gram, 0)
        whole, panel = <double *> &Z[0, 0], <double *> &Z[0, first]
        if by_rows:                                      # to Fortran the rows of Z are columns of Z'
            dsyrk(lower, keep, &width, &n, &one, panel, &a, &one, &gram[first, first], &c)
            if before:
                dgemm(keep, turn, &width, &before, &n, &one, panel, &a, whole, &a, &one, &gram[0, first], &c)
        else:
            dsyrk(lower, turn, &width, &n, &one, panel, &a, &one, &gram[first, first], &c)
            if before:
                dgemm(turn, keep, &width, &before, &n, &one, panel, &a, whole, &a, &one, &gram[0, first], &c)


cdef inline void copy_across(double[:, ::1] gram, Py_ssize_t top, Py_ssize_t bottom, Py_ssize_t left) noexcept nogil:
    """Fill what lies below the diagonal in the rows from ``top`` on and one tile of columns, from above it."""
    cdef Py_ssize_t i, j
    for i in range(top, bottom):
        for j in range(left, min(left + TILE, i)):
            gram[i, j] = gram[j, i]


def mirror(
    double[:, ::1] gram not None,               # IN/OUT  (p, p)
    Py_ssize_t first,
):
    """Copy the columns of the upper triangle from ``first`` on to the rows of the lower one."""
    cdef Py_ssize_t size = min(gram.shape[0], gram.shape[1]), top = max(first, 0), bottom, left
    with nogil:
        while top < size:
            bottom, left = min(top + TILE, size), 0
            while left < bottom:
                copy_across(gram, top, bottom, left)
                left += TILE
            top += TILE


def centre(
    double[:, ::1] gram not None,               # IN/OUT  (p, p)
    double weight,
    const double[::1] mean not None,            # IN      (p,)
):
    """gram[i, j] / weight - mean[i] mean[j], from the upper triangle to both, in one reading."""
    cdef Py_ssize_t size = min(gram.shape[0], gram.shape[1], mean.shape[0]), top, bottom, left = 0, i, j
    with nogil:
        while left < size:
            top = 0
            while top <= left:
                bottom = min(top + TILE, size)
                for i in range(top, bottom):
                    for j in range(max(left, i), min(left + TILE, size)):
                        gram[i, j] = gram[i, j] / weight - mean[i] * mean[j]
                copy_across(gram, left, min(left + TILE, size), top)
                top += TILE
            left += TILE
