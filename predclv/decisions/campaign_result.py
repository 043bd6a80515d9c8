"""What a campaign changed, as a table and in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from predclv.decisions.adjusted import Adjusted
from predclv.decisions.as_html import as_html
from predclv.decisions.campaign_numbers import Days
from predclv.decisions.campaign_remaining import Pace
from predclv.errors import OptionError

NO_EFFECT = "no effect that chance would not make"
_CHOSEN = (
    "The groups were not drawn by lot: control customers were weighted to match the treated in "
    "forecast and traits. This is weaker than a lot: what else parts the groups is in the numbers."
)
_EVERYBODY = (
    "Everybody got it, so it is held against the shop's clock alone. This is weaker than a control "
    "group: a season seen once, growth, or whatever else happened on these days is in the numbers."
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CampaignEffect:
    """Treated customers against those who were left alone, per customer.

    Attributes
    ----------
    frame : DataFrame
        One row per measure and window:

        - ``measure``: purchases, revenue, active (share who bought) or value;
        - ``window``: ``campaign`` (start to end), ``after`` (to the end of observation), ``to
          date`` (both), ``remaining`` (expected after the end of observation, within the horizon)
          or ``in all`` (margin times revenue to date, plus remaining);
        - ``treated``, ``control``: means per customer, as they are; where everybody was treated,
          ``control`` is what the clock expected of them without the campaign;
        - ``difference``, ``lower``, ``upper``: what the campaign changed per treated customer, the
          forecast from before the start taken out (CUPED), with its interval at ``level``;
        - ``p_value``: how often chance alone makes a difference this large;
        - ``plain_difference``, ``plain_lower``, ``plain_upper``: the same without the forecast;
        - ``variance_ratio``: variance with over without; 0.5 is worth twice the customers. This
          and what is plain are NaN where everybody was treated.
    before : Series
        The A/A test: purchases of both groups in as many days before the start, when nothing had
        happened yet: days, treated, control, difference, error, p_value. Where everybody was
        treated, against what the clock expected; NaN where the log is too short for it.
    parts : DataFrame or None
        With ``by``: one row per part, the largest effect first: part, customers, treated, control,
        difference, lower, upper (hold all at once at ``level``), verdict and window: ``to date``,
        so that what was brought forward does not count, though the headline is of the campaign;
        ``campaign`` of ``active`` and where the log ends with it; ``in all`` of value.
    measure, window : str
        The row of the headline.
    level : float
    days : Days
        start, end, and observed: the last day observed; where everybody was treated, the last
        one counted.
    counts : dict
        treated and control customers, and those left out.
    assigned : str
        random, chosen or everybody.
    pace : dict of str to Pace
        For treated and control: purchases in the campaign and after it, as a multiple of those
        forecast. Two numbers near 2 and 0.5 are purchases brought forward.
    cost : float or None
        Of treating one customer.

    See Also
    --------
    predclv.campaign_effect : what a campaign changed.
    predclv.plots.campaign_effect : what a campaign changed.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> by_lot = {i: "treated" if i * 7919 % 2 else "control" for i in range(1, 2358)}
    >>> effect = pc.campaign_effect(log, by_lot, "1997-10-01", "1997-12-31")
    >>> effect.verdict
    'no effect that chance would not make'
    """

    frame: pd.DataFrame
    before: pd.Series
    parts: pd.DataFrame | None
    measure: str
    window: str
    level: float
    days: Days
    counts: Mapping[str, int]
    assigned: str
    pace: Mapping[str, Pace]
    cost: float | None
    horizon: Any

    def row(self, measure: str | None = None, window: str | None = None) -> pd.Series:
        """The row of a measure; without a name that of the headline.

        Raises
        ------
        OptionError
            If there is none.
        """
        measure = self.measure if measure is None else measure
        if window is None:
            window = "in all" if measure == "value" else "campaign"
        found = self.frame[self.frame["measure"].eq(measure) & self.frame["window"].eq(window)]
        if found.empty:
            known = [f"{m} {w}" for m, w in self.frame[["measure", "window"]].to_numpy()]
            raise OptionError(f"There is no {measure} {window}; there are {', '.join(known)}.")
        return found.iloc[0]

    @property
    def verdict(self) -> str:
        """The headline's difference in words: nothing is called an effect that holds none."""
        return verdict_of(*self.row()[["lower", "upper"]])

    def payback(self) -> pd.Series:
        """What was won against what it cost, per treated customer.

        Returns
        -------
        Series
            won, won_lower, won_upper (value in all), cost, net, net_lower, net_upper, return
            (won over cost) and verdict: ``paid back``, ``did not pay back``, or ``not known``
            where the cost lies within the interval.

        Raises
        ------
        OptionError
            If no cost was given.
        """
        if self.cost is None:
            raise OptionError("There is no cost to hold the effect against: cost=2.50.")
        row = self.row("value")
        won, lower, upper = (float(row[name]) for name in ("difference", "lower", "upper"))
        verdict = "not known: the cost lies within the interval of what was won"
        if lower > self.cost:
            verdict = "paid back"
        elif upper < self.cost:
            verdict = "did not pay back"
        return pd.Series(
            {
                "won": won, "won_lower": lower, "won_upper": upper, "cost": self.cost,
                "net": won - self.cost, "net_lower": lower - self.cost,
                "net_upper": upper - self.cost,
                "return": won / self.cost if self.cost else np.inf,
                "verdict": verdict,
            },
            name="payback",
        )  # fmt: skip

    def headline(self) -> str:
        """The effect in sentences."""
        row = self.row()
        alone = self.assigned == "everybody"
        who = f"{self.counts['treated']:,} customers, all treated"
        if not alone:
            who = (
                f"{self.counts['treated']:,} treated and {self.counts['control']:,} control "
                "customers"
            )
        told = [
            f"{who}, {self.days.start} to {self.days.end}, observed to {self.days.observed}: "
            f"{self.measure} ({self.window}) changed by {row['difference']:,.4g} per treated "
            f"customer ({self.level:.0%} interval {row['lower']:,.4g} to {row['upper']:,.4g}): "
            f"{self.verdict}.",
            {"chosen": _CHOSEN, "everybody": _EVERYBODY}.get(self.assigned) or _sharper(row),
        ]
        before = self.before
        if not np.isnan(before["p_value"]):
            span = f"In the {before['days']:.0f} days before the start they bought "
            told.append(
                (
                    f"{span}{before['treated']:.3g} times where the clock expected "
                    f"{before['control']:.3g}, "
                    if alone
                    else f"{span}{before['treated']:.3g} and {before['control']:.3g} times, "
                )
                + (
                    "which is no more than chance."
                    if before["p_value"] >= 0.05
                    else f"which chance makes in {before['p_value']:.1%} of cases."
                )
            )
        if self.cost is not None:
            told.append(f"Against a cost of {self.cost:,.4g}: {self.payback()['verdict']}.")
        if self.days.observed == self.days.end:
            told.append(
                "Nothing is known of the time after the campaign, so purchases that were brought "
                "forward still count as won."
            )
        return " ".join(told)

    def __repr__(self) -> str:
        shown = self.frame.drop(columns=["plain_lower", "plain_upper"]).dropna(axis=1, how="all")
        parts = [self.headline(), shown.round(4).to_string(index=False)]
        if self.parts is not None:
            parts.append(self.parts.round(4).to_string(index=False))
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        tables = [
            self.frame.dropna(axis=1, how="all"),
            *([] if self.parts is None else [self.parts]),
        ]
        return as_html(self.headline(), *tables, na_rep="-", float_format="{:,.4g}".format)


