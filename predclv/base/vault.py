"""The folder of a customer base: its DuckDB file, its lock, its format version.

Every change is one transaction of the DuckDB file, so a process that is killed, or a disk that is
full, leaves the base as it was before or as it is after. Files of a refresh are written under
names of their own beforehand; only the row in the DuckDB file makes them part of the base, and
files that no row names are removed by the next writer.

A writer holds the operating system's lock on the file ``lock`` and writes into ``lock-holder`` who
it is; readers share that lock. It ends with its process, however that ends.
"""

import contextlib
import datetime
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from predclv.errors import DataError, StoreError, some
from predclv.io.places import is_workshop, place
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

try:
    import fcntl
except ImportError:  # Windows: DuckDB's own lock keeps two writers apart
    fcntl = None  # type: ignore[assignment]

FORMAT_VERSION = 2
"""Raised when an older version would misread what a newer one writes."""

DATABASE = "states.duckdb"
_LOCK, _HOLDER = "lock", "lock-holder"
_OWN = (_LOCK, _HOLDER, f"{DATABASE}.wal", "refreshes")
"""What a writer that was killed with the first batch may leave."""

_SCHEMA = """
    CREATE TABLE base.about (name VARCHAR, value VARCHAR);
    CREATE TABLE base.batches (
        number INTEGER, log VARCHAR, name VARCHAR, kind VARCHAR, added_at VARCHAR,
        row_count BIGINT, customers BIGINT, first_day INTEGER, last_day INTEGER,
        rounded_rows BIGINT, refund_rows BIGINT, units HUGEINT, fingerprint VARCHAR,
        late_customers BIGINT);
    CREATE TABLE base.merges (batch INTEGER, old {ids}, new {ids});
    CREATE TABLE base.roots (customer_id {ids}, root {ids});
    CREATE TABLE base.days (
        customer_id {ids}, day INTEGER, units BIGINT, bought BOOLEAN, refund_units BIGINT,
        refund_rows INTEGER, row_count INTEGER, batch INTEGER);
    CREATE TABLE base.states (
        customer_id {ids}, first_day INTEGER, last_day INTEGER, seen_day INTEGER, days INTEGER,
        units BIGINT, first_units BIGINT, largest_units BIGINT, refund_only_days INTEGER,
        refund_only_units BIGINT, net_negative_days INTEGER, net_negative_units BIGINT,
        refund_units BIGINT, refund_rows BIGINT, row_count BIGINT);
    CREATE TABLE base.refreshes (
        number INTEGER, day INTEGER, folder VARCHAR, made_at VARCHAR, document VARCHAR);
"""


@dataclass(frozen=True, slots=True)
class About:
    """What a base was made with, fixed by its first batch.

    Attributes
    ----------
    ids : str
        SQL type of the ids: BIGINT, VARCHAR or UUID.
    has_spend : bool
    refunds : str
        net or drop.
    """

    ids: str
    has_spend: bool
    refunds: str


