"""From fits to a forecast for every customer, and for the customer base as a whole."""
