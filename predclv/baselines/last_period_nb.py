"""Last period's purchases as a distribution of this period's: a rule of thumb that knows chance."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from predclv.baselines.base import averages
from predclv.baselines.by_horizon import FittedByHorizon, with_log
from predclv.baselines.negative_binomial import NegativeBinomialCounts, log_mass, sizes_at
from predclv.errors import FitError
from predclv.logs.log import Log
from predclv.summaries.rfm import RFM
from predclv.warehouse.base import fresh

_FEWEST = 20  # purchases that a period must have to learn from
_STARTS = ((-2.0, -0.7, 0.0, 0.5), (-1.0, -1.5, -0.5, 0.0))


class _Learned(NamedTuple):
    """What periods of so many days taught: ``b0 + b1 c`` purchases, size ``exp(b2) (1 + c)**b3``.

    Attributes
    ----------
    at : tuple of float
        ``(b0, b1, b2, b3)``.
    days : int
        Length of the periods, shorter than the horizon where the log is.
    """

    at: tuple[float, float, float, float]
    days: int

    def counts(self, bought: NDArray, longer: float) -> NegativeBinomialCounts:
        """The distribution of those who bought so often, over a time so many times as long."""
        mean = (self.at[0] + self.at[1] * bought) * longer
        return NegativeBinomialCounts(mean, sizes_at(self.at[2:], bought))


@dataclass(frozen=True, slots=True)
class LastPeriodNB:
    r"""Last period's purchases, as a negative binomial distribution of those to come.

    Who bought ``c`` times in the last period as long as the horizon buys

    .. math:: N \sim NB(\text{mean } b_0 + b_1 c,\ \text{size } e^{b_2} (1 + c)^{b_3})

    times in the next; b is learnt by maximum likelihood from the last two periods of the log. By
    itself it is no better than other rules of thumb (CRPS 1.05 of MBG/NBD's on seven logs); as a
    member of a :class:`predclv.Pool` it helps, mostly where the base is mature.

    It knows no leaving and no lifetime, needs the log, and learns anew for each horizon; of a log
    shorter than two horizons it takes half, and scales. In a pool it takes part where the log at
    the last inner origin is two horizons long.

    See Also
    --------
    predclv.baselines.LastPeriod : the same again.
    predclv.Pool : several forecasters as one.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> forecast = pc.baselines.LastPeriodNB().fit(rfm).forecast("26 weeks")
    >>> bool(forecast.total()["purchases"] > 0), forecast.counts() is None
    (True, False)
    """

    title: ClassVar[str] = "last period, negative binomial"

    def fit(self, rfm: RFM) -> "FittedLastPeriodNB":
        """Take a summary's log; what is learnt of it depends on the horizon, and waits for it.

        Raises
        ------
        DataError
            If the summary has no log, or is no summary.
        """
        return FittedLastPeriodNB(self, with_log(rfm, self))

    def takes_part(self, days_known: int, horizon: int) -> bool:
        """Whether it may be in a pool whose last inner origin knows so many days."""
        return days_known >= 2 * horizon


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FittedLastPeriodNB(FittedByHorizon):
    """The rule and the log that it learns from.

    Attributes
    ----------
    recipe : LastPeriodNB
    rfm : RFM
        The customers it was fitted to.

    See Also
    --------
    predclv.baselines.LastPeriodNB : the last period, as a distribution.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.baselines.LastPeriodNB().fit(rfm)
    >>> round(fitted.forecast("26 weeks", level=None).total()["purchases"])
    1017
    """

    recipe: LastPeriodNB
    learning: ClassVar[str] = "Learning from last periods"

    def learned(self, days: int) -> _Learned:
        """What was learnt for a horizon of so many days, once."""
        return self._taught(days)

    def _learn(self, log: Log, end: datetime.date, days: int) -> _Learned:
        return _taught(log, end, days)

    def _said(
        self, customers: RFM, log: Log, end: datetime.date, days: int
    ) -> tuple[NegativeBinomialCounts, NDArray | None]:
        learned = self.learned(days)
        found = log.purchases(end - datetime.timedelta(days=learned.days), end)
        bought = found.set_index("customer_id")["purchases"]
        ids = pd.Index(customers.frame["customer_id"])
        c = bought.reindex(ids, fill_value=0).to_numpy(np.float64)
        spend = _spend(customers) if customers.has_spend else None
        return learned.counts(c, days / learned.days), spend

    def document(self) -> dict[str, Any]:
        """What was learnt, by horizon in days, in JSON's own types."""
        return {str(days): [*found.at, found.days] for days, found in self._learned.items()}

    @classmethod
    def from_document(cls, content: Mapping[str, Any], rfm: RFM) -> "FittedLastPeriodNB":
        """The inverse of `document`: it forecasts these horizons, of customers with a log."""
        learned = {
            int(days): _Learned((float(b0), float(b1), float(b2), float(b3)), int(of))
            for days, (b0, b1, b2, b3, of) in content.items()
        }
        return cls(LastPeriodNB(), rfm, learned)


def _taught(log: Log, end: datetime.date, days: int) -> _Learned:
    """The most likely b for periods of so many days, or of half the log if that is shorter."""
    known = (end - log.first_day).days
    days = min(days, known // 2)
    if days < 1:
        raise FitError("LastPeriodNB learns from two periods, and this log has a day or two.")
    c, y, weight = _two_periods(log, end, days)
    if weight @ y < _FEWEST:
        raise FitError(
            f"LastPeriodNB learns from the {days:,} days before {end}, in which customers known "
            f"before bought {weight @ y:,.0f} times; it wants {_FEWEST}. A model needs less."
        )

    def loss(at: NDArray) -> float:
        mean = np.exp(at[0]) + np.exp(at[1]) * c
        size = sizes_at(at[2:], c)
        return -float(weight @ log_mass(y, mean, size)) / weight.sum() + 1e-6 * float(at @ at)

    bounds = [(-12.0, 5.0), (-12.0, 2.0), (-7.0, 14.0), (-8.0, 8.0)]
    found = [minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in _STARTS]
    best = min(found, key=lambda each: each.fun)
    b0, b1, b2, b3 = (float(value) for value in best.x)
    return _Learned((float(np.exp(b0)), float(np.exp(b1)), b2, b3), days)


def _two_periods(log: Log, end: datetime.date, days: int) -> tuple[NDArray, NDArray, NDArray]:
    """Purchases in the period before the last, in the last, and customers with both, counted."""
    length = datetime.timedelta(days=days)
    before, sooner, later = fresh("before"), fresh("sooner"), fresh("later")
    log.keep_purchases(before, None, end - length)
    log.keep_purchases(sooner, end - 2 * length, end - length)
    log.keep_purchases(later, end - length, end)
    found = log.warehouse.frame(
        "SELECT c, y, CAST(count(*) AS BIGINT) AS weight FROM ("
        "SELECT CAST(coalesce(s.purchases, 0) AS BIGINT) AS c,"
        " CAST(coalesce(l.purchases, 0) AS BIGINT) AS y"
        f" FROM {before} b LEFT JOIN {sooner} s ON b.customer_id = s.customer_id"
        f" LEFT JOIN {later} l ON b.customer_id = l.customer_id) GROUP BY c, y ORDER BY c, y"
    )
    for name in (before, sooner, later):
        log.warehouse.drop(name)
    c, y, weight = (found[name].to_numpy(np.float64) for name in ("c", "y", "weight"))
    return c, y, weight


def _spend(rfm: RFM) -> NDArray:
    """A customer's mean spend, drawn to that of all by the weight of one purchase, shape (n,)."""
    x, mean = (rfm.frame[name].to_numpy(np.float64) for name in ("frequency", "monetary_value"))
    return np.maximum(x * mean + averages(rfm)["spend_per_purchase"], 0.0) / (x + 1.0)
