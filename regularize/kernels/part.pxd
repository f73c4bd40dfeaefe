"""Which coordinates, or blocks of them, a sweep visits."""


cdef enum Part:
    ALL                         # of the coordinates, or blocks
    ACTIVE                      # those that are not zero, or that nothing keeps at zero
    FIXED                       # those with entries at a kink or a bound: what a Newton step leaves to do
