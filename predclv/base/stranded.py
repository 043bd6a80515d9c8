"""Refreshes that a base keeps of days that its orders no longer reach, and how one goes out."""

import datetime

from predclv.base.compared import known_batches
from predclv.base.kept import Kept
from predclv.base.refreshes import refreshes
from predclv.base.vault import Vault, transact
from predclv.errors import DataError, ObservationEndWarning, some
from predclv.notices import warn
from predclv.units import day_number, day_of
from predclv.warehouse.duckdb import DuckDBWarehouse


def remove_refresh(vault: Vault, date: datetime.date) -> None:
    """Take the refresh of a day out of the base, and its files.

    Raises
    ------
    DataError
        If there is none of that day; the message names those that are kept.
    """
    with vault.writing() as engine:
        kept = [] if vault.about(engine) is None else refreshes(vault, engine)
        days = [str(one.date) for one in kept]
        if str(date) not in days:
            known = f"it keeps those of {some(days, 12)}" if days else "it keeps none"
            raise DataError(f"The base {vault.folder} has no refresh of {date}; {known}.")
        transact(engine, [f"DELETE FROM base.refreshes WHERE day = {day_number(date)}"])
        vault.sweep(engine)


def orders_until(engine: DuckDBWarehouse) -> int | None:
    """The last day of the attached base's orders; None where it has none."""
    found = engine.rows("SELECT max(last_day) FROM base.batches WHERE kind = 'orders'")[0][0]
    return None if found is None else int(found)


def warn_of_stranded(vault: Vault, engine: DuckDBWarehouse) -> None:
    """Warn of refreshes of the attached base that its orders reached once, and reach no more.

    Warns
    -----
    ObservationEndWarning
    """
    until = orders_until(engine)
    if until is None:
        return
    kept = [one for one in refreshes(vault, engine) if day_number(one.date) > until]
    days = [str(one.date) for one in kept if _was_reached(engine, one)]
    if not days:
        return
    which, them = (f"refresh of {days[0]} is", "it") if len(days) == 1 else (
        f"refreshes of {some(days)} are", "each")  # fmt: skip
    warn(
        f"The {which} later than the base's last order, of {day_of(until)}: the batch that "
        "reached so far was taken out or replaced. table(), alerts() and quiet() show the last "
        f"refresh, so they stay there. base.remove_refresh('{days[-1]}') takes {them} out.",
        ObservationEndWarning,
    )


def _was_reached(engine: DuckDBWarehouse, kept: Kept) -> bool:
    """Whether a refresh's day was one of orders then, not of ``observation_end`` alone.

    Older versions did not note it; of theirs it is told by a batch that is another by now.
    """
    if "orders_until" in kept.document:
        return day_number(kept.date) <= kept.document["orders_until"]
    known = kept.document.get("batches")
    return known is not None and known_batches(engine, known["number"]) != known
