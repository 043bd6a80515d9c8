"""Did the campaign change value? Treated customers against those who were left alone."""

import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.decisions.adjusted import Adjusted, adjusted_difference
from predclv.decisions.campaign_events import effect_on_everybody, refuse_groups
from predclv.decisions.campaign_groups import FEWEST, groups_of
from predclv.decisions.campaign_numbers import (
    KNOWN,
    Days,
    Numbers,
    days_of,
    fitted_before,
    horizon_after,
    numbers_of,
)
from predclv.decisions.campaign_parts import by_part
from predclv.decisions.campaign_remaining import Pace, remaining
from predclv.decisions.campaign_result import CampaignEffect, cost_of, earlier, effects_table
from predclv.decisions.matching import matched_difference
from predclv.errors import AssumptionWarning, DataError, OptionError, did_you_mean
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.patterns import Known
from predclv.historical.intake import opened
from predclv.logs.options import LogOptions
from predclv.notices import warn
from predclv.summaries.rfm import RFM
from predclv.summaries.summarise import summary_of
from predclv.units import days_per, force_of_interest, horizon_in, probability, share

MEASURES = ("purchases", "revenue", "active", "value")
_ASSIGNED = ("random", "chosen", "everybody")


def campaign_effect(
    log: Any,
    groups: Any,
    start: str | datetime.date,
    end: str | datetime.date | None = None,
    measure: str = "revenue",
    *,
    treated: Any = None,
    control: Any = None,
    assigned: str = "random",
    traits: Any = None,
    by: Any = None,
    cost: float | None = None,
    model: Any = None,
    horizon: Any = "52 weeks",
    discount_rate: float = 0.10,
    margin: float = 1.0,
    level: float = 0.9,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: str | datetime.date | None = None,
    unit: str = "week",
    refunds: str = "net",
    timezone: str | None = None,
) -> CampaignEffect:
    """What a campaign changed: treated customers against customers who were left alone.

    Four questions, each with an interval: did the treated buy more, spend more, and did more of
    them buy, while the campaign ran; and are they worth more when all is counted? The last is what
    they spent to the end of the log plus what is still expected of them after it. A purchase that
    was only brought forward is missing later, so it does not count as won.

    Parameters
    ----------
    log : frame, relation, path or RFM
        As in `rfm_summary`; a summary made from a log stands for that log. Give some weeks after
        the end of the campaign too: what was brought forward shows there.
    groups : Series, mapping, DataFrame or None
        Who was treated, by customer_id; a frame has columns customer_id and group. Whom one meant
        to treat, not who answered: who uses a voucher was going to buy anyway. None where
        ``assigned="everybody"``.
    start, end : str or date
        First and last day of the campaign, inclusive. Default end: the last day of the log.
    measure : str
        What the headline, ``by`` and ``cost`` are about: purchases, revenue, active (in the
        campaign) or value.
    treated, control : object, optional
        The marks in ``groups``. Default: what is called treated, treatment, test, target,
        campaign, true, yes, 1 or t was treated; control, holdout, untreated, none, false, no, 0 or
        c was not (in any case; True and False too). Others, A and B among them, must be said.
    assigned : str
        ``"random"``: by lot. ``"chosen"``: by anything else; the control customers are then
        weighted until their forecasts and ``traits`` match those of the treated. That is weaker:
        it holds only if nothing else parts the groups, and nobody can check that.
        ``"everybody"``: all got it on the same days. What they bought is held against what the
        shop's clock says of these days without the campaign, an event on it. That is weaker still:
        a season seen once, growth, or whatever else happened on these days counts as the campaign.
    traits : DataFrame, optional
        customer_id and what is known of customers, matched on where ``assigned="chosen"``.
    by : Series, mapping or DataFrame, optional
        A part of the customer base by customer_id (such as ``tiers.frame[["customer_id",
        "tier"]]``, known before the start): the effect in each, from the start of the campaign to
        the end of the log (``active``: in the campaign; ``value``: in all), with intervals that
        hold all at once.
    cost : float, optional
        Of treating one customer, in money; it is held against ``value``.
    model : CLVModel or FittedCLV, optional
        Fitted to what was known the day before the start. Default: ``pc.CLVModel()``. With
        ``assigned="everybody"`` a recipe, whose clock (default: ``pc.Clock()``) is fitted to the
        whole log, with the campaign, and as many days after it (28 at least), as events.
    horizon, discount_rate, margin
        Of what is still expected after the end of observation, as in `FittedCLV.forecast`.
        ``margin`` turns spend so far into value too.
    level : float
        Of the intervals. With 0.95 a campaign without effect is called one in 5% of cases.
    customer_id, date, amount, observation_end, unit, refunds, timezone
        As in `rfm_summary`.

    Returns
    -------
    CampaignEffect

    Raises
    ------
    DataError
        If a customer has both marks, a group is empty, or the log cannot be used.
    OptionError
        If the campaign does not lie within the log, or an option makes no sense.

    Warns
    -----
    DataWarning
        If customers were left out: without a history before the start, or without a mark.
    AssumptionWarning
        If the groups differed already before the start, or are small.

    See Also
    --------
    predclv.CampaignEffect : treated against control.
    predclv.campaign_size : the smallest effect that can be seen.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> by_lot = {i: "treated" if i * 7919 % 2 else "control" for i in range(1, 2358)}
    >>> found = campaign_effect(log, by_lot, "1997-10-01", "1997-12-31", measure="purchases")
    >>> found.verdict
    'no effect that chance would not make'
    """
    level, margin = probability(level, "level"), share(margin, "margin")
    for word, known, what in ((measure, MEASURES, "measure"), (assigned, _ASSIGNED, "assigned")):
        if word not in known:
            raise OptionError(
                f"{what} must be one of {', '.join(known)}; got {word!r}."
                f"{did_you_mean(word, known)}"
            )
    days_per(unit)
    options = LogOptions(
        customer_id=customer_id, date=date, amount=amount, refunds=refunds, timezone=timezone
    )
    if assigned == "everybody":
        refuse_groups(groups, treated, control, measure, cost)
    source, observed = opened(log, options, observation_end)
    days = days_of(source, observed, start, end)
    rfm, _ = summary_of(source, days.before, log.unit if isinstance(log, RFM) else unit)
    if measure == "revenue" and not source.has_spend:
        raise DataError("The log has no amounts, so there is no revenue: measure='purchases'.")
    if assigned != "chosen" and traits is not None:
        raise OptionError("traits are matched on where assigned='chosen'; nothing else is.")
    if assigned == "everybody":
        return effect_on_everybody(source, days, rfm.unit, measure, model, by, level)
    cost = cost_of(cost, source.has_spend)
    force_of_interest(discount_rate, "year")  # refused before anything is read
    before = f"the start ({days.start})"
    found = groups_of(groups, rfm.frame["customer_id"], treated, control, before)
    fitted = fitted_before(model, rfm, source.has_spend)
    numbers = numbers_of(source, rfm, fitted, days, found.place)
    ahead = _ahead(fitted, rfm, numbers, days, horizon, discount_rate, margin)
    worth = _worth(numbers, margin, source.has_spend)
    still, pace = _remaining(
        fitted, rfm, numbers, worth, found.is_treated, days, horizon, discount_rate
    )
    columns = _columns(numbers, still, ahead, margin, days, source.has_spend)

    def compared(value: NDArray, z: NDArray, mask: NDArray) -> Adjusted:
        return adjusted_difference(value[mask], found.is_treated[mask], z[mask])

    def matched(value: NDArray, z: NDArray, mask: NDArray) -> Adjusted:
        ids = numbers.frame["customer_id"]
        return matched_difference(value, found.is_treated, numbers.forecast, ids, traits, mask)

    difference = compared if assigned == "random" else matched
    everybody = np.ones(len(numbers.frame), bool)
    rows = {key: difference(y, z, everybody) for key, (y, z) in columns.items()}
    untouched = _before(source, rfm, days, found.place, found.is_treated)
    key = {"value": ("value", "in all")}.get(measure, (measure, "campaign"))
    parts = None
    if by is not None:
        net = ("value", "in all") if measure == "value" else (measure, "to date")
        net = net if net in columns else key
        of = columns[net]
        ids, both = numbers.frame["customer_id"], (found.is_treated, ~found.is_treated)
        parts = by_part(by, ids, both, partial(difference, *of), level).assign(window=net[1])
    table, counts = effects_table(rows, level), found.counts
    effect = CampaignEffect(
        table, untouched, parts, *key, level, days, counts, assigned, pace, cost, horizon
    )
    _doubt(effect)
    return effect


