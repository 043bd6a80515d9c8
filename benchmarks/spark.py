"""Three ways to write everybody's forecast from Spark, and DuckDB beside them, on one log.

``uv run python benchmarks/spark.py [--orders 1000000] [--runs 3]``; needs Java 17. One session,
``local[2]``: two cores of one machine, no network. The ways:

- *join*: what ``forecast.to_parquet`` does, the table of cells broadcast and joined in SQL;
- *mapInArrow, cells*: a Python function on the executors finds each customer in the same table;
- *mapInArrow, model*: the function evaluates the model itself, once per history of a batch, and
  there is no table; expectations alone.

The clock starts with the fit at hand and includes the table of cells, but for the last way, and
the writing of Parquet. In turns, the median and the fastest; what is written must agree to 1e-12 of
each number. Into ``benchmarks/results/spark.csv``, where rows of other sizes are kept.

The join needs nothing on the executors. mapInArrow needs Python there, with NumPy and pyarrow and,
as written here, predclv; a Connect session or a serverless platform may have none of them. So the
join stays unless mapInArrow is clearly faster, by more than 1.3 times at every size.
"""

import argparse
import datetime
import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from run import provenance
from simulate import log

import predclv as pc
from predclv.forecast.ahead import Ahead
from predclv.forecast.customers import CellForecast
from predclv.forecast.histories import Histories

warnings.simplefilter("ignore")

HERE = Path(__file__).parent
KEY = ["orders", "way", "what"]
ASKED = {"points": None, "with intervals": 0.9}
AGREE = 1e-12  # of each number; the ways add the same terms, in another order
CONFIG = {
    "spark.driver.memory": "4g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.shuffle.partitions": "4",  # of two cores, not of a cluster
}


