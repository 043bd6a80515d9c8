"""Pictures of what goes with value, of lookalikes, and of what is at stake."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from predclv.decisions.driver_lifts import NO_LIFT
from predclv.decisions.drivers import Drivers
from predclv.decisions.lookalikes import Lookalike
from predclv.errors import DataError, OptionError
from predclv.plots.inputs import assert_is, unfit
from predclv.plots.style import (
    ACTUAL,
    MODEL,
    SECOND,
    SMALL,
    axes,
    finish,
    legend,
    note,
    points_in_rows,
    short,
    with_sizes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DRIVERS = "Make them with pc.drivers(forecast, traits)."
_BUDGET = ("channel", "ratio", "ratio_lower", "ratio_upper", "advice")


def driver_lifts(drivers: Drivers, most: int = 15, ax: "Axes | None" = None) -> "Axes":
    """How much more common each level is among the most valuable, with its interval.

    Blue where more, orange where fewer; grey where chance makes such a difference.

    See Also
    --------
    predclv.plots.driver_dependence : value by the levels of a trait.
    predclv.drivers : what the best customers have in common.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> forecast = fitted.forecast("52 weeks", seed=1)
    >>> people = rfm.frame[["customer_id"]].assign(wave=rfm.frame["T"] // 4)
    >>> pc.plots.driver_lifts(pc.drivers(forecast, people)).get_title(loc="left")
    'Traits explain nothing that holds for customers not seen'
    """
    assert_is(Drivers, drivers, "driver_lifts", "Drivers", _DRIVERS)
    if isinstance(most, bool) or not isinstance(most, (int, np.integer)) or most < 1:
        raise OptionError(f"most must be a whole number from 1 up; got {most!r}.")
    rows = drivers.frame.head(most).iloc[::-1].reset_index(drop=True)
    ax = axes(ax, 7.5, 1.4 + 0.36 * len(rows))
    real = rows["verdict"].ne(NO_LIFT).to_numpy()
    colour = np.where(real, np.where(rows["lift"] > 1, MODEL, SECOND), ACTUAL)
    points_in_rows(ax, rows["lift"], rows["lift_lower"], rows["lift_upper"], colour, 34)
    ax.axvline(1, color="black", linewidth=0.8, zorder=0)
    names = [f"{short(f'{t}: {w}')}" for t, w in rows[["trait", "level"]].to_numpy()]
    ax.set_yticks(range(len(rows)), names, fontsize=SMALL + 0.5)
    ax.set_xlim(left=0)
    told = f"Traits explain {max(drivers.explained, 0.0):.1%} of the differences in value"
    if drivers.explained_lower <= 0:
        told = "Traits explain nothing that holds for customers not seen"
    finish(ax, told, f"share of the best {drivers.top:.0%} over share of all", "")
    note(ax, f"lines: intervals that hold all at once at {drivers.level:.0%}; grey: may be chance")
    return ax


def driver_dependence(drivers: Drivers, trait: str, ax: "Axes | None" = None) -> "Axes":
    """Expected value by the levels of a trait, if customers were otherwise who they are.

    See Also
    --------
    predclv.plots.driver_lifts : levels among the most valuable.
    predclv.drivers : what the best customers have in common.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> forecast = fitted.forecast("52 weeks", seed=1)
    >>> people = rfm.frame[["customer_id"]].assign(wave=rfm.frame["T"] // 4)
    >>> pc.plots.driver_dependence(pc.drivers(forecast, people), "wave").get_title(loc="left")
    'Value by wave, all else as it is'
    """
    assert_is(Drivers, drivers, "driver_dependence", "Drivers", _DRIVERS)
    rows = drivers.dependence(trait)
    ax = axes(ax, 7.0, 3.8)
    place = np.arange(len(rows))
    ax.vlines(place, rows["lower"], rows["upper"], color=MODEL, linewidth=2)
    ax.plot(place, rows["expected"], "o", color=MODEL)
    names = with_sizes(rows["level"], rows["customers"], 16, "\n")
    ax.set_xticks(place, names, fontsize=SMALL)
    ax.set_ylim(bottom=0)
    finish(ax, f"Value by {short(trait)}, all else as it is", "", drivers.value)
    note(ax, f"lines: {drivers.level:.0%} intervals over folds; {drivers.basis}")
    return ax


def lookalike_gains(lookalike: Lookalike, ax: "Axes | None" = None) -> "Axes":
    """What the best scored customers brought over a random order, of customers not seen.

    See Also
    --------
    predclv.lookalike : who among strangers resembles them.
    predclv.plots.gains : what the best forecast brought.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> forecast = fitted.forecast("52 weeks", seed=1)
    >>> people = rfm.frame[["customer_id"]].assign(wave=rfm.frame["T"] // 4)
    >>> pc.plots.lookalike_gains(pc.lookalike(forecast, people)).get_title(loc="left")
    'The score is no better than chance'
    """
    more = "Make one with pc.lookalike(forecast, traits)."
    assert_is(Lookalike, lookalike, "lookalike_gains", "a Lookalike", more)
    rows = lookalike.gains
    ax = axes(ax, 7.0, 3.8)
    place = np.arange(len(rows))
    ax.fill_between(
        [-0.5, *place, len(rows) - 0.5],
        1.0,
        np.r_[rows["random_upper"].iloc[0], rows["random_upper"], rows["random_upper"].iloc[-1]],
        color=ACTUAL,
        alpha=0.3,
        linewidth=0,
        label="by lot",
    )
    ax.vlines(place, rows["gain_lower"], rows["gain_upper"], color=MODEL, linewidth=2)
    ax.plot(place, rows["gain"], "o", color=MODEL, label="by score")
    ax.axhline(1, color="black", linewidth=0.8)
    ax.set_xticks(place, [f"best {share:.0%}" for share in rows["share"]])
    ax.set_xlim(-0.5, len(rows) - 0.5)
    legend(ax)
    word = "better than" if lookalike.ranks else "no better than"
    finish(ax, f"The score is {word} chance", "customers, the best scored", "brought over a lot's")
    note(ax, f"lines: {lookalike.level:.0%} intervals")
    return ax


def newcomer_budget(budget: pd.DataFrame, target: float = 3.0, ax: "Axes | None" = None) -> "Axes":
    """Newcomers' value over their cost by channel, with intervals, against the target.

    See Also
    --------
    predclv.economics.budget : what each channel may cost.
    predclv.plots.clv_to_cac : value over cost by channel.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> new = pc.economics.new_customer(fitted, "1 year", margin=0.3)
    >>> budget = pc.economics.budget({"all": new}, target=3.0, costs={"all": 8.0})
    >>> pc.plots.newcomer_budget(budget).get_title(loc="left")
    "A newcomer's value over their cost; target 3"
    """
    if not isinstance(budget, pd.DataFrame) or any(name not in budget for name in _BUDGET):
        more = "Make it with pc.economics.budget({'search': new_customer(...)}, costs=...)."
        raise unfit("newcomer_budget", "a budget of newcomers", budget, more)
    rows = budget.iloc[::-1].reset_index(drop=True)
    ax = axes(ax, 7.0, 1.5 + 0.5 * len(rows))
    colour = rows["advice"].map({"spend": MODEL, "stop": SECOND}).fillna(ACTUAL)
    points_in_rows(ax, rows["ratio"], rows["ratio_lower"], rows["ratio_upper"], colour, 40)
    ax.axvline(target, color="black", linestyle="--", linewidth=1, zorder=0)
    names = [f"{short(c, 18)}: {a}" for c, a in rows[["channel", "advice"]].to_numpy()]
    ax.set_yticks(range(len(rows)), names)
    ax.set_xlim(left=0)
    return finish(ax, f"A newcomer's value over their cost; target {target:g}", "value : cost", "")


def at_stake(listed: Any, ax: "Axes | None" = None) -> "Axes":
    """Who will come back by themselves, against what it is worth if they do.

    Vouchers are for those at the upper left: worth much, and not coming by themselves.

    See Also
    --------
    predclv.segments.at_stake : who comes back by themselves, and who not.
    predclv.plots.tier_profile : tiers' shares of customers and value.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> forecast = fitted.forecast("52 weeks", seed=1)
    >>> late = pc.segments.at_risk(fitted, least_repeats=2)
    >>> listed = pc.segments.at_stake(forecast, late, within="90 days")
    >>> pc.plots.at_stake(listed).get_title(loc="left")
    'Who comes back anyway, and what it is worth'
    """
    needed = ("p_back", "value_if_back", "at_stake")
    if not isinstance(listed, pd.DataFrame) or any(name not in listed for name in needed):
        more = "Make it with pc.segments.at_stake(forecast, customers)."
        raise unfit("at_stake", "a list with what is at stake", listed, more)
    known = listed[listed["value_if_back"].gt(0)]
    if known.empty:
        raise DataError("Nobody on the list is worth anything if they come back.")
    ax = axes(ax, 7.0, 4.2)
    size = known["at_stake"].to_numpy(float)
    area = 8 + 90 * np.clip(size / max(size.max(), 1e-12), 0.0, 1.0)
    ax.scatter(
        100 * known["p_back"], known["value_if_back"], s=area, color=MODEL, alpha=0.5, linewidth=0
    )
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.yaxis.set_minor_formatter("{x:,g}")
    ax.set_xlim(0, 100)
    finish(
        ax,
        "Who comes back anyway, and what it is worth",
        "chance of a purchase within the window without a campaign, in %",
        "value if they come back",
    )
    note(ax, "larger points: more is at stake")
    return ax