def _ahead(
    fitted: FittedCLV,
    rfm: RFM,
    numbers: Numbers,
    days: Days,
    horizon: Any,
    discount_rate: float,
    margin: float,
) -> NDArray:
    """What was expected at the start of the span that value is about, per customer."""
    length = days.lengths[1] / days_per(rfm.unit) + horizon_in(horizon, rfm.unit)
    frame = fitted.forecast(length, discount_rate, margin, level=None, rfm=rfm, seed=0).frame
    name = "clv" if "clv" in frame else "discounted_purchases"
    return (
        frame.set_index("customer_id")[name].reindex(numbers.frame["customer_id"]).to_numpy(float)
    )


def _worth(numbers: Numbers, margin: float, has_spend: bool) -> NDArray:
    """What one of each customer's purchases is worth: money, or itself without amounts; (n,)."""
    if not has_spend:
        return np.ones(len(numbers.frame))
    return margin * numbers.forecast["expected_spend"].to_numpy(float)


def _remaining(
    fitted: FittedCLV,
    rfm: RFM,
    numbers: Numbers,
    worth: NDArray,
    is_treated: NDArray,
    days: Days,
    horizon: Any,
    discount_rate: float,
) -> tuple[NDArray, dict[str, Pace]]:
    """What is still expected after the end of observation, discounted, (n,), and the paces."""
    known = Known.of(fitted.purchases, rfm.cells())
    ahead = horizon_after(fitted, days, horizon, discount_rate)
    still, pace = np.empty(is_treated.size), {}
    for name, mask in (("treated", is_treated), ("control", ~is_treated)):
        group = numbers.histories.of(mask)
        found = remaining(known.model, group, numbers.lengths, ahead, worth[mask])
        still[mask], pace[name] = found.value, found.pace
    return still, pace


