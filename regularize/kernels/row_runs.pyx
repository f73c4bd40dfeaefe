"""The Gram matrix of a growing list of sparse columns, by their stored entries row by row (Gustavson 1978).

A new column meets only the columns that share rows with it. What it meets in a row lies side by side in a few runs of
memory, each with room for twice as many entries as the one before: reading it costs a few cache lines, and at most half
of a row's memory waits for entries to come.
"""
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc, realloc

cdef enum:
    FIRST_ROOM = 2              # entries that the first run of a row holds

cdef struct Entry:
    double value
    int64_t column              # in the head of a run: where the head of the run before it is, or -1

cdef struct Row:
    int64_t run                 # where the head of its newest run is, or -1
    int32_t used                # entries in that run
    int32_t room                # that it has room for


cdef class RowRuns:
    """Keeps the stored entries of the columns that it has seen, in which no row comes twice."""

    cdef Row *rows
    cdef Entry *entries
    cdef Py_ssize_t n_rows
    cdef Py_ssize_t n_columns
    cdef Py_ssize_t used
    cdef Py_ssize_t room

    def __cinit__(self, Py_ssize_t n_rows):
        cdef Py_ssize_t i
        if n_rows < 0:
            raise ValueError("RowRuns: fewer rows than none")
        self.rows = <Row *> malloc((n_rows + 1) * sizeof(Row))
        if self.rows == NULL:
            raise MemoryError("no memory for the rows of sparse columns")
        self.n_rows = n_rows
        for i in range(n_rows):
            self.rows[i] = Row(-1, 0, 0)

    def __dealloc__(self):
        free(self.rows)
        free(self.entries)

    cdef bint reserve(self, Py_ssize_t count) noexcept nogil:
        """Room for so many more entries; False when memory is short."""
        cdef Py_ssize_t room = self.used + count
        cdef Entry *entries
        if room <= self.room:
            return True
        room += room // 2
        entries = <Entry *> realloc(self.entries, room * sizeof(Entry))
        if entries == NULL:
            return False
        self.entries, self.room = entries, room
        return True

    cdef bint append(self, Row *row, Py_ssize_t column, double value) noexcept nogil:
        """Add an entry to a row; False when memory is short."""
        cdef int32_t room
        if row.used == row.room:
            room = 2 * row.room if row.room else FIRST_ROOM
            if not self.reserve(room + 1):
                return False
            self.entries[self.used] = Entry(0.0, row.run)
            row.run, row.used, row.room = self.used, 0, room
            self.used += room + 1
        row.used += 1
        self.entries[row.run + row.used] = Entry(value, column)
        return True

    cdef void meet(self, const Row *row, double value, double *products) noexcept nogil:
        """products[a] += value * entry for the entries of a row, a being their columns."""
        cdef int64_t run = row.run, k
        cdef int32_t count = row.used, room = row.room
        while run >= 0:
            for k in range(run + 1, run + 1 + count):
                products[self.entries[k].column] += value * self.entries[k].value
            run = self.entries[run].column
            room //= 2
            count = room

    cdef bint add_column(
        self, const double *data, const int64_t *rows, Py_ssize_t size, const double *offsets, double *products,
    ) noexcept nogil:
        """products[a] = x_a @ x_b - offset_a offset_b, b being the new column a <= b; False if memory is short."""
        cdef Py_ssize_t a, k, b = self.n_columns
        for a in range(b + 1):
            products[a] = -offsets[a] * offsets[b]
        for k in range(size):
            if not self.append(&self.rows[rows[k]], b, data[k]):
                return False
            self.meet(&self.rows[rows[k]], data[k], products)
        self.n_columns += 1
        return True

    def extend(
        self,
        const double[::1] data not None,        # IN      stored values of m columns
        const int64_t[::1] rows not None,       # IN      their rows
        const int64_t[::1] indptr not None,     # IN      (m + 1,)
        const double[::1] offsets not None,     # IN      (m,)
        double[:, ::1] gram not None,           # IN/OUT  (>= m, >= m): rows and columns that are new are filled
    ):
        """Take in the columns that have not been seen yet, and their products under a rank-one centring."""
        cdef Py_ssize_t m = indptr.shape[0] - 1, first = self.n_columns, a, b
        cdef int64_t k
        cdef bint has_room = True
        cdef const double *values = &data[0] if data.shape[0] else NULL
        cdef const int64_t *entries = &rows[0] if rows.shape[0] else NULL
        if m <= first:
            return
        if gram.shape[0] < m or gram.shape[1] < m or offsets.shape[0] < m:
            raise ValueError("RowRuns: shapes do not fit")
        if not 0 <= indptr[first] <= indptr[m] <= min(data.shape[0], rows.shape[0]):
            raise ValueError("RowRuns: entries that are not there")
        for b in range(first, m):
            if indptr[b] > indptr[b + 1]:
                raise ValueError("RowRuns: columns that end before they begin")
        for k in range(indptr[first], indptr[m]):
            if not 0 <= rows[k] < self.n_rows:
                raise ValueError("RowRuns: rows that are not there")
        with nogil:
            for b in range(first, m):
                k = indptr[b]
                has_room = has_room and self.add_column(
                    values + k, entries + k, indptr[b + 1] - k, &offsets[0], &gram[b, 0],
                )
            if has_room:
                for a in range(m):                       # along the rows that are written
                    for b in range(max(first, a + 1), m):
                        gram[a, b] = gram[b, a]
        if not has_room:
            raise MemoryError("no memory for the rows of sparse columns")
