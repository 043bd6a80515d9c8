"""Every error and warning of the package: what happened, where, and what to try."""

import math
from collections.abc import Iterable


class PredclvError(Exception):
    """Base of every error this package raises on purpose.

    See Also
    --------
    predclv.errors.PredclvWarning : base of every warning.

    Examples
    --------
    >>> import predclv as pc
    >>> try:
    ...     pc.units.days_per("fortnight")
    ... except pc.errors.PredclvError as error:
    ...     print(type(error).__name__)
    OptionError
    """


class DataError(PredclvError, ValueError):
    """The data cannot be used as they are; the message names the rows or values."""


class OptionError(PredclvError, ValueError):
    """An option has a value that means nothing here: a unit, a horizon, a rate, an engine."""


class FitError(PredclvError, RuntimeError):
    """A model could not be fitted; the message names the cause and what to try."""


class StoreError(PredclvError, ValueError):
    """A saved file is damaged, foreign or from another version."""


class PredclvWarning(UserWarning):
    """Base of every warning this package gives.

    See Also
    --------
    predclv.errors.PredclvError : base of every error.

    Examples
    --------
    A warning that is known and meant is silenced by its class:

    >>> import warnings
    >>> import predclv as pc
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", pc.errors.RefundWarning)
    ...     rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    """


class DataWarning(PredclvWarning):
    """Rows were left out, merged or rounded; the message counts them."""


class RefundWarning(DataWarning):
    """Negative amounts were netted or dropped; the message counts them."""


class DuplicateWarning(DataWarning):
    """Purchases are there several times, as if the log contained itself; the message counts."""


class ObservationEndWarning(DataWarning):
    """The log's first or last day lies far from its other days, or observation ends long after."""


class LargeOrderWarning(DataWarning):
    """One order is most of what a customer spent, and far from all others; the message names it."""


class SharedAccountWarning(DataWarning):
    """An id buys like a guest account that many share; the message names it."""


class BoundaryWarning(PredclvWarning):
    """The likelihood has no interior maximum: the fit is the limit that the message names."""


class InfiniteMeanWarning(PredclvWarning):
    """The fitted distribution of spend has no finite mean (Gamma-Gamma with q <= 1)."""


class AssumptionWarning(PredclvWarning):
    """An assumption of the model looks doubtful on these data."""


class SpendDriftWarning(AssumptionWarning):
    """Of late customers spend more, or less, per purchase than they did before."""


class FirstPurchaseWarning(AssumptionWarning):
    """First purchases cost far more, or less, than the later ones that spend is learnt from."""


class RegularityWarning(PredclvWarning):
    """How regular purchases are was chosen, or left open; the message says what that means."""


class SamplingWarning(PredclvWarning):
    """A posterior's chains or approximation are not to be trusted; the message says what to do."""


class ScaleWarning(PredclvWarning):
    """Something will take much memory or time; the message says how much and how to do without."""


class OptionWarning(PredclvWarning):
    """An option has an unusual value; the message says how it was understood."""


def some(values: Iterable[object], most: int = 5, of: float | None = None) -> str:
    """The first few values as text, for an error message: ``17, 52, 90 and 4 more``.

    Where the values are but the first ``of`` so many, the rest is counted by that; of inf many,
    ``and more``.
    """
    listed = list(values)
    text = ", ".join(str(value) for value in listed[:most])
    if of is None or (of == math.inf and len(listed) <= most):
        of = len(listed)
    rest = of - min(len(listed), most)
    if rest <= 0:
        return text
    return f"{text} and more" if rest == math.inf else f"{text} and {rest:,} more"


def plainly(value: object) -> str:
    """A value as somebody would write it: ``1`` of ``np.int64(1)``, text in quotes."""
    item = getattr(value, "item", None)
    return repr(item() if callable(item) and getattr(value, "ndim", None) == 0 else value)


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """`` Did you mean 'date'?`` where a known word is near, else an empty text."""
    from difflib import get_close_matches  # a third of what importing the package takes

    by_text = {str(candidate).casefold(): str(candidate) for candidate in known}
    near = get_close_matches(str(word).casefold(), by_text, n=1)
    return f" Did you mean {by_text[near[0]]!r}?" if near else ""