def _columns(
    numbers: Numbers, still: NDArray, ahead: NDArray, margin: float, days: Days, has_spend: bool
) -> dict[tuple[str, str], tuple[NDArray, NDArray]]:
    """Each measure with what was forecast of it: {(measure, window): (value, covariate)}."""
    frame, forecast = numbers.frame, numbers.forecast
    z = {name: forecast[column].to_numpy(float) for name, column in KNOWN.items() if name in frame}
    found = {(name, "campaign"): (frame[name].to_numpy(float), z[name]) for name in z}
    if days.observed > days.end:
        for name in ("purchases", "revenue"):
            if name in z:
                to_date = frame[f"{name}_to_date"].to_numpy(float)
                found[name, "after"] = to_date - found[name, "campaign"][0], z[name]
                found[name, "to date"] = to_date, z[name]
    so_far = margin * frame["revenue_to_date"] if has_spend else frame["purchases_to_date"]
    found["value", "remaining"] = (still, ahead)
    found["value", "in all"] = (so_far.to_numpy(float) + still, ahead)
    return found


def _before(source: Any, rfm: RFM, days: Days, place: NDArray, is_treated: NDArray) -> pd.Series:
    """The groups' purchases in as many days before the start: an A/A test, for nothing happened."""
    first = max(
        days.before - datetime.timedelta(days=days.lengths[0]),
        source.first_day - datetime.timedelta(days=1),
    )
    ids = rfm.frame["customer_id"].iloc[place]
    came = source.purchases(first, days.before).set_index("customer_id")["purchases"]
    bought = came.reindex(ids).fillna(0).to_numpy(float)
    found = adjusted_difference(bought, is_treated, np.zeros(bought.size))
    return earlier((days.before - first).days, found)


def _doubt(effect: CampaignEffect) -> None:
    if min(effect.counts["treated"], effect.counts["control"]) < FEWEST:
        return  # of so few the test itself says little
    if effect.assigned == "random" and effect.before["p_value"] < 0.01:
        warn(
            f"The groups differed already before the start: {effect.before['treated']:.3g} and "
            f"{effect.before['control']:.3g} purchases in {effect.before['days']:.0f} days, which "
            f"chance makes in {effect.before['p_value']:.1%} of cases. Were they really drawn by "
            "lot? If not, say assigned='chosen'.",
            AssumptionWarning,
        )
