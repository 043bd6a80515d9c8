"""How a model is fitted: one engine per file, one result for all."""
