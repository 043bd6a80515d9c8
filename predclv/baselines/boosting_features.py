"""What gradient boosting is told of customers: counts of earlier windows, recency, age, spend."""

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.logs.log import Log

_WINDOWS = (14, 28, 56, 91, 182, 364, 728)  # days


@dataclass(frozen=True, slots=True, eq=False)
class PurchaseDays:
    """Every day with a purchase, customer by customer, in the order of time.

    Attributes
    ----------
    ids : Index
        Of the customers, by place.
    customer : ndarray of int, shape (n_purchases,)
        Place, ascending.
    day : ndarray of int64, shape (n_purchases,)
        Since the first day of the log.
    spend : ndarray, shape (n_purchases,), or None
    first : datetime.date
        Day 0.
    """

    ids: pd.Index
    customer: NDArray
    day: NDArray
    spend: NDArray | None
    first: datetime.date

    @classmethod
    def of(cls, log: Log, end: datetime.date) -> "PurchaseDays":
        """Those of a log up to a day."""
        found = log.purchase_days(end)
        code, ids = pd.factorize(found["customer_id"])
        day = (found["day"] - pd.Timestamp(log.first_day)).dt.days.to_numpy(np.int64)
        spend = found["spend"].to_numpy(float) if "spend" in found else None
        return cls(pd.Index(ids), code, day, spend, log.first_day)

    def _places(self, who: NDArray, day: NDArray | int) -> NDArray:
        """Where, among all purchases, those of customers after a day begin."""
        span = int(self.day.max(initial=0)) + 2
        key = self.customer * span + self.day
        return np.searchsorted(key, who * span + np.minimum(day, span - 2), side="right")

    def counts(self, who: NDArray, after: int, until: int) -> NDArray:
        """Purchases of customers in ``after < day <= until``, shape (n,)."""
        return self._places(who, until) - self._places(who, max(after, -1))

    def known(self, day: int) -> NDArray:
        """The customers who had bought by a day, ascending."""
        return np.unique(self.customer[self.day <= day])

    def features(self, who: NDArray, day: int, horizon: int) -> NDArray:
        """What is known of customers at the end of a day, for a horizon, shape (n, k).

        Purchases within several windows before it and within one as long as the horizon; of the
        same days a year before those to forecast; purchases so far, time since the last and since
        the first, mean and last time between purchases, silence over the mean; the season of the
        horizon's middle; mean spend and its share of late. What is not known is NaN.
        """
        start, end = self._places(who, -1), self._places(who, day)
        n = end - start
        first, last = self.day[start], self.day[end - 1]
        columns: list[NDArray] = [
            self.counts(who, day - window, day) for window in sorted({*_WINDOWS, horizon})
        ]
        unknown = np.full(who.size, np.nan)
        year_before = day - 364
        columns.append(
            self.counts(who, year_before, min(year_before + horizon, day))
            if year_before >= 0
            else unknown
        )
        several = n > 1
        gap = np.where(several, (last - first) / np.maximum(n - 1, 1), np.nan)
        last_gap = np.where(several, last - self.day[np.maximum(end - 2, 0)], np.nan)
        silent = day - last
        middle = self.first + datetime.timedelta(days=day + horizon // 2)
        season = 2 * np.pi * middle.timetuple().tm_yday / 365.25
        columns += [n, silent, day - first, gap, last_gap, silent / gap]
        columns += [np.full(who.size, wave(season)) for wave in (np.sin, np.cos)]
        if self.spend is not None:
            total = np.append(0.0, np.cumsum(self.spend))
            late = self._places(who, day - horizon)
            mean = (total[end] - total[start]) / n
            columns += [mean, np.where(end > late, (total[end] - total[late]), 0.0)]
        return np.column_stack(columns).astype(float)

    def mean_spend(self, who: NDArray, day: int) -> NDArray:
        """Mean spend of a purchase up to a day, drawn to that of all by one purchase's weight."""
        assert self.spend is not None
        total = np.append(0.0, np.cumsum(self.spend))
        start, end = self._places(who, -1), self._places(who, day)
        everybody = self.spend[self.day <= day].mean()
        return (total[end] - total[start] + everybody) / (end - start + 1.0)
