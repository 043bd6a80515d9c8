"""What a likelihood is a sum over: customers with equal histories, counted; NumPy alone."""
