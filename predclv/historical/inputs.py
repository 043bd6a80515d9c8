"""What formulas are fed with, checked: amounts, counts, churn, margins and rates."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.errors import DataError, OptionError, OptionWarning, some
from predclv.notices import warn


def finite(what: str, value: ArrayLike) -> NDArray:
    """A number or an array of numbers, none missing or infinite.

    Raises
    ------
    DataError
        If not; the message names values and places.
    """
    try:
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "iufO":
            raise TypeError("no numbers")
        numbers = numbers.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} must be a number or an array of numbers; got {value!r:.80}."
        ) from error
    _refuse(what, numbers, ~np.isfinite(numbers), "must be finite")
    return numbers


def not_negative(what: str, value: ArrayLike) -> NDArray:
    """Finite numbers of at least 0."""
    numbers = finite(what, value)
    _refuse(what, numbers, numbers < 0, "must not be negative")
    return numbers


def churn(what: str, value: ArrayLike) -> NDArray:
    """Shares of customers lost per period: above 0 and at most 1."""
    numbers = finite(what, value)
    odd = (numbers <= 0) | (numbers > 1)
    hint = " Without any churn nobody ever leaves, and an endless life has no value to name."
    if np.any(numbers > 1):
        hint = _percent(numbers[numbers > 1])
    elif np.any(numbers < 0):
        hint = ""
    _refuse(what, numbers, odd, "must be above 0 and at most 1", hint, OptionError)
    return numbers


def margin(value: ArrayLike) -> NDArray:
    """Shares of spend that are profit; above 1 they are doubted, from 2 on refused."""
    numbers = finite("margin", value)
    odd = (numbers < 0) | (numbers >= 2)
    hint = _percent(numbers[numbers >= 2])
    _refuse("margin", numbers, odd, "is a share of spend between 0 and 1", hint, OptionError)
    if np.any(numbers > 1):
        warn(
            f"margin of {_told(numbers, numbers > 1)} is more than all of the spend; it was taken "
            "as given.",
            OptionWarning,
        )
    return numbers


def rate(what: str, value: ArrayLike) -> NDArray:
    """Discount rates: at least 0 and below 1."""
    numbers = finite(what, value)
    odd = (numbers < 0) | (numbers >= 1)
    hint = _percent(numbers[numbers >= 1])
    _refuse(what, numbers, odd, "must be at least 0 and below 1", hint, OptionError)
    return numbers


def together(**columns: NDArray) -> tuple[NDArray, ...]:
    """The columns, if they broadcast.

    Raises
    ------
    DataError
        If not; the message gives every length.
    """
    try:
        np.broadcast_shapes(*(column.shape for column in columns.values()))
    except ValueError:
        lengths = some(
            (
                f"{name} {' x '.join(map(str, column.shape))}"
                for name, column in columns.items()
                if column.ndim
            ),
            10,
        )
        raise DataError(f"The inputs are of unequal length: {lengths}.") from None
    return tuple(columns.values())


def plain(value: NDArray) -> Any:
    """A float where there is one number, else the array."""
    return float(value) if np.ndim(value) == 0 else value


def _percent(odd: NDArray) -> str:
    """How a percentage is written as a share, where the first odd value looks like one."""
    if odd.size and odd.flat[0] <= 100:
        return f" For {odd.flat[0]:g}% write {odd.flat[0] / 100:g}."
    return ""


def _told(numbers: NDArray, odd: NDArray) -> str:
    """The odd values and, in an array, where they stand."""
    if numbers.ndim == 0:
        return f"{numbers:g}"
    places = np.flatnonzero(odd)
    return some(f"{numbers.flat[place]:g} at position {place}" for place in places)


def _refuse(
    what: str,
    numbers: NDArray,
    odd: NDArray,
    rule: str,
    hint: str = "",
    error: type[DataError] | type[OptionError] = DataError,
) -> None:
    if np.any(odd):
        raise error(f"{what} {rule}; got {_told(numbers, odd)}.{hint}")
