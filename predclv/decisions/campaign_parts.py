"""The effect of a campaign in parts of the customer base, all looked at at once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.decisions.adjusted import Adjusted, level_of_all
from predclv.decisions.inputs import per_customer
from predclv.errors import DataError, DataWarning, some
from predclv.notices import counted, warn

MOST_PARTS = 50


def by_part(
    by: Any,
    ids: pd.Series,
    groups: Sequence[NDArray],
    difference: Callable[[NDArray], Adjusted],
    level: float,
) -> pd.DataFrame:
    """The difference within each part, with intervals that hold all together.

    Who looks at ten groups finds one with an effect at 90% where there is none. So each interval is
    as wide as it takes for all of them to hold at once (Šidák), and a part is named only where its
    own leaves out 0.

    Parameters
    ----------
    by : Series, mapping or DataFrame
    ids : Series, shape (n,)
    groups : sequence of ndarray of bool, each (n,)
        Those that every part needs two customers of.
    difference : callable
        Of the customers in a part, by a mask.
    level : float
        Of all intervals together.

    Returns
    -------
    DataFrame
        The largest difference first: part, customers, treated, control, difference, lower, upper,
        verdict.

    Raises
    ------
    DataError
        If there are more than 50 parts, or none with two customers of each group.

    Warns
    -----
    DataWarning
        If customers have no part, or a part fewer than two customers of a group.
    """
    column = "part"
    if isinstance(by, pd.DataFrame):
        others = [name for name in by.columns if name != "customer_id"]
        if "customer_id" in by and len(others) == 1:
            column = others[0]
        elif column not in by and "tier" in by:
            column = "tier"
    part = per_customer(by, ids, "by", column).astype(object)
    names = sorted(part.dropna().unique(), key=str)
    if len(names) > MOST_PARTS:
        raise DataError(
            f"by has {len(names)} parts ({some(names, 3)}); with more than {MOST_PARTS} every "
            "interval is too wide to say anything. Group them first, for instance with "
            "pc.segments.tiers."
        )
    without = int(part.isna().sum())
    if without:
        warn(f"{counted(without, 'customer has', 'customers have')} no part.", DataWarning)
    masks = {name: part.eq(name).to_numpy() for name in names}
    small = [
        name for name, mask in masks.items()
        if min((mask & group).sum() for group in groups) < 2
    ]  # fmt: skip
    if small:
        warn(
            f"{counted(len(small), 'part has', 'parts have')} fewer than two customers of a group "
            f"and {'was' if len(small) == 1 else 'were'} left out: {some(small)}.",
            DataWarning,
        )
    masks = {name: mask for name, mask in masks.items() if name not in small}
    if not masks:
        raise DataError("No part has two customers of each group.")
    each = level_of_all(level, len(masks))
    rows = []
    for name, mask in masks.items():
        found = difference(mask)
        lower, upper = found.bounds(each)
        rows.append(
            {
                "part": name,
                "customers": int(mask.sum()),
                "treated": found.treated,
                "control": found.control,
                "difference": found.difference,
                "lower": lower,
                "upper": upper,
                "verdict": "treat" if lower > 0 else "leave alone" if upper < 0 else "not known",
            }
        )
    table = pd.DataFrame(rows)
    order = np.argsort(-table["difference"].to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)
