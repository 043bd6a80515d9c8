"""Batches of a base: orders that come in, once each, and batches that go out again."""

import datetime
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa

from predclv.base.doubts import warn_of_doubts
from predclv.base.merging import roots
from predclv.base.states import recounted, with_batch
from predclv.base.stranded import warn_of_stranded
from predclv.base.vault import About, Vault, transact
from predclv.errors import DataError, DuplicateWarning, OptionError
from predclv.logs.log import Log
from predclv.notices import counted, warn
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

_KINDS = {"VARCHAR": "VARCHAR", "UUID": "UUID"}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
             "UBIGINT")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch that lies in an engine, its rows as the base keeps them.

    Attributes
    ----------
    engine : DuckDBWarehouse
    table : str
        The stored or registered days.
    about : About
        As a base made of this batch would be.
    is_text : bool
        Whether its ids are text that happened to look like numbers (CSV).
    has_refunds : bool
    rounded_rows : int
    """

    engine: DuckDBWarehouse
    table: str
    about: About
    is_text: bool
    has_refunds: bool
    rounded_rows: int

    @classmethod
    def of(cls, log: Log, refunds: str) -> "Arrival":
        """The days of a checked log, in an engine that a base can be attached to."""
        name = fresh("arriving")
        facts = log.keep_days(name)
        engine: Any = log.warehouse
        if not isinstance(engine, DuckDBWarehouse):  # Spark
            found, engine = engine.table(f"SELECT * FROM {name}"), DuckDBWarehouse()
            engine.register(name, found)
        kind = engine.types(name)["customer_id"]
        ids = "BIGINT" if kind in _INTEGERS else _KINDS.get(kind, "VARCHAR")
        about = About(ids, log.has_spend, refunds)
        return cls(
            engine, name, about, bool(facts["is_text"]), bool(facts["refund_rows"]),
            facts["rounded_rows"],
        )  # fmt: skip

    def agreeing(self, about: About) -> "Arrival":
        """The same batch, if it goes into a base that was made like this.

        Raises
        ------
        DataError
            If its ids are of another kind, or one has amounts and the other has none.
        """
        if self.about.has_spend != about.has_spend:
            raise DataError(
                "The base has amounts and this batch has none. Name the column of its amounts."
                if about.has_spend
                else "The base has no amounts and this batch has. Say amount=None."
            )
        if self.about.ids != about.ids and not (self.is_text and about.ids == "VARCHAR"):
            raise DataError(
                f"The ids of the base are {about.ids} and those of this batch {self.about.ids}. "
                "Bring them to one type, for instance text: .astype(str) in pandas, "
                "CAST(x AS VARCHAR) in SQL."
            )
        return replace(self, about=about)

    def rows(self, batch: int) -> str:
        """A SELECT of the batch's days in the columns of the base."""
        units = "CAST(units AS BIGINT)" if self.about.has_spend else "0"
        refunds = "TRUE, 0, 0"
        if self.has_refunds:
            refunds = "bought, refund_units, CAST(refund_rows AS INTEGER)"
        return (
            f"SELECT CAST(customer_id AS {self.about.ids}) AS customer_id, day, {units} AS units,"
            f" {refunds}, CAST(row_count AS INTEGER) AS row_count, {batch} AS batch"
            f" FROM {self.table}"
        )

    def facts(self) -> dict[str, Any]:
        """Rows, days and a fingerprint that equal batches share."""
        units = "sum(units)" if self.about.has_spend else "0"
        refunds, bought = "0", "count(*)"
        if self.has_refunds:
            refunds, bought = "sum(refund_rows)", "count_if(bought)"
        ids, amount = self.about.ids, "units" if self.about.has_spend else "0"
        return self.engine.record(
            "SELECT CAST(sum(row_count) AS BIGINT) AS row_count,"
            f" CAST({bought} AS BIGINT) AS purchase_days, min(day) AS first_day,"
            f" max(day) AS last_day, CAST({refunds} AS BIGINT) AS refund_rows,"
            f" CAST({units} AS HUGEINT) AS units, CAST(sum(hash(CAST(customer_id AS {ids}), day,"
            f" CAST({amount} AS BIGINT), row_count)) AS VARCHAR) AS fingerprint FROM {self.table}"
        )


