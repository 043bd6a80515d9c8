"""Pictures of campaigns: what they changed, in whom, and how large they must be."""

from typing import TYPE_CHECKING

import numpy as np

from predclv.decisions.campaign_result import CampaignEffect
from predclv.decisions.campaign_size import CampaignSize
from predclv.errors import DataError
from predclv.plots.inputs import assert_is
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
    with_sizes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def campaign_effect(effect: CampaignEffect, ax: "Axes | None" = None) -> "Axes":
    r"""What a campaign changed, as a share of what control customers did, with intervals.

    Blue with the forecast from before the start taken out, grey without. ``remaining`` and ``in
    all`` hold what is still expected after the end of observation. Where everybody was treated, as
    a share of what the clock expected.

    See Also
    --------
    predclv.plots.campaign_parts : the effect by part of the base.
    predclv.campaign_effect : what a campaign changed.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> by_lot = {i: "treated" if i * 7919 % 2 else "control" for i in range(1, 2358)}
    >>> effect = pc.campaign_effect(log, by_lot, "1997-10-01", "1997-12-31")
    >>> pc.plots.campaign_effect(effect).get_title(loc="left")
    'What the campaign changed; revenue (campaign):\nno effect that chance would not make'
    """
    more = "Make one with pc.campaign_effect(log, groups, start)."
    assert_is(CampaignEffect, effect, "campaign_effect", "a CampaignEffect", more)
    rows = effect.frame[effect.frame["control"] > 0].iloc[::-1].reset_index(drop=True)
    if rows.empty:
        raise DataError("Control customers did nothing at all: there is nothing to compare with.")
    ax = axes(ax, 7.5, 1.4 + 0.42 * len(rows))
    place = np.arange(len(rows))
    base = rows["control"].to_numpy()
    kinds = [
        ("plain_", ACTUAL, -0.16, "as they are"),
        ("", MODEL, 0.12, "forecast taken out"),
    ]
    if _has_control(effect):
        of = "control"
    else:
        kinds, of = [("", MODEL, 0.0, "")], "what the clock expected"
    for prefix, colour, offset, label in kinds:
        name = f"{prefix}difference"
        lower, upper = (100 * rows[f"{prefix}{side}"] / base for side in ("lower", "upper"))
        ax.hlines(place + offset, lower, upper, color=colour, linewidth=2)
        ax.plot(100 * rows[name] / base, place + offset, "o", color=colour, label=label)
    ax.axvline(0, color="black", linewidth=0.8, zorder=0)
    ax.set_yticks(place, [f"{m}, {w}" for m, w in rows[["measure", "window"]].to_numpy()])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    if len(kinds) > 1:
        legend(ax)
    finish(
        ax,
        f"What the campaign changed; {effect.measure} ({effect.window}): {effect.verdict}",
        f"change per treated customer, in % of {of}",
        "",
    )
    note(ax, f"lines: {effect.level:.0%} intervals; {effect.days.start} to {effect.days.end}")
    return ax


def campaign_parts(effect: CampaignEffect, ax: "Axes | None" = None) -> "Axes":
    """The effect in each part of the customer base, with intervals that hold all at once.

    See Also
    --------
    predclv.plots.campaign_effect : what a campaign changed.
    predclv.campaign_effect : what a campaign changed.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> by_lot = {i: "treated" if i * 7919 % 2 else "control" for i in range(1, 2358)}
    >>> parts = {i: "abc"[i % 3] for i in range(1, 2358)}
    >>> effect = pc.campaign_effect(log, by_lot, "1997-10-01", "1997-12-31", by=parts)
    >>> pc.plots.campaign_parts(effect).get_title(loc="left")
    'Revenue per treated customer: whom to treat next time'
    """
    more = "Make one with pc.campaign_effect(log, groups, start, by=...)."
    assert_is(CampaignEffect, effect, "campaign_parts", "a CampaignEffect", more)
    if effect.parts is None:
        raise DataError("This effect has no parts: campaign_effect(..., by=tiers).")
    rows = effect.parts.iloc[::-1].reset_index(drop=True)
    ax = axes(ax, 7.0, 1.4 + 0.45 * len(rows))
    is_known = rows["verdict"].ne("not known")
    colour = np.where(is_known, np.where(rows["difference"] >= 0, MODEL, SECOND), ACTUAL)
    points_in_rows(ax, rows["difference"], rows["lower"], rows["upper"], colour, 36)
    ax.axvline(0, color="black", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(rows)), with_sizes(rows["part"], rows["customers"], 18))
    finish(
        ax,
        f"{effect.measure.capitalize()} per treated customer: whom to treat next time",
        f"difference to {'control' if _has_control(effect) else 'what the clock expected'}, until "
        f"{effect.days.observed}",
        "part (customers)",
    )
    note(ax, f"lines: intervals that hold all at once at {effect.level:.0%}; grey: not known")
    return ax


def campaign_size(size: CampaignSize, ax: "Axes | None" = None) -> "Axes":
    """The smallest effect that a campaign can show, by the number of customers.

    See Also
    --------
    predclv.campaign_size : the smallest effect that can be seen.
    predclv.plots.campaign_effect : what a campaign changed.

    Examples
    --------
    >>> import predclv as pc
    >>> size = pc.campaign_size(pc.datasets.load_cdnow(), "4 weeks")
    >>> pc.plots.campaign_size(size).get_title(loc="left")
    'What a campaign of 28 days can show'
    """
    more = "Make one with pc.campaign_size(log, length)."
    assert_is(CampaignSize, size, "campaign_size", "a CampaignSize", more)
    rows = size.frame
    ax = axes(ax, 7.0, 4.0)
    for name, colour, label in (
        ("plain", ACTUAL, "as they are"),
        ("detectable", MODEL, "forecast taken out"),
    ):
        ax.plot(rows["customers"], rows[name], "o-", color=colour, label=label)
    if len(rows) > 1:
        ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xticks(rows["customers"], [f"{n:,}" for n in rows["customers"]], fontsize=SMALL)
    ax.set_xticks([], minor=True)
    legend(ax)
    finish(
        ax,
        f"What a campaign of {size.days} days can show",
        "customers, both groups",
        f"smallest change in {size.measure} per customer",
    )
    note(ax, f"found with probability {size.power:.0%} at {size.level:.0%}")
    return ax


def _has_control(effect: CampaignEffect) -> bool:
    """Whether there were customers to compare with, not the clock alone."""
    return effect.assigned != "everybody"
