"""Which newcomer is meant, where a model knows more of customers than their purchases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from predclv.clocks.calendar import Calendar
from predclv.clocks.days import date_of
from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError, did_you_mean
from predclv.forecast.extrapolated import tell_what_is_stretched
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.patterns import ByPattern, at_free, estimate_of
from predclv.logs.log import civil_date
from predclv.money import UNITS
from predclv.samples.patterns import Patterns
from predclv.units import day_number


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """A model of newcomers in several patterns: expectations of it are averages over them.

    Attributes
    ----------
    model : Model
        Its parameters of shape (n_patterns,).
    shares : ndarray, shape (n_patterns,)
    """

    model: Any
    shares: NDArray

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected repeat purchases by ``t``, of its shape."""
        return self.model.expected_purchases(np.asarray(t, float)[..., None]) @ self.shares

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """The same, one at s worth ``exp(-delta s)``; of the shape of both."""
        t, delta = (np.asarray(value, float)[..., None] for value in (t, delta))
        return self.model.discounted_purchases(t, delta) @ self.shares

    @property
    def mean(self) -> float:
        """Mean spend per purchase."""
        return float(np.broadcast_to(self.model.mean, self.shares.shape) @ self.shares)


@dataclass(frozen=True, slots=True, eq=False)
class NewcomerMix:
    """Newcomers by what is known of them.

    Attributes
    ----------
    patterns : Patterns or None
        None where the fits know nothing of customers.
    shares : ndarray, shape (n_patterns,)
        Of the newcomers that are meant.
    named : mapping
        What was said of them.
    """

    patterns: Patterns | None
    shares: NDArray
    named: Mapping[str, Any]

    @classmethod
    def of(cls, fitted: FittedCLV, covariates: Mapping[str, Any] | None) -> "NewcomerMix":
        """Newcomers with these covariates; in what is not said they are like the customers.

        Raises
        ------
        OptionError
            If a covariate is none of the fits'.
        DataError
            If no customer is like that, or some covariates must be said.
        """
        fits = [fit for fit in (fitted.purchases, fitted.spend) if fit is not None]
        levels, named = named_covariates(fits, covariates)
        if not levels:
            return cls(None, np.ones(1), {})
        if set(named) == set(levels):
            frame = pd.DataFrame({name: [value] for name, value in named.items()})
            known = {name: found for name, found in levels.items() if found is not None}
            return cls(Patterns(frame, known), np.ones(1), named)
        cells = fitted.rfm.cells()
        if cells.patterns is None or not len(cells):
            rest = ", ".join(name for name in levels if name not in named)
            raise DataError(
                f"There are no customers to take {rest} from: say it, new_customer(fitted, "
                "covariates={...}), or fit to customers who stay with the model."
            )
        weight = np.bincount(cells.extra["pattern"], cells.weight, len(cells.patterns))
        for name, value in named.items():
            weight = weight * (cells.patterns.frame[name] == value).to_numpy()
        if not weight.any():
            said = ", ".join(f"{name}={value!r}" for name, value in named.items())
            raise DataError(f"No customer has {said}. Say all of {', '.join(levels)}.")
        return cls(cells.patterns, weight / weight.sum(), named)

    def model(self, fit: Fit, free: NDArray | None = None) -> Any:
        """The model of these newcomers, at the estimate or at free parameters (k,)."""
        if free is None:
            found = estimate_of(fit, self.patterns)
        else:
            found = at_free(fit, free, self.patterns)
        if not isinstance(found, ByPattern):
            return found
        some = np.flatnonzero(self.shares)
        return Averaged(found.of(some), self.shares[some])

    def first_orders(self, fitted: FittedCLV) -> NDArray | None:
        """What the first orders of customers like these brought, (n,); None if that is unknown.

        A customer's total less their later orders.
        """
        log, end = fitted.rfm.log, fitted.rfm.observation_end
        if not self.named or log is None or end is None or log.has_refunds:
            return None
        frame, cells = fitted.rfm.frame, fitted.rfm.cells()
        patterns = cells.patterns
        if patterns is None:
            return None
        alike = np.ones(len(patterns), bool)
        for name, value in self.named.items():
            alike &= (patterns.frame[name] == value).to_numpy()
        own = frame[alike[cells.extra["pattern"][cells.places(frame)]]]
        if not len(own):
            return None
        totals = log.totals(end).set_index("customer_id")["units"].reindex(own["customer_id"])
        later = own["frequency"].to_numpy() * own["monetary_value"].to_numpy()
        found = totals.to_numpy(float) / UNITS - later
        return found[np.isfinite(found)]


def covariates_of(fits: Iterable[Fit | None]) -> dict[str, tuple[str, ...] | None]:
    """The covariates of fits, with the levels of those that have some."""
    return {
        name: group.coding.levels.get(name)
        for fit in fits
        if fit is not None and fit.covariates is not None
        for group in fit.covariates.groups
        for name in group.coding.covariates
    }


def named_covariates(
    fits: Sequence[Fit], covariates: Mapping[str, Any] | None
) -> tuple[dict[str, tuple[str, ...] | None], dict[str, Any]]:
    """The levels of the covariates of fits, None of numbers; and values that somebody names.

    Raises
    ------
    OptionError
        If a covariate is none of the fits'.
    DataError
        If a value is a level that the fits have not seen, or no finite number.
    """
    levels = covariates_of(fits)
    for name in covariates or {}:
        if name not in levels:
            raise OptionError(
                f"These fits have no covariate {name!r}; they have "
                f"{', '.join(levels) or 'none'}.{did_you_mean(str(name), levels)}"
            )
    named = {n: _value(n, value, levels[n]) for n, value in (covariates or {}).items()}
    tell_what_is_stretched(fits, {n: v for n, v in named.items() if levels[n] is None})
    return levels, named


def _value(name: str, value: Any, levels: tuple[str, ...] | None) -> Any:
    """A covariate's value, as patterns hold it.

    Raises
    ------
    DataError
        If it is a level that the fit has not seen, or no finite number.
    """
    if levels is not None:
        if str(value) not in levels:
            raise DataError(
                f"The covariate {name!r} has no level {value!r} that the fit has seen; it knows "
                f"{', '.join(map(repr, levels))}.{did_you_mean(str(value), levels)}"
            )
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise DataError(f"The covariate {name!r} is a finite number; got {value!r}.")
    return number


def day_of(fitted: FittedCLV, comes_on: Any) -> int:
    """The day of a first purchase, since 1970-01-01; 0 where no day differs from another."""
    clock = fitted.purchases.clock
    day = None if comes_on is None else day_number(civil_date(comes_on, "comes_on"))
    end = fitted.rfm.observation_end
    after = None if end is None else 1 + day_number(end)
    if not isinstance(clock, Calendar):
        return day or (0 if fitted.purchases.recall is None else after or 0)
    if day is None:
        return 1 + clock.last_day if after is None else after
    if day < clock.first_day:
        raise OptionError(
            f"comes_on must not lie before {date_of(clock.first_day)}, the first day that the "
            f"clock knows; got {date_of(day)}."
        )
    return day
