"""Pictures of tiers, of how customers move between them, and of channels."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predclv.decisions.channel_tables import NONE
from predclv.decisions.channels import Channels
from predclv.decisions.migration import LEFT, NEW, Migration
from predclv.decisions.tiers import Tiers
from predclv.errors import DataError
from predclv.plots.inputs import assert_is
from predclv.plots.style import (
    ACTUAL,
    MODEL,
    SMALL,
    axes,
    finish,
    legend,
    note,
    short,
    spread_ticks,
    with_sizes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDE = 20.0  # a ratio from which the axis is logarithmic


def tier_profile(tiers: Tiers, ax: "Axes | None" = None) -> "Axes":
    """Each tier's share of the customers beside its share of what they are worth.

    See :meth:`predclv.decisions.tiers.Tiers.profile` for the numbers.

    See Also
    --------
    predclv.segments.tiers : each customer in one tier, with the reason.
    predclv.plots.clv_distribution : customers by value.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> tiers = pc.segments.tiers(fitted.forecast("52 weeks", seed=1))
    >>> pc.plots.tier_profile(tiers).get_title(loc="left")
    "Tier 'top 5%': 47% of customer equity with 5% of customers"
    """
    more = "Make them with pc.segments.tiers(forecast)."
    assert_is(Tiers, tiers, "tier_profile", "Tiers", more)
    profile = tiers.profile()
    worth = profile.columns[-1]
    what = "customer equity" if worth == "equity_share" else tiers.value.replace("_", " ")
    ax = axes(ax)
    place = np.arange(len(profile))
    for offset, column, colour, label in (
        (-0.2, "share", ACTUAL, "of customers"),
        (0.2, worth, MODEL, f"of {what}"),
    ):
        bars = ax.bar(place + offset, 100 * profile[column], 0.4, color=colour, label=label)
        said = [_percent(share) for share in profile[column]]
        ax.bar_label(bars, said, fontsize=SMALL, padding=2)
    ax.set_xticks(place)
    ax.set_yticks([])
    ax.margins(y=0.12)
    legend(ax)
    spread_ticks(ax, with_sizes(profile["tier"], profile["customers"], 16, "\n"))
    peopled = profile[profile["customers"] > 0]
    first = (profile if peopled.empty else peopled).iloc[0]
    return finish(
        ax,
        f"Tier '{first['tier']}': {_percent(first[worth])} of {what} "
        f"with {_percent(first['share'])} of customers",
        f"tier (customers), {tiers.basis}",
        "share",
    )


def tier_migration(migration: Migration, ax: "Axes | None" = None) -> "Axes":
    """A heat map of where the customers of each tier went: counts, and shares of the row.

    Colours are shares of the row. Customers of one date alone have a row or column only where
    there are any.

    See Also
    --------
    predclv.segments.migration : who moved between tiers.
    predclv.plots.tier_profile : tiers' shares of customers and value.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> def tiers(day):
    ...     rfm = pc.rfm_summary(log[log["date"] <= day], observation_end=day)
    ...     return pc.segments.tiers(fitted.forecast("52 weeks", level=None, rfm=rfm))
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(log))
    >>> moved = pc.segments.migration(tiers("1997-12-31"), tiers("1998-06-30"))
    >>> pc.plots.tier_migration(moved).get_title(loc="left")
    'Customers by tier: 1,874 stayed, 221 rose, 262 fell'
    """
    more = "Make one with pc.segments.migration(tiers_before, tiers_after)."
    assert_is(Migration, migration, "tier_migration", "a Migration", more)
    counts = migration.counts
    rows = [name for name in counts.index if name != NEW or counts.loc[NEW].to_numpy().any()]
    columns = [name for name in counts.columns if name != LEFT or counts[LEFT].any()]
    counts = counts.loc[rows, columns]
    shares = migration.shares.loc[rows, columns].to_numpy()
    ax = axes(ax, 6.4, 4.6)
    ax.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    for (row, column), number in np.ndenumerate(counts.to_numpy()):
        share = float(shares[row, column])
        ax.text(
            column + 0.5,
            row + 0.5,
            f"{number:,}\n{_percent(share)}" if number else "-",
            ha="center",
            va="center",
            fontsize=SMALL + 0.5,
            color="white" if share > 0.55 else "black",
        )
    ax.set_xticks(np.arange(len(columns)) + 0.5)
    ax.set_yticks(np.arange(len(rows)) + 0.5, [_in_lines(name) for name in rows])
    ax.tick_params(length=0)
    spread_ticks(ax, [_in_lines(name) for name in columns])
    ax.invert_yaxis()
    ax.spines[["left", "bottom"]].set_visible(False)
    told = ", ".join(f"{number:,} {word}" for word, number in migration.summary().items() if number)
    return finish(ax, f"Customers by tier: {told}", "tier after", "tier before")


def clv_to_cac(channels: Channels, ax: "Axes | None" = None) -> "Axes":
    r"""Ratio of value to cost by channel, with its interval, against break-even and 3:1.

    The interval is of the mean over customers; see
    :class:`predclv.decisions.channels.Channels`. The axis is logarithmic where a ratio is above 20.

    See Also
    --------
    predclv.economics.by_channel : value and cost by channel.
    predclv.plots.newcomer_budget : newcomers' value over cost.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> forecast = fitted.forecast("2 years", margin=0.3, seed=1)
    >>> channel = {i: "search" if i % 3 else "partner" for i in range(1, 2358)}
    >>> found = pc.economics.by_channel(forecast, channel, {"search": 3.0, "partner": 9.0})
    >>> pc.plots.clv_to_cac(found).get_title(loc="left")
    'A customer of search is worth 5.0 times\ntheir cost, one of partner 1.7 times'
    """
    more = "Make them with pc.economics.by_channel(forecast, ...)."
    assert_is(Channels, channels, "clv_to_cac", "Channels", more)
    if not channels.has_costs:
        raise DataError(
            "clv_to_cac shows ratios, and these channels have no costs: by_channel(costs=)."
        )
    known = channels.frame[channels.frame["channel"] != NONE].iloc[::-1].reset_index(drop=True)
    ax = axes(ax, 7.0, 1.6 + 0.5 * len(known))
    ratio = known["ratio"].to_numpy()
    is_wide = ratio.max() > _WIDE
    lowest = ratio.min() / 3 if is_wide else 0.0
    lower = np.maximum(known["ratio_lower"].to_numpy(), lowest)
    upper = known["ratio_upper"].to_numpy()
    place = np.arange(len(known))
    finite = np.isfinite(upper)
    ax.hlines(place[finite], lower[finite], upper[finite], color=MODEL, linewidth=2)
    ax.plot(ratio, place, "o", color=MODEL, markersize=7)
    for y, value in enumerate(ratio):
        ax.annotate(
            f"{value:.1f}", (value, y), (0, 7), textcoords="offset points", ha="center",
            fontsize=SMALL, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    if is_wide:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:,g}")
    else:
        ax.set_xlim(0, max(1.08 * upper[finite].max(initial=ratio.max()), 3.4))
    for at, word in ((1.0, "break-even"), (3.0, "3:1")):
        ax.axvline(at, color=ACTUAL, linestyle="--", linewidth=1, zorder=0)
        ax.annotate(
            word, (at, 1.0), (3, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", fontsize=SMALL, color="#555555",
        )  # fmt: skip
    ax.set_yticks(place, with_sizes(known["channel"], known["customers"]))
    ax.set_ylim(-0.6, len(known) - 0.2)
    finish(ax, _ratios_told(known), "CLV : CAC", "channel (customers)")
    note(ax, f"clv over {channels.basis}; lines: {channels.level:.0%} interval of the mean")
    return ax


def _ratios_told(known: pd.DataFrame) -> str:
    """What each channel's customers are worth for 1 spent on them, in words."""
    ranked = known.sort_values("ratio")
    best, worst = ranked.iloc[-1], ranked.iloc[0]
    said = f"A customer of {short(best['channel'])} is worth {best['ratio']:.1f} times their cost"
    if len(known) == 1:
        return said
    return f"{said}, one of {short(worst['channel'])} {worst['ratio']:.1f} times"


def _percent(share: float) -> str:
    """A share that is not nothing never reads as nothing."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _in_lines(name: object) -> str:
    """A tier's name short enough for an axis, in two lines where it is long."""
    words = short(str(name), 24).split(" ")
    if len(" ".join(words)) <= 12:
        return " ".join(words)
    half = (len(words) + 1) // 2
    return "\n".join([" ".join(words[:half]), " ".join(words[half:])])
