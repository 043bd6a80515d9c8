"""One customer's history: the days of purchase, and P(alive) on every day with what was known."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.days import day_numbers
from predclv.clocks.spans import time_between
from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError, some
from predclv.forecast.patterns import Known
from predclv.forecast.recalled import assert_as_they_stand
from predclv.models.personal import Personal
from predclv.summaries.rfm import RFM
from predclv.units import days_per, horizon_in


@dataclass(frozen=True, slots=True, eq=False)
class CustomerHistory:
    """What one customer did, and what a model thought of it day by day.

    Attributes
    ----------
    customer_id
        As in the log.
    purchases : DatetimeIndex
        Days with a purchase, the first included.
    frame : DataFrame
        Index ``day``, from the first purchase on; columns ``frequency`` (repeat purchases by the
        end of that day), ``p_alive`` (given the purchases up to and including it) and
        ``is_observed`` (False on days after the last observed one, on which nothing is bought).
    observation_end : datetime.date
        The last observed day.
    """

    customer_id: Any
    purchases: pd.DatetimeIndex
    frame: pd.DataFrame
    observation_end: datetime.date

    def day_below(self, chance: float = 0.5) -> pd.Timestamp | None:
        """The first day after the last purchase on which P(alive) is below ``chance``, if any."""
        since = self.frame.loc[self.purchases[-1] :, "p_alive"]
        below = since.index[since < chance]
        return below[0] if len(below) else None


def customer_history(
    fit: Fit,
    rfm: RFM,
    customer_id: Any,
    until: datetime.date | None = None,
    silent_for: str | float | None = None,
) -> CustomerHistory:
    """P(alive) of one customer on every day since their first purchase.

    Every day is judged by what was known on it, with parameters fitted once.

    Parameters
    ----------
    fit : Fit
        Of purchases; a posterior is taken at its mean.
    rfm : RFM
        Made from a log that has the customer.
    customer_id
        As it stands in the log.
    until : datetime.date, optional
        The last observed day; default: ``rfm.observation_end``. A later one shows a holdout.
    silent_for : str or number, optional
        Go on for so long ("26 weeks") as if nothing were bought.

    Raises
    ------
    DataError
        If the summary has no log, or the log no such customer by then.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> history = customer_history(pc.fit(pc.BGNBD, rfm), rfm, 1)
    >>> len(history.purchases), history.frame["p_alive"].round(2).iloc[-1]
    (4, np.float64(0.66))
    """
    fit.assert_purchases("A customer's history")
    rows, end = rfm.log_for("A customer's history needs")
    end = until or end
    if not rows.first_day <= end <= rows.last_day:
        raise OptionError(
            f"until must lie between {rows.first_day} and {rows.last_day}; got {end}."
        )
    log = rows.purchase_days(end)
    bought = pd.DatetimeIndex(log.loc[log["customer_id"] == customer_id, "day"])
    if not len(bought):
        raise DataError(
            f"The log has no customer {customer_id!r} by {end}. Its ids are such as "
            f"{some(log['customer_id'].unique())}."
        )
    beyond = (
        0
        if silent_for is None
        else int(np.ceil(horizon_in(silent_for, rfm.unit) * days_per(rfm.unit)))
    )
    days = pd.date_range(bought[0], pd.Timestamp(end) + pd.Timedelta(days=beyond), name="day")
    age = np.arange(len(days))
    at = (bought - bought[0]).days.to_numpy()
    frequency = np.searchsorted(at, age, side="right") - 1
    born = int(day_numbers([bought[0]])[0])
    t_x, T = (time_between(fit.clock, born, born + each) for each in (at[frequency], age))
    known = Known.of(fit, rfm.cells(), "A customer's history")
    model: Any = known.model
    if known.pattern is not None:
        own = rfm.frame[rfm.frame["customer_id"] == customer_id]
        if not len(own):
            raise DataError(f"The summary has no customer {customer_id!r}, whose covariates count.")
        model = known.alone(int(known.pattern[rfm.cells().places(own)[0]]))
    p_alive = _p_alive(
        fit, model, born, frequency, t_x, T, time_between(fit.clock, born, born + at)
    )
    frame = pd.DataFrame(
        {"frequency": frequency, "p_alive": p_alive, "is_observed": days <= pd.Timestamp(end)},
        index=days,
    )
    return CustomerHistory(customer_id, bought, frame, end)


def _p_alive(
    fit: Fit, model: Any, born: int, x: NDArray, t_x: NDArray, T: NDArray, bought: NDArray
) -> NDArray:
    """P(still a customer) day by day, from what was known by then; all purchases at ``bought``."""
    if fit.recall is None:
        return model.p_alive(x, t_x, T)
    if fit.recall.ageing is not None:
        assert_as_they_stand(fit, "A customer's history")
    rho, haste = fit.recall.rho or 0.0, np.full(x.size, float(fit.recall.haste_of(born)))
    counts = np.zeros(bought.size)
    for j in range(1, bought.size):
        counts[j] = 1.0 + np.exp(-rho * (bought[j] - bought[j - 1])) * counts[j - 1]
    faded = fit.recall.faded(t_x)
    return Personal.of(model, x - counts[x], haste).p_alive(x, faded, faded + (T - t_x))
