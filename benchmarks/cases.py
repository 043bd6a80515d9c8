"""One measurement in this process: ``python benchmarks/cases.py CASE PACKAGE [FILE]``.

Prints seconds and peak memory as JSON. Outside the clock: importing (but where it is the case) and
whatever the case needs first: a summary before a fit, a fit before a forecast. Numba's kernels are
compiled by a call on CDNOW, as they are after the first fit on a machine. Intake reads its file
within the clock.
"""

import atexit
import importlib
import json
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

warnings.simplefilter("ignore")

Case = Callable[[], object]
MONTHLY_RATE = 1.10 ** (1 / 12) - 1
LAST_DAY = "2024-12-31"


def imported(package: str) -> Case:
    """Importing what a first call of the package needs."""
    names = {"pymc_marketing": "pymc_marketing.clv"}
    return lambda: importlib.import_module(names.get(package, package))


def first_fit_predclv() -> Case:
    """What importing lazily puts off is in here: from nothing imported to CDNOW fitted."""

    def run():
        import predclv as pc

        return pc.fit(pc.BGNBD, pc.rfm_summary(pc.datasets.load_cdnow()))

    return run


def first_fit_lifetimes() -> Case:
    """From the summary that it brings, read directly: its own reader needs an old setuptools."""

    def run():
        import lifetimes
        import pandas as pd
        from lifetimes import BetaGeoFitter

        folder = Path(lifetimes.__file__).parent / "datasets"
        f = pd.read_csv(folder / "cdnow_customers_summary.csv")
        return BetaGeoFitter().fit(f["frequency"], f["recency"], f["T"])

    return run


def first_validation_predclv() -> Case:
    """From nothing imported to CDNOW's forecasts beside what came, a rule of thumb's too."""

    def run():
        import predclv as pc

        log = pc.datasets.load_cdnow()
        split = pc.holdout_split(log, calibration_end="1997-09-30")
        recipes = {"BG/NBD": pc.CLVModel(), "last period": pc.baselines.LastPeriod()}
        return pc.validate(recipes, split, seed=1)

    return run


# A log to cells: how many customers have each (frequency, recency, age) ----------------------


def cells_predclv(path: str, amount: str | None = "amount") -> Case:
    """With spend, checks and a table of the customers kept for the forecast."""
    import predclv as pc

    pc.rfm_summary(pc.datasets.load_cdnow()).cells()  # imports
    return lambda: pc.rfm_summary(path, amount=amount).cells()


def counted_predclv(path: str) -> Case:
    """Without spend, as for models of purchases alone."""
    return cells_predclv(path, amount=None)


def _duckdb_cells(path: str, of_a_day: str, of_a_customer: str, of_a_cell: str) -> Case:
    import duckdb

    duckdb.sql("SELECT 1").df()  # imports
    sql = f"""
        SELECT frequency, recency, age, count(*) AS weight {of_a_cell}
        FROM (SELECT customer_id, count(*) - 1 AS frequency, max(day) - min(day) AS recency,
                     DATE '{LAST_DAY}' - min(day) AS age {of_a_customer}
              FROM (SELECT customer_id, date::DATE AS day {of_a_day}
                    FROM read_parquet('{path}') GROUP BY ALL)
              GROUP BY customer_id)
        GROUP BY ALL"""
    return lambda: duckdb.connect().execute(sql).df()


def cells_duckdb(path: str) -> Case:
    """The plain two-level group-by that counts cells and reads no amounts."""
    return _duckdb_cells(path, "", "", "")


counted_duckdb = cells_duckdb


def cells_duckdb_spend(path: str) -> Case:
    """The same with repeat spend in whole 1e-4 units, as predclv counts it."""
    return _duckdb_cells(
        path,
        ", sum(round(amount * 10000)::BIGINT)::BIGINT AS units",
        ", sum(units) - arg_min(units, day) AS repeat_units",
        ", sum(repeat_units) AS repeat_units",
    )


def cells_pandas(path: str) -> Case:
    """With spend, in doubles."""
    import pandas as pd
    import pyarrow.parquet  # noqa: F401

    def run():
        log = pd.read_parquet(path)
        log["date"] = log["date"].dt.floor("D")
        days = log.groupby(["customer_id", "date"])["amount"].sum().reset_index()
        table = days.groupby("customer_id").agg(
            first=("date", "min"),
            last=("date", "max"),
            orders=("date", "size"),
            spend=("amount", "sum"),
            first_spend=("amount", "first"),
        )
        table["recency"] = table["last"] - table["first"]
        table["repeat_spend"] = table["spend"] - table["first_spend"]
        cells = table.groupby(["orders", "recency", "first"])["repeat_spend"]
        return cells.agg(["size", "sum"])

    return run


def cells_polars(path: str) -> Case:
    """With spend, in doubles."""
    import polars as pl

    day, spend = pl.col("day"), pl.col("spend")
    plan = (
        pl.scan_parquet(path)
        .group_by("customer_id", day=pl.col("date").dt.date())
        .agg(spend=pl.col("amount").sum())
        .group_by("customer_id")
        .agg(
            frequency=pl.len() - 1,
            recency=day.max() - day.min(),
            first=day.min(),
            repeat_spend=spend.sum() - spend.get(day.arg_min()),
        )
        .group_by("frequency", "recency", "first")
        .agg(weight=pl.len(), repeat_spend=pl.col("repeat_spend").sum())
    )
    return lambda: plan.collect(engine="streaming")


