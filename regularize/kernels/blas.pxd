"""The few BLAS and LAPACK calls of the kernels, with sizes as Py_ssize_t and unit strides."""
from scipy.linalg.cython_blas cimport ddot, dgemm, drot, drotg, dtrsm, dtrsv
from scipy.linalg.cython_lapack cimport dpotrf, dpotri, dpotrs


cdef enum:
    ONE_THREAD = 8192           # OpenBLAS splits longer dot products over threads, at more cost than gain


cdef inline double dot(Py_ssize_t n, const double *x, const double *y) noexcept nogil:
    """x @ y"""
    cdef int size, one = 1
    cdef Py_ssize_t done = 0
    cdef double total = 0.0
    while done < n:
        size = <int> min(n - done, ONE_THREAD)
        total += ddot(&size, <double *> x + done, &one, <double *> y + done, &one)
        done += size
    return total


cdef inline void solve_lower(
    Py_ssize_t n, const double *factor, Py_ssize_t stride, double *x, bint transposed,
) noexcept nogil:
    """x = L^-1 x, or L^-T x; L lower triangular, column-major."""
    cdef int size = <int> n, leading = <int> stride, one = 1
    cdef char uplo = b"L", diag = b"N", trans = b"T" if transposed else b"N"
    if n > 0:
        dtrsv(&uplo, &trans, &diag, &size, <double *> factor, &leading, x, &one)


cdef inline void solve_lower_block(
    Py_ssize_t n, Py_ssize_t width, const double *factor, Py_ssize_t stride, double *x,
) noexcept nogil:
    """x = L^-1 x for ``width`` vectors that are ``stride`` apart, as the columns of L are."""
    cdef int size = <int> n, columns = <int> width, leading = <int> stride
    cdef char side = b"L", lower = b"L", plain = b"N"
    cdef double one = 1.0
    if width == 1:
        solve_lower(n, factor, stride, x, False)
    elif n > 0:
        dtrsm(&side, &lower, &plain, &plain, &size, &columns, &one, <double *> factor, &leading, x, &leading)


cdef inline void subtract_squares(Py_ssize_t n, Py_ssize_t width, double *x, Py_ssize_t stride) noexcept nogil:
    """x[b, n + c] -= x[b, :n] @ x[c, :n] for the ``width`` rows of x, which are ``stride`` apart."""
    cdef int size = <int> n, columns = <int> width, leading = <int> stride
    cdef char plain = b"N", transposed = b"T"
    cdef double minus = -1.0, one = 1.0
    if n > 0:
        dgemm(&transposed, &plain, &columns, &columns, &size, &minus, x, &leading, x, &leading, &one, x + n, &leading)


cdef inline int cholesky(Py_ssize_t n, double *matrix, Py_ssize_t stride) noexcept nogil:
    """Lower Cholesky factor in place, column-major; non-zero when the matrix is not positive definite."""
    cdef int size = <int> n, leading = <int> stride, info = 0
    cdef char uplo = b"L"
    if n > 0:
        dpotrf(&uplo, &size, matrix, &leading, &info)
    return info


cdef inline void plane_rotation(double *a, double *b, double *cosine, double *sine) noexcept nogil:
    """The rotation that turns (a, b) into (r, 0); a becomes r."""
    drotg(a, b, cosine, sine)


cdef inline void rotate(Py_ssize_t n, double *x, double *y, double cosine, double sine) noexcept nogil:
    """x, y = cosine x + sine y, cosine y - sine x"""
    cdef int size = <int> n, one = 1
    if n > 0:
        drot(&size, x, &one, y, &one, &cosine, &sine)


cdef inline void solve_factored(
    Py_ssize_t n, Py_ssize_t width, const double *factor, double *x,
) noexcept nogil:
    """x = (L L')^-1 x for x (n, width) in C order; L (n, n) lower triangular, column-major."""
    cdef int size = <int> n, columns = <int> width, info = 0
    cdef char side = b"R", lower = b"L", plain = b"N", transposed = b"T"
    cdef double one = 1.0
    if n == 0:
        return
    if width == 1:
        dpotrs(&lower, &size, &columns, <double *> factor, &size, x, &size, &info)
        return
    dtrsm(&side, &lower, &transposed, &plain, &columns, &size, &one, <double *> factor, &size, x, &columns)
    dtrsm(&side, &lower, &plain, &plain, &columns, &size, &one, <double *> factor, &size, x, &columns)


cdef inline void invert_factored(Py_ssize_t n, double *factor) noexcept nogil:
    """The lower triangle of (L L')^-1 in place of L, column-major."""
    cdef int size = <int> n, info = 0
    cdef char uplo = b"L"
    if n > 0:
        dpotri(&uplo, &size, factor, &size, &info)