def checked_name(name: object, what: str) -> str:
    """The name of a batch or a log.

    Raises
    ------
    OptionError
        If it is no text, or an empty one.
    """
    if not isinstance(name, str) or not name.strip():
        raise OptionError(f"{what} must be a name such as '2026-11'; got {name!r}.")
    return name.strip()


def put(
    vault: Vault, orders: Log, refunds: str, name: str, log: str, replace_batch: bool
) -> dict[str, Any]:
    """Put a batch into the base, in one transaction; what was put in.

    Parameters
    ----------
    vault : Vault
    orders : Log
        The batch.
    refunds : str
        What becomes of refunds in a base that is new.
    name, log : str
        The batch's, and that of where it is from.
    replace_batch : bool

    Raises
    ------
    DataError
        If a batch of that name is there and is not to be replaced.
    StoreError
        If the base cannot be written; it is then as it was.
    """
    arrival = Arrival.of(orders, refunds)
    facts = arrival.facts()
    with vault.writing(arrival.engine) as engine:
        about = vault.about(engine)
        if about is None:
            about = arrival.about
            vault.create(engine, about)
        arrival = arrival.agreeing(about)
        earlier = _numbered(engine, name, log)
        if earlier is not None and not replace_batch:
            raise DataError(
                f"The batch {name!r} of the log {log!r} is in the base already: "
                f"{counted(earlier['row_count'], 'row')}, added {earlier['added_at']}. Nothing was "
                "added. Say replace=True to put this in its place, or give it another name."
            )
        _warn_of_copies(engine, facts, name, earlier)
        number = 1 + int(engine.rows("SELECT coalesce(max(number), 0) FROM base.batches")[0][0])
        any_merged = bool(engine.rows("SELECT 1 FROM base.roots LIMIT 1"))
        steps = [] if earlier is None else _taken_out(earlier["number"], about.refunds)
        literal = DUCKDB.literal
        now = datetime.datetime.now().isoformat(" ", "seconds")
        steps += [
            f"INSERT INTO base.days {arrival.rows(number)}",
            f"INSERT INTO base.batches VALUES ({number}, {literal(log)}, {literal(name)},"
            f" 'orders', {literal(now)}, {facts['row_count']}, NULL,"
            f" {facts['first_day']}, {facts['last_day']}, {arrival.rounded_rows},"
            f" {facts['refund_rows'] or 0}, {facts['units']}, {literal(facts['fingerprint'])}, 0)",
            *with_batch(number, about.refunds, any_merged),
        ]
        transact(engine, steps)
        counted_in = engine.record(
            f"SELECT customers, late_customers FROM base.batches WHERE number = {number}"
        )
        facts |= counted_in
        warn_of_doubts(engine, about, orders, facts, number)
        warn_of_stranded(vault, engine)
    return facts


def remove(vault: Vault, name: str, log: str) -> None:
    """Take a batch out of the base: orders, or a merge of ids.

    Raises
    ------
    DataError
        If there is none of that name.
    """
    with vault.writing() as engine:
        about = vault.about(engine)
        found = None if about is None else _numbered(engine, name, log)
        if found is None or about is None:
            raise DataError(f"There is no batch {name!r} of the log {log!r} in the base.")
        number = found["number"]
        if found["kind"] == "orders":
            transact(engine, _taken_out(number, about.refunds))
            warn_of_stranded(vault, engine)
            return
        pairs = engine.rows(f"SELECT old, new FROM base.merges WHERE batch <> {number}")
        gone = [
            f"DELETE FROM base.merges WHERE batch = {number}",
            f"DELETE FROM base.batches WHERE number = {number}",
        ]
        transact(engine, [*gone, *rerooted(engine, roots(pairs), about)])


