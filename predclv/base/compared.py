"""What moved since the last refresh: why value changed, and what its model expected of the time."""

from typing import Any

from predclv.base.change import IS_NOW, change, joined, joined_where_moved
from predclv.base.kept import Kept
from predclv.base.measures import days_between, since
from predclv.base.scores import Scores, registered
from predclv.base.states import rooted
from predclv.base.vault import Vault
from predclv.errors import DataError, DataWarning, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.recalled import as_recalled, key_of
from predclv.notices import warn
from predclv.summaries.rfm import RFM
from predclv.summaries.stored import StoredSummary
from predclv.units import day_number
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

SURPRISE = 0.98
"""Level of the interval that what came is held against, group by group, at the next refresh."""


def compared(
    vault: Vault,
    engine: DuckDBWarehouse,
    last: Kept,
    now: Kept,
    rfm: RFM,
    seed: int,
) -> dict[str, Any]:
    """The change since the last refresh, and what its model expected of the time between."""
    by = [g for g in now.groupings if g in last.groupings and g != "tier"]
    first, until = (day_number(kept.date) for kept in (last, now))
    before = last.fitted()
    forgets = any(key_of(fitted.purchases) for fitted in (before, now.fitted()))
    found: dict[str, Any] = {"before": str(last.date)}
    if last.value == now.value:
        try:
            valued = _valued_by_both(engine, before, last, now, rfm, seed, forgets)
        except (DataError, OptionError) as error:
            warn(
                f"Why the value changed since {last.date} cannot be told, for the model of then "
                f"cannot value the customers of today: {error}",
                DataWarning,
            )
        else:
            with vault.reading(engine):
                moved = None if forgets else moved_since(engine, last, now)
                rows = joined(last, valued, by)
                if moved is not None:
                    rows = joined_where_moved(last, valued, by, moved, until - first)
                parts = change(engine, last, rows, float(last.terms["margin"]), by)
            found["change"] = parts.to_dict("records")
    with vault.reading(engine):
        about = vault.about(engine)
        assert about is not None
        days = days_between(first, until, about.refunds)
        found["since"] = since(engine, days, last, first, until, SURPRISE, seed)
    return found


def _valued_by_both(
    engine: DuckDBWarehouse,
    before: FittedCLV,
    last: Kept,
    now: Kept,
    rfm: RFM,
    seed: int,
    forgets: bool,
) -> str:
    """Today's customers as the model of the last refresh values them, with today's own value.

    ``forgets`` says that either fit does: what is remembered of a customer is then each one's own.
    """
    own = [name for name in engine.types(now.people) if name != "customer_id"]
    today = f"SELECT *, {now.value} AS {IS_NOW} FROM {now.customers}"
    if forgets:
        rfm = as_recalled(before.purchases, rfm)
        summary = rfm._summary
        assert isinstance(summary, StoredSummary)
        known = ("customer_id", *engine.types(summary.table))
        more = "".join(f", n.{DUCKDB.quote(c)}" for c in (IS_NOW, *own) if c not in known)
        today = (
            f"SELECT s.*{more} FROM {summary.table} s JOIN ({today}) n"
            " ON n.customer_id = s.customer_id"
        )
    asked = last.document["asked"] | {"level": None}
    table = before.table(**asked, rfm=rfm, seed=seed)
    scores = Scores.of(table, rfm, [IS_NOW, *own])
    return f"({scores.sql(f'({today})', registered(engine, table))})"


def known_batches(engine: DuckDBWarehouse, until: int | None = None) -> dict[str, Any]:
    """The number of an attached base's last batch, and a mark that changes if any is another.

    A number may be given again after a batch was taken out; the mark tells the two apart.
    """
    where = "" if until is None else f" WHERE number <= {until}"
    number, mark = engine.rows(
        "SELECT coalesce(max(number), 0),"
        " CAST(coalesce(sum(hash(number, kind, added_at, fingerprint)), 0) AS VARCHAR)"
        f" FROM base.batches{where}"
    )[0]
    return {"number": int(number), "mark": mark}


def moved_since(engine: DuckDBWarehouse, last: Kept, now: Kept) -> str | None:
    """SQL of the ids of customers with rows since a refresh, in parentheses; without memory.

    None where more than new rows may have changed customers: batches taken out, ids merged, what
    is known of them, groups.
    """
    known = last.document.get("batches")
    plain = all("patterns" not in kept.document for kept in (last, now))
    if known is None or not plain:
        return None
    if not {*last.groupings} <= {*now.groupings}:
        return None
    at, first = known["number"], day_number(last.date)
    merges = engine.rows(f"SELECT 1 FROM base.batches WHERE number > {at} AND kind = 'merge'")
    if merges or known_batches(engine, at) != known:
        return None
    since_then = f"(SELECT * FROM base.days WHERE batch > {at} OR day > {first})"
    return f"(SELECT DISTINCT customer_id FROM {rooted(since_then)})"
