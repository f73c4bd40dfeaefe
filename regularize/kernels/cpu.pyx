"""Which instruction sets the processor under this process runs."""

cdef extern from *:
    """
    #if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
    static int regularize_runs_v3(void) {
        __builtin_cpu_init();
    #if !defined(__clang__) && __GNUC__ >= 12
        return __builtin_cpu_supports("x86-64-v3") != 0;
    #else  /* older compilers do not know the level by name; no processor has these four without the rest */
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
            && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    #endif
    }
    #else
    static int regularize_runs_v3(void) { return 0; }
    #endif
    """
    bint regularize_runs_v3() noexcept nogil


def runs_v3():
    """Return whether this processor runs code built for x86-64-v3 (AVX2, FMA, BMI)."""
    return regularize_runs_v3()
