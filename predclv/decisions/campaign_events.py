"""A campaign that everybody got at once, for want of a control group held against a clock."""

import contextlib
import datetime
import warnings
from typing import Any

import numpy as np
import pandas as pd

from predclv.decisions.campaign_clock import SHORTEST_AFTER, AgainstClock
from predclv.decisions.campaign_numbers import Days
from predclv.decisions.campaign_parts import by_part
from predclv.decisions.campaign_result import CampaignEffect, earlier, effects_table
from predclv.errors import AssumptionWarning, FitError, OptionError, PredclvWarning
from predclv.logs.log import Log
from predclv.notices import warn

_A_YEAR = 364  # days, from which on a clock looks for a season


def refuse_groups(groups: Any, treated: Any, control: Any, measure: str, cost: Any) -> None:
    """What makes no sense where everybody was treated."""
    if groups is not None or treated is not None or control is not None:
        raise OptionError(
            "assigned='everybody' says that all got the campaign, so there are no groups: "
            "campaign_effect(log, None, start, assigned='everybody'). Where some were left alone, "
            "leave assigned out: they are worth more than any clock."
        )
    if measure == "value" or cost is not None:
        raise OptionError(
            "Where everybody got the campaign, nobody shows what would remain without it, so there "
            "is no value to hold a cost against. measure='revenue' has what was won to date."
        )


def effect_on_everybody(
    log: Log, days: Days, unit: str, measure: str, recipe: Any, by: Any, level: float
) -> CampaignEffect:
    """The effect of a campaign that everybody got, against the clock.

    Its A/A test is a campaign that never was, as long, just before it.

    Parameters
    ----------
    log : Log
    days : Days
    unit : str
    measure : str
    recipe : CLVModel, or None for the default
    by : Series, mapping, DataFrame or None
    level : float

    Raises
    ------
    OptionError
        If ``recipe`` is no recipe.

    Warns
    -----
    AssumptionWarning
        If there is less than a year before the start, or the clock was wrong already then.
    """
    from predclv.recipe import CLVModel

    if recipe is None:
        recipe = CLVModel()
    if not isinstance(recipe, CLVModel) or isinstance(recipe.purchases, str):
        raise OptionError(
            "assigned='everybody' wants a recipe of one model, model=pc.CLVModel(pc.MBGNBD), and "
            "fits it with the campaign on its clock; got "
            f"{'purchases=auto' if isinstance(recipe, CLVModel) else type(recipe).__name__}."
        )
    known = (days.start - log.first_day).days
    if known < _A_YEAR:
        warn(
            f"The log has {known} days before the start: a season cannot be told from the campaign "
            f"with fewer than {_A_YEAR}.",
            AssumptionWarning,
        )
    found = AgainstClock.of(log, days, recipe, unit)
    untouched = _placebo(log, days, recipe, unit)
    if untouched["p_value"] < 0.01:
        warn(
            f"The clock was wrong already in the {untouched['days']:.0f} days before the start: "
            f"{untouched['treated']:.3g} purchases per customer came where it expected "
            f"{untouched['control']:.3g}, which chance makes in {untouched['p_value']:.1%} of "
            "cases. So what it says of the campaign's days may be as wrong. Try another clock: "
            "model=pc.CLVModel(clock=pc.Clock(season=4, trend='damped')).",
            AssumptionWarning,
        )
    measures = dict(found.measures())
    ids, key, parts = found.numbers.frame["customer_id"], (measure, "campaign"), None
    if by is not None:
        net = (measure, "to date") if (measure, "to date") in measures else key
        of = measures[net]
        everybody = (np.ones(len(ids), bool),)
        parts = by_part(by, ids, everybody, of.difference, level).assign(window=net[1])
    rows = {name: one.difference() for name, one in measures.items()}
    without = dict.fromkeys(("control", "without_history", "without_group", "outside"), 0)
    counts = {"treated": len(ids), **without}
    table, pace = effects_table(rows, level), {"treated": found.pace}
    return CampaignEffect(
        table, untouched, parts, *key, level, found.days, counts, "everybody", pace, None, None
    )


def _placebo(log: Log, days: Days, recipe: Any, unit: str) -> pd.Series:
    """A campaign that never was, as long, which ends the day before the start.

    NaN where the log is too short before it.
    """
    length = datetime.timedelta(days=days.lengths[0])
    start = days.start - length
    found = None
    if start - log.first_day >= max(length, datetime.timedelta(days=SHORTEST_AFTER)):
        never_was = Days(start, days.before, days.before)
        with warnings.catch_warnings(), contextlib.suppress(FitError):
            warnings.simplefilter("ignore", PredclvWarning)  # the same as of the campaign's own fit
            against = AgainstClock.of(log, never_was, recipe, unit)
            found = dict(against.measures())["purchases", "campaign"].difference()
    return earlier(days.lengths[0], found)
