"""A refresh: fit from the last fit's start, forecast everybody, keep it with its terms."""

import datetime
import itertools
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from predclv.base.change import change
from predclv.base.groupings import TIERS, customers_sql, day_of, groupings, tier_cuts
from predclv.base.kept import Kept
from predclv.base.measures import days_between, measures, since
from predclv.base.vault import Vault, transact
from predclv.decisions.rhythm import at_risk
from predclv.errors import DataError, DataWarning, OptionError, StoreError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.recalled import as_recalled
from predclv.io.places import explained, workshop
from predclv.io.strict_json import from_json, to_json
from predclv.notices import warn
from predclv.progress import stage
from predclv.recipe import CLVModel
from predclv.summaries.rfm import RFM
from predclv.summaries.spread import scored_sql
from predclv.summaries.stored import StoredSummary
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

SURPRISE = 0.98
"""Level of the interval that what came is held against, group by group, at the next refresh."""

OVERDUE = 0.95
MOST_LISTED = 1000
"""Customers in the list of those gone quiet."""
_ASKED = 50_000  # customers at a time who are asked whether they are overdue


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
) -> Kept:
    """Make a refresh of a summary that lies in ``engine``, and keep it."""
    end = rfm.observation_end
    assert end is not None
    number = (end - datetime.date(1970, 1, 1)).days
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
            value = "clv" if fitted.spend is not None else "discounted_purchases"
            names = [grouping.name for grouping in found]
            document: dict[str, Any] = {
                "terms": asdict(terms) | {"observation_end": str(end)},
                "asked": {key: _plain(value) for key, value in asked.items()},
                "has_spend": fitted.spend is not None,
                "groupings": ["tier", *names],
                "seed": seed,
                "model": [type(f.model).__name__ for f in (fitted.purchases, fitted.spend) if f],
            }
            now = Kept(end, folder, document)
            with stage("Putting customers in groups"):
                scores = score(engine, fitted, rfm, asked, seed)
                cuts = tier_cuts(engine, scores, value)
                engine.write_parquet(
                    customers_sql(scores, found, cuts, value),
                    "s.customer_id",
                    folder / "customers.parquet",
                    {"predclv.terms": to_json(document["terms"])},
                )
            document |= now.keep_known(rfm)
            with stage("Forecasting groups"):
                document["measures"] = measures(engine, now, fitted, asked, seed)
            document["parameters"] = _parameters(fitted)
            document["quiet"] = _quiet(engine, now, fitted, seed)
            if last is not None:
                with stage("Comparing with the last refresh"):
                    document |= _compared(vault, engine, last, now, rfm, seed)
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
    options = dict(recipe.engine_options)
    if last is None or recipe.engine != "mle" or "start" in options or recipe.purchases == "auto":
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
    return CLVModel(
        recipe.purchases,
        recipe.spend,
        recipe.engine,
        recipe.clock,
        recipe.covariates,
        recipe.memory,
        recipe.drift,
        start=before,
        **options,
    )


def score(
    engine: DuckDBWarehouse, fitted: FittedCLV, rfm: RFM, asked: dict[str, Any], seed: int
) -> str:
    """A SELECT of everybody's state and forecast, from where the customers lie."""
    rfm = as_recalled(fitted.purchases, rfm)
    table = fitted.table(**asked, rfm=rfm, seed=seed)
    cells, summary = fresh("cells"), rfm._summary
    assert isinstance(summary, StoredSummary)
    engine.register(cells, pa.Table.from_pandas(table.frame, preserve_index=False))
    state = [c for c in engine.types(summary.table) if c not in ("customer_id", "row_count")]
    more = "".join(f", {c}" for c in state if c != "frequency" and c not in summary.extra)
    expressions = {**{name: f"s.{name}" for name in state}, **table.expressions}
    customers = f"SELECT {summary.columns}{more} FROM {summary.table}"
    return scored_sql(customers, cells, table.keys, expressions, DUCKDB)


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
    engine: DuckDBWarehouse, now: Kept, fitted: FittedCLV, seed: int, least: int = 3
) -> list[dict[str, Any]]:
    """Customers of the highest tier who are silent beyond their own rhythm.

    Asked of those worth the most first, until the list is full.
    """
    asked = now.document["asked"] | {"level": None}
    listed: list[pd.DataFrame] = []
    for start in itertools.count(step=_ASKED):
        best = (
            f"SELECT customer_id FROM {now.customers} WHERE tier = '{TIERS[-1]}'"
            f" AND frequency >= {least} ORDER BY {now.value} DESC, customer_id"
            f" LIMIT {_ASKED} OFFSET {start}"
        )
        try:
            top = now.of(engine, f"customer_id IN ({best})")
        except DataError:
            break
        forecast = fitted.forecast(**asked, rfm=top.rfm, seed=seed)
        listed.append(at_risk(fitted, top.rfm, OVERDUE, least, forecast))
        asked_all = len(top.rfm) < _ASKED
        engine.drop(top.table)
        if asked_all or sum(map(len, listed)) >= MOST_LISTED:
            break
    if not listed:
        return []
    found = pd.concat(listed, ignore_index=True).head(MOST_LISTED)
    return found.astype({"customer_id": str}).to_dict("records")  # type: ignore[return-value]


def _compared(
    vault: Vault,
    engine: DuckDBWarehouse,
    last: Kept,
    now: Kept,
    rfm: RFM,
    seed: int,
) -> dict[str, Any]:
    """The change since the last refresh, and what its model expected of the time between."""
    by = [g for g in now.groupings if g in last.groupings and g != "tier"]
    first, until = ((k.date - datetime.date(1970, 1, 1)).days for k in (last, now))
    before = last.fitted()
    found: dict[str, Any] = {"before": str(last.date)}
    if last.value == now.value:
        asked, margin = last.document["asked"] | {"level": None}, float(last.terms["margin"])
        try:
            between = score(engine, before, rfm, asked, seed)
        except (DataError, OptionError) as error:
            warn(
                f"Why the value changed since {last.date} cannot be told, for the model of then "
                f"cannot value the customers of today: {error}",
                DataWarning,
            )
        else:
            parts = change(engine, last, f"({between})", now.customers, margin, by)
            found["change"] = parts.to_dict("records")
    with vault.reading(engine):
        about = vault.about(engine)
        assert about is not None
        days = days_between(first, until, about.refunds)
        found["since"] = since(engine, days, last, first, until, SURPRISE, seed)
        known = f"(SELECT customer_id FROM {last.customers})"
        newcomers = (
            f"SELECT count(*) FROM {now.customers} n ANTI JOIN {known} o USING (customer_id)"
        )
        found["newcomers"] = int(engine.rows(newcomers)[0][0])
    return found


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
