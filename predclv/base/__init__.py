"""A customer base that lives: states that grow with every batch, refreshes, and what moved."""
