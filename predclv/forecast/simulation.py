"""Simulated futures: for what has no closed distribution, discounted sums and totals."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.forecast.ahead import Ahead
from predclv.forecast.histories import Histories
from predclv.forecast.patterns import model_for
from predclv.models.futures import Bounded, RegularPaths, Traits
from predclv.models.purchases import PurchaseModel
from predclv.models.spend import SpendModel

# Purchases of a lifetime that are simulated one by one; of more, what they are worth together is
# drawn from the gamma distribution with its mean and variance.
_ONE_BY_ONE = 16
_MOST_ALIKE = 100  # purchases that stand for more of them where each is given a spend


class Drawn(NamedTuple):
    """Purchases of simulated customers, each array of shape (n_purchases,).

    Attributes
    ----------
    owner : ndarray of int
        Whose purchase it is.
    when : ndarray or None
        The model's time from now; None without an end, where few stand for many.
    discount : ndarray
        What a purchase then is worth in purchases made today.
    value : ndarray or None
        What is spent; None without spend.
    """

    owner: NDArray
    when: NDArray | None
    discount: NDArray
    value: NDArray | None


def futures(
    histories: Histories,
    model: PurchaseModel,
    spend: SpendModel | None,
    mean: NDArray | None,
    ahead: Ahead,
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    """One future of every customer at one draw of the parameters, each of shape (n_customers,).

    Parameters
    ----------
    histories : Histories
    model : PurchaseModel
        Its parameters numbers.
    spend : SpendModel or None
        Its parameters numbers; None for purchases alone.
    mean : ndarray, shape (n_customers,), or None
        Past mean spend.
    ahead : Ahead
        The horizon; without an end, it ends where discounting has left 1e-4 of a purchase.

    Returns
    -------
    dict
        ``discounted_purchases``, with spend ``worth``, the discounted revenue, and where ``t`` is
        finite ``purchases`` and ``revenue``.
    """
    owner, _, discount, value = drawn_purchases(histories, model, spend, mean, ahead, rng)
    customers = histories.cell_of_customer.size

    def summed(values: NDArray | None) -> NDArray:
        return np.bincount(owner, weights=values, minlength=customers).astype(float)

    result = {"discounted_purchases": summed(discount)}
    if not ahead.is_endless:
        result["purchases"] = summed(None)
    if value is not None:
        result["worth"] = summed(value * discount)
        if not ahead.is_endless:
            result["revenue"] = summed(value)
    return result


def drawn_purchases(
    histories: Histories,
    model: PurchaseModel,
    spend: SpendModel | None,
    mean: NDArray | None,
    ahead: Ahead,
    rng: np.random.Generator,
) -> Drawn:
    """Every purchase of one future of every customer; parameters as of `futures`."""
    cell = histories.cell_of_customer
    alive = rng.random(cell.size) < histories.p_alive(model)[0][cell]
    who = np.flatnonzero(alive)
    x = histories.x[cell[who]]
    traits = histories.living(model, cell[who]).traits(who.shape, rng)
    endless = ahead.is_endless
    ahead = ahead.along(None if histories.way is None else histories.way[cell[who]])
    bought = purchases(traits, ahead.until_worthless if endless else ahead.t, rng)
    when = None
    if endless:
        n, discount = _few_for_many(bought, ahead, rng)
    else:
        n, (owner, when) = bought.purchases, bought.times(rng)
        discount = ahead.some(owner).discount(when)
    value = None
    if spend is not None and mean is not None:
        known = None if histories.pattern is None else histories.pattern[cell[who]]
        value = model_for(spend, known).given(x, mean[who]).simulate(n, rng)
    return Drawn(np.repeat(who, n), when, discount, value)


def purchases(traits: Traits, t: ArrayLike, rng: np.random.Generator) -> Bounded | RegularPaths:
    """The purchases of customers with these traits within ``t``, each of the traits' shape."""
    return traits.purchases(np.full(np.shape(traits.rate), t), rng).bounded(rng)


def discounted_counts(
    bought: Bounded | RegularPaths, ahead: Ahead, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """What the purchases of each customer are worth, in purchases made today.

    Parameters
    ----------
    bought : Bounded or RegularPaths
        Of customers in a row, shape (m,).
    ahead : Ahead

    Returns
    -------
    worth : ndarray, shape (m,)
        The sum of their discounts ``exp(-delta s)``.
    alike : ndarray, shape (m,)
        How many purchases, all discounted alike, have a sum as uncertain: the square of that sum
        over the sum of squares; 1 where there is none.
    """
    n = bought.purchases
    worth, squares = np.zeros(n.size), np.zeros(n.size)
    few = (n > 0) & (n <= _ONE_BY_ONE)
    owner, when = bought.of(few).times(rng)
    discount = ahead.some(np.flatnonzero(few)[owner]).discount(when)
    worth[few] = np.bincount(owner, discount, few.sum())
    squares[few] = np.bincount(owner, discount * discount, few.sum())
    many = n > _ONE_BY_ONE
    worth[many], squares[many] = _of_many(bought.of(many), ahead.some(np.flatnonzero(many)), rng)
    return worth, np.divide(worth * worth, squares, out=np.ones(n.size), where=squares > 0)


def _of_many(
    bought: Bounded | RegularPaths, ahead: Ahead, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """The sum of the discounts of many purchases, and about that of their squares.

    Over a window with many of them a clock counts as steady at its average rate.
    """
    cut = bought.cut
    span = ahead.delta / ahead.rate * bought.stretch
    mean = -np.expm1(-span) / span
    square = -np.expm1(-2 * span) / (2 * span)
    free = bought.purchases - cut
    # A window too short to discount leaves a variance of rounding.
    variance = np.maximum(square - mean * mean, 1e-12 * mean * mean)
    variance = variance / bought.k  # the sum over regular buyers varies k times less
    shape = free * mean * mean / variance
    of_free = rng.standard_gamma(shape) * (variance / mean)
    last = np.where(cut, np.exp(-span), 0.0)
    return of_free + last, of_free * square / mean + last * last


def _few_for_many(
    bought: Bounded | RegularPaths, ahead: Ahead, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """How many purchases stand for those of each customer, and what each of them is worth.

    Of a long lifetime most are worth next to nothing: as many as have a sum as uncertain, each
    worth as much, do as well.
    """
    n = bought.purchases
    few = n <= _ONE_BY_ONE
    worth, alike = _of_many(bought.of(~few), ahead.some(np.flatnonzero(~few)), rng)
    alike = np.minimum(worth * worth / alike, _MOST_ALIKE)
    stand_for = np.maximum(np.floor(alike + rng.random(alike.size)).astype(n.dtype), 1)
    counts = n.copy()
    counts[~few] = stand_for
    discount = np.empty(int(counts.sum()))
    one_by_one = np.repeat(few, counts)
    owner, when = bought.of(few).times(rng)
    discount[one_by_one] = ahead.some(np.flatnonzero(few)[owner]).discount(when)
    discount[~one_by_one] = np.repeat(worth / stand_for, stand_for)
    return counts, discount
