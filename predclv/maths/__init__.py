"""Arrays in, arrays out: special functions, quadrature, optimisation. NumPy and SciPy alone."""