def cells_lifetimes(path: str) -> Case:
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    def run():
        log = pd.read_parquet(path)
        table = summary_data_from_transaction_data(log, "customer_id", "date", freq="D")
        return table.groupby(["frequency", "recency", "T"]).size()

    return run


# Fits: the summary is there ------------------------------------------------------------------


def _fit_predclv(path: str, model: str) -> Case:
    import predclv as pc

    few = pc.rfm_summary(pc.datasets.load_cdnow())
    pc.fit(getattr(pc, model), few)  # imports, compiled kernels
    rfm = pc.rfm_summary(path)
    if model == "GammaGamma":
        rfm.spend_cells()
    else:
        rfm.cells()
    return lambda: pc.fit(getattr(pc, model), rfm)


def fit_bgnbd_predclv(path: str) -> Case:
    return _fit_predclv(path, "BGNBD")


def fit_mbgnbd_predclv(path: str) -> Case:
    return _fit_predclv(path, "MBGNBD")


def fit_pareto_predclv(path: str) -> Case:
    return _fit_predclv(path, "ParetoNBD")


def fit_spend_predclv(path: str) -> Case:
    return _fit_predclv(path, "GammaGamma")


def summary_of(path: str) -> str:
    """The log's customers in a Parquet file beside it, in weeks, for packages that need them."""
    return str(Path(path).with_name(Path(path).stem + "_customers.parquet"))


def _customers(path: str):
    import pandas as pd

    return pd.read_parquet(summary_of(path))


def _fit_lifetimes(path: str, fitter: str) -> Case:
    import lifetimes

    frame = _customers(path)
    columns = (frame["frequency"], frame["recency"], frame["T"])
    return lambda: getattr(lifetimes, fitter)().fit(*columns)


def fit_bgnbd_lifetimes(path: str) -> Case:
    return _fit_lifetimes(path, "BetaGeoFitter")


def fit_mbgnbd_lifetimes(path: str) -> Case:
    return _fit_lifetimes(path, "ModifiedBetaGeoFitter")


def fit_pareto_lifetimes(path: str) -> Case:
    return _fit_lifetimes(path, "ParetoNBDFitter")


def fit_spend_lifetimes(path: str) -> Case:
    from lifetimes import GammaGammaFitter

    frame = _customers(path).query("frequency > 0 and monetary_value > 0")
    return lambda: GammaGammaFitter().fit(frame["frequency"], frame["monetary_value"])


# Forecasts: the fit is there -----------------------------------------------------------------


def _written(fitted, level: float | None) -> None:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    asked = fitted.forecast("12 months", discount_rate=0.10, level=level, seed=1)
    asked.to_parquet(folder / "forecast.parquet")


def _forecast_predclv(path: str, level: float | None) -> Case:
    import predclv as pc

    few = pc.rfm_summary(pc.datasets.load_cdnow())
    _written(pc.CLVModel().fit(few), level)  # imports, compiled kernels
    fitted = pc.CLVModel().fit(pc.rfm_summary(path))
    return lambda: _written(fitted, level)


def intervals_predclv(path: str) -> Case:
    """Every customer's forecast with predictive intervals, written to Parquet."""
    return _forecast_predclv(path, 0.9)


def point_predclv(path: str) -> Case:
    """The same without intervals, written to Parquet too."""
    return _forecast_predclv(path, None)


def limited_predclv(path: str) -> Case:
    """From the log to every customer's forecast with intervals, DuckDB held to 1 GB."""
    import predclv as pc

    few = pc.rfm_summary(pc.datasets.load_cdnow())
    _written(pc.CLVModel().fit(few), 0.9)  # imports, compiled kernels

    def run():
        with pc.duckdb_settings(memory_limit="1GB"):
            _written(pc.CLVModel().fit(pc.rfm_summary(path)), 0.9)

    return run


def point_lifetimes(path: str) -> Case:
    """Customer lifetime value alone, in memory."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    f = _customers(path)
    purchases = BetaGeoFitter().fit(f["frequency"], f["recency"], f["T"])
    buyers = f.query("frequency > 0 and monetary_value > 0")
    spend = GammaGammaFitter().fit(buyers["frequency"], buyers["monetary_value"])
    return lambda: spend.customer_lifetime_value(
        purchases, f["frequency"], f["recency"], f["T"], f["monetary_value"],
        time=12, discount_rate=MONTHLY_RATE, freq="W",
    )  # fmt: skip


def peak_mb() -> float:
    """Peak memory of this process alone; getrusage would count its parent's before exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure(case: str, package: str, *path: str) -> dict[str, float]:
    """Seconds of the first call of a case, by the clock and of the processors, and memory held."""
    run = imported(package) if case == "import" else globals()[f"{case}_{package}"](*path)
    before = peak_mb()
    start, worked = time.perf_counter(), time.process_time()
    run()
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    memory = {"peak_mb": peak_mb(), "peak_mb_before": before}
    return {"seconds": seconds, "processor_seconds": worked} | memory


if __name__ == "__main__":
    # A machine out of memory is to end this process, not another.
    Path("/proc/self/oom_score_adj").write_text("1000")
    print(json.dumps(measure(*sys.argv[1:])))
