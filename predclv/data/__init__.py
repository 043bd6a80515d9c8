"""From a log of purchases to the arrays a model reads.

``sources`` opens a log wherever it lies, ``columns`` reads its three columns, ``sql`` holds the one
statement that summarises it, ``duckdb`` runs it, ``log`` checks the log and counts what was left
out, ``rfm`` and ``holdout`` are the results, ``files`` writes them.
"""
