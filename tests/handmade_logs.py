"""Logs made by hand, drawn by chance, and given in every kind of source."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa


def log_of(rows, columns=("customer_id", "date", "amount")):
    """A small log; text dates become datetimes."""
    frame = pd.DataFrame(rows, columns=list(columns))
    if "date" in frame:
        frame["date"] = pd.to_datetime(frame["date"])
    return frame


def simulated_log(seed=1, n=4000, refunds=True):
    rng = np.random.default_rng(seed)
    amounts = np.round(rng.gamma(2.0, 15.0, n), 2)
    if refunds:
        amounts[rng.random(n) < 0.1] *= -1
    day = np.datetime64("2023-01-01") + rng.integers(0, 300, n)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(1, 900, n),
            "date": day.astype("datetime64[s]") + rng.integers(0, 86_400, n),
            "amount": amounts,
        }
    )


def every_source(log, folder):
    """The same log in every kind of thing that may hold one."""
    log.to_parquet(folder / "log.parquet")
    log.to_csv(folder / "log.csv", index=False)
    log.to_csv(folder / "semicolon.csv", index=False, sep=";")
    half = len(log) // 2
    for name, part in (("part1", log[:half]), ("part2", log[half:])):
        part.to_parquet(folder / f"{name}.parquet")
        part.to_csv(folder / f"{name}.csv", index=False)
    relations = duckdb.connect()
    relations.register("log", pa.Table.from_pandas(log))
    return {
        "pandas": log,
        "polars": pl.from_pandas(log),
        "lazy": pl.from_pandas(log).lazy(),
        "arrow": pa.Table.from_pandas(log),
        "batch": pa.RecordBatch.from_pandas(log),
        "relation": relations.table("log"),
        "parquet": folder / "log.parquet",
        "text path": str(folder / "log.parquet"),
        "glob": str(folder / "part?.parquet"),
        "list": [folder / "part1.csv", folder / "part2.csv"],
        "csv": folder / "log.csv",
        "semicolon": folder / "semicolon.csv",
    }
