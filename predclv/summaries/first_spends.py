"""First purchases, on the scale of later ones, in what customers spend on average."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from predclv.errors import DataError, FitError, StoreError
from predclv.logs.spend_statements import first_of_each, first_spends
from predclv.money import UNITS
from predclv.progress import stage
from predclv.samples.spend import SpendCells
from predclv.summaries.framed import FrameSummary
from predclv.summaries.rfm import RFM
from predclv.summaries.stored import StoredSummary
from predclv.warehouse.base import fresh

_MEAN = "mean_with_first"


def first_scale(rfm: Any, cells: SpendCells) -> float:
    """What a first purchase of repeat buyers costs on average, over their average later one.

    Parameters
    ----------
    rfm : RFM
        With its log: a summary leaves first purchases out.
    cells : SpendCells
        Repeat buyers by what they spent.

    Raises
    ------
    DataError
        If there is no log.
    FitError
        If first purchases cost nothing.
    """
    if not isinstance(rfm, RFM):
        raise DataError(
            f"first_purchase=True needs what first purchases cost, and {type(rfm).__name__} leaves "
            "them out. Give it pc.rfm_summary(log)."
        )
    log, end = rfm.log_for("first_purchase=True needs")
    firsts = log.table_of(first_spends, end, "units")
    customers = firsts["customers"].to_numpy(np.float64)
    first = customers @ firsts["units"].to_numpy(np.float64) / UNITS / customers.sum()
    later = cells.weight @ cells.monetary_value / cells.weight.sum()
    if not first > 0:
        raise FitError(
            "The first purchases of repeat buyers cost nothing on average, so they tell nothing of "
            "later ones. Leave them out: first_purchase=False."
        )
    return float(first / later)


def with_first(rfm: RFM, scale: float) -> RFM:
    """The same customers, what they spend on average with the first purchase divided by ``scale``.

    Raises
    ------
    DataError
        If there is no log.
    """
    own: Any = rfm._summary
    if own.counts_first:
        return rfm
    made = own.__dict__.setdefault("_remembered", {})
    if (key := (_MEAN, scale)) not in made:
        log, end = rfm.log_for("A fit with first_purchase=True needs")
        assert isinstance(own, StoredSummary)
        firsts, table = fresh("firsts"), fresh("summary")
        with stage("Adding first purchases to what customers spend"):
            log.keep_table_of(firsts, first_of_each, end, scale)
            own.warehouse.store(
                table,
                "SELECT s.*, CAST(s.repeat_units + f.first_units AS BIGINT) AS spent_units"
                f" FROM {own.table} s JOIN {firsts} f ON f.customer_id = s.customer_id",
            )
            own.warehouse.rows(f"SELECT count(*) FROM {table}")  # Spark: while firsts are there
            own.warehouse.drop(firsts)
        made[key] = own.on(table, (), own.recalls, counts_first=True)
    return replace(rfm, _summary=made[key])


def kept_first(rfm: RFM, scale: float) -> pd.DataFrame:
    """Mean spends with first purchases, one row per customer, sorted by id; for a file."""
    return pd.DataFrame({_MEAN: with_first(rfm, scale).frame["monetary_value"]})


def with_kept_first(rfm: RFM, scale: float, kept: pd.DataFrame) -> None:
    """Let a summary that was kept as its frame know what `kept_first` gave.

    Raises
    ------
    StoreError
        If that is impossible.
    """
    own: Any = rfm._summary
    mean = kept[_MEAN].to_numpy() if _MEAN in kept else np.array([np.nan])
    if mean.dtype.kind != "f" or mean.size != len(own.frame) or not np.isfinite(mean).all():
        raise StoreError("What customers spend with their first purchase is impossible.")
    for summary in (own, *own.__dict__.get("_remembered", {}).values()):
        assert isinstance(summary, FrameSummary)
        made = summary.__dict__.setdefault("_remembered", {})
        made[_MEAN, scale] = summary.counting_first(mean)
