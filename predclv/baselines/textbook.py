"""The textbook's formula as a forecaster, so that its cost is seen on a holdout."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from predclv.baselines.base import Baseline
from predclv.baselines.point import Expected
from predclv.money import UNITS
from predclv.summaries.rfm import RFM
from predclv.units import DAYS, horizon_in


@dataclass(frozen=True, slots=True)
class Textbook(Baseline):
    """Average order times orders a year times years, for everybody, as ``pc.historical`` has it.

    Orders, the first included, over the time since the first one, times the horizon; each worth the
    customer's average order so far, net of refunds. Nobody ever leaves, and a single order counts
    as a habit: on a base of whom most bought once, it forecasts several times what comes. p_active
    is ``1 - exp(-expected purchases)``, as if they came at random.

    Spend needs the log, so an RFM made by :func:`predclv.rfm_summary` or
    :func:`predclv.holdout_split`: the first order is in no summary. Customers who got back more
    than they paid count as spending nothing.

    Parameters
    ----------
    shortest_tenure : str, timedelta or number of days
        Customers known for less count as known for so long, as in ``pc.historical.observed``.

    See Also
    --------
    predclv.historical.simple_clv : order times orders times years.
    predclv.baselines.PastRate : everybody goes on at their own rate.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> forecast = pc.baselines.Textbook().fit(split.rfm).forecast(split.duration)
    >>> bias = forecast.total()["purchases"] / split.frame["frequency_holdout"].sum() - 1
    >>> round(float(bias), 2)
    2.07
    """

    shortest_tenure: str | float | datetime.timedelta = "90 days"
    title: ClassVar[str] = "textbook formula"

    def _learned(self, rfm: RFM) -> dict[str, float]:
        horizon_in(self.shortest_tenure, "day", "shortest_tenure")
        if rfm.has_spend:
            _average_order(rfm)
        return {}

    def _expected(self, rfm: RFM, t: float, learned: Mapping[str, float]) -> Expected:
        orders, T = (rfm.frame[name].to_numpy(np.float64) for name in ("frequency", "T"))
        shortest = horizon_in(self.shortest_tenure, "day") / DAYS[rfm.unit]
        purchases = (orders + 1.0) / np.maximum(T, shortest) * t
        spend = _average_order(rfm) if rfm.has_spend else None
        return Expected(purchases, -np.expm1(-purchases), spend)


def _average_order(rfm: RFM) -> NDArray:
    """Mean spend per order so far, first one included, shape (n_customers,)."""
    log, end = rfm.log_for("Textbook needs")
    totals = log.totals(end)
    totals = totals[totals["orders"] > 0]
    units, orders = (totals[name].to_numpy(np.float64) for name in ("units", "orders"))
    return np.maximum(units / UNITS / orders, 0.0)
