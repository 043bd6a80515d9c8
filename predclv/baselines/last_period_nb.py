"""Last period's purchases as a distribution of this period's: a rule of thumb that knows chance."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from predclv.baselines.base import averages, finite_terms
from predclv.baselines.negative_binomial import (
    Counted,
    NegativeBinomialCounts,
    log_mass,
    sizes_at,
)
from predclv.baselines.point import point_forecast
from predclv.errors import DataError, FitError
from predclv.forecast.result import COLUMNS, Forecast
from predclv.logs.log import Log
from predclv.progress import stage
from predclv.summaries.origins import whole_days
from predclv.summaries.rfm import RFM
from predclv.units import force_of_interest
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
        if not isinstance(rfm, RFM):
            raise DataError(
                f"LastPeriodNB.fit wants an RFM (pc.rfm_summary or pc.holdout_split); got "
                f"{type(rfm).__name__}."
            )
        rfm.log_for("LastPeriodNB needs")
        return FittedLastPeriodNB(self, rfm)

    def takes_part(self, days_known: int, horizon: int) -> bool:
        """Whether it may be in a pool whose last inner origin knows so many days."""
        return days_known >= 2 * horizon


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FittedLastPeriodNB:
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
    rfm: RFM
    _learned: dict[int, _Learned] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is called in tables."""
        return self.recipe.title

    @property
    def unit(self) -> str:
        """Unit of time of its customers."""
        return self.rfm.unit

    def forecast(
        self,
        horizon: str | float | datetime.timedelta | np.timedelta64 = "52 weeks",
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = None,
        rfm: RFM | None = None,
        seed: int | None = None,
    ) -> Forecast:
        """What every customer will do, learnt from periods as long as the horizon.

        Parameters
        ----------
        horizon, discount_rate, margin, rfm
            As in :meth:`predclv.FittedCLV.forecast`, but the horizon must be finite, and ``rfm``
            must have its log.
        level, seed
            Taken so that all are called alike. Intervals of purchases are quantiles of
            ``forecast.counts()``; of spend and of totals there are none.

        Returns
        -------
        Forecast
            p_active, expected_purchases, discounted_purchases (as if spread evenly) and, with
            spend, expected_spend: the customer's mean, drawn to everybody's by the weight of one
            purchase.

        Raises
        ------
        OptionError
            If the horizon is None or makes no sense.
        DataError
            If the customers have no log.
        FitError
            If there is too little to learn from.
        """
        customers = self.rfm if rfm is None else rfm
        log, end = customers.log_for("LastPeriodNB needs")
        terms = finite_terms("LastPeriodNB", customers, horizon, discount_rate, margin)
        assert terms.horizon is not None
        days = whole_days(terms.horizon, customers.unit)
        learned = self.learned(days)
        frame = customers.frame
        found = log.purchases(end - datetime.timedelta(days=learned.days), end)
        bought = found.set_index("customer_id")["purchases"]
        c = bought.reindex(pd.Index(frame["customer_id"]), fill_value=0).to_numpy(np.float64)
        counts = learned.counts(c, days / learned.days)
        stated = point_forecast(
            customers,
            terms,
            expected_purchases=counts.mean,
            expected_spend=_spend(customers) if customers.has_spend else None,
            p_active=1.0 - counts.mass(np.zeros(len(counts))),
        ).frame
        columns = ["customer_id", *(name for name in COLUMNS if name in stated)]
        shrinkage = force_of_interest(terms.discount_rate, terms.unit) * terms.horizon
        return Forecast(terms, Counted(stated[columns], shrinkage, distribution=counts))

    def learned(self, days: int) -> _Learned:
        """What was learnt for a horizon of so many days, once."""
        if days not in self._learned:
            log, end = self.rfm.log_for("LastPeriodNB needs")
            with stage("Learning from last periods"):
                self._learned[days] = _taught(log, end, days)
        return self._learned[days]

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

    def __repr__(self) -> str:
        return f"{self.recipe} on {len(self.rfm):,} customers"


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
