"""Totals of groups with intervals: one simulation of everybody serves all groups.

Bases up to 100,000 customers are simulated whole, and each future's customers are added up by
group, so groups of one kind add up to the base in every future. Of larger ones a sample is
simulated: over so many customers chance is normal, and the sample says how large it is.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.base.by_group import EVERYBODY, Group, by_group
from predclv.base.kept import Customers, Kept
from predclv.base.scores import Scores, registered
from predclv.forecast.draws import fixed_draws
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.simulation import futures
from predclv.forecast.total_interval import interval
from predclv.forecast.totals import SIMULATED, normal_totals_by
from predclv.streams import Stream, stream
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

FUTURES = 1000
_WORK = 20_000_000  # customers x futures
_AT_ONCE = 10_000  # customers: of fewer, several futures are drawn at one draw of the parameters
_SAMPLED = 20_000
"""Customers of each group in the sample: its variance is then known to some 3%, a bound to 1.5%."""

_PLACE = "(hash(customer_id) / 18446744073709551616.0)"
"""A number between 0 and 1, the same for a customer at all times."""

_COLUMNS = {
    "purchases": "expected_purchases",
    "discounted_purchases": "discounted_purchases",
    "revenue": "expected_revenue",
    "clv": "clv",
}


def totals_by_group(
    engine: DuckDBWarehouse,
    kept: Kept,
    fitted: FittedCLV,
    asked: dict[str, Any],
    seed: int,
    also: Mapping[str, str] | None = None,
) -> dict[Group, dict[str, float]]:
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
    also : mapping of str to str, optional
        More sums in SQL, of the forecast that was kept, which is then the one meant.
    """
    plain, by = asked | {"level": None}, kept.groupings
    source = kept.customers
    if also is None:
        source = f"({scored(engine, kept.of(engine), fitted, plain, by, seed)})"
    has = engine.types(source)
    sums = {measure: f"sum({column})" for measure, column in _COLUMNS.items() if column in has}
    wanted = {"customers": "count(*)", **(also or {}), **sums}
    rows = by_group(engine, source, by, wanted)
    found = {group: {name: float(row[name]) for name in wanted} for group, row in rows.items()}
    if asked["level"] is None:
        return found
    sizes = {group: int(row["customers"]) for group, row in rows.items()}
    expected = {group: {name: row[name] for name in sums} for group, row in found.items()}
    if sizes[EVERYBODY] <= SIMULATED:
        drawn = _simulated(engine, kept.of(engine), fitted, plain, by, seed)
    else:
        drawn = _sampled(engine, kept, fitted, plain, sizes, expected, seed)
    for group, totals in drawn.items():
        for measure in sums:
            low, high = interval(totals[measure], asked["level"])
            found[group] |= {f"{measure}_lower": low, f"{measure}_upper": high}
    return found


def scored(
    engine: DuckDBWarehouse,
    customers: Customers,
    fitted: FittedCLV,
    asked: dict[str, Any],
    by: Sequence[str],
    seed: int,
) -> str:
    """A SELECT of another forecast of a refresh's customers, with their groups."""
    table = fitted.table(**asked, rfm=customers.rfm, seed=seed)
    scores = Scores.of(table, customers.rfm, by)
    return scores.sql(customers.table, registered(engine, table))


