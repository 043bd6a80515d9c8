"""What a customer's first order brings on average: as given, of the log, or like a repeat order."""

from typing import NamedTuple

import numpy as np

from predclv.decisions.newcomer_mix import NewcomerMix
from predclv.errors import AssumptionWarning, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.notices import warn


class First(NamedTuple):
    """The mean first order, its standard error, and where it is from."""

    mean: float
    error: float
    source: str
    is_repeat: bool = False


def first_order_of(fitted: FittedCLV, later: float, given: float | None, mix: NewcomerMix) -> First:
    """The first order as given, of the log, or without one as a repeat order."""
    if given is not None:
        if isinstance(given, bool) or not isinstance(given, (int, float, np.number)):
            raise OptionError(f"first_order must be a number; got {given!r}.")
        if not (np.isfinite(given) and given >= 0):
            raise OptionError(f"first_order must be finite and at least 0; got {given!r}.")
        return First(float(given), 0.0, "as given")
    log, end = fitted.rfm.log, fitted.rfm.observation_end
    if log is None or end is None or not log.has_spend:
        warn(
            "There is no log to take the first order from, so it was taken to be like a repeat "
            f"order ({later:,.2f}); first orders are often larger or smaller. Say first_order=, or "
            "fit to a summary of a log.",
            AssumptionWarning,
        )
        return First(later, 0.0, "taken as a repeat order, for want of a log", is_repeat=True)
    own = mix.first_orders(fitted)
    if own is not None and own.size > 1:
        error = float(own.std(ddof=1) / np.sqrt(own.size))
        return First(float(own.mean()), error, f"the mean of {own.size:,} such in the log")
    orders = log.first_orders(end)
    amount, customers = (orders[name].to_numpy(float) for name in ("amount", "customers"))
    n = customers.sum()
    mean = float(amount @ customers / n)
    spread = np.sqrt(customers @ (amount - mean) ** 2 / max(n - 1, 1))
    return First(mean, float(spread / np.sqrt(n)), f"the mean of {n:,.0f} in the log")
