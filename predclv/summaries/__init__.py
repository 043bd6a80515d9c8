"""One row per customer: the RFM summary, its split into known and held-out days, its files."""
