"""The tables behind channels: means, differences and ratios, and what is checked of costs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from predclv.decisions.differences import differences
from predclv.decisions.ratios import payback, verdict
from predclv.errors import DataError, DataWarning, ScaleWarning, did_you_mean, plainly, some
from predclv.notices import counted, warn

NONE = "(no channel)"
NO_DIFFERENCE = "no difference"
MANY_CHANNELS, MOST_CHANNELS = 100, 1000
"""From which on comparing all pairs is warned of (5,000 of them), and refused (500,000)."""
ALONE = "one customer: not known"


def check_channels(channel: pd.Series) -> None:
    """Somebody has a channel, and none is called as the row of those without."""
    names = channel.dropna().unique()
    if not len(names):
        raise DataError("No customer of the forecast has a channel.")
    if NONE in names:
        raise DataError(f"{NONE!r} is the row of customers without a channel; name it otherwise.")
    if len(names) > MOST_CHANNELS:
        raise DataError(
            f"There are {len(names):,} channels ({some(map(plainly, names), 3)}), of which all "
            f"pairs would be compared; at most {MOST_CHANNELS:,}. Is it the right column? Put "
            "small ones together."
        )
    if len(names) > MANY_CHANNELS:
        pairs = len(names) * (len(names) - 1) // 2
        warn(
            f"There are {len(names):,} channels, and all {pairs:,} pairs are compared: that takes "
            "long, and few differences will be told apart. Put small ones together.",
            ScaleWarning,
        )


def with_ratios(
    table: pd.DataFrame, cost: pd.Series, cost_is: str, years: float | None
) -> pd.DataFrame:
    """Mean values over costs, with payback and verdict."""
    table = table.copy()
    if cost_is == "total":
        cost = cost / table["customers"].reindex(cost.index)
    table["cac"] = cost.reindex(table.index)
    for suffix in ("", "_lower", "_upper"):
        table[f"ratio{suffix}"] = table[f"mean_clv{suffix}"] / table["cac"]
    if years is not None:
        table["payback_months"] = payback(table["cac"], table["clv"] / (12.0 * years))
    table["verdict"] = [
        verdict(*row) for row in table[["ratio", "ratio_lower", "ratio_upper"]].to_numpy()
    ]
    return table


def pair_differences(
    channel: pd.Series,
    value: np.ndarray,
    names: list[Any],
    level: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Every pair of channels: how far their means differ, and whether that is more than chance."""
    group = pd.Index(names).get_indexer(pd.Index(channel))
    known = group >= 0
    pairs = differences(group[known], value[known], level, rng)
    first, second = (np.array(names, dtype=object)[each] for each in (pairs.first, pairs.second))
    real = np.abs(pairs.difference) > pairs.reach
    more = np.where(pairs.difference > 0, first, second)
    return pd.DataFrame(
        {
            "channel": first,
            "other": second,
            "difference": pairs.difference,
            "difference_lower": pairs.difference - pairs.reach,
            "difference_upper": pairs.difference + pairs.reach,
            "verdict": np.select(
                [np.isnan(pairs.reach), real],
                [ALONE, [f"{name} is worth more" for name in more]],
                NO_DIFFERENCE,
            ),
        }
    )


def standing(name: Any, pairs: pd.DataFrame) -> str:
    """A channel among the others in words: which it is really worth more or less than."""
    if pairs.empty:
        return "no other channel to compare with"
    real = pairs[~pairs["verdict"].isin([NO_DIFFERENCE, ALONE])]
    told = []
    for word, sign in (("more", 1), ("less", -1)):
        others = [
            *real.loc[real["channel"].eq(name) & (sign * real["difference"] > 0), "other"],
            *real.loc[real["other"].eq(name) & (sign * real["difference"] < 0), "channel"],
        ]
        if others:
            told.append(f"worth {word} than {some(others)}")
    of_it = pairs["channel"].eq(name) | pairs["other"].eq(name)
    if pairs.loc[of_it, "verdict"].eq(ALONE).all():
        return ALONE
    return "; ".join(told) or NO_DIFFERENCE


