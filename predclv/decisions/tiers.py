"""Tiers: every customer in exactly one, by shares of the ranking or by rules, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from predclv.decisions.as_html import as_html
from predclv.decisions.footing import Footing, footing, with_criteria
from predclv.decisions.inputs import finite_column, warn_of_few
from predclv.decisions.rules import AGREED, CRITERIA, RuleSet, rules_named
from predclv.decisions.scores import stands_above
from predclv.errors import OptionError, did_you_mean, some
from predclv.notices import counted
from predclv.units import probability

STAYING = "; yet more likely still a customer than not (p_alive 0.5 or more)"
"""How the reason ends where rules on money put somebody last who has hardly left."""

_QUANTILES = (0.5, 0.8, 0.95)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tiers:
    """Every customer in one tier, such as gold or at risk, with the reason.

    Attributes
    ----------
    frame : DataFrame
        One row per customer, in the order of what they were made from: customer_id, tier (an
        ordered category, the lowest first), reason (which rule, in words), then the numbers behind.
    names : tuple of str
        The tiers, the highest first.
    by : str
        What decided: a column, or the name of a rule set.
    value : str
        The column whose sum the tiers share: clv of a forecast with spend.
    means : tuple of str
        The columns that `profile` averages.
    basis : str
        What the numbers are of, in words: a forecast's horizon, or the past.
    rules : RuleSet or None
    currency : str or None
        What amounts are shown in.

    See Also
    --------
    predclv.segments.tiers : each customer in one tier, with the reason.
    predclv.plots.tier_profile : tiers' shares of customers and value.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> tiers = pc.segments.tiers(fitted.forecast("52 weeks", seed=1))
    >>> print(tiers.headline())
    2,357 customers in 4 tiers by clv, forecast over 52 weeks after 1998-06-30
    """

    frame: pd.DataFrame
    names: tuple[str, ...]
    by: str
    value: str
    means: tuple[str, ...]
    basis: str
    rules: RuleSet | None = None
    currency: str | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def profile(self) -> pd.DataFrame:
        """One row per tier, the highest first; a tier without customers has a row too.

        Returns
        -------
        DataFrame
            tier, customers, share (of the customers), then means per customer: of a forecast
            expected_purchases, expected_revenue, clv and p_alive over its horizon; of observed
            customers what was observed. Last equity_share, the tier's share of all clv (of other
            values, named after them; 0 where nobody has any). The means of a tier without
            customers are NaN: there is nobody to average.
        """
        groups = self.frame.groupby("tier", observed=False)
        value = groups[self.value].sum()
        total = float(value.sum())
        table = pd.DataFrame({"customers": groups.size()})
        table["share"] = table["customers"] / len(self.frame)
        for name in self.means:
            table[name] = groups[name].mean()
        share = "equity_share" if self.value == "clv" else f"{self.value}_share"
        table[share] = value / total if total else 0.0
        table.index = table.index.astype(str)
        return table.loc[list(self.names)].rename_axis("tier").reset_index()

    def headline(self) -> str:
        """The tiers in a sentence."""
        return (
            f"{counted(len(self), 'customer')} in {len(self.names)} tiers by {self.by}, "
            f"{self.basis}{self._left_open()}"
            f"{'' if self.currency is None else f'; amounts in {self.currency}'}"
        )

    def _left_open(self) -> str:
        """How many customers the rules alone did not place."""
        if self.rules is None:
            return ""
        reason = self.frame["reason"].astype(str)
        told = f"; {(~reason.str.startswith(AGREED)).mean():.0%} placed by annual spend, the "
        told += "criteria not agreeing"
        staying = int(reason.str.endswith(STAYING).sum())
        if staying:
            told += f"; {staying:,} of {self.names[-1]!r} are more likely customers still than not"
        return told

    def __repr__(self) -> str:
        return f"{self.headline()}\n{self.profile().round(3).to_string(index=False)}"

    def _repr_html_(self) -> str:
        profile = self.profile()
        show = {
            name: "{:.1%}".format if name.endswith("share") else "{:,.2f}".format
            for name in profile.columns[2:]
        }
        formatters = show | {"customers": "{:,}".format}
        return as_html(self.headline(), profile, formatters=formatters, na_rep="-")


def tiers(
    customers: Any,
    by: str | None = None,
    quantiles: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    *,
    rules: RuleSet | str | None = None,
    currency_scale: float = 1.0,
) -> Tiers:
    """Put every customer in exactly one tier, and say why.

    Either by the quantiles of a value: ``by``, ``quantiles`` and ``names``. Or by ``rules`` on
    annual spend, purchases a year and average order; what those leave open is decided by annual
    spend, and the reason says so.

    Parameters
    ----------
    customers : Forecast or DataFrame
        A forecast, or for quantiles its frame: value and rules look at what is expected, put on a
        yearly footing by dividing by the horizon. Or customers as observed
        (``pc.historical.observed`` or a frame with customer_id, purchases_per_year,
        average_order_value and, if it differs from their product, annual_spend): value and rules
        look at the past.
    by : str, optional
        The column whose quantiles count. Default: clv, without spend discounted_purchases; of
        observed customers profit or revenue.
    quantiles : sequence of float, optional
        Where one tier ends and the next begins, rising. Default: 0.5, 0.8 and 0.95. A customer is
        above a quantile where at least that share of all customers has strictly less, so equal
        values are never parted and a tier can come out smaller than asked.
    names : sequence of str, optional
        One more than quantiles, *from the lowest tier up*, as the labels of ``pandas.qcut``.
        Default: ``"bottom 50%"`` to ``"top 5%"``.
    rules : RuleSet or str, optional
        `FOUR_TIERS`, its name ``"four tiers"``, or your own.
    currency_scale : float
        Multiplies the rules' amounts of money; theirs are in no currency of yours.

    Returns
    -------
    Tiers

    Raises
    ------
    DataError
        If customers appear twice, or a number is missing or infinite; the message names them.
    OptionError
        If quantiles do not rise between 0 and 1, names do not fit them, the column or the rule set
        is unknown, or both ways are mixed.

    Warns
    -----
    AssumptionWarning
        If a tier has fewer than 100 customers.

    See Also
    --------
    predclv.segments.Tiers : customers in tiers.
    predclv.segments.rfm_scores : scores from 1 to 5.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> forecast = fitted.forecast(horizon="1 year", level=None)
    >>> found = pc.segments.tiers(forecast)
    >>> found.profile()[["tier", "customers", "equity_share"]].round(3)
             tier  customers  equity_share
    0      top 5%        117         0.466
    1  80% to 95%        354         0.321
    2  50% to 80%        696         0.126
    3  bottom 50%       1190         0.087
    >>> ruled = pc.segments.tiers(forecast, rules="four tiers", currency_scale=0.02)
    """
    ground = footing(customers)
    if rules is None:
        if currency_scale != 1.0:
            raise OptionError("currency_scale belongs to rules; quantiles have no currency.")
        return _by_quantiles(ground, by, quantiles, names)
    if by is not None or quantiles is not None or names is not None:
        raise OptionError("by, quantiles and names do not go with rules: choose one way.")
    scaled = rules_named(rules).scaled(currency_scale)
    return _by_rules(with_criteria(ground, customers), scaled)


def _by_quantiles(
    ground: Footing,
    by: str | None,
    quantiles: Sequence[float] | None,
    names: Sequence[str] | None,
) -> Tiers:
    frame = ground.frame
    asked: Any = _QUANTILES if quantiles is None else quantiles
    if isinstance(asked, str) or not np.iterable(asked):
        hint = f" Say quantiles=[{asked}]." if isinstance(asked, (int, float)) else ""
        raise OptionError(
            f"quantiles must be a list of numbers such as [0.5, 0.8]; got {asked!r:.80}.{hint}"
        )
    cuts = tuple(probability(cut, "quantiles") for cut in asked)
    if not cuts:
        raise OptionError("quantiles must name at least one place to part customers.")
    if any(low >= high for low, high in pairwise(cuts)):
        raise OptionError(f"quantiles must rise from one to the next; got {some(cuts, 20)}.")
    labels = _shares_in_words(cuts) if names is None else tuple(names)
    if len(labels) != len(cuts) + 1 or len(set(labels)) < len(labels):
        raise OptionError(
            f"{len(cuts)} quantiles make {len(cuts) + 1} tiers, from the lowest up, which need "
            f"names of their own; got {some(labels, 20)}."
        )
    column = by or ground.value
    if column not in frame or column == "customer_id":
        known = [name for name in frame if name != "customer_id"]
        raise OptionError(
            f"by={column!r} is no column of these customers; they have {some(known, 20)}."
            f"{did_you_mean(column, known)}"
        )
    values = finite_column(frame, column)
    code = stands_above(values, cuts).sum(axis=1)
    reasons = []
    for place, label in enumerate(labels):
        lowest = values[code == place].min(initial=np.inf)
        least = f"at least {cuts[place - 1]:.6g} of customers have less" if place else (
            f"fewer than {cuts[0]:.6g} of customers have less"
        )  # fmt: skip
        reasons.append(f"{label}: {column} from {lowest:,.2f}, {least}")
    tier = pd.Categorical.from_codes(code, categories=pd.Index(labels), ordered=True)
    reason = pd.Categorical.from_codes(code, categories=pd.Index(reasons))
    made = frame.assign(tier=tier, reason=reason.remove_unused_categories())
    if ground.value not in frame:
        ground = replace(ground, value=column)
    if column not in ground.means:
        ground = replace(ground, means=(*ground.means, column))
    return _finished(made, ground, labels[::-1], column, [column])


def _shares_in_words(cuts: tuple[float, ...]) -> tuple[str, ...]:
    percent = [f"{100 * cut:.6g}%" for cut in cuts]
    between = [f"{low} to {high}" for low, high in pairwise(percent)]
    return (f"bottom {percent[0]}", *between, f"top {100 * (1 - cuts[-1]):.6g}%")


def _by_rules(ground: Footing, rules: RuleSet) -> Tiers:
    code, reason = rules.assign(ground.frame)
    lowest_first = list(reversed(rules.tiers))
    tier = pd.Categorical.from_codes(
        len(lowest_first) - 1 - code, categories=pd.Index(lowest_first), ordered=True
    )
    frame = ground.frame
    if "p_alive" in frame:
        # The last tier of `FOUR_TIERS` is called lapsing and looks at money alone.
        staying = (code == len(rules.tiers) - 1) & frame["p_alive"].ge(0.5).to_numpy()
        reason = pd.Categorical(
            np.where(staying, reason.astype(object) + STAYING, reason.astype(object))
        )
    made = frame.assign(tier=tier, reason=reason)
    return _finished(made, ground, rules.tiers, f"the rules {rules.name!r}", [*CRITERIA], rules)


def _finished(
    made: pd.DataFrame,
    ground: Footing,
    names: tuple[str, ...],
    by: str,
    decisive: list[str],
    rules: RuleSet | None = None,
) -> Tiers:
    """The tiers, with what was decisive in front; warns of small ones."""
    finite_column(made, ground.value)
    front = ["customer_id", "tier", "reason", *decisive]
    frame = made[[*front, *(name for name in made if name not in front)]]
    found = Tiers(
        frame, names, by, ground.value, ground.means, ground.basis, rules, ground.currency
    )
    profile = found.profile()
    warn_of_few(dict(zip(profile["tier"], profile["customers"], strict=True)), "Tiers")
    return found
