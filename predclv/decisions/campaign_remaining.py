"""What customers are still worth after a campaign, without taking its purchases for a new habit.

A group's pace is a clock in two steps, in the campaign and after it, on top of the fit's own clock:
season, trend and events are in the times already. Within the second step the pace is taken as even:
after a trough that ended long before the log does, what remains comes out a little high (0.6% of it
in benchmarks/campaigns.py).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from predclv.forecast.ahead import Ahead
from predclv.forecast.patterns import model_for

_FASTEST = 1e3
"""Times its usual pace that a shop may run at before the search for its pace gives up."""
_STEP = 1e-4  # of a pace, in a slope


class Pace(NamedTuple):
    """How fast a group bought, against what was forecast of it.

    Times are of the fit's clock, in its unit. ``elapsed`` is how far a group's clock has come since
    the start: (at the end of the campaign, at the end of observation).
    """

    elapsed: tuple[float, float]
    length: tuple[float, float]

    @property
    def campaign(self) -> float:
        """Purchases in the campaign over those forecast, as a multiple of the usual pace."""
        return self.elapsed[0] / self.length[0]

    @property
    def after(self) -> float:
        """The same from the end of the campaign to the end of observation; NaN without one."""
        length = self.length[1] - self.length[0]
        return (self.elapsed[1] - self.elapsed[0]) / length if length > 0 else np.nan


class Histories(NamedTuple):
    """Customers of one group, each array (n,), in the time of the fit's clock.

    ``x``, ``t_x`` and ``T`` are of the day before the start; ``in_campaign`` and ``in_all`` are
    purchases since, to the end of the campaign and of observation; ``since`` is the time from the
    start to the last purchase, 0 where there was none. ``pattern`` is of what is known of them,
    for a model by pattern.
    """

    x: NDArray
    t_x: NDArray
    T: NDArray
    in_campaign: NDArray
    in_all: NDArray
    since: NDArray
    pattern: NDArray | None = None

    def of(self, mask: NDArray) -> "Histories":
        """Those of some of the customers."""
        known = None if self.pattern is None else self.pattern[mask]
        x, t_x, T, in_campaign, in_all, since = (each[mask] for each in self[:6])
        return Histories(x, t_x, T, in_campaign, in_all, since, known)


class Remaining(NamedTuple):
    """What is expected within the horizon, per customer (n,), and the group's pace.

    ``value`` has the forecast's mean, and the spread that it and the unknown pace bring.
    """

    value: NDArray
    pace: Pace


def remaining(
    model: Any,
    customers: Histories,
    length: tuple[float, float],
    horizon: Ahead,
    worth: NDArray | float = 1.0,
) -> Remaining:
    """What a group will still buy after the end of observation, discounted.

    A campaign makes a shop's clock run faster, and a trough after it slower. On that clock the
    customers stay who they were: a group that bought twice as much in the campaign as was forecast
    has aged twice as much, and does not look like better customers. So a purchase brought forward
    adds nothing to what is still expected. The pace of a group is the one at which its purchases
    are those forecast; what the campaign changes for good shows only in later purchases.

    Parameters
    ----------
    model : PurchaseModel or ByPattern
        Fitted to what was known before the start.
    customers : Histories
    length : tuple of float
        From the start to the end of the campaign, and to the end of observation.
    horizon : Ahead
        From the end of observation, with the discount rate.
    worth : ndarray, shape (n,)
        Of one of a customer's purchases. Default: purchases are counted.

    Returns
    -------
    Remaining
        ``value`` of a customer is what the model expects of them plus their part in what is
        not known of the pace (an influence function, of mean 0), so that the spread of the group's
        mean is that of a mean of independent numbers.
    """
    expected = _Expected(model, customers)
    counts = (customers.in_campaign, customers.in_all)
    cells, cell = _cells(customers)
    of_cells = model_for(model, cells.pattern)
    weight = np.bincount(cell, np.broadcast_to(np.asarray(worth, float), cell.shape))
    at = [expected.time_of(float(count.sum())) for count in counts]
    if length[1] <= length[0]:
        at[1] = at[0]

    def still(first: float, last: float) -> NDArray:
        now, t_x = cells.T + last, _last_purchase(cells, length, first, last)
        n = (cells.x + cells.in_all, np.minimum(t_x, now), now)
        return np.asarray(horizon.discounted_purchases(of_cells.future(*n)), float)

    first, last = at
    value = worth * still(first, last)[cell]
    step = _STEP * length[1]
    for place, count in enumerate(counts):
        if length[1] <= length[0] and place == 0:
            continue  # one window: its end is the end of observation
        moved, back = [first, last], [first, last]
        moved[place] += step
        back[place] = max(back[place] - step, 0.0)
        if length[1] <= length[0]:
            moved[0], back[0] = moved[1], back[1]
        width = moved[place] - back[place]
        slope = float(weight @ (still(*moved) - still(*back))) / cell.size / width
        rise = float((expected(moved[place]) - expected(back[place])).mean()) / width
        if rise > 0:
            value = value + slope * (count - expected(at[place])) / rise
    return Remaining(value, Pace((first, last), length))


def _cells(customers: Histories) -> tuple[Histories, NDArray]:
    """The distinct histories, and the place of each customer's among them, shape (n,)."""
    columns = customers if customers.pattern is not None else customers[:6]
    table = np.column_stack([np.asarray(column, float) for column in columns])
    cells, cell = np.unique(table, axis=0, return_inverse=True)
    known = None if customers.pattern is None else cells[:, 6].astype(np.int64)
    x, t_x, T, in_campaign, in_all, since = cells.T[:6]
    return Histories(x, t_x, T, in_campaign, in_all, since, known), cell.ravel()


class _Expected:
    """Expected purchases of each customer within a time after the start."""

    def __init__(self, model: Any, customers: Histories) -> None:
        pattern = customers.pattern
        of = np.zeros(customers.x.size) if pattern is None else pattern
        table = np.column_stack([customers.x, customers.t_x, customers.T, of])
        cells, self._cell = np.unique(table, axis=0, return_inverse=True)
        self._weight = np.bincount(self._cell.ravel())
        self._history = tuple(cells[:, :3].T)
        self._model = model_for(model, None if pattern is None else cells[:, 3].astype(np.int64))

    def _of_cells(self, time: float) -> NDArray:
        return np.asarray(self._model.expected_purchases_after(time, *self._history), float)

    def __call__(self, time: float) -> NDArray:
        return self._of_cells(time)[self._cell.ravel()]

    def time_of(self, count: float) -> float:
        """The time within which so many purchases are expected of all."""
        if count <= 0:
            return 0.0
        most = 1.0

        def short(time: float) -> float:
            return float(self._of_cells(time) @ self._weight) - count

        while short(most) < 0:
            if most > _FASTEST * 1e3:
                return most
            most *= 2.0
        return float(brentq(short, 0.0, most, xtol=1e-10 * most))


def _last_purchase(
    customers: Histories, length: tuple[float, float], first: float, last: float
) -> NDArray:
    """When each bought last, on the group's clock."""
    since = np.interp(
        customers.since, [0.0, *_steps(length)], [0.0, *_steps((first, last), length)]
    )
    return np.where(customers.in_all > 0, customers.T + since, customers.t_x)


def _steps(times: tuple[float, float], length: tuple[float, float] | None = None) -> list[float]:
    shown = times if length is None else length
    return [times[0]] if shown[1] <= shown[0] else [times[0], times[1]]
