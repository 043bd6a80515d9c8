"""From a log of purchases to the arrays a model reads.

``sources`` opens a log wherever it lies, ``columns`` reads its three columns, ``sql`` holds the one
statement that summarises it, ``duckdb`` or ``spark`` runs it (``engine`` says what is asked of
either, ``settings`` how much of the machine DuckDB may take), ``log`` asks it with ``checks`` and
``refunds`` counting what was left out, ``rfm``, ``cells`` and ``holdout`` are the results,
``scored`` joins customers with numbers of their cells, ``files`` writes results.
"""
