"""One measurement in this process: ``python benchmarks/cases.py CASE PACKAGE FILE``.

Prints seconds and peak memory as JSON. Reading and importing are outside the clock; the first,
cold call is what is timed.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

warnings.simplefilter("ignore")

MONTHLY_RATE = 1.10 ** (1 / 12) - 1


def _frame(path: str):
    import pandas as pd

    return pd.read_parquet(path)


def fit_bgnbd_predclv(path: str) -> Callable:
    import predclv as pc

    rfm = pc.RFM.from_frame(_frame(path))
    pc.fit(pc.BGNBD, pc.RFM.from_frame(_frame(path).head(500)))  # imports
    return lambda: pc.fit(pc.BGNBD, rfm)


def fit_bgnbd_lifetimes(path: str) -> Callable:
    from lifetimes import BetaGeoFitter

    frame = _frame(path)
    return lambda: BetaGeoFitter().fit(frame["frequency"], frame["recency"], frame["T"])


def fit_pareto_predclv(path: str) -> Callable:
    """Warm: the kernel's compiler has run before on this machine, as it has after the first fit."""
    import predclv as pc
    from predclv.engines.kernels import objective
    from predclv.engines.mle import arrays_of

    rfm = pc.RFM.from_frame(_frame(path))
    few = pc.RFM.from_frame(_frame(path).head(500))
    objective(pc.ParetoNBD, arrays_of(few.cells()))(pc.ParetoNBD.starts(arrays_of(few.cells()))[0])
    return lambda: pc.fit(pc.ParetoNBD, rfm)


def fit_pareto_lifetimes(path: str) -> Callable:
    from lifetimes import ParetoNBDFitter

    frame = _frame(path)
    return lambda: ParetoNBDFitter().fit(frame["frequency"], frame["recency"], frame["T"])


def fit_spend_predclv(path: str) -> Callable:
    import predclv as pc

    rfm = pc.RFM.from_frame(_frame(path))
    pc.fit(pc.GammaGamma, pc.RFM.from_frame(_frame(path).head(500)))
    return lambda: pc.fit(pc.GammaGamma, rfm)


def fit_spend_lifetimes(path: str) -> Callable:
    from lifetimes import GammaGammaFitter

    frame = _frame(path).query("frequency > 0")
    return lambda: GammaGammaFitter().fit(frame["frequency"], frame["monetary_value"])


def clv_predclv(path: str) -> Callable:
    import predclv as pc

    fitted = pc.CLVModel().fit(pc.RFM.from_frame(_frame(path)))
    return lambda: fitted.forecast("12 months", discount_rate=0.10, level=None).frame


def clv_with_intervals_predclv(path: str) -> Callable:
    import predclv as pc

    fitted = pc.CLVModel().fit(pc.RFM.from_frame(_frame(path)))
    return lambda: fitted.forecast("12 months", discount_rate=0.10, seed=1).frame


def clv_lifetimes(path: str) -> Callable:
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    f = _frame(path)
    purchases = BetaGeoFitter().fit(f["frequency"], f["recency"], f["T"])
    buyers = f.query("frequency > 0")
    spend = GammaGammaFitter().fit(buyers["frequency"], buyers["monetary_value"])
    return lambda: spend.customer_lifetime_value(
        purchases, f["frequency"], f["recency"], f["T"], f["monetary_value"],
        time=12, discount_rate=MONTHLY_RATE, freq="W",
    )  # fmt: skip


def summary_predclv(path: str) -> Callable:
    import predclv as pc

    pc.rfm_summary(pc.datasets.load_cdnow())  # imports
    return lambda: pc.rfm_summary(path).frame


def cells_predclv(path: str) -> Callable:
    import predclv as pc

    pc.rfm_summary(pc.datasets.load_cdnow())
    return lambda: pc.rfm_summary(path).cells()


def summary_duckdb(path: str) -> Callable:
    """The plainest two-level group-by, floats and all: the limit for intake."""
    import duckdb

    duckdb.sql("SELECT 1").df()  # imports
    sql = f"""
        SELECT customer_id, count(*) - 1 AS frequency, max(day) - min(day) AS recency,
               DATE '2024-12-31' - min(day) AS age,
               (sum(spend) - arg_min(spend, day)) / nullif(count(*) - 1, 0) AS monetary_value
        FROM (SELECT customer_id, date::DATE AS day, sum(amount) AS spend
              FROM read_parquet('{path}') GROUP BY ALL)
        GROUP BY customer_id"""
    return lambda: duckdb.connect().execute(sql).df()


def summary_pandas(path: str) -> Callable:
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    def run():
        log = _frame(path)
        log["day"] = log["date"].dt.floor("D")
        days = log.groupby(["customer_id", "day"])["amount"].sum().reset_index()
        first = days.groupby("customer_id")["day"].transform("min")
        table = days.groupby("customer_id")["day"].agg(["min", "max", "size"])
        spend = days[days["day"] > first].groupby("customer_id")["amount"].mean()
        return table.join(spend)

    return run


def summary_lifetimes(path: str) -> Callable:
    from lifetimes.utils import summary_data_from_transaction_data

    return lambda: summary_data_from_transaction_data(
        _frame(path), "customer_id", "date", monetary_value_col="amount", freq="D"
    )


def peak_mb() -> float:
    """Peak memory of this process alone; getrusage would count its parent's before exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    case, package, path = sys.argv[1:]
    run = globals()[f"{case}_{package}"](path)
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    peak = peak_mb()
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))
