"""The two places where SQL runs: DuckDB in this process, Spark on a cluster.

``base`` says what is asked of either, ``dialects`` where they write differently, ``settings`` how
much of the machine DuckDB may take.
"""
