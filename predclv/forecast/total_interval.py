"""What the interval of a customer base's total holds: chance, parameters, a future unlike the past.

Chance and parameters can be calculated from a fit. That the shop's future is unlike its past, a
first Christmas or a new assortment, is in no fit; it is seen in how wrong totals were before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtr, stdtrit

from predclv.errors import DataError, OptionError, OptionWarning
from predclv.forecast.source import Source
from predclv.forecast.terms import Terms
from predclv.forecast.total_words import OF_A_POOL, Total, bounds_of, holds
from predclv.notices import counted, warn
from predclv.units import days_per

# Two origins at which totals were 20% off stand before those that were seen, and Student's t has
# three degrees of freedom: with these, 90% intervals of pooled forecasts held 98% of the totals on
# the seven logs they were chosen on and 91% on eleven others. A normal 10% held 68% of the latter.
_BEFORE, _SD_BEFORE = 2, 0.20
_FREEDOM = 3
_MOST_UNLIKE = 2.0  # of which a 90% interval reaches from a hundredth to the hundredfold

_ERRORS_OF = {
    "purchases": "purchases",
    "discounted_purchases": "purchases",
    "revenue": "revenue",
    "clv": "revenue",
}
"""Whose past errors widen each total."""


@dataclass(frozen=True, slots=True, eq=False)
class TotalErrors:
    """How wrong one forecaster's totals were at earlier origins.

    Attributes
    ----------
    forecaster : str
    days : float
        How far each forecast looked ahead.
    frame : DataFrame
        Index ``cutoff``; columns ``purchases`` and, where spend was forecast, ``revenue``:
        ``log(actual / forecast)`` of the total, 0.1 where about 10% more came than was forecast.
        NaN where there was no forecast, or nothing came.
    spread : mapping of str to float, optional
        By column of the frame, how far the logs of the totals of a pool's members lie apart now.
    """

    forecaster: str
    days: float
    frame: pd.DataFrame
    spread: Mapping[str, float] | None = None

    def sd(self, of: str = "purchases") -> float:
        r"""The scale of the errors to come, on the log scale.

        With the errors :math:`e_o` of :math:`n` origins

        .. math:: sd^2 = \frac{2 \cdot 0.20^2 + \sum_o e_o^2}{2 + n} + spread^2

        so that one lucky origin does not make a narrow interval. The spread is a pool's.

        Raises
        ------
        DataError
            If the backtest has no total of that.

        Examples
        --------
        >>> errors = TotalErrors("BG/NBD", 91, pd.DataFrame({"purchases": [0.1, -0.3]}))
        >>> round(errors.sd(), 4)
        0.2121
        """
        known = self.frame[of].dropna().to_numpy() if of in self.frame else np.empty(0)
        if not known.size:
            raise DataError(
                f"The backtest has no total of {of} by {self.forecaster} that came to something, "
                f"so it does not say how wrong one is. Backtest a model of {of}, or give a number."
            )
        before = (_BEFORE * _SD_BEFORE**2 + known @ known) / (_BEFORE + known.size)
        return float(np.sqrt(before + (self.spread or {}).get(of, 0.0) ** 2))


class Budget(NamedTuple):
    """What the interval of a total that belongs in a budget is made from.

    Attributes
    ----------
    totals : mapping of str to ndarray, (futures,) each
        Simulated around the forecast.
    errors : TotalErrors
        How wrong totals were at earlier origins.
    """

    totals: Mapping[str, NDArray]
    errors: TotalErrors


class Backtested(Protocol):
    """What knows how wrong totals were: ``pc.backtest``'s result."""

    def total_errors(self, forecaster: str | None = None) -> TotalErrors:
        """The errors of a forecaster's totals."""


type Unlike = float | TotalErrors | Backtested


def widening(
    unlike: Unlike, names: list[str], horizon: float | None, unit: str
) -> tuple[dict[str, float], str]:
    """The scale on the log scale by which each total is widened, and where it comes from.

    Raises
    ------
    OptionError
        If ``unlike`` is no number above 0, is above 2, or is no backtest.
    DataError
        If a backtest has not forecast what is to be widened.
    """
    if isinstance(unlike, (int, float, np.integer, np.floating)) and not isinstance(unlike, bool):
        if not 0 < unlike < np.inf:
            raise OptionError(
                f"unlike must be above 0, such as 0.2 for totals that are some 20% off; got "
                f"{unlike!r}."
            )
        if unlike > _MOST_UNLIKE:
            hint = f" For {unlike:g}% write {unlike / 100:g}." if 2 <= unlike <= 100 else ""
            raise OptionError(
                f"unlike is how far off totals may be, on the log scale: 0.2 is some 20%, and more "
                f"than {_MOST_UNLIKE:g} says nothing at all; got {unlike:g}.{hint}"
            )
        return dict.fromkeys(names, float(unlike)), f"sd {unlike:g}"
    errors = unlike
    if not isinstance(errors, TotalErrors):
        if not hasattr(errors, "total_errors"):
            raise OptionError(
                "unlike must be how wrong totals were before: the result of pc.backtest, its "
                f".total_errors('BG/NBD'), or a number such as 0.2; got {type(unlike).__name__}."
            )
        errors = cast("Backtested", errors).total_errors()
    _check_length(errors, horizon, unit)
    sds = {name: errors.sd(_ERRORS_OF[name]) for name in names}
    return sds, _in_words(errors, names)


