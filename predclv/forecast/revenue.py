"""The predictive distribution of revenue per history: purchases and spend compounded.

Given the parameters, the revenue of a customer is ``scale + x mean`` times a number whose
distribution depends on the history alone: a customer's own mean spend is a matter of scale. Over
draws of the parameters the scales differ a little, so the quantile of that number is a smooth
function of ``share = x mean / (scale + x mean)``. It is found at a few shares per history, and
customers read off theirs, however many they are.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from predclv.models.spend import SpendModel

# Standard deviation of the log of the scale over draws, and shares that are then enough: what is
# well known needs no curve. Between them (at .25, .75 and .9) bounds were off by at most 0.25% of
# themselves on CDNOW (a deviation of 0.27), 1.0% on 337 of its customers (0.51), 12% on 103 (0.92).
_SHARES = ((0.02, (1.0,)), (0.1, (0.5, 1.0)), (np.inf, (0.0, 0.5, 1.0)))
_ALMOST_ONE = 1e-9  # a share of 1 is a mean spend without end
# With a grid five times finer and reaches twice as far, CDNOW's bounds move by 4e-6 at most.
_STEPS = (0.01, 0.08)  # of the grid in log revenue: half the spread of one count's, within these
_POINTS = 4  # of the grid that a quantile is read from
_ROUGH = 0.25  # step of the search for where a quantile is, in log revenue
_NEAR = 0.05  # how far around that the grid is kept, and by as much as the scale is unknown
_REACH = 4.5  # standard deviations of log revenue that the grid covers; beyond, tails are powers
NOTHING = -1e9  # the log of a quantile that is zero: its exponential is 0.0
_ROWS = 2048  # histories at once: their tails on the grid stay in the processor's cache


class Classes(NamedTuple):
    """Classes of numbers of purchases: the average of each, and what one of them counts as.

    Both of shape (k,); discounted purchases count as less than one.
    """

    counts: NDArray
    worth_of_one: NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RevenueTails:
    """P(n purchases sum to more than each of a grid), for customers of one frequency.

    Attributes
    ----------
    log_revenue : ndarray, shape (g,)
        Grid of log revenue in units of ``scale + x mean``, ascending.
    above : ndarray, shape (k, g)
        Per count, averaged over draws of the parameters.
    """

    log_revenue: NDArray
    above: NDArray

    @classmethod
    def of(
        cls, log_revenue: NDArray, x: float, share: float, classes: "Classes", spend: SpendModel
    ) -> "RevenueTails":
        """The tails on a grid for customers with ``x`` repeat purchases and this share."""
        future, unit = _future(x, share, spend)
        revenue = unit * np.exp(log_revenue) / classes.worth_of_one[:, None]
        above = future.p_total_above(revenue, classes.counts[:, None])
        return cls(log_revenue, above.mean(axis=0))

    def log_quantile(self, probabilities: NDArray, beyond: float) -> NDArray:
        """Where P(revenue > it) is ``beyond``, as a log, shape (m,); NOTHING where it is zero.

        Parameters
        ----------
        probabilities : ndarray, shape (m, k)
            Of each count, per customer.
        beyond : float
        """
        answer = np.full(len(probabilities), NOTHING)
        for start in range(0, len(probabilities), _ROWS):
            rows = slice(start, start + _ROWS)
            answer[rows] = self._of_rows(probabilities[rows], beyond)
        return answer

    def _of_rows(self, probabilities: NDArray, beyond: float) -> NDArray:
        answer = np.full(len(probabilities), NOTHING)
        any_purchase = probabilities.sum(axis=1)
        buyers = np.flatnonzero(any_purchase * (1 - 1e-12) > beyond)
        if not buyers.size:
            return answer
        if buyers.size < answer.size:
            probabilities, any_purchase = probabilities[buyers], any_purchase[buyers]
        tail = self.above.T @ probabilities.T
        # Four points of the grid around the first that is not exceeded enough.
        place = (tail > beyond).sum(axis=0)
        first = np.clip(place - 2, 0, self.log_revenue.size - _POINTS)
        first = first + np.arange(_POINTS)[:, None]
        share = np.take_along_axis(tail, first, axis=0) / any_purchase
        odds = logit(np.clip(share, 1e-300, 1 - 1e-15))
        answer[buyers] = _crossing(self.log_revenue[first], odds, logit(beyond / any_purchase))
        return answer


def log_quantile_curves(
    probabilities: NDArray,
    counts: NDArray,
    x: float,
    spend: SpendModel,
    beyonds: tuple[float, ...],
    worth: NDArray | None = None,
) -> NDArray:
    """The log quantiles of histories of one frequency, as quadratics in the share.

    Parameters
    ----------
    probabilities : ndarray, shape (m, k)
        Of each class of counts of purchases from 1 on, per history.
    counts : ndarray, shape (k,)
        The average of each class.
    x : float
        Their frequency.
    spend : SpendModel
        With draws of its parameters, shape (draws, 1).
    beyonds : tuple
        The probabilities to be exceeded.
    worth : ndarray, shape (k,), optional
        What the purchases of each class are worth together, in purchases made today, where they
        are discounted. Default: ``counts``.

    Returns
    -------
    ndarray, shape (beyonds, 3, m)
        ``c0, c1, c2`` so that the quantile at a share u is
        ``(scale + x mean) exp(c0 + c1 u + c2 u^2)``; without repeat purchases u is 0, and c0 all.
    """
    unknown = float(np.std(np.log(spend.scale)))
    has_spent = bool(spend.counted(x) > 0)
    shares = next(shares for most, shares in _SHARES if unknown < most) if has_spent else (0.0,)
    if unknown < _SHARES[0][0]:
        spend = _middle(spend)
    classes = Classes(counts, np.ones(counts.size) if worth is None else worth / counts)
    at = np.array([_log_quantiles(probabilities, classes, x, u, spend, beyonds) for u in shares])
    at = np.swapaxes(at, 0, 1)
    powers = np.linalg.inv(np.vander(shares, increasing=True))
    curves = np.zeros((len(beyonds), 3, len(probabilities)))
    curves[:, : len(shares)] = np.einsum("pn,bnm->bpm", powers, at)
    # Whether a quantile is zero depends on the chance of buying nothing alone, not on the share.
    nothing = at[:, 0] == NOTHING
    curves[:, 0][nothing] = NOTHING
    curves[:, 1:][np.broadcast_to(nothing[:, None], curves[:, 1:].shape)] = 0.0
    return curves


def _log_quantiles(
    probabilities: NDArray,
    classes: Classes,
    x: float,
    share: float,
    spend: SpendModel,
    beyonds: tuple[float, ...],
) -> NDArray:
    """The log quantiles at one share, (beyonds, m), read where a rough search says they are."""
    grid = _grid(x, share, classes, spend)
    step = grid[1] - grid[0]
    reach = int(np.ceil((_NEAR + np.std(np.log(spend.scale))) / step)) + 2

    def read(at: NDArray, spend: SpendModel) -> NDArray:
        tails = RevenueTails.of(at, x, share, classes, spend)
        return np.array([tails.log_quantile(probabilities, beyond) for beyond in beyonds])

    if len(probabilities) * len(beyonds) * (2 * reach + 1) < grid.size:
        found = read(np.arange(grid[0], grid[-1] + _ROUGH, _ROUGH), _middle(spend))
        if np.all(found == NOTHING):
            return found
        near = np.searchsorted(grid, found[found > NOTHING])[:, None] + np.arange(-reach, reach + 1)
        few = grid[np.unique(np.clip(near, 0, grid.size - 1))]
        if few.size >= _POINTS:
            found = read(few, spend)
            place = np.clip(np.searchsorted(few, found[found > NOTHING]), 1, few.size - 1)
            if np.all(few[place] - few[place - 1] < 1.5 * step):  # none fell between two parts
                return found
    return read(grid, spend)


def _grid(x: float, share: float, classes: Classes, spend: SpendModel) -> NDArray:
    """Log revenue from where even one purchase has come to less to where none has to more."""
    future, unit = _future(x, share, spend)
    centre, spread = future.log_total(classes.counts[[0, -1]].astype(float))
    centre = centre + np.log(classes.worth_of_one[[0, -1]])
    low = (centre - _REACH * spread)[..., 0].min() - np.log(unit)
    high = (centre + _REACH * spread)[..., 1].max() - np.log(unit)
    step = float(np.clip(0.5 * spread.min(), *_STEPS))
    return np.arange(low, high + _POINTS * step, step)


def _future(x: float, share: float, spend: SpendModel) -> tuple[SpendModel, float]:
    """The model of a customer with this share, draws along the first of three axes; their scale."""
    rest, scale = max(1.0 - share, _ALMOST_ONE), scale_of(spend)
    counted = float(spend.counted(x))
    mean = scale * share / (rest * counted) if counted > 0 else 0.0
    along = type(spend)(*(np.reshape(getattr(spend, n), (-1, 1, 1)) for n in spend.names()))
    return along.given(x, mean), scale + counted * mean


def _middle(spend: SpendModel) -> SpendModel:
    """The model in the middle of the draws, as one draw; its scale is that of all."""
    logs = (np.mean(np.log(getattr(spend, name))) for name in spend.names())
    return type(spend)(*(np.exp(log).reshape(1, 1) for log in logs))


def _crossing(at: NDArray, values: NDArray, wanted: NDArray) -> NDArray:
    """Where falling values at four points, (4, m) each, reach those wanted, (m,).

    A line through the two points around it, or the outermost two where none is, mended by a cubic
    through all four, but never moved out of its place between the two.
    """
    above = np.clip((values > wanted).sum(axis=0), 1, 3)
    column = np.arange(above.size)
    left, right = at[above - 1, column], at[above, column]
    before = values[above - 1, column]
    slope = np.minimum(values[above, column] - before, -1e-12) / (right - left)
    line = left + (wanted - before) / slope
    inside = (values[0] > wanted) & (values[3] <= wanted)
    for _ in range(2):
        cubic = sum(
            values[i]
            * np.prod([(line - at[j]) / (at[i] - at[j]) for j in range(4) if j != i], axis=0)
            for i in range(4)
        )
        moved = np.clip(line - (cubic - wanted) / slope, left, right)
        line = np.where(inside, moved, line)
    return line


def scale_of(spend: SpendModel) -> float:
    """The scale in the middle of the draws."""
    return float(np.exp(np.mean(np.log(spend.scale))))
