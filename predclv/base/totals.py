"""Totals of groups with intervals: one simulation of everybody serves all groups.

Bases up to 100,000 customers are simulated whole, and each future's customers are added up by
group, so groups of one kind add up to the base in every future. In larger ones each group has a
forecast of its own, whose interval is of a sample.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.base.kept import Kept
from predclv.forecast.draws import fixed_draws
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.members import Members
from predclv.forecast.recalled import as_recalled
from predclv.forecast.simulation import futures
from predclv.forecast.total_interval import interval
from predclv.forecast.totals import SIMULATED
from predclv.streams import Stream, stream
from predclv.summaries.rfm import RFM
from predclv.units import DAYS, force_of_interest
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

FUTURES = 1000
_WORK = 20_000_000  # customers x futures

_COLUMNS = {
    "purchases": "expected_purchases",
    "discounted_purchases": "discounted_purchases",
    "revenue": "expected_revenue",
    "clv": "clv",
}


def groups_of(
    engine: DuckDBWarehouse, customers: str, by: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Grouping, group and SQL condition of the whole base, then of every group."""
    yield "all", "all", "TRUE"
    for grouping in by:
        quoted = DUCKDB.quote(grouping)
        for (group,) in engine.rows(f"SELECT DISTINCT {quoted} FROM {customers} ORDER BY 1"):
            yield grouping, str(group), f"{quoted} = {DUCKDB.literal(str(group))}"


def totals_by_group(
    engine: DuckDBWarehouse, kept: Kept, fitted: FittedCLV, asked: dict[str, Any], seed: int
) -> dict[tuple[str, str], dict[str, float]]:
    """By grouping and group: sums of a forecast of a refresh's customers, with their bounds.

    Parameters
    ----------
    engine : DuckDBWarehouse
    kept : Kept
        Whose customers and groups.
    fitted : FittedCLV
    asked : dict
        Horizon, discount_rate, margin and level.
    seed : int
    """
    rfm = kept.rfm(engine)
    if len(rfm) > SIMULATED:
        return _one_by_one(engine, kept, fitted, asked, seed)
    forecast = fitted.forecast(**asked | {"level": None}, rfm=rfm, seed=seed)
    columns = ", ".join(DUCKDB.quote(name) for name in kept.groupings)
    groups = engine.frame(f"SELECT {columns} FROM {kept.customers} ORDER BY customer_id")
    groups.insert(0, "all", "all")
    frame, horizon = forecast.frame, forecast.terms.horizon
    t = np.inf if horizon is None else horizon * DAYS[rfm.unit] / DAYS[fitted.unit]
    delta = force_of_interest(forecast.terms.discount_rate, fitted.unit)
    found: dict[tuple[str, str], dict[str, float]] = {}
    codes = {str(name): pd.factorize(groups[name]) for name in groups}
    for name, (code, uniques) in codes.items():
        for measure, column in _COLUMNS.items():
            if column in frame:
                sums = np.bincount(code, frame[column].to_numpy(float), len(uniques))
                for group, value in zip(uniques, sums, strict=True):
                    found.setdefault((name, str(group)), {})[measure] = float(value)
    if asked["level"] is not None:
        said = next(iter(found.values()))
        drawn = _simulated(fitted, rfm, codes, t, delta, seed)
        for (name, measure), values in drawn.items():
            if measure == "worth":
                measure, values = "clv", values * forecast.terms.margin
            if measure in said:
                for group, row in zip(codes[name][1], values.T, strict=True):
                    low, high = interval(row, asked["level"])
                    key = (name, str(group))
                    found[key] |= {f"{measure}_lower": low, f"{measure}_upper": high}
    return found


def _simulated(
    fitted: FittedCLV,
    rfm: RFM,
    codes: dict[str, tuple[NDArray, Any]],
    t: float,
    delta: float,
    seed: int,
) -> dict[tuple[str, str], NDArray]:
    """By grouping and measure: the totals of its groups, shape (futures, groups)."""
    rng = stream(seed, Stream.GROUPS)
    rfm = as_recalled(fitted.purchases, rfm)
    frame, cells = rfm.frame, rfm.cells()
    members = Members(fitted.purchases, cells, DAYS[rfm.unit] / DAYS[fitted.unit], t, delta).of(
        cells.places(frame)
    )
    mean = None
    if fitted.spend is not None:
        mean = np.maximum(frame["monetary_value"].to_numpy(float), 0.0)
    number = int(np.clip(_WORK // len(rfm), 200, FUTURES))
    drawn = members.drawn(number, rng)
    spends = [None] * number if fitted.spend is None else fixed_draws(fitted.spend, number, rng)
    totals: dict[tuple[str, str], list[NDArray]] = {}
    for member, spend in zip(drawn, spends, strict=True):
        future = futures(member.histories, member.model, spend, mean, member.ahead, rng)
        for measure, values in future.items():
            for name, (code, uniques) in codes.items():
                sums = np.bincount(code, values, len(uniques))
                totals.setdefault((name, measure), []).append(sums)
    return {key: np.array(rows) for key, rows in totals.items()}


def _one_by_one(
    engine: DuckDBWarehouse, kept: Kept, fitted: FittedCLV, asked: dict[str, Any], seed: int
) -> dict[tuple[str, str], dict[str, float]]:
    """As `totals_by_group`, a forecast for each group."""
    found = {}
    for grouping, group, where in groups_of(engine, kept.customers, kept.groupings):
        part = kept.rfm(engine, where)
        total = fitted.forecast(**asked, rfm=part, seed=seed).total()
        found[grouping, group] = {str(key): float(value) for key, value in total.items()}
    return found