def _in_words(errors: TotalErrors, names: list[str]) -> str:
    """How wrong totals of these are taken to be, and how that is known."""
    of_them = [of for of in dict.fromkeys(_ERRORS_OF[name] for name in names) if of in errors.frame]
    seen = int(errors.frame["purchases"].notna().sum())
    told = ", ".join(f"{of} {errors.sd(of):.2f}" for of in of_them)
    missing = len(errors.frame) - seen
    without = f", {missing} more without a total" if missing else ""
    source = f"totals of {errors.forecaster} from {counted(seen, 'earlier origin')}{without}"
    return f"sd of {told}; {source}"


def _check_length(errors: TotalErrors, horizon: float | None, unit: str) -> None:
    days = np.inf if horizon is None else horizon * days_per(unit)
    if abs(days - errors.days) > max(1.0, 0.02 * errors.days):  # a month is 30 or 31 days
        length = "the whole remaining lifetime" if horizon is None else f"{days:,.0f} days"
        warn(
            f"The backtest's totals are over {errors.days:,.0f} days, this one over {length}, and "
            "totals of a longer time are more wrong. Backtest over the horizon of the forecast.",
            OptionWarning,
        )


def interval(totals: NDArray, level: float, sd: float | None = None) -> tuple[float, float]:
    """The bounds of a total.

    Parameters
    ----------
    totals : ndarray, shape (futures,)
        Simulated: chance and parameters.
    level : float
    sd : float, optional
        Each simulated total is off by a factor ``exp(sd * T)`` besides, T being Student's t with 3
        degrees of freedom. The bounds are quantiles of that mixture; they are never within those
        without.

    Examples
    --------
    >>> same = np.full(100, 1000.0)
    >>> lower, upper = interval(same, 0.9, 0.2)  # 1000 * exp(-+ 2.353 * 0.2)
    >>> round(lower, 1), round(upper, 1)
    (624.6, 1601.1)
    """
    ends = [0.5 * (1 - level), 0.5 * (1 + level)]
    lower, upper = (float(end) for end in np.quantile(totals, ends))
    if sd is None:
        return lower, upper
    return min(lower, _mixed(totals, sd, ends[0])), max(upper, _mixed(totals, sd, ends[1]))


def _mixed(totals: NDArray, sd: float, share: float) -> float:
    """The quantile of ``totals * exp(sd * T)``, T of Student's t: exact given the totals."""
    logs = np.log(totals[totals > 0])
    nothing = 1.0 - logs.size / totals.size
    if share <= nothing:
        return 0.0
    share = (share - nothing) / (1.0 - nothing)
    away = sd * stdtrit(_FREEDOM, share)
    low, high = logs.min() + away, logs.max() + away
    if high - low < 1e-12:
        return float(np.exp(low))
    return float(
        np.exp(brentq(lambda at: stdtr(_FREEDOM, (at - logs) / sd).mean() - share, low, high))
    )


def total_of(
    source: Source, terms: Terms, values: Mapping[str, float], unlike: Unlike | None
) -> Total:
    """What ``Forecast.total`` returns.

    Raises
    ------
    OptionError
        If there is no interval to widen.
    """
    level = terms.level
    sds: dict[str, float] = {}
    told = None
    if unlike is not None and level is not None:  # refused before anything is simulated
        sds, told = widening(unlike, list(values), terms.horizon, terms.unit)
    simulated = None if level is None else source.totals()
    if level is None or simulated is None:
        if unlike is not None:
            raise OptionError(
                "There is no interval of the total to widen: it was made with level=None, or "
                "by a rule without chance. Forecast with level=0.9."
            )
        return Total(values, name="total")
    budget = source.budget() if unlike is None else None
    with_bounds: dict[str, float] = {}
    for name, value in values.items():
        ends = interval(simulated[name], level, sds.get(name))
        with_bounds |= {name: value, **dict(zip(bounds_of(name), ends, strict=True))}
        of = _ERRORS_OF[name]
        if budget is not None and of in budget.errors.frame:
            wide = interval(budget.totals[name], level, budget.errors.sd(of))
            outer = (min(wide[0], ends[0]), max(wide[1], ends[1]))
            with_bounds |= dict(zip(bounds_of(f"{name}_budget"), outer, strict=True))
    total = Total(with_bounds, name="total")
    if budget is None:
        total.attrs["holds"] = holds(level, told)
    else:
        total.attrs["holds"] = (
            f"The {level:.0%} intervals hold {OF_A_POOL}; those "
            "for a budget a future unlike the past too: "
            f"{_in_words(budget.errors, list(values))} (logs)."
        )
    return total