def put_merge(
    engine: DuckDBWarehouse, about: About, pairs: pd.DataFrame, name: str
) -> tuple[int, int]:
    """Put a merge of ids into the attached base; how many ids it has, and all merges so far.

    Parameters
    ----------
    pairs : DataFrame
        Two columns, the old id and the new one.

    Raises
    ------
    DataError
        If there is a batch of that name, or the ids are not of the base's type.
    """
    if _numbered(engine, name, "shop") is not None:
        raise DataError(f"There is a batch {name!r} already; nothing was merged.")
    said = int if about.ids == "BIGINT" else str
    try:
        given = [(said(old), said(new)) for old, new in pairs.itertuples(index=False)]
    except (TypeError, ValueError) as error:
        raise DataError(f"The ids of the base are {about.ids}: {error}.") from error
    known = [(said(a), said(b)) for a, b in engine.rows("SELECT old, new FROM base.merges")]
    found = roots([*known, *given])
    number = 1 + int(engine.rows("SELECT coalesce(max(number), 0) FROM base.batches")[0][0])
    now = datetime.datetime.now().isoformat(" ", "seconds")
    both = {"old": [old for old, _ in given], "new": [new for _, new in given]}
    engine.register("merging_given", pa.table(both))
    transact(
        engine,
        [
            f"INSERT INTO base.batches VALUES ({number}, 'shop', {DUCKDB.literal(name)},"
            f" 'merge', {DUCKDB.literal(now)}, {len(given)}, NULL, NULL, NULL, 0, 0, 0,"
            " '', 0)",
            f"INSERT INTO base.merges SELECT {number}, CAST(old AS {about.ids}),"
            f" CAST(new AS {about.ids}) FROM merging_given",
            *rerooted(engine, found, about),
        ],
    )
    return len(given), len(found)


def rerooted(engine: DuckDBWarehouse, found: dict[Any, Any], about: About) -> list[str]:
    """Statements that make these the roots of merged ids, and count those concerned anew."""
    kind = pa.int64() if about.ids == "BIGINT" else pa.string()
    said = (lambda value: value) if about.ids == "BIGINT" else str
    table = pa.table(
        {
            "old": pa.array([said(old) for old in found], kind),
            "root": pa.array([said(root) for root in found.values()], kind),
        }
    )
    engine.register("new_roots_given", table)
    ids = about.ids
    both = "SELECT customer_id, root FROM {} EXCEPT SELECT customer_id, root FROM {}"
    changed = (
        f"(SELECT unnest([customer_id, root]) AS customer_id FROM"
        f" (({both.format('new_roots', 'base.roots')}) UNION ALL"
        f" ({both.format('base.roots', 'new_roots')})))"
    )
    return [
        f"CREATE TEMP TABLE new_roots AS SELECT CAST(old AS {ids}) AS customer_id,"
        f" CAST(root AS {ids}) AS root FROM new_roots_given",
        f"CREATE TEMP TABLE moved AS SELECT DISTINCT customer_id FROM {changed}",
        "DELETE FROM base.roots",
        "INSERT INTO base.roots SELECT * FROM new_roots",
        *recounted("(SELECT customer_id FROM moved)", about.refunds),
        "DROP TABLE moved",
        "DROP TABLE new_roots",
    ]


def _taken_out(number: int, refunds: str) -> list[str]:
    return [
        f"CREATE TEMP TABLE leaving AS SELECT DISTINCT customer_id FROM base.days"
        f" WHERE batch = {number}",
        f"DELETE FROM base.days WHERE batch = {number}",
        f"DELETE FROM base.batches WHERE number = {number}",
        *recounted("(SELECT customer_id FROM leaving)", refunds),
        "DROP TABLE leaving",
    ]


def _numbered(engine: DuckDBWarehouse, name: str, log: str) -> dict[str, Any] | None:
    where = f"WHERE name = {DUCKDB.literal(name)} AND log = {DUCKDB.literal(log)}"
    if not engine.rows(f"SELECT 1 FROM base.batches {where}"):
        return None
    return engine.record(f"SELECT * FROM base.batches {where}")


def _warn_of_copies(
    engine: DuckDBWarehouse, facts: dict[str, Any], name: str, earlier: dict[str, Any] | None
) -> None:
    """Warn of a batch whose content is there under another name."""
    itself = -1 if earlier is None else earlier["number"]
    twins = engine.rows(
        f"SELECT name, log FROM base.batches WHERE fingerprint = "
        f"{DUCKDB.literal(facts['fingerprint'])} AND row_count = {facts['row_count']}"
        f" AND kind = 'orders' AND number <> {itself}"
    )
    if twins:
        other, log = twins[0]
        warn(
            f"The batch {name!r} holds exactly what {other!r} of the log {log!r} holds; both "
            f"count. If it is the same file again, base.remove({name!r}) takes it out.",
            DuplicateWarning,
        )
