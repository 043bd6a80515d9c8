"""What members would have forecast at earlier days of the log, and how good it would have been."""

import datetime
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import FitError, OptionError, PredclvError, PredclvWarning
from predclv.logs.log import Log
from predclv.pools.doubts import Doubts
from predclv.pools.followed import Followed, Word
from predclv.progress import progress

_APART = 91  # days between origins, and known at the first, at least: a quarter
_FEWEST = 20  # purchases that must have followed an origin


def inner_days(known: int, horizon: int, most: int) -> list[tuple[int, int]]:
    """The days to stand at, the latest first, and how many to look ahead from each.

    Parameters
    ----------
    known : int
        Days from the log's first to its last.
    horizon : int
        Days to be forecast after it.
    most : int

    Examples
    --------
    >>> inner_days(700, 182, 3)
    [(518, 182), (427, 182), (336, 182)]
    >>> inner_days(200, 182, 3)  # room for no such stretch: half of what is known
    [(100, 100)]
    """
    apart = max(-(-horizon // 2), _APART)
    days = [known - horizon - i * apart for i in range(most)]
    found = [(day, horizon) for day in days if day >= apart]
    if not found and most:
        found = [(known // 2, min(horizon, known - known // 2))]
    return [(day, ahead) for day, ahead in found if day > 0 and ahead > 0]


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """What members said at one earlier day, against what came.

    Attributes
    ----------
    cutoff : datetime.date
        The last day that they saw.
    days : int
        How far they looked ahead.
    customers, purchases : int
        Known then; and what came of them.
    losses : ndarray, shape (members, members)
        ``Q[a, b]``, the mean over customers of the sum over counts n of
        ``(F_a(n) - [y <= n]) (F_b(n) - [y <= n])``; on its diagonal each one's CRPS.
    expected : ndarray, shape (members,)
        Purchases of all customers that each expected.
    revenue : float
        That came; NaN without spend.
    expected_revenue : ndarray, shape (members,)
    """

    cutoff: datetime.date
    days: int
    customers: int
    purchases: int
    losses: NDArray
    expected: NDArray
    revenue: float
    expected_revenue: NDArray

    def of(self, members: NDArray) -> "Origin":
        """The same of some of the members."""
        return replace(
            self,
            losses=self.losses[np.ix_(members, members)],
            expected=self.expected[members],
            expected_revenue=self.expected_revenue[members],
        )

    def document(self) -> dict[str, Any]:
        """The origin in JSON's own types."""
        return {
            "cutoff": str(self.cutoff),
            "days": self.days,
            "customers": self.customers,
            "purchases": self.purchases,
            "losses": self.losses.tolist(),
            "expected": self.expected.tolist(),
            "revenue": None if np.isnan(self.revenue) else self.revenue,
            "expected_revenue": None if np.isnan(self.revenue) else self.expected_revenue.tolist(),
        }

    @classmethod
    def from_document(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        revenue = content["revenue"]
        expected = np.array(content["expected"], np.float64)
        return cls(
            datetime.date.fromisoformat(content["cutoff"]),
            int(content["days"]),
            int(content["customers"]),
            int(content["purchases"]),
            np.array(content["losses"], np.float64),
            expected,
            np.nan if revenue is None else float(revenue),
            np.full(expected.size, np.nan)
            if revenue is None
            else np.array(content["expected_revenue"], np.float64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What earlier days of a log say of a pool's members, for one horizon.

    Attributes
    ----------
    names : tuple of str
        The members that forecast at every origin.
    origins : tuple of Origin
        The latest first; none where the log is too short.
    doubts : tuple of str
        Why others did not, and what the fits warned of.
    """

    names: tuple[str, ...]
    origins: tuple[Origin, ...]
    doubts: tuple[str, ...]

    def relative(self) -> NDArray:
        """The losses beside the first member's, shape (origins, members, members)."""
        n = len(self.names)
        return np.array([o.losses / o.losses[0, 0] for o in self.origins]).reshape(-1, n, n)

    def errors(self, weights: NDArray) -> pd.DataFrame:
        """``log(actual / pooled)`` of the totals, by cutoff; columns as of ``TotalErrors``."""
        rows = {}
        for origin in self.origins:
            rows[origin.cutoff] = {
                "purchases": np.log(origin.purchases / (origin.expected @ weights)),
            }
            came, pooled = origin.revenue, origin.expected_revenue @ weights
            if came > 0 and pooled > 0:
                rows[origin.cutoff]["revenue"] = np.log(came / pooled)
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("cutoff")

    def document(self) -> dict[str, Any]:
        """The evidence in JSON's own types."""
        return {
            "names": list(self.names),
            "origins": [origin.document() for origin in self.origins],
            "doubts": list(self.doubts),
        }

    @classmethod
    def from_document(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        origins = tuple(Origin.from_document(each) for each in content["origins"])
        return cls(tuple(content["names"]), origins, tuple(content["doubts"]))


def evidence(
    recipes: Mapping[str, Any],
    log: Log,
    end: datetime.date,
    horizon: int,
    unit: str,
    most: int,
    spend: Any,
) -> Evidence:
    """Fit members at earlier days and hold their forecasts against what came.

    Parameters
    ----------
    recipes : mapping of str to recipe
        Those that could be fitted to the whole log.
    log : Log
    end : datetime.date
        Nothing after this day is looked at.
    horizon : int
        Days.
    unit : str
        Of time, in which the members are fitted.
    most : int
        Origins.
    spend : callable or None
        What fits the model of spend to a summary.

    Raises
    ------
    OptionError
        If a member names one number and no chance around it.
    """
    known = (end - log.first_day).days
    days = inner_days(known, horizon, most)
    doubts = Doubts()
    if days:
        for name in [n for n, r in recipes.items() if not _takes_part(r, *days[0])]:
            doubts.left_out(name, "the log is too short to try it out.")
            recipes = {n: r for n, r in recipes.items() if n != name}
    origins: list[Origin] = []
    names = list(recipes)
    with progress("Trying members out", len(days) * len(recipes)) as step:
        for day, ahead in days:
            cutoff = log.first_day + datetime.timedelta(days=day)
            followed = Followed.of(log, cutoff, ahead, unit)
            if (came := followed.purchases) < _FEWEST:
                doubts.note(f"After {cutoff} only {came} purchases came in {ahead} days.")
                continue
            said: dict[str, Word] = {}
            twins: dict[Any, Word] = {}
            for name in names:
                step(f"{cutoff}, {name}")
                recipe = for_span(recipes[name], day)
                key = getattr(recipe, "key", name)  # equal for members that are twins here
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always", PredclvWarning)
                    try:
                        if key not in twins:
                            twins[key] = followed.word_of(name, recipe)
                    except OptionError:
                        raise
                    except PredclvError as error:
                        doubts.left_out(name, f"at {cutoff} {error}")
                        continue
                said[name] = twins[key]
                doubts.warned(name, caught, cutoff)
            survivors = np.array([names.index(name) for name in names if name in said], int)
            origins = [origin.of(survivors) for origin in origins]
            names = [name for name in names if name in said]
            origins.append(_origin(followed, cutoff, [said[name] for name in names], spend))
            followed.forget()
    return Evidence(tuple(names), tuple(origins), doubts.told())


def that_learn(
    fits: Mapping[str, Any], recipes: Mapping[str, Any], days: int
) -> tuple[dict[str, Any], list[str]]:
    """The recipes of members that can look so many days ahead, and why others cannot."""
    found, doubts = {}, []
    for name, fitted in fits.items():
        try:
            if callable(getattr(fitted, "learned", None)):  # a rule: anew for each horizon
                fitted.learned(days)
        except FitError as error:
            doubts.append(f"{name} takes no part: {error}")
        else:
            found[name] = recipes[name]
    return found, doubts


def for_span(recipe: Any, days: int) -> Any:
    """The recipe to fit to a log of so many days: its twin without season, if it has one."""
    return recipe.for_span(days) if hasattr(recipe, "for_span") else recipe


def _takes_part(recipe: Any, known: int, horizon: int) -> bool:
    return recipe.takes_part(known, horizon) if hasattr(recipe, "takes_part") else True


def _origin(followed: Followed, cutoff: datetime.date, words: Sequence[Word], spend: Any) -> Origin:
    """What members said at a day, held against what came."""
    losses, expected, worth, revenue = followed.held_against(words, spend)
    return Origin(
        cutoff=cutoff,
        days=followed.days,
        customers=len(followed.rfm),
        purchases=followed.purchases,
        losses=losses,
        expected=expected,
        revenue=revenue,
        expected_revenue=worth,
    )
