"""From a log of purchases to the arrays a model reads.

``sources`` opens a log wherever it lies, ``columns`` reads its three columns, ``sql`` holds the one
statement that summarises it, ``duckdb`` runs it, ``log`` asks it with ``checks`` and ``refunds``
counting what was left out, ``rfm``, ``cells`` and ``holdout`` are the results, ``files`` writes
them.
"""
