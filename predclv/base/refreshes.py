"""A refresh: fit from the last fit's start, forecast everybody, keep it with its terms."""

import datetime
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from predclv.base.compared import compared
from predclv.base.groupings import (
    TIERS,
    Grouping,
    customers_sql,
    groupings,
    tier_cuts,
)
from predclv.base.kept import Kept
from predclv.base.measures import measures
from predclv.base.scores import Scores, registered
from predclv.base.vault import FORMAT_VERSION, Vault, transact
from predclv.decisions.rhythm import overdue_cells
from predclv.errors import OptionError, StoreError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.recalled import as_recalled
from predclv.io.files import write_parquet
from predclv.io.places import explained, workshop
from predclv.io.strict_json import from_json, to_json
from predclv.progress import stage
from predclv.recipe import CLVModel
from predclv.summaries.rfm import RFM
from predclv.summaries.stored import StoredSummary
from predclv.units import day_number, day_of
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

OVERDUE = 0.95
MOST_LISTED = 1000
"""Customers in the list of those gone quiet."""


def refreshes(vault: Vault, engine: DuckDBWarehouse) -> list[Kept]:
    """All refreshes of an attached base, the earliest first."""
    found = engine.rows("SELECT day, folder, document FROM base.refreshes ORDER BY day")
    return [
        Kept(day_of(day), vault.folder / "refreshes" / folder, from_json(document))
        for day, folder, document in found
    ]


def refresh(
    vault: Vault,
    engine: DuckDBWarehouse,
    rfm: RFM,
    model: CLVModel | str | None,
    by: Any,
    asked: dict[str, Any],
    seed: int,
    batches: dict[str, Any],
    orders_until: int | None,
) -> Kept:
    """Make a refresh of a summary that lies in ``engine``, and keep it.

    Parameters
    ----------
    batches : dict
        `known_batches`, as they were before the summary was made.
    orders_until : int or None
        The last day of the base's orders, likewise.
    """
    end = rfm.observation_end
    assert end is not None
    number = day_number(end)
    found = groupings(by, engine, number)
    with vault.reading() as reader:
        earlier = [kept for kept in refreshes(vault, reader) if kept.date < end]
    last = earlier[-1] if earlier else None
    fitted = started(model, last).fit(rfm)
    terms = fitted.forecast(**asked, seed=seed).terms
    kept_in = vault.folder / "refreshes"
    with explained(kept_in):
        kept_in.mkdir(exist_ok=True)
        with workshop(kept_in) as made:
            folder = made / f"{end}-{made.name[-8:]}"
            folder.mkdir()
            fitted.save(folder / "fit", customers=False)
            names = [grouping.name for grouping in found]
            document: dict[str, Any] = {
                "terms": asdict(terms) | {"observation_end": str(end)},
                "asked": {key: _plain(value) for key, value in asked.items()},
                "has_spend": fitted.spend is not None,
                "groupings": ["tier", *names],
                "seed": seed,
                "batches": batches,
                "orders_until": orders_until,
                "model": [type(f.model).__name__ for f in (fitted.purchases, fitted.spend) if f],
            }
            now = Kept(end, folder, document)
            with stage("Putting customers in groups"):
                document["scores"] = _keep_customers(engine, now, fitted, rfm, found)
            document |= now.keep_known(rfm)
            with stage("Forecasting groups"):
                document["measures"] = measures(engine, now, fitted, asked, seed)
            document["parameters"] = _parameters(fitted)
            document |= _quiet(engine, now, fitted, rfm)
            if last is not None:
                with stage("Comparing with the last refresh"):
                    document |= compared(vault, engine, last, now, rfm, seed)
            _keep(vault, number, folder, document)
    return Kept(end, kept_in / folder.name, document)


def started(model: CLVModel | str | None, last: Kept | None) -> CLVModel:
    """The recipe, its search beginning at the last refresh's fit where that is of the same kind.

    Raises
    ------
    OptionError
        If it is no recipe.
    """
    recipe = CLVModel() if model is None else CLVModel(model) if isinstance(model, str) else model
    if not isinstance(recipe, CLVModel):
        raise OptionError(
            f"model must be a recipe such as pc.CLVModel(pc.BGNBD); got {type(model).__name__}."
        )
    begins = "start" in recipe.engine_options
    if last is None or recipe.engine != "mle" or begins or recipe.purchases == "auto":
        return recipe
    try:
        before = last.fitted()
    except StoreError:
        return recipe
    alike = type(before.purchases.model) is recipe.purchases and (
        before.spend is None or type(before.spend.model) is recipe.spend
    )
    if not alike or before.purchases.unit != last.terms["unit"] or before.purchases.limits:
        return recipe
    return CLVModel(**recipe.get_params(), start=before)


