"""Budgets from what newcomers of each channel are worth: where to spend, and what to test."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from predclv.decisions.channel_tables import checked_costs
from predclv.decisions.new_customer import NewCustomer
from predclv.errors import DataError, OptionError, some

SPEND, STOP, TEST = "spend", "stop", "test"


def newcomer_budget(
    newcomers: Mapping[Any, NewCustomer], costs: Any, target: float, customers: Any = None
) -> pd.DataFrame:
    """What is known of each channel, from the value of its newcomers with intervals.

    A channel is worth its money where even the lower bound of a newcomer's value is ``target``
    times their cost, and is not where even the upper bound falls short. Between, nobody knows, and
    a test costs less than being wrong.
    """
    strange = {name: each for name, each in newcomers.items() if not isinstance(each, NewCustomer)}
    if not newcomers or strange:
        kinds = sorted({type(each).__name__ for each in strange.values()})
        raise DataError(
            "budget wants the newcomers of each channel, {'search': new_customer(fitted), ...}; "
            f"got {'none' if not newcomers else some(kinds)}."
        )
    levels = {each.level for each in newcomers.values()}
    if len(levels) > 1:
        raise DataError(f"The newcomers' intervals have different levels: {some(sorted(levels))}.")
    if costs is None:
        raise OptionError(
            "costs are needed beside newcomers' values: costs={'search': 20.0, ...}, per customer."
        )
    names = list(newcomers)
    cost = checked_costs(costs, names).reindex(names)
    several = None if customers is None else checked_costs(customers, names).reindex(names)
    rows = []
    for name, new in newcomers.items():
        cac = float(cost[name])
        bar = target * cac
        row: dict[str, Any] = {
            "channel": name,
            "value": new.value,
            "value_lower": new.lower,
            "value_upper": new.upper,
            "cac": cac,
            "ratio": new.value / cac,
            "ratio_lower": new.lower / cac,
            "ratio_upper": new.upper / cac,
            "safe_cac": max(new.lower, 0.0) / target,
            "max_cac": max(new.value, 0.0) / target,
        }
        if several is not None:
            row["customers"] = int(several[name])
            row["budget"] = row["safe_cac"] * row["customers"] if new.lower >= bar else 0.0
        advice, row["customers_times"] = _advice(new, bar)
        row["advice"] = advice
        rows.append(row)
    table = pd.DataFrame(rows)
    order = np.argsort(-table["ratio_lower"].to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _advice(new: NewCustomer, bar: float) -> tuple[str, float]:
    """What to do, and how many times the customers it takes to know; 1 where it is known."""
    if new.lower >= bar:
        return SPEND, 1.0
    if new.upper < bar:
        return STOP, 1.0
    reach = bar - new.lower if new.value >= bar else new.upper - bar
    away = abs(new.value - bar)
    half = reach + away
    return TEST, (half / away) ** 2 if away > 0 else np.inf