def session() -> Any:
    """Two cores of this machine as a cluster."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the executors' Python is this one
    builder = SparkSession.builder.master("local[2]").appName("predclv")
    for name, value in CONFIG.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def asked(fitted: Any, what: str, rfm: Any = None) -> Any:
    """The forecast that every way writes, not yet calculated."""
    return fitted.forecast("12 months", discount_rate=0.10, level=ASKED[what], rfm=rfm, seed=1)


# The ways: each writes a forecast into a folder ------------------------------------------------


def join(fitted: Any, what: str, folder: str) -> None:
    asked(fitted, what).to_parquet(folder)


def by_cells(fitted: Any, what: str, folder: str, schema: Any) -> None:
    """The table of cells as a broadcast variable, its keys packed into one integer each."""
    outlook = asked(fitted, what)._source
    cells = outlook.cells
    keys = fitted.rfm.keyed_cells()
    triple = [keys[name].to_numpy(np.int64) for name in fitted.rfm.cell_keys]
    sizes = [int(part.max()) + 1 for part in triple]
    content = (
        packed(triple, sizes),  # ascending, for so are the cells
        sizes,
        np.ascontiguousarray(cells.frame.to_numpy(np.float64)),  # a cell's numbers side by side
        cells.frame.dtypes.to_dict(),
        (cells.scale, cells.margin, cells.endless),
    )
    customers = customers_of(fitted.rfm)
    shared = customers.sparkSession.sparkContext.broadcast(content)
    try:
        customers.mapInArrow(scored_by_cells(shared), schema).write.parquet(folder)
    finally:
        shared.destroy()


def packed(triple: list[np.ndarray], sizes: list[int]) -> np.ndarray:
    """Frequency, recency and age as one integer, in the order of the three."""
    frequency, recency, age = triple
    return (frequency * sizes[1] + recency) * sizes[2] + age


def whole(kinds: dict[str, Any]) -> dict[str, Any]:
    """The columns of counts, which stood among floats."""
    return {name: kind for name, kind in kinds.items() if kind.kind in "iu"}


def scored_by_cells(shared: Any) -> Callable:
    """What an executor does with the table of cells: search, gather, and a few products."""

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        cells, sizes, numbers, kinds, terms = shared.value
        for batch in batches:
            triple = [
                batch.column(name).to_numpy().astype(np.int64)
                for name in ("frequency", "recency_days", "age_days")
            ]
            key = packed(triple, sizes)
            place = np.minimum(np.searchsorted(cells, key), cells.size - 1)
            within = [part < size for part, size in zip(triple, sizes, strict=True)]
            if not (np.all(cells[place] == key) and np.all(within)):
                raise ValueError("A customer has no cell in the table.")
            frame = pd.DataFrame(numbers[place], columns=list(kinds))
            forecast = CellForecast(frame.astype(whole(kinds)), *terms)
            mean = batch.column("monetary_value").to_numpy()
            own = forecast.of_customers(np.arange(key.size), triple[0].astype(float), mean)
            yield written(batch, own)

    return score


def by_model(fitted: Any, what: str, folder: str, schema: Any) -> None:
    """No table: parameters go to the executors, which need the package."""
    terms = asked(fitted, what)._source
    models = (fitted.purchases.model, fitted.spend.model)
    score = scored_by_model(*models, terms.t, terms.delta, terms.terms.margin)
    customers_of(fitted.rfm).mapInArrow(score, schema).write.parquet(folder)


def scored_by_model(purchases: Any, spend: Any, t: float, delta: float, margin: float) -> Callable:
    """What an executor does with the models: each history of a batch once."""

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            x, t_x, T, mean = (
                batch.column(name).to_numpy().astype(np.float64)
                for name in ("frequency", "recency", "T", "monetary_value")
            )
            histories = Histories.of(x, t_x, T)
            columns = histories.expectations(purchases, Ahead(t, delta), undiscounted=True)
            base = spend.expected_spend(histories.x, 0.0)
            columns |= {
                "spend_base": base,
                "spend_slope": spend.expected_spend(histories.x, 1.0) - base,
            }
            forecast = CellForecast(pd.DataFrame(columns), None, margin, False)
            yield written(batch, forecast.of_customers(histories.cell_of_customer, x, mean))

    return score


def written(batch: pa.RecordBatch, own: dict[str, np.ndarray]) -> pa.RecordBatch:
    """The columns of the forecast, in its order."""
    columns = {name: own[name] for name in pc.forecast.result.COLUMNS if name in own}
    return pa.RecordBatch.from_pydict({"customer_id": batch.column("customer_id"), **columns})


def customers_of(rfm: Any) -> Any:
    """The summary as a DataFrame, one row per customer, with the days that tell cells apart."""
    stored = rfm._summary
    sql = f"SELECT {stored.columns}, recency_days, age_days FROM {stored._table}"
    return rfm.log.warehouse._answer(sql)


# Measuring -------------------------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(cases: dict[tuple[str, str], Callable], runs: int) -> list[dict[str, object]]:
    """Medians, the cases one after the other in each run: a busy minute is everybody's."""
    taken: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    for _ in range(runs):
        for case, work in cases.items():
            taken[case].append(seconds(work))
            print(f"{case[0]}, {case[1]}: {taken[case][-1]:.2f} s", flush=True)
    return [
        {
            "way": way, "what": what, "seconds": statistics.median(times),
            "fastest": min(times), "runs": runs,
        }
        for (way, what), times in taken.items()
    ]  # fmt: skip


def furthest(ours: str, theirs: str, customers: int) -> float:
    """The largest relative difference of a number in two folders of Parquet."""
    a, b = (f"read_parquet('{path}')" for path in (ours, theirs))
    names = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {a}").fetchall()]
    assert names == [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {b}").fetchall()]
    apart = ", ".join(  # a missing number counts as one that differs
        f"max(coalesce(abs(a.{name} - b.{name}) / greatest(abs(a.{name}), 1e-300), 'nan'::DOUBLE))"
        for name in names[1:]
    )
    found = duckdb.sql(f"SELECT count(*), {apart} FROM {a} a JOIN {b} b USING (customer_id)")
    pairs, *differences = found.fetchall()[0]
    assert pairs == customers
    return float(np.max(differences))


def intake(frame: Any, path: Path, runs: int) -> tuple[list[dict[str, object]], Any, Any]:
    """A log to cells on both engines, and the last summary of each; the cells are the same."""
    kept: dict[str, Any] = {}

    def cells(engine: str, source: Any) -> None:
        kept[engine] = pc.rfm_summary(source)
        kept[engine].cells()

    cases: dict[tuple[str, str], Callable] = {
        (engine, "log to cells"): partial(cells, engine, source)
        for engine, source in (("Spark", frame), ("DuckDB", str(path)))
    }
    rows = in_turns(cases, runs)
    theirs, ours = (kept[engine].keyed_cells() for engine in ("Spark", "DuckDB"))
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)
    return rows, kept["Spark"], kept["DuckDB"]