def _simulated(
    engine: DuckDBWarehouse,
    customers: Customers,
    fitted: FittedCLV,
    asked: dict[str, Any],
    by: Sequence[str],
    seed: int,
) -> dict[Group, dict[str, NDArray]]:
    """By group and measure: its totals in futures of everybody, each (futures,)."""
    forecast = fitted.forecast(**asked, rfm=customers.rfm, seed=seed)
    members, mean = forecast.source.one_by_one()  # type: ignore[attr-defined]
    groups = _groups(engine, customers, by)
    codes = {name: pd.factorize(groups[name]) for name in ("all", *by)}
    rng = stream(seed, Stream.GROUPS)
    n = len(groups)
    number, copies = int(np.clip(_WORK // n, 200, FUTURES)), int(np.clip(_AT_ONCE // n, 1, 10))
    drawn = members.of(np.tile(members.place, copies)).drawn(-(-number // copies), rng)
    mean = None if mean is None else np.tile(mean, copies)
    spends: Iterable[Any] = itertools.repeat(None)
    if fitted.spend is not None:
        spends = fixed_draws(fitted.spend, -(-number // copies), rng, members.patterns)
    of_copy = np.repeat(np.arange(copies), n)
    places = {
        name: (np.tile(code, copies) + len(uniques) * of_copy, len(uniques))
        for name, (code, uniques) in codes.items()
    }
    rows: dict[tuple[str, str], list[NDArray]] = {}
    for member, spend in zip(drawn, spends, strict=False):
        future = futures(member.histories, member.model, spend, mean, member.ahead, rng)
        for measure, values in future.items():
            for name, (place, size) in places.items():
                summed = np.bincount(place, values, size * copies).reshape(copies, size)
                rows.setdefault((name, measure), []).extend(summed)
    found: dict[Group, dict[str, NDArray]] = {}
    for (name, measure), sums in rows.items():
        for group, totals in zip(codes[name][1], np.array(sums).T, strict=True):
            found.setdefault((name, str(group)), {})[measure] = totals
    return _with_clv(found, forecast.terms.margin)


def _sampled(
    engine: DuckDBWarehouse,
    kept: Kept,
    fitted: FittedCLV,
    asked: dict[str, Any],
    sizes: Mapping[Group, int],
    expected: Mapping[Group, Mapping[str, float]],
    seed: int,
) -> dict[Group, dict[str, NDArray]]:
    """By group and measure: draws of its totals, each (draws,), from a sample of its customers.

    Customers have a place between 0 and 1 by chance. A group's sample are the first of it, so one
    customer serves several groups.
    """
    share = {group: min(1.0, _SAMPLED / size) for group, size in sizes.items()}
    share[EVERYBODY] = min(1.0, SIMULATED / sizes[EVERYBODY])
    chosen = "".join(
        f" OR {_PLACE} < {part!r} AND {DUCKDB.quote(name)} = {DUCKDB.literal(group)}"
        for (name, group), part in share.items()
        if part > share[EVERYBODY]
    )
    most = max(share.values())
    sample = kept.of(engine, f"{_PLACE} < {most!r} AND ({_PLACE} < {share[EVERYBODY]!r}{chosen})")
    forecast = fitted.forecast(**asked, rfm=sample.rfm, seed=seed)
    members, mean = forecast.source.one_by_one()  # type: ignore[attr-defined]
    margin, groups = forecast.terms.margin, _groups(engine, sample, kept.groupings)
    parts = [
        np.flatnonzero((groups[name] == group) & (groups["place"] < share[name, group]))
        for name, group in sizes
    ]
    wanted = []
    for group in sizes:
        values = dict(expected[group])
        if "clv" in values:
            clv = values.pop("clv")
            values["worth"] = clv / margin if margin else 0.0
        wanted.append(values)
    drawn = normal_totals_by(members, mean, parts, list(sizes.values()), wanted, fitted.spend, seed)
    return _with_clv(dict(zip(sizes, drawn, strict=True)), margin)


def _groups(engine: DuckDBWarehouse, customers: Customers, by: Sequence[str]) -> pd.DataFrame:
    """The groups of customers, one column for each grouping, and their place, sorted by id."""
    columns = "".join(f", {DUCKDB.quote(name)}" for name in by)
    sql = f"SELECT {_PLACE} AS place{columns} FROM {customers.table} ORDER BY customer_id"
    frame = engine.frame(sql)
    frame["all"] = "all"
    return frame


def _with_clv(
    found: dict[Group, dict[str, NDArray]], margin: float
) -> dict[Group, dict[str, NDArray]]:
    for totals in found.values():
        if "worth" in totals:
            totals["clv"] = margin * totals.pop("worth")
    return found
