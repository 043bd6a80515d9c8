"""Tiers by rule: bands of spend, purchases and order size, with what they leave open decided."""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import OptionError, did_you_mean, some
from predclv.samples.grouping import distinct

Band = tuple[float, float]

ANY: Band = (-inf, inf)
CRITERIA = {
    "annual_spend": "annual spend",
    "purchases_per_year": "purchases a year",
    "average_order_value": "average order",
}


AGREED = "all criteria"
"""How the reason begins where every criterion points to the tier."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a customer of a tier looks like: a band for each criterion, both ends included.

    Parameters
    ----------
    tier : str
    annual_spend, average_order_value : tuple of float
        (lowest, highest), in money.
    purchases_per_year : tuple of float
        (lowest, highest). A band not given admits everybody.

    See Also
    --------
    predclv.segments.RuleSet : rules for tiers.
    predclv.segments.tiers : each customer in one tier, with the reason.

    Examples
    --------
    >>> Rule("vip", annual_spend=(10_000, float("inf"))).words()
    'annual spend 10,000 or more'
    """

    tier: str
    annual_spend: Band = ANY
    purchases_per_year: Band = ANY
    average_order_value: Band = ANY

    def __post_init__(self) -> None:
        if not isinstance(self.tier, str) or not self.tier:
            raise OptionError(f"A rule's tier must be a name; got {self.tier!r}.")
        for name in CRITERIA:
            band = getattr(self, name)
            if not (isinstance(band, tuple) and len(band) == 2 and band[0] <= band[1]):
                raise OptionError(
                    f"Rule {self.tier!r}: {name} must be a pair (lowest, highest); got {band!r}."
                )

    def words(self) -> str:
        """The rule in words."""
        bands = {word: getattr(self, name) for name, word in CRITERIA.items()}
        told = [f"{word} {_band_words(band)}" for word, band in bands.items() if band != ANY]
        return ", ".join(told) or "everybody"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules for tiers, the highest first.

    A customer who meets every criterion of exactly one tier is in it. What the rules leave open -
    criteria that point to different tiers, values on a boundary that two tiers share, values in a
    gap between bands - is decided by annual spend: the highest tier whose lowest annual spend is
    reached. So everybody is in exactly one tier, and the reason says how.

    Parameters
    ----------
    name : str
    rules : tuple of Rule
        The highest tier first; the lowest annual spend of each falls strictly, and that of the
        last is ``-inf``.

    See Also
    --------
    predclv.segments.Rule : what a customer of a tier looks like.
    predclv.segments.FOUR_TIERS : rules ready to use.

    Examples
    --------
    >>> FOUR_TIERS.scaled(0.5).rules[0].words()
    'annual spend 2,500 or more, purchases a year 6 or more, average order 400 or more'
    """

    name: str
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if len(self.rules) < 2 or not all(isinstance(rule, Rule) for rule in self.rules):
            raise OptionError(f"Rule set {self.name!r} needs at least two rules of class Rule.")
        if len(set(self.tiers)) < len(self.tiers):
            raise OptionError(f"Rule set {self.name!r} has a tier twice: {some(self.tiers, 20)}.")
        floors = [rule.annual_spend[0] for rule in self.rules]
        if any(high <= low for high, low in pairwise(floors)):
            raise OptionError(
                f"Rule set {self.name!r}: annual spend decides what the rules leave open, so its "
                f"lowest value must fall strictly from tier to tier; got {some(floors, 20)}."
            )
        if floors[-1] != -inf:
            raise OptionError(
                f"Rule set {self.name!r}: its last tier takes whoever is left, so it must admit "
                f"any low annual spend: (-inf, ...); got {self.rules[-1].annual_spend}."
            )

    @property
    def tiers(self) -> tuple[str, ...]:
        """The names, the highest first."""
        return tuple(rule.tier for rule in self.rules)

    def scaled(self, factor: float) -> "RuleSet":
        """The same rules with every amount of money times ``factor``: another currency, or shop.

        Raises
        ------
        OptionError
            If the factor is not positive and finite.
        """
        if isinstance(factor, bool) or not isinstance(factor, (int, float, np.number)):
            raise OptionError(f"currency_scale must be a number; got {factor!r}.")
        if not 0 < factor < inf:
            raise OptionError(f"currency_scale must be positive and finite; got {factor!r}.")
        money = float(factor)
        rules = tuple(
            replace(
                rule,
                annual_spend=_times(money, rule.annual_spend),
                average_order_value=_times(money, rule.average_order_value),
            )
            for rule in self.rules
        )
        return RuleSet(self.name, rules)

    def table(self) -> pd.DataFrame:
        """The rules as a table of words, one row per tier."""
        rows = [
            {"tier": rule.tier}
            | {word: _band_words(getattr(rule, name)) for name, word in CRITERIA.items()}
            for rule in self.rules
        ]
        return pd.DataFrame(rows)

    def assign(self, numbers: pd.DataFrame) -> tuple[NDArray, Any]:
        """Each customer's tier and the reason for it.

        Parameters
        ----------
        numbers : DataFrame
            The three criteria as finite columns, one row per customer.

        Returns
        -------
        tier : ndarray of int, shape (n_customers,)
            Position in ``tiers``.
        reason : Categorical, shape (n_customers,)
        """
        n_tiers = len(self.rules)
        meets = np.ones((n_tiers, len(numbers)), dtype=bool)
        codes = []
        for name in CRITERIA:
            value = numbers[name].to_numpy(float)
            bands = np.array([getattr(rule, name) for rule in self.rules])
            within = (bands[:, :1] <= value) & (value <= bands[:, 1:])
            meets &= within
            reached = (bands[:, :1] <= value).sum(axis=0)
            bits = (within * (1 << np.arange(n_tiers))[:, None]).sum(axis=0)
            codes += [bits, reached]
        floors = np.array([rule.annual_spend[0] for rule in self.rules])
        by_spend = (floors[:, None] > numbers["annual_spend"].to_numpy(float)).sum(axis=0)
        tier = np.where(meets.sum(axis=0) == 1, meets.argmax(axis=0), by_spend)
        first, pattern = distinct(tier, *codes)
        words = [self._reason(*(int(code[place]) for code in (tier, *codes))) for place in first]
        reasons = list(dict.fromkeys(words))
        place_of = np.array([reasons.index(word) for word in words], dtype=np.int64)
        return tier, pd.Categorical.from_codes(place_of[pattern], categories=pd.Index(reasons))

    def _reason(self, tier: int, *codes: int) -> str:
        """Why customers are in a tier whose criteria admit the tiers of these bits."""
        admitted = dict(zip(CRITERIA, codes[::2], strict=True))
        reached = dict(zip(CRITERIA, codes[1::2], strict=True))
        in_all = self._named(int(np.bitwise_and.reduce(list(admitted.values()))))
        rule = self.rules[tier]
        if len(in_all) == 1:
            return f"{AGREED}: {rule.words()}"
        if len(in_all) > 1:
            return f"on the boundary of {' and '.join(in_all)}: annual spend decides"
        against = [
            f"{word} {self._where(admitted[name], reached[name], name)}"
            for name, word in CRITERIA.items()
            if not admitted[name] >> tier & 1
        ]
        spend = _band_words(rule.annual_spend)
        return f"annual spend decides ({spend}): {', '.join(against)}"

    def _named(self, bits: int) -> list[str]:
        return [name for place, name in enumerate(self.tiers) if bits >> place & 1]

    def _where(self, bits: int, reached: int, criterion: str) -> str:
        """Where a value lies that does not belong to the tier: in another, or in none."""
        if bits:
            return f"as in {' or '.join(self._named(bits))}"
        by_floor = sorted(self.rules, key=lambda rule: getattr(rule, criterion)[0])
        if reached == 0:
            return f"below {by_floor[0].tier}"
        if reached == len(by_floor):
            return f"above {by_floor[-1].tier}"
        return f"between {by_floor[reached - 1].tier} and {by_floor[reached].tier}"


FOUR_TIERS = RuleSet(
    "four tiers",
    (
        Rule("high", (5000.0, inf), (6.0, inf), (800.0, inf)),
        Rule("potential", (2000.0, 5000.0), (3.0, 5.0), (400.0, 800.0)),
        Rule("regular", (1000.0, 2000.0), (1.0, 2.0), (200.0, 400.0)),
        Rule("lapsing", (-inf, 1000.0), (-inf, 1.0), (-inf, 200.0)),
    ),
)
"""The table that practitioners use, in units of currency; a rule of thumb, not a finding."""

RULE_SETS = {rules.name: rules for rules in (FOUR_TIERS,)}


def rules_named(rules: RuleSet | str) -> RuleSet:
    """A rule set, or the one of that name."""
    if isinstance(rules, RuleSet):
        return rules
    if rules not in RULE_SETS:
        raise OptionError(
            f"rules must be a RuleSet or one of {', '.join(map(repr, RULE_SETS))}; got {rules!r}."
            f"{did_you_mean(rules, RULE_SETS)}"
        )
    return RULE_SETS[rules]


def _times(factor: float, band: Band) -> Band:
    return factor * band[0], factor * band[1]


def _band_words(band: Band) -> str:
    low, high = band
    if band == ANY:
        return "any"
    if high == inf:
        return f"{low:,.10g} or more"
    if low == -inf:
        return f"{high:,.10g} or less"
    return f"{low:,.10g} to {high:,.10g}"