class Vault:
    """The folder of one base.

    Parameters
    ----------
    folder : path-like
    wait : float
        Seconds to wait for another process before it is an error that says who it is.
    """

    def __init__(self, folder: str | os.PathLike[str], wait: float) -> None:
        self.folder = place(folder)
        self.wait = wait
        self._readers: dict[int, int] = {}  # uses by engine
        self._leave: dict[int, contextlib.ExitStack] = {}
        self._turn = threading.RLock()

    @property
    def file(self) -> Path:
        """The DuckDB file."""
        return self.folder / DATABASE

    def refuse_foreign(self) -> None:
        """Refuse a file, and a folder that holds something else; hidden files are nobody's.

        Raises
        ------
        StoreError
            It names what is there.
        """
        if self.folder.is_file():
            raise StoreError(f"{self.folder} is a file; name a folder.")
        if self.file.exists() or not self.folder.is_dir():
            return
        found = []
        with contextlib.suppress(OSError):  # said where it is opened
            found = sorted(entry.name for entry in self.folder.iterdir())
        others = [name for name in found if name not in _OWN and not name.startswith(".")]
        if others:
            raise StoreError(
                f"{self.folder} holds {some(others)}, and no base. Name a folder of its own for "
                "the base, new or empty."
            )

    @contextlib.contextmanager
    def writing(self, engine: DuckDBWarehouse | None = None) -> Iterator[DuckDBWarehouse]:
        """The base attached as ``base`` to an engine, nobody else near it."""
        with self._locked(exclusive=True), self._attached(engine or DuckDBWarehouse(), "") as found:
            yield found

    @contextlib.contextmanager
    def reading(self, engine: DuckDBWarehouse | None = None) -> Iterator[DuckDBWarehouse]:
        """The base attached read-only as ``base``; other readers may be there too.

        Where it is attached to that engine already it stays so.
        """
        if not self.file.exists():
            raise DataError(
                f"The base {self.folder} has no orders yet: base.add(orders, batch=...)."
            )
        found = engine or DuckDBWarehouse()
        with self._turn:
            first = not self._readers.get(id(found))
            held = contextlib.ExitStack()
            if first:
                held.enter_context(self._locked(exclusive=False))
                held.enter_context(self._attached(found, " (READ_ONLY)"))
                self._leave[id(found)] = held
            self._readers[id(found)] = self._readers.get(id(found), 0) + 1
        try:
            yield found
        finally:
            with self._turn:
                self._readers[id(found)] -= 1
                if not self._readers[id(found)]:
                    del self._readers[id(found)]
                    self._leave.pop(id(found)).close()

    def create(self, engine: DuckDBWarehouse, about: About) -> None:
        """Make the tables, where ``base`` is a new file; in one transaction."""
        said = {
            "format_version": str(FORMAT_VERSION),
            "ids": about.ids,
            "has_spend": str(about.has_spend).lower(),
            "refunds": about.refunds,
        }
        rows = ", ".join(f"({DUCKDB.literal(k)}, {DUCKDB.literal(v)})" for k, v in said.items())
        schema = _SCHEMA.format(ids=about.ids)
        transact(engine, [schema, f"INSERT INTO base.about VALUES {rows}"])

    def about(self, engine: DuckDBWarehouse) -> About | None:
        """What the attached base was made with; None for a file without tables.

        Raises
        ------
        StoreError
            If it is of a newer format, or no base at all.
        """
        tables = {
            name
            for (name,) in engine.rows(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = 'base'"
            )
        }
        if not tables:
            return None
        if not {"about", "days", "states", "batches"} <= tables:
            raise StoreError(f"{self.file} is a DuckDB file that predclv did not write.")
        said: Mapping[str, str] = dict(engine.rows("SELECT name, value FROM base.about"))
        version = int(said.get("format_version", "0"))
        if not 1 <= version <= FORMAT_VERSION:
            raise StoreError(
                f"{self.folder} has format version {version}; this predclv reads up to "
                f"{FORMAT_VERSION}. Install a newer predclv."
            )
        return About(said["ids"], said["has_spend"] == "true", said["refunds"])

    @contextlib.contextmanager
    def _attached(self, engine: DuckDBWarehouse, options: str) -> Iterator[DuckDBWarehouse]:
        file = DUCKDB.literal(str(self.file))
        try:
            engine.rows(f"ATTACH {file} AS base{options}")
        except DataError as error:
            raise StoreError(f"The base {self.file} could not be opened: {error}") from error
        try:
            yield engine
        finally:
            with contextlib.suppress(DataError):
                engine.rows("DETACH base")

    @contextlib.contextmanager
    def _locked(self, exclusive: bool) -> Iterator[None]:
        try:
            if exclusive:
                self.folder.mkdir(parents=True, exist_ok=True)
            elif fcntl is not None and not os.access(self.folder, os.W_OK):
                yield  # a folder that may only be read has no writer either
                return
            descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot hold a base: {error}.") from error
        try:
            self._take(descriptor, exclusive)
            if not exclusive:
                yield
                return
            self._sign()
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    (self.folder / _HOLDER).unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, exclusive: bool) -> None:
        if fcntl is None:
            return
        until = time.monotonic() + self.wait
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    raise StoreError(
                        f"The base {self.folder} is in use{self._holder()}. It was waited for "
                        f"{self.wait:g} seconds; nothing was changed. Try again when it is done."
                    ) from None
                time.sleep(0.02)

    def _sign(self) -> None:
        who = {
            "process": os.getpid(),
            "machine": socket.gethostname(),
            "since": datetime.datetime.now().isoformat(" ", "seconds"),
        }
        with contextlib.suppress(OSError):  # a full disk: the lock holds, it only has no name
            (self.folder / _HOLDER).write_text(json.dumps(who), encoding="utf-8")

    def _holder(self) -> str:
        try:
            who: dict[str, Any] = json.loads((self.folder / _HOLDER).read_text(encoding="utf-8"))
            return f" by process {who['process']} on {who['machine']} since {who['since']}"
        except (OSError, ValueError, KeyError):
            return " by another process that reads it"

    def sweep(self, engine: DuckDBWarehouse) -> None:
        """Remove the folders of refreshes that no row names: their writer was killed."""
        named = {name for (name,) in engine.rows("SELECT folder FROM base.refreshes")}
        kept = self.folder / "refreshes"
        for entry in kept.iterdir() if kept.is_dir() else ():
            if entry.name not in named and not is_workshop(entry.name):
                shutil.rmtree(entry, ignore_errors=True)


def transact(engine: DuckDBWarehouse, statements: list[str]) -> None:
    """Run statements as one transaction: all of them, or none.

    Raises
    ------
    StoreError
        If one fails; the base is then as it was.
    """
    script = ";\n".join(["BEGIN TRANSACTION", *statements, "COMMIT"])
    try:
        engine.rows(script)
    except DataError as error:
        raise StoreError(
            f"The base was not changed, and is as it was before: {error.__cause__ or error}"
        ) from error
