"""A model and a sample as one function of free parameters: all that an engine sees."""
