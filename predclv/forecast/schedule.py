"""A schedule: the horizon of a forecast period by period."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import DataError, OptionError, did_you_mean, some
from predclv.forecast.by_period import sums_by_period
from predclv.forecast.source import SUMS, Source
from predclv.forecast.terms import Terms
from predclv.forecast.total_interval import interval
from predclv.forecast.total_words import has_budget, holds
from predclv.units import DAYS

PERIODS = ("week", "month", "quarter", "year")
_CODES = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
_MOST = 5_000  # periods: a century of weeks


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Where the periods of a horizon begin and end.

    Attributes
    ----------
    frame : DataFrame
        ``start`` and ``end`` of each: days, or numbers in the forecast's unit where the last day
        observed is not known.
    shares : ndarray, shape (periods,)
        Of the horizon, that have passed at each end; the last is 1.
    """

    frame: pd.DataFrame
    shares: NDArray

    @classmethod
    def of(cls, terms: Terms, period: str) -> "Periods":
        """Those of a forecast.

        Raises
        ------
        OptionError
            If the period is not known, or there is no end.
        """
        named = period.strip().casefold().removesuffix("s") if isinstance(period, str) else period
        if named not in PERIODS:
            hint = did_you_mean(period, PERIODS) if isinstance(period, str) else ""
            raise OptionError(f"period must be one of {', '.join(PERIODS)}; got {period!r}.{hint}")
        if terms.horizon is None:
            raise OptionError(
                "A schedule needs a horizon with an end, and this forecast is over the whole "
                "remaining lifetime. Forecast '5 years' or so, and schedule that."
            )
        days = terms.horizon * DAYS[terms.unit]
        if days / 7 > _MOST:
            raise OptionError(
                f"A schedule of {days:,.0f} days is longer than {_MOST:,} weeks. Forecast less."
            )
        if terms.observation_end is None:
            return cls._by_length(terms, named, days)
        return cls._of_calendar(terms.observation_end, named, days)

    @classmethod
    def _of_calendar(cls, end: datetime.date, period: str, days: float) -> "Periods":
        first = pd.Timestamp(end) + pd.Timedelta(days=1)
        last = pd.Timestamp(end) + pd.Timedelta(days=int(np.ceil(days - 1e-6)))
        closes = pd.period_range(first, last, freq=_CODES[period]).end_time.normalize()
        passed = (closes - pd.Timestamp(end)).days.to_numpy(float)
        # What is left of a horizon after its last whole day is no period of its own.
        within = passed < days - 1 + 1e-6
        ends = [*closes[within], last]
        starts = [first, *(day + pd.Timedelta(days=1) for day in ends[:-1])]
        frame = pd.DataFrame({"start": starts, "end": ends}).astype("datetime64[us]")
        return cls(frame, np.append(passed[within] / days, 1.0))

    @classmethod
    def _by_length(cls, terms: Terms, period: str, days: float) -> "Periods":
        length = 3 * DAYS["month"] if period == "quarter" else DAYS[period]
        whole = np.arange(1, int(np.ceil(days / length - 1e-9))) * length
        shares = np.append(whole / days, 1.0)
        ends = shares * float(terms.horizon or 0.0)
        return cls(pd.DataFrame({"start": np.append(0.0, ends[:-1]), "end": ends}), shares)


def schedule(
    source: Source, terms: Terms, period: str, customers: Iterable[object] | None
) -> pd.DataFrame:
    """What ``Forecast.schedule`` returns."""
    periods = Periods.of(terms, period)
    if customers is not None:
        return _of_customers(source, periods, customers)
    found = periods.frame.copy()
    simulated = None if terms.level is None else source.totals_by(periods.shares)
    for name, values in sums_by_period(source, periods.shares).items():
        found[name] = values
        if terms.level is not None and simulated is not None:
            bounds = [interval(futures, terms.level) for futures in simulated[name].T]
            found[[f"{name}_lower", f"{name}_upper"]] = np.array(bounds)
    if simulated is not None and terms.level is not None:
        found.attrs["holds"] = holds(terms.level, has_budget=has_budget(source))
    if terms.currency is not None:
        found.attrs["currency"] = terms.currency
    return found


def _of_customers(source: Source, periods: Periods, asked: Iterable[object]) -> pd.DataFrame:
    places = _places(source.customer_ids(), asked)
    ends = [
        (source if share == 1.0 else source.until(share)).rows(places) for share in periods.shares
    ]
    n, k = len(places), len(ends)
    columns: dict[str, object] = {"customer_id": ends[-1]["customer_id"].repeat(k).to_numpy()}
    columns |= {name: np.tile(periods.frame[name].to_numpy(), n) for name in ("start", "end")}
    for name, column in SUMS.items():
        if column in ends[-1]:
            by_end = np.column_stack([end[column].to_numpy(float) for end in ends])
            columns[name] = np.diff(by_end, axis=1, prepend=0.0).ravel()
    found = pd.DataFrame(columns)
    return found.astype({"customer_id": ends[-1]["customer_id"].dtype})


def _places(ids: pd.Series, asked: Iterable[object]) -> NDArray:
    """Where the customers asked for stand among all."""
    if isinstance(asked, (str, bytes)) or not isinstance(asked, Iterable):
        raise OptionError(
            f"customers must be a list of ids, such as [{asked!r}]; got {asked!r} itself."
        )
    wanted = pd.Index(list(asked))
    if not len(wanted):
        raise OptionError("customers names nobody. Leave it out for the base as a whole.")
    if wanted.has_duplicates:
        twice = wanted[wanted.duplicated()].unique().tolist()
        raise DataError(f"customers names {some(map(repr, twice), 3)} more than once.")
    places = pd.Index(ids).get_indexer(wanted)
    if (places < 0).any():
        unknown = wanted[places < 0].tolist()
        raise DataError(
            f"{len(unknown):,} of the customers asked for are not in this forecast: "
            f"{some(map(repr, unknown), 3)}. Ids are {ids.dtype} here, such as "
            f"{ids.iloc[0]!r}."
            if len(ids)
            else "This forecast has no customers."
        )
    return np.asarray(places)
