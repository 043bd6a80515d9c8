"""What customers will be like on the days of a forecast: patterns after the last day observed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.clocks.days import date_of
from predclv.errors import DataError, DataWarning, OptionError, some
from predclv.logs.columns import ids_of
from predclv.logs.covariate_table import CovariateTable
from predclv.logs.covariates import Covariates, open_covariates
from predclv.logs.path_statements import segments_ahead
from predclv.logs.sources import Table
from predclv.notices import counted, warn
from predclv.progress import stage
from predclv.samples.coding import coded
from predclv.samples.patterns import Patterns
from predclv.summaries.pathed import Ahead, finish, paths_along
from predclv.summaries.patterned import refuse_unusable, strangers
from predclv.summaries.rfm import RFM
from predclv.warehouse.base import Warehouse, fresh

_KNOWN = -1  # the combo of whom nothing new is said


def looking_ahead(rfm: RFM, dynamic_covariates: Any, days: int) -> RFM:
    """Customers by what is known of the days to come, too.

    Its cells have ``extra["ahead"]``, numbers of `Paths` in ``cells.ahead``, which begin on the day
    after the last one observed. A customer's values then are the last ones known until the first
    row after that day; columns that the table does not have stay as they are. ``patterns`` are
    those of ``rfm``, whose numbers stay, and after them those that come new.

    Parameters
    ----------
    rfm : RFM
        With covariates, and days.
    dynamic_covariates : table or CovariateTable
        customer_id, date and covariates of ``rfm``; rows up to the last day observed, and after
        the horizon, do not count, so that the whole table may be given.
    days : int
        Length of the horizon.

    Raises
    ------
    DataError
        If the summary has no covariates or no days, or the table cannot be used: a column or a
        level that is not known, a missing or infinite value.
    OptionError
        If there are no days.

    Warns
    -----
    DataWarning
        Rows of customers who are not in the summary were not used.

    Examples
    --------
    >>> import predclv as pc
    >>> orders = pd.DataFrame({"customer_id": [1, 2], "date": ["2024-01-01", "2024-01-29"]})
    >>> plans = pd.DataFrame({"customer_id": [1, 1, 2], "price": [10, 12, 11],
    ...                       "date": ["2024-01-01", "2024-02-05", "2024-01-29"]})
    >>> rfm = pc.rfm_summary(orders, amount=None, dynamic_covariates=plans[plans["price"] < 12])
    >>> cells = looking_ahead(rfm, plans, days=14).cells()
    >>> cells.ahead.frame.join(cells.patterns.frame, on="pattern")
       path  from_day  pattern  price
    0     0     19752        0   10.0
    1     0     19758        2   12.0
    2     1     19752        1   11.0
    """
    known, end = rfm.patterns, rfm.cells().last_day
    if known is None or end is None:
        lacks = "covariates" if known is None else "days, since it was made elsewhere"
        raise DataError(
            f"This summary has no {lacks}, so that what is to come of them means nothing: "
            "pc.rfm_summary(log, dynamic_covariates=table)."
        )
    if isinstance(days, bool) or not isinstance(days, int | np.integer) or days < 1:
        raise OptionError(f"days must be a whole number from 1 on; got {days!r}.")

    def find(warehouse: Warehouse, table: str) -> Ahead:
        with stage("Joining what is to come"):
            return _ahead(warehouse, table, dynamic_covariates, known, end, int(days))

    return replace(rfm, _summary=rfm._summary.looking_ahead(find))


def _ahead(
    warehouse: Warehouse, table: str, given: Any, known: Patterns, end: int, days: int
) -> Ahead:
    """The paths of customers in a table with pattern."""
    asked = _asked(given, known)
    ids = _ids_like(warehouse, table)
    rows = open_covariates(asked, ids, ids_of(ids)[0], None, "dynamic_covariates")
    strange = strangers(warehouse, rows, [table])
    if strange:
        warn(
            f"{counted(strange, 'row')} of dynamic_covariates {'is' if strange == 1 else 'are'} of "
            f"customers who are not forecast, and {'was' if strange == 1 else 'were'} not used.",
            DataWarning,
        )
    warehouse.store(raw := fresh("ahead"), segments_ahead(table, rows.name, end, days, _KNOWN))
    used = warehouse.frame(f"SELECT DISTINCT combo, pattern FROM {raw} ORDER BY combo, pattern")
    if not (used["combo"] != _KNOWN).any():
        warn(
            "No row of dynamic_covariates begins on the days ahead, "
            f"{date_of(end + 1)} to {date_of(end + days)} (rows up to "
            "today do not count): each customer's last value was carried on.",
            DataWarning,
        )
    patterns, number = _patterns(warehouse, rows, used, known, raw, table)
    numbers = used[["combo", "pattern"]].assign(number=number)
    of_customer, paths, segments = paths_along(warehouse, raw, numbers)
    finish(warehouse, [], [raw, segments, rows.name])
    return Ahead(of_customer, paths, patterns)


def _asked(given: Any, known: Patterns) -> CovariateTable:
    """The table, its levels being those that are known."""
    asked = CovariateTable.of(given)
    names = asked.names_in("dynamic_covariates")
    strange = [name for name in names if name not in known.names]
    if strange:
        raise DataError(
            f"dynamic_covariates of a forecast has the column {some(map(repr, strange))}, which "
            f"these customers do not have; they have {some(map(repr, known.names))}. Choose: "
            "pc.CovariateTable(table, columns=[...])."
        )
    counted_bins = [name for name, bins in (asked.bins or {}).items() if isinstance(bins, int)]
    if counted_bins:
        raise OptionError(
            f"dynamic_covariates of a forecast: bins of equally many customers, of "
            f"{some(map(repr, counted_bins))}, were others when the customers were summarised. "
            "Give limits there and here: bins={'price': [10, 20]}."
        )
    levels = {name: known.levels[name] for name in names if name in known.levels}
    return replace(asked, columns=names, levels=levels or None)


def _ids_like(warehouse: Warehouse, table: str) -> Table:
    """The customers as a log to which covariates are brought."""
    kind = warehouse.table(f"SELECT customer_id FROM {table} LIMIT 0").schema.field(0).type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    is_uuid = isinstance(kind, pa.UuidType)
    sql_type = "BIGINT" if pa.types.is_integer(kind) else "UUID" if is_uuid else "VARCHAR"
    assert is_text or is_uuid or pa.types.is_integer(kind)
    types = {"customer_id": sql_type}
    return Table(warehouse, warehouse, table, types, {"customer_id": "customer_id"})


def _patterns(
    warehouse: Warehouse,
    rows: Covariates,
    used: pd.DataFrame,
    known: Patterns,
    raw: str,
    table: str,
) -> tuple[Patterns, np.ndarray]:
    """The patterns known and new, and that of each row used."""
    combo = np.unique(used["combo"].to_numpy(np.int64))
    combo = combo[combo != _KNOWN]
    chosen = rows.combos.iloc[combo]
    refuse_unusable(warehouse, rows, chosen, combo, f"{raw} c", table)
    ones = np.ones(combo.size, np.int64)
    values = coded(chosen, ones, ones, rows.rules, rows.what, tells=False)
    said = used["combo"].to_numpy(np.int64) != _KNOWN
    frame = known.frame.take(used["pattern"].to_numpy()).reset_index(drop=True)
    place = values.place[np.searchsorted(combo, used["combo"].to_numpy(np.int64)[said])]
    for name in values.patterns.names:
        if (name in values.patterns.levels) != (name in known.levels):
            raise DataError(
                f"Column {name!r} of dynamic_covariates holds "
                f"{'text' if name in values.patterns.levels else 'numbers'}, and otherwise where "
                "the customers were summarised."
            )
        frame.loc[said, name] = values.patterns.frame[name].take(place).to_numpy()
    both = pd.concat([known.frame, frame], ignore_index=True)
    distinct = both.drop_duplicates(ignore_index=True)
    number = distinct.reset_index(names="number").merge(frame.reset_index(), on=list(frame))
    order = number.sort_values("index")["number"].to_numpy(np.int64)
    return Patterns(distinct, known.levels), order
