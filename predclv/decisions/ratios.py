"""What a customer is worth over what they cost, how soon they pay it back, and rules of thumb."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from predclv.decisions.new_customer import NewCustomer
from predclv.errors import OptionError, some
from predclv.historical.inputs import plain


def clv_to_cac(clv: ArrayLike, cac: ArrayLike) -> Any:
    """Customer lifetime value over customer acquisition cost.

    For the question 'is it worth acquiring customers like these' the value must be a *new*
    customer's (`new_customer`). What existing customers will still bring leaves out what they have
    brought already.

    Parameters
    ----------
    clv : array_like
        Discounted profit, margin included: a ratio of revenue to cost flatters.
    cac : array_like
        Cost of acquiring one customer, in the same money; positive.

    Returns
    -------
    float or ndarray
        Of their broadcast shape.

    Raises
    ------
    OptionError
        If a cost is not positive, a number is not finite, or lengths differ.

    See Also
    --------
    predclv.economics.by_channel : value and cost by channel.
    predclv.economics.payback : months until a customer has paid.

    Examples
    --------
    >>> clv_to_cac(360.0, 120.0)
    3.0
    >>> clv_to_cac([360.0, 90.0], [120.0, 120.0]).tolist()
    [3.0, 0.75]
    """
    worth, cost = _matched(clv, "clv", cac, "cac")
    _check_costs(cost)
    return plain(worth / cost)


def payback(cac: ArrayLike, monthly_profit: "ArrayLike | NewCustomer") -> Any:
    """Months until a customer has paid for their acquisition.

    With a constant monthly profit: ``cac / monthly_profit``, undiscounted, as practitioners do; it
    assumes that everybody stays. With a model's new customer: the first month by whose end the
    expected discounted profit reaches the cost.

    Parameters
    ----------
    cac : array_like
        Cost of acquiring one customer; positive.
    monthly_profit : array_like or NewCustomer
        Profit per customer and month, or what `new_customer` returned.

    Returns
    -------
    float or ndarray
        Months; *inf* where the cost is never paid back: profit of 0 or less, or a model's customer
        who does not reach it within the months of its curve. 0 where the first order pays it.

    Raises
    ------
    OptionError
        If a cost is not positive, a number is not finite, or lengths differ.

    See Also
    --------
    predclv.economics.new_customer : what a newcomer will bring.
    predclv.economics.clv_to_cac : value over cost of acquisition.

    Examples
    --------
    >>> payback(1200.0, 100.0)
    12.0
    >>> payback([300.0, 300.0], [25.0, 0.0]).tolist()
    [12.0, inf]
    """
    if isinstance(monthly_profit, NewCustomer):
        cost = _numbers(cac, "cac")
        _check_costs(cost)
        curve = monthly_profit.curve
        reached = np.searchsorted(curve["profit"].to_numpy(), cost, side="left")
        months = np.append(curve["month"].to_numpy(float), np.inf)
        return plain(months[reached])
    cost, profit = _matched(cac, "cac", monthly_profit, "monthly_profit")
    _check_costs(cost)
    earns = profit > 0
    return plain(np.where(earns, cost / np.where(earns, profit, 1.0), np.inf))


_THUMB = "rule of thumb"
_BENCHMARKS = (
    ("any business", "CLV : CAC", 3.0, np.inf, "ratio",
     "widely repeated since the writing on software-as-a-service metrics of about 2010"),
    ("software as a service", "CLV : CAC", 3.0, 5.0, "ratio", "investors' and vendors' guides"),
    ("retail", "CLV : CAC", 2.0, 3.0, "ratio", "agencies' and shop platforms' guides"),
    ("B2B services", "CLV : CAC", 5.0, 10.0, "ratio", "consultants' guides"),
    ("subscription", "payback of CAC", 12.0, 18.0, "months", "investors' and vendors' guides"),
)  # fmt: skip


def benchmarks() -> pd.DataFrame:
    """The bands that practitioners quote for CLV : CAC and payback.

    Rules of thumb: no study stands behind them, those who quote them define CLV differently
    (revenue or profit, discounted or not, three years or for ever), and a high ratio can as well
    mean that too little is spent on acquisition. Use them to be understood, not to decide.

    Returns
    -------
    DataFrame
        business, metric, low, high (inf where the band is open), unit, status, told_by.

    See Also
    --------
    predclv.economics.clv_to_cac : value over cost of acquisition.

    Examples
    --------
    >>> benchmarks()[["business", "metric", "low", "high"]]
                    business          metric   low  high
    0           any business       CLV : CAC   3.0   inf
    1  software as a service       CLV : CAC   3.0   5.0
    2                 retail       CLV : CAC   2.0   3.0
    3           B2B services       CLV : CAC   5.0  10.0
    4           subscription  payback of CAC  12.0  18.0
    """
    columns = ["business", "metric", "low", "high", "unit", "told_by"]
    table = pd.DataFrame(_BENCHMARKS, columns=columns)
    table.insert(5, "status", _THUMB)
    return table


def verdict(ratio: float, lower: float, upper: float) -> str:
    """A CLV : CAC ratio in words, and whether its interval leaves room for another.

    Examples
    --------
    >>> verdict(2.4, 2.1, 2.7)
    'earns more than it costs, below the 3:1 rule of thumb'
    >>> verdict(1.1, 0.8, 1.4)
    'earns more than it costs, below the 3:1 rule of thumb; uncertain: 0.8 to 1.4'
    """
    doubt = "" if _band(lower) == _band(upper) else f"; uncertain: {lower:.1f} to {upper:.1f}"
    return _WORDS[_band(ratio)] + doubt


_EDGES = (1.0, 3.0, 5.0)
_WORDS = (
    "costs more than it earns",
    "earns more than it costs, below the 3:1 rule of thumb",
    "healthy by the 3:1 rule of thumb",
    "earns well above the rule of thumb: there may be room to spend more",
)


def _band(ratio: float) -> int:
    return int(np.searchsorted(_EDGES, ratio, side="right"))


def _kind(values: object) -> str:
    """What somebody gave in place of numbers, in a word or two, and what of it they may mean."""
    kind = type(values).__name__
    if hasattr(values, "headline") and hasattr(values, "frame"):
        return f"a {kind}: take a column of its frame, such as frame['clv']"
    return f"a {kind}"


def _numbers(values: ArrayLike, what: str) -> NDArray:
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        given = f"{values!r:.60}" if isinstance(values, (str, int, float)) else _kind(values)
        raise OptionError(f"{what} must be a number or numbers; got {given}.") from error
    odd = ~np.isfinite(found)
    if odd.any():
        where = f" at positions {some(np.flatnonzero(odd))}" if found.ndim else ""
        raise OptionError(f"{what} must be finite; got {some(found[odd])}{where}.")
    return found


def _matched(
    first: ArrayLike, first_name: str, second: ArrayLike, second_name: str
) -> tuple[NDArray, NDArray]:
    a, b = _numbers(first, first_name), _numbers(second, second_name)
    if a.ndim and b.ndim and a.shape != b.shape:
        raise OptionError(
            f"{first_name} and {second_name} must be of one length, or one of them a single "
            f"number; got {a.shape[0]:,} and {b.shape[0]:,}."
        )
    return a, b


def _check_costs(cost: NDArray) -> None:
    odd = cost <= 0
    if np.any(odd):
        where = f" at positions {some(np.flatnonzero(odd))}" if cost.ndim else ""
        raise OptionError(
            f"cac must be positive; got {some(cost[odd])}{where}. Customers who cost nothing have "
            "no ratio and are paid back at once: leave them out."
        )