def _of_other_types(missing: list[Any], given: Mapping[Any, Any]) -> str:
    """What to do where channels are called the same in another type: 1 and "1"."""
    alike = {str(name): name for name in given}
    found = next((name for name in missing if str(name) in alike), None)
    if found is None:
        return ""
    return (
        f" The customers' {plainly(found)} is of type {type(found).__name__}, the costs' "
        f"{plainly(alike[str(found)])} of type {type(alike[str(found)]).__name__}: give both in "
        "one type."
    )


def checked_costs(costs: Any, channels: Any) -> pd.Series:
    """Positive costs, one for each channel and no other."""
    if not isinstance(costs, (Mapping, pd.Series)):
        raise DataError(
            f"costs must be a mapping or Series from channel to cost; got {type(costs).__name__}."
        )
    if isinstance(costs, pd.Series) and costs.index.has_duplicates:
        twice = costs.index[costs.index.duplicated()].unique()
        raise DataError(f"A channel has more than one cost: {some(twice)}.")
    given = dict(costs)
    missing = [name for name in channels if name not in given]
    if missing:
        raise DataError(
            f"{counted(len(missing), 'channel has', 'channels have')} no cost: "
            f"{some(map(plainly, missing))}. There are costs of "
            f"{some(map(plainly, given)) or 'none'}."
            f"{_of_other_types(missing, given) or did_you_mean(missing[0], given)}"
        )
    strangers = [name for name in given if name not in set(channels)]
    if strangers:
        raise DataError(
            f"{counted(len(strangers), 'cost is', 'costs are')} of a channel that no customer of "
            f"the forecast came by: {some(strangers)}. The channels are "
            f"{some(channels, 20)}."
            f"{did_you_mean(strangers[0], channels)}"
        )
    try:
        cost = pd.Series(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"A cost is no number: {error}.") from error
    odd = cost[~(np.isfinite(cost) & (cost > 0))]
    if len(odd):
        told = some(f"{name} ({number:g})" for name, number in odd.items())
        raise DataError(
            f"Costs must be positive and finite; these are not: {told}. A channel that costs "
            "nothing has no ratio: leave its customers without a channel, or give what it really "
            "costs."
        )
    return cost


def means(channel: pd.Series, clv: np.ndarray, value: np.ndarray, level: float) -> pd.DataFrame:
    """Customers and mean values by channel, with the interval of the mean."""
    groups = pd.DataFrame({"clv": clv, "value": value}).groupby(channel, sort=True, observed=True)
    n = groups.size()
    mean = groups["value"].mean()
    reach = np.full(len(n), np.inf)
    several = (n > 1).to_numpy()
    spread = groups["value"].std(ddof=1).to_numpy()[several] / np.sqrt(n.to_numpy()[several])
    reach[several] = stdtrit(n.to_numpy()[several] - 1.0, 0.5 + 0.5 * level) * spread
    return pd.DataFrame(
        {
            "customers": n,
            "clv": groups["clv"].mean(),
            "mean_clv": mean,
            "mean_clv_lower": mean - reach,
            "mean_clv_upper": mean + reach,
        }
    )


def with_unknown(
    found: pd.DataFrame,
    channel: pd.Series,
    clv: np.ndarray,
    value: np.ndarray,
    level: float,
    verdict: str,
) -> pd.DataFrame:
    """The table with a last row for customers without a channel, where there are any."""
    without = channel.isna()
    if not without.any():
        return found
    number = int(without.sum())
    warn(
        f"{counted(number, 'customer has', 'customers have')} no channel; they are counted in the "
        f"row {NONE!r}.",
        DataWarning,
    )
    everyone = pd.Series(NONE, index=channel.index).where(without)
    row = means(everyone, clv, value, level).drop(columns="clv").rename_axis("channel")
    row = row.reset_index().assign(verdict=verdict)
    return pd.concat([found, row], ignore_index=True)[list(found.columns)]
