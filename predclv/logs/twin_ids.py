"""Ids of text that differ from each other only by case, or by spaces around them."""

import math

from predclv.errors import DataWarning, some
from predclv.logs.log import Log
from predclv.notices import warn

SAMPLED_IDS = 25_000
"""Of more customers, so many or twice as many are looked at before all are: 0.4% of the intake of a
million customers, where all took 8%. Of a million, 5,000 pairs are found with 95%; of 100,000, 50.
"""

BY_CHANCE = 0.002
"""Of ids, that may differ by case alone: short codes of large and small letters meet by chance. A
million codes of six do 230 times.
"""

_TRIMMED = "trim(customer_id)"
_FOLDED = f"lower({_TRIMMED})"


def warn_of_twin_ids(log: Log, table: str, customers: int) -> None:
    """Warn of customers whose ids are one id in several spellings.

    Asked of the summary's customers; of many, of a sample first.
    """
    first = log.warehouse.rows(f"SELECT customer_id FROM {table} LIMIT 1")
    if not first or not isinstance(first[0][0], str):
        return
    step = max(1, customers // SAMPLED_IDS)
    looked_at = f"{table} WHERE hash(customer_id) % {step} = 0" if step > 1 else table
    if not any(_twins(log, looked_at)):
        return
    by_spaces, by_both = _twins(log, table)
    if by_both > max(by_spaces, BY_CHANCE * customers):
        folded, how, twins, remedy = _FOLDED, "by case or by spaces", by_both, ".str.lower()"
    elif by_spaces:
        folded, how, twins, remedy = _TRIMMED, "by spaces", by_spaces, ""
    else:
        return
    found = log.warehouse.rows(
        f"SELECT min(customer_id), max(customer_id) FROM {table} GROUP BY {folded}"
        " HAVING count(*) > 1 ORDER BY 1 LIMIT 4"
    )
    shown = some((f"{one!r} and {other!r}" for one, other in found), 3, math.inf)
    column = log._table.names["customer_id"]
    warn(
        f"{customers:,} customers would be {customers - twins:,} if ids did not differ {how} "
        f"around them alone: {shown}. If these are the same people, write their ids in one way "
        f"first: log[{column!r}].str.strip(){remedy}.",
        DataWarning,
    )


def _twins(log: Log, customers: str) -> tuple[int, int]:
    """How many ids among these customers are another one but for spaces, and but for case too."""
    every, trimmed, folded = log.warehouse.rows(
        f"SELECT count(*), count(DISTINCT {_TRIMMED}), count(DISTINCT {_FOLDED}) FROM {customers}"
    )[0]
    return int(every - trimmed), int(every - folded)