def writing(fitted: Any, in_duckdb: Any, runs: int, folder: Path) -> list[dict[str, object]]:
    """Every way to write the forecast, none of them for the first time."""
    schemas = {}
    for what in ASKED:  # compiled, warm, and what the columns' types are
        join(fitted, what, str(folder / f"first {what}"))
        spark = customers_of(fitted.rfm).sparkSession
        schemas[what] = spark.read.parquet(str(folder / f"first {what}")).schema

    def anew(way: str, what: str, write: Callable[[str], object]) -> None:
        target = folder / f"{way} {what}"
        shutil.rmtree(target, ignore_errors=True)
        write(str(target))

    cases: dict[tuple[str, str], Callable] = {}
    for what, schema in schemas.items():
        ways: dict[str, Callable[[str], object]] = {
            "join": partial(join, fitted, what),
            "mapInArrow, cells": partial(by_cells, fitted, what, schema=schema),
        }
        if ASKED[what] is None:
            ways["mapInArrow, model"] = partial(by_model, fitted, what, schema=schema)
        for way, write in ways.items():
            cases[way, what] = partial(anew, way, what, write)
        file = folder / f"DuckDB {what}"
        cases["DuckDB", what] = partial(
            lambda what, file: asked(fitted, what, in_duckdb).to_parquet(file), what, file
        )
        cases["table of cells alone", what] = partial(
            lambda what: asked(fitted, what)._source.cells, what
        )
    for python in (("mapInArrow, cells", "points"), ("mapInArrow, model", "points")):
        cases[python]()  # the executors' Python started, the package imported
    rows = in_turns(cases, runs)
    for way, what in cases:
        if way != "table of cells alone":
            found = [f"{folder / name}" for name in (f"first {what}", f"{way} {what}")]
            ours, theirs = (f"{path}/*.parquet" if Path(path).is_dir() else path for path in found)
            apart = furthest(ours, theirs, len(fitted.rfm))
            print(f"{way}, {what}: at most {apart:.1e} of a number apart", flush=True)
            assert apart <= AGREE
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--into", type=Path, default=HERE / "results", help="folder of spark.csv")
    options = parser.parse_args()
    path = log(options.orders)
    spark = session()
    frame = spark.read.parquet(str(path))
    intake(frame, path, 1)  # the first of everything
    rows, rfm, in_duckdb = intake(frame, path, options.runs)
    fitted = pc.CLVModel().fit(rfm)
    with tempfile.TemporaryDirectory() as folder:
        rows += writing(fitted, in_duckdb, options.runs, Path(folder))
    size = {"orders": options.orders, "customers": len(rfm), "cells": len(rfm.cells())}
    where = provenance()
    where["versions"] += f"; pyspark {version('pyspark')}"
    new = pd.DataFrame([size | row | where for row in rows])
    file = options.into / "spark.csv"
    table = pd.concat([pd.read_csv(file), new]) if file.exists() else new
    table = table.drop_duplicates(KEY, keep="last").sort_values("orders", kind="stable")
    table.to_csv(file, index=False, float_format="%.4g")
    print(f"{size['customers']:,} customers in {size['cells']:,} cells")
    print(new.pivot(index="way", columns="what", values="seconds").round(2).to_string(na_rep=""))
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC")
    spark.stop()


if __name__ == "__main__":
    main()
