"""Customers with equal histories, counted: all that a likelihood needs of a customer base."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.errors import DataError, OptionError
from predclv.frozen import Frozen
from predclv.notices import counted
from predclv.samples.base import Sample, merged
from predclv.samples.grouping import distinct
from predclv.samples.paths import Paths
from predclv.samples.pattern_facts import facts_of, in_one_coding, paths_in, patterns_in
from predclv.samples.patterns import Patterns


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cells(Sample):
    """Distinct purchase histories and the number of customers who have each.

    Sorted by frequency, recency and T, so that the order of a log's rows leaves no trace. Cells of
    different customers add up: where a base was cut by a hash of the id, ``sum(parts)`` is the
    base, to the last integer. Nothing can tell whether two summands share a customer.

    Attributes
    ----------
    frequency : ndarray, shape (n_cells,)
        Repeat purchases, a count as float64.
    recency, T : ndarray, shape (n_cells,)
        First to last purchase and first purchase to observation end, in ``unit``.
    weight : ndarray of int64, shape (n_cells,)
        Customers per cell.
    unit : str
        day, week, month or year.
    is_approximate : bool
        Whether times are means of bins, so that a fit is approximate; see :meth:`binned`.
    last_day : int or None
        The day, counted from 1970-01-01, on which observation ended; times are then whole days in
        ``unit``. None for a summary made elsewhere, and for sums of cells with different ends.
    extra : mapping of str to ndarray, shape (n_cells,)
        More columns that tell histories apart, such as ``pattern``, what is known of customers.
    patterns : Patterns or None
        What the numbers in ``extra["pattern"]`` stand for.
    paths : Paths or None
        What the numbers in ``extra["path"]`` stand for: how patterns changed, where they did.
        ``extra["pattern"]`` is then the one in force at the end of observation.
    ahead : Paths or None
        What the numbers in ``extra["ahead"]`` stand for: patterns on days after the last one
        observed, where `predclv.summaries.looking_ahead` was told of them.

    See Also
    --------
    predclv.RFM : the summary: one row per customer.
    predclv.SpendCells : distinct spending histories, counted.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> cells = rfm.cells()
    >>> cells.n_customers, len(cells.weight)
    (2357, 1218)
    """

    columns = ("frequency", "recency", "T")

    frequency: NDArray
    recency: NDArray
    T: NDArray
    weight: NDArray
    unit: str
    is_approximate: bool = False
    last_day: int | None = None
    extra: Mapping[str, NDArray] = field(default_factory=lambda: Frozen({}))
    patterns: Patterns | None = None
    paths: Paths | None = None
    ahead: Paths | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell cells apart exactly: whole days where the end is known."""
        times = ("recency", "T") if self.last_day is None else ("recency_days", "age_days")
        return ("frequency", *times, *self.extra)

    @property
    def known_last_day(self) -> int:
        """The day that observation ended, which a clock needs.

        Raises
        ------
        DataError
            If the summary was made elsewhere and has no days.
        """
        if self.last_day is None:
            raise DataError(
                "A clock needs to know the days of purchases, and these customers come from a "
                "summary without (RFM.from_frame). Make it with pc.rfm_summary(log)."
            )
        return self.last_day

    @property
    def recency_days(self) -> NDArray:
        """First to last purchase in whole days, int64, shape (n_cells,)."""
        return Steady(self.unit).days(self.recency)

    @property
    def age_days(self) -> NDArray:
        """First purchase to the end of observation in whole days, int64, shape (n_cells,)."""
        return Steady(self.unit).days(self.T)

    @property
    def keyed(self) -> pd.DataFrame:
        """The columns `keys` and weight, one row per cell."""
        return self.keyed_as(self.frame).assign(weight=self.weight)

    def keyed_as(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The columns `keys` of rows that have frequency, recency and T (and what is `extra`)."""
        found: dict[str, Any] = {"frequency": customers["frequency"].to_numpy()}
        if self.last_day is None:
            found |= {name: customers[name].to_numpy(np.float64) for name in ("recency", "T")}
        else:
            steady = Steady(self.unit)
            found["frequency"] = found["frequency"].astype(np.int64)
            found["recency_days"] = steady.days(customers["recency"])
            found["age_days"] = steady.days(customers["T"])
        return pd.DataFrame(found | {name: customers[name].to_numpy() for name in self.extra})

    def places(self, customers: pd.DataFrame) -> NDArray:
        """Which cell each customer is in, shape (n_customers,).

        Parameters
        ----------
        customers : DataFrame
            The columns of ``RFM.frame``.

        Raises
        ------
        DataError
            If somebody is in none.
        """
        rows, own = self.keyed_as(customers), self.keyed
        _, code = distinct(
            *(np.concatenate([own[name].to_numpy(), rows[name].to_numpy()]) for name in self.keys)
        )
        place = code[len(self) :]
        strangers = int(np.sum(place >= len(self)))
        if strangers:
            raise DataError(
                f"{counted(strangers, 'customer has', 'customers have')} a history that is in no "
                "cell: the cells are of other customers."
            )
        return place

    def __repr__(self) -> str:
        return (
            f"Cells({len(self):,} of {self.n_customers:,} customers, in {self.unit}s"
            f"{', approximate' if self.is_approximate else ''})"
        )

    def __add__(self, other: "Cells") -> "Cells":
        if not isinstance(other, Cells):
            return NotImplemented
        if self.unit != other.unit:
            raise DataError(
                f"Cells in {self.unit}s and cells in {other.unit}s cannot be added: summarise both "
                "logs in one unit, and to one observation_end."
            )
        one, two, patterns, paths = in_one_coding(self, other)
        return self._with(
            merged(one, two),
            is_approximate=self.is_approximate or other.is_approximate,
            last_day=self.last_day if self.last_day == other.last_day else None,
            patterns=patterns,
            paths=paths,
        )

    def binned(self, bins: int = 144) -> "Cells":
        """Fewer cells: neighbouring times replaced by their mean. Approximate.

        Customers of equal frequency whose recency, and whose T, fall into the same bin become one
        cell with their mean recency and mean T. Bins grow with the square root of time, since a day
        tells more about a young customer than about an old one.

        Parameters
        ----------
        bins : int
            Between 0 and the longest T.

        Raises
        ------
        OptionError
            If it is no positive whole number.

        Notes
        -----
        BG/NBD fitted to binned cells, beside the fit to all of them. Largest change of a parameter,
        relative, and in standard errors of that many customers:

        =====  =======================  =======================
        bins   CDNOW, 2,357 customers   1,000,000, simulated
        =====  =======================  =======================
        exact  1,016 cells              178,294 cells
        144    907: 3e-6, 0.000 s.e.    48,005: 2e-4, 0.03 s.e.
        72     784: 6e-5, 0.000 s.e.    18,023: 1e-3, 0.16 s.e.
        36     518: 7e-4, 0.007 s.e.    6,335: 6e-3, 0.73 s.e.
        =====  =======================  =======================

        Bins of equal width are worse: a width of one week makes 15,794 cells of the million and
        moves a parameter by 0.94 standard errors.

        Examples
        --------
        >>> cells = Cells(*np.array([[0, 0, 2], [0, 0, 3], [5, 6, 9]]).astype(float),
        ...               np.array([3, 1, 2]), "week")
        >>> cells.binned(2)
        Cells(2 of 6 customers, in weeks, approximate)
        >>> cells.binned(2).frame
           frequency  recency     T  weight
        0        0.0      0.0  5.25       4
        1        2.0      3.0  9.00       2
        """
        if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
            raise OptionError(f"bins must be a whole number from 1 on; got {bins!r}.")
        scale = bins / np.sqrt(self.T.max(initial=1e-300))
        places = (np.floor(scale * np.sqrt(values)) for values in (self.recency, self.T))
        return self._with(self._binned(*places), is_approximate=True, last_day=None)

    @property
    def facts(self) -> dict[str, str]:
        """What a file says beside the columns."""
        return {
            "predclv.kind": "Cells",
            "predclv.unit": self.unit,
            "predclv.is_approximate": str(self.is_approximate),
            **({} if self.last_day is None else {"predclv.last_day": str(self.last_day)}),
            **facts_of(self.patterns, self.paths),
        }

    @classmethod
    def read_parquet(cls, path: str | Path) -> Self:
        """Read what `to_parquet` wrote.

        Raises
        ------
        StoreError
            If there is no such file or it holds something else.
        """
        columns, said = cls._read(path)
        last_day = said.get("predclv.last_day")
        return cls(
            **cls._parted(columns),
            unit=said["predclv.unit"],
            is_approximate=said["predclv.is_approximate"] == "True",
            last_day=None if last_day is None else int(last_day),
            patterns=patterns_in(said),
            paths=paths_in(said),
        )
