# Every build of quadratic.pyx (_quadratic_baseline, _quadratic_v3) has these functions.
