"""Customers of a summary with the number of their path: dynamic covariates, in the warehouse."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, DataWarning, some
from predclv.frozen import Frozen
from predclv.logs.covariates import Covariates
from predclv.logs.log import Log
from predclv.logs.path_statements import PathSQL, changes, lasting, repeats_by_segment
from predclv.notices import counted, warn
from predclv.progress import stage
from predclv.samples.coding import coded, numbered
from predclv.samples.paths import Paths, packed
from predclv.samples.patterns import Patterns
from predclv.summaries.patterned import Described, refuse_unusable, strangers
from predclv.warehouse.base import Warehouse, fresh


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What is to come of customers.

    Attributes
    ----------
    table : str
        customer_id and path.
    paths : Paths
    patterns : Patterns
        Those that were known, and after them those that come new.
    """

    table: str
    paths: Paths
    patterns: Patterns


def with_paths(
    warehouse: Warehouse, known: Covariates, before: Described, end: int, tells: bool
) -> Described:
    """Give customers of a summary the numbers of their path and of their last pattern.

    Parameters
    ----------
    warehouse : Warehouse
    known : Covariates
        Dynamic ones.
    before : Described
        The summary, with static patterns in the column static_pattern where there are any.
    end : int
        The last day observed, since 1970-01-01.
    tells : bool
        Whether to warn.

    Raises
    ------
    DataError
        If customers have no row, or a missing or infinite value, and nothing says what stands for
        it.
    """
    table = before.table
    sql = PathSQL(table, known.name, fresh("rows"), end, known.absent)
    with stage(f"Joining {known.what}"):
        warehouse.store(sql.rows, sql.of_customers())
        facts = {name: int(number) for name, number in warehouse.record(sql.facts()).items()}
        facts["without"] = warehouse.rows(f"SELECT count(*) FROM ({sql.without()})")[0][0]
        if known.absent is None:
            _refuse_without(warehouse, known, sql, facts["without"])
        if tells:
            _tell(warehouse, known, sql, facts)
        static = "s.static_pattern" if before.patterns is not None else "CAST(0 AS BIGINT)"
        warehouse.store(
            raw := fresh("segments"),
            f"SELECT g.customer_id, g.combo, g.from_day, g.to_day, {static} AS static_pattern"
            f" FROM ({lasting(sql.segments(), end)}) g"
            f" JOIN {table} s ON g.customer_id = s.customer_id",
        )
        used = warehouse.frame(
            "SELECT combo, static_pattern,"
            " CAST(count(DISTINCT customer_id) AS BIGINT) AS customers,"
            " CAST(sum(to_day - from_day) AS BIGINT) AS days"
            f" FROM {raw} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        patterns, number, counts = _patterns(warehouse, known, before, used, raw, tells)
        numbers = used[["combo", "static_pattern"]].assign(number=number)
        of_customer, paths, segments = paths_along(warehouse, raw, numbers)
        warehouse.store(
            name := fresh("summary"),
            f"SELECT s.*, p.path, p.pattern FROM {table} s"
            f" JOIN {of_customer} p ON s.customer_id = p.customer_id",
        )
        whole = lasting(f"SELECT * FROM {segments}", end)
        warehouse.store(
            kept := fresh("segments"),
            f"SELECT g.*, {end} - s.age_days AS first_day FROM ({whole}) g"
            f" JOIN {table} s ON g.customer_id = s.customer_id",
        )
        counts |= {
            "dynamic_rows": known.rows,
            "dynamic_rows_repeated": known.repeated,
            "dynamic_rows_without_customer": strangers(warehouse, known, [table]),
            "dynamic_rows_before_first_purchase": facts["rows_before"],
            "dynamic_rows_after_end": int(warehouse.rows(sql.after())[0][0]),
            "customers_before_first_dynamic_row": facts["late"],
            "customers_without_dynamic_row": facts["without"],
        }
        done = [of_customer, sql.rows, raw, segments, table]
        finish(warehouse, [name, kept], done)
    return Described(
        name,
        ("pattern", "path"),
        patterns,
        Frozen({**before.counts, **counts}),
        paths=paths,
        segments=kept,
    )


def _patterns(
    warehouse: Warehouse,
    known: Covariates,
    before: Described,
    used: pd.DataFrame,
    raw: str,
    tells: bool,
) -> tuple[Patterns, np.ndarray, dict[str, int]]:
    """The patterns of static and dynamic covariates together, and that of each row used."""
    of_combo = used.groupby("combo", sort=True)[["customers", "days"]].sum()
    combo = of_combo.index.to_numpy(np.int64)
    chosen = known.combos.iloc[combo]
    refuse_unusable(warehouse, known, chosen, combo, f"{raw} c", before.table)
    n = int(warehouse.rows(f"SELECT count(*) FROM {before.table}")[0][0])
    found = coded(
        chosen,
        of_combo["customers"].to_numpy(np.int64),
        of_combo["days"].to_numpy(np.int64),
        known.rules,
        known.what,
        tells,
        n,
    )
    place = found.place[np.searchsorted(combo, used["combo"].to_numpy(np.int64))]
    frame = found.patterns.frame.take(place).reset_index(drop=True)
    levels = dict(found.patterns.levels)
    if before.patterns is not None:
        own = before.patterns.frame.take(used["static_pattern"].to_numpy()).reset_index(drop=True)
        frame = pd.concat([own, frame], axis="columns")
        levels = {**before.patterns.levels, **levels}
    patterns, number = numbered(frame, levels)
    return patterns, number, dict(found.counts)


def paths_along(warehouse: Warehouse, raw: str, numbers: pd.DataFrame) -> tuple[str, Paths, str]:
    """Customers' paths through patterns, in a table of customer_id, from_day and what says which.

    ``numbers`` has the columns that say it, and the pattern's ``number``. Before the paths comes
    the name of a table of customer_id, path and pattern, the last one; after them that of the
    segments by pattern.
    """
    warehouse.register(
        pairs := fresh("patterns"), pa.Table.from_pandas(numbers, preserve_index=False)
    )
    same = " AND ".join(f"r.{name} = n.{name}" for name in numbers if name != "number")
    joined = f"FROM {raw} r JOIN {pairs} n ON {same}"
    warehouse.store(
        segments := fresh("segments"),
        changes(f"SELECT r.customer_id, r.from_day, n.number AS pattern {joined}"),
    )
    steps = warehouse.dialect.sorted_list(packed("from_day", "pattern"))
    warehouse.store(
        of_customer := fresh("steps"),
        f"SELECT customer_id, {steps} AS steps, max_by(pattern, from_day) AS pattern"
        f" FROM {segments} GROUP BY customer_id",
    )
    warehouse.store(
        distinct := fresh("paths"),
        "SELECT steps, CAST(row_number() OVER (ORDER BY steps) - 1 AS BIGINT) AS path"
        f" FROM (SELECT DISTINCT steps FROM {of_customer})",
    )
    listed = warehouse.table(f"SELECT steps FROM {distinct} ORDER BY path")["steps"]
    column = listed.combine_chunks() if isinstance(listed, pa.ChunkedArray) else listed
    paths = Paths.of_steps(column.flatten().to_numpy(), column.value_lengths().to_numpy())
    warehouse.store(
        numbered_paths := fresh("paths"),
        f"SELECT c.customer_id, p.path, c.pattern FROM {of_customer} c"
        f" JOIN {distinct} p ON c.steps = p.steps",
    )
    finish(warehouse, [numbered_paths], [of_customer, distinct, pairs])
    return numbered_paths, paths, segments


def finish(warehouse: Warehouse, stored: Iterable[str], done: Iterable[str]) -> None:
    """Have tables computed, as Spark puts off, before those that they need are dropped."""
    for name in stored:
        warehouse.rows(f"SELECT count(*) FROM {name}")
    for name in done:
        warehouse.drop(name)


def _refuse_without(warehouse: Warehouse, known: Covariates, sql: PathSQL, without: int) -> None:
    """Every customer has a row up to the end.

    Raises
    ------
    DataError
        If not.
    """
    if not without:
        return
    ids = warehouse.rows(f"SELECT customer_id FROM ({sql.without()}) ORDER BY 1 LIMIT 6")
    columns = ", ".join(f"{name!r}: ..." for name in known.combos)
    raise DataError(
        f"{counted(without, 'customer has', 'customers have')} no row in {known.what} up to the "
        f"end of observation ({'id' if without == 1 else 'ids'} "
        f"{some((row[0] for row in ids), of=without)}). "
        f"Add {'it' if without == 1 else 'them'}, or say what holds for who has none, and before a "
        f"customer's first row: pc.CovariateTable(table, fill={{{columns}}})."
    )


def _tell(warehouse: Warehouse, known: Covariates, sql: PathSQL, facts: dict[str, int]) -> None:
    """Warn of values that were carried back, and of rows that were over before they counted."""
    late, early = facts["late"], facts["rows_before"]
    if late and known.absent is None:
        ids = warehouse.rows(f"{sql.late()} ORDER BY 1 LIMIT 6")
        columns = ", ".join(f"{name!r}: ..." for name in known.combos)
        warn(
            f"{counted(late, 'customer has', 'customers have')} the first row of {known.what} "
            f"after the first purchase (ids {some((row[0] for row in ids), of=late)}): its values "
            "were taken to hold from the first purchase on. Say what held before: "
            f"pc.CovariateTable(table, fill={{{columns}}}).",
            DataWarning,
        )
    if early:
        warn(
            f"{counted(early, 'row')} of {known.what} {'was' if early == 1 else 'were'} over "
            "before the customer's first purchase and did not count: the last one up to it does.",
            DataWarning,
        )


def repeats_of(log: Log, segments: str, end: datetime.date) -> pd.DataFrame:
    """Repeat purchases by day and pattern, from a table of what held from when to when."""
    with log.days_until(end) as days:
        return log.warehouse.frame(
            f"SELECT * FROM ({repeats_by_segment(days, segments)}) ORDER BY day, pattern"
        )