def _keep_customers(
    engine: DuckDBWarehouse,
    now: Kept,
    fitted: FittedCLV,
    rfm: RFM,
    found: Sequence[Grouping],
) -> dict[str, Any]:
    """Write the cells' forecast, and everybody's state, groups and tier; how the two are read."""
    rfm = as_recalled(fitted.purchases, rfm)
    table = fitted.table(**now.document["asked"], rfm=rfm, seed=now.document["seed"])
    write_parquet(table.frame, now.folder / "cells.parquet", {})
    cells, summary = registered(engine, table), rfm._summary
    assert isinstance(summary, StoredSummary)
    scores = Scores.of(table, rfm)
    cuts = tier_cuts(engine, scores.sql(summary.table, cells), now.value)
    state = [c for c in engine.types(summary.table) if c not in ("customer_id", "row_count")]
    engine.write_parquet(
        customers_sql(
            scores.carrying(state).sql(summary.table, cells), state, found, cuts, now.value
        ),
        None,
        now.folder / "customers.parquet",
        {"predclv.terms": to_json(now.document["terms"])},
    )
    return asdict(scores.carrying([*state, *now.groupings[1:], "tier"]))


def _parameters(fitted: FittedCLV) -> list[dict[str, Any]]:
    rows = []
    for fit in (fitted.purchases, fitted.spend):
        if fit is None:
            continue
        summary = fit.summary(0.9)
        for name, row in summary.iterrows():
            said = {str(key): float(v) for key, v in row.items() if isinstance(v, float)}
            rows.append({"model": fit.model.title, "parameter": str(name), **said})
    return rows


def _quiet(
    engine: DuckDBWarehouse, now: Kept, fitted: FittedCLV, rfm: RFM, least: int = 3
) -> dict[str, Any]:
    """Customers of the highest tier who are silent beyond their own rhythm.

    How many they are, what is at stake, and those with the most of it.
    """
    rfm = as_recalled(fitted.purchases, rfm)
    late = overdue_cells(fitted, rfm, OVERDUE, least)
    if late.empty:
        return {"quiet": []}
    keys = [DUCKDB.quote(key) for key in rfm.cell_keys]
    cells = pd.concat([rfm.keyed_cells().iloc[late.index], late], axis="columns")
    name, found = fresh("late"), fresh("quiet")
    engine.register(name, pa.Table.from_pandas(cells, preserve_index=False))
    engine.store(
        found,
        f"SELECT n.customer_id, n.{now.value} AS value_at_stake, n.p_alive,"
        f" {', '.join(f'c.{column}' for column in late)}, n.frequency"
        f" FROM {now.customers} n JOIN {name} c USING ({', '.join(keys)})"
        f" WHERE n.tier = '{TIERS[-1]}'",
    )
    number, worth = engine.rows(f"SELECT count(*), sum(value_at_stake) FROM {found}")[0]
    most = engine.frame(
        f"SELECT * FROM {found} ORDER BY value_at_stake DESC, customer_id LIMIT {MOST_LISTED}"
    )
    engine.drop(found)
    return {
        "quiet": most.astype({"customer_id": str}).to_dict("records"),
        "all_quiet": {"customers": number, "value_at_stake": float(worth or 0.0)},
    }


def _keep(vault: Vault, number: int, folder: Path, document: dict[str, Any]) -> None:
    """Move the folder in and make it part of the base."""
    now = datetime.datetime.now().isoformat(" ", "seconds")
    target = vault.folder / "refreshes" / folder.name
    with vault.writing() as engine:
        folder.rename(target)
        try:
            transact(
                engine,
                [
                    f"DELETE FROM base.refreshes WHERE day = {number}",
                    f"UPDATE base.about SET value = '{FORMAT_VERSION}'"
                    " WHERE name = 'format_version'",
                    "INSERT INTO base.refreshes SELECT coalesce(max(number), 0) + 1,"
                    f" {number}, {DUCKDB.literal(folder.name)}, {DUCKDB.literal(now)},"
                    f" {DUCKDB.literal(to_json(document))} FROM base.refreshes",
                ],
            )
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
        vault.sweep(engine)


def _plain(value: Any) -> Any:
    """A value as JSON holds it: horizons may be dates or lengths of time."""
    return value if isinstance(value, (int, float, str, type(None))) else str(value)