def _sharper(row: pd.Series) -> str:
    """What the forecast from before the start was worth."""
    if not 0 < row["variance_ratio"] < 1:
        return "The forecast from before the start does not help here."
    return (
        f"The forecast from before the start takes {1.0 - row['variance_ratio']:.0%} off the "
        f"variance: worth {1 / row['variance_ratio'] - 1:.0%} more customers."
    )


def effects_table(rows: Mapping[tuple[str, str], Adjusted], level: float) -> pd.DataFrame:
    """The differences by measure and window, as `CampaignEffect` has them."""
    table = []
    for (measure, window), found in rows.items():
        plain = found._replace(difference=found.plain, error=found.plain_error)
        (lower, upper), (plain_lower, plain_upper) = found.bounds(level), plain.bounds(level)
        table.append(
            {
                "measure": measure,
                "window": window,
                "treated": found.treated,
                "control": found.control,
                "difference": found.difference,
                "lower": lower,
                "upper": upper,
                "p_value": found.p_value,
                "plain_difference": found.plain,
                "plain_lower": plain_lower,
                "plain_upper": plain_upper,
                "variance_ratio": found.variance_ratio,
            }
        )
    return pd.DataFrame(table)


def earlier(days: int, found: Adjusted | None) -> pd.Series:
    """Purchases in so many days before the start, when nothing happened; NaN where nobody knows."""
    names = ("treated", "control", "difference", "error", "p_value")
    values = {name: np.nan if found is None else getattr(found, name) for name in names}
    return pd.Series({"days": days, **values}, name="purchases before the start")


def verdict_of(lower: float, upper: float) -> str:
    """What an interval says of a difference."""
    if lower > 0:
        return "more"
    if upper < 0:
        return "less"
    return NO_EFFECT


def cost_of(cost: float | None, has_spend: bool) -> float | None:
    """A cost of treating one customer, checked."""
    if cost is None:
        return None
    if isinstance(cost, bool) or not isinstance(cost, (int, float, np.number)):
        raise OptionError(
            f"cost must be a number, the cost of treating one customer; got {cost!r}."
        )
    if not 0 <= cost < np.inf:
        raise OptionError(f"cost must be finite and at least 0; got {cost!r}.")
    if not has_spend:
        raise OptionError("A cost is money, and a log without amounts has none to hold against it.")
    return float(cost)
