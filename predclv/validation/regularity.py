"""How regular purchases are: k, of 1 where they come at random, by two ways that differ in data."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaln
from scipy.stats import chi2

from predclv.errors import DataError
from predclv.logs.gap_statements import last_two_gaps
from predclv.notices import counted
from predclv.samples.cells import Cells
from predclv.summaries.gaps import gaps_of
from predclv.summaries.rfm import RFM
from predclv.summaries.summarise import rfm_summary
from predclv.units import probability

_LOWEST, _HIGHEST = 0.05, 1000.0  # the k that is looked for: bursts, and all but a calendar


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Regularity:
    """How regular the purchases of a log are.

    Attributes
    ----------
    k : float
        The most likely one, of all customers with three purchases or more. 1: purchases come at
        random, as BG/NBD, MBG/NBD and Pareto/NBD assume; above: regularly, as in ``BGCNBD`` and
        ``MBGCNBD``, whose k is the nearest whole number; below: in bursts. Given when a customer's
        first and last purchase were, the shares that the gaps between have in that time are
        Dirichlet(k, ..., k), whatever the customer's rate and whether they have left.
    lower, upper : float
        Interval of k, of a coverage of ``level``, from the likelihood.
    level : float
    wheat_morrison : float
        Wheat and Morrison's k, of each customer's last two gaps alone. NaN without any who has two.
    wheat_morrison_error : float
        Its standard error.
    customers, gaps : int
        Customers with three purchases or more, and the gaps between these.
    shares : ndarray, shape (n,)
        Distinct shares of the last gap in the last two.
    weight : ndarray of int64, shape (n,)
        Customers with each.

    See Also
    --------
    predclv.regularity : how regular purchases are.
    predclv.plots.regularity : whether purchases come at random.
    predclv.MBGCNBD : MBG/NBD of regular buyers.

    Examples
    --------
    >>> import predclv as pc
    >>> found = pc.regularity(pc.datasets.load_cdnow())
    >>> found.frame["k"].round(2).tolist()
    [0.96, 0.99]
    """

    k: float
    lower: float
    upper: float
    level: float
    wheat_morrison: float
    wheat_morrison_error: float
    customers: int
    gaps: int
    shares: NDArray
    weight: NDArray

    def verdict(self) -> str:
        """Regularity in words."""
        if self.lower <= 1.0 and self.upper >= 1.5:
            return "too few to tell regular purchases from such as come at random"
        if self.lower <= 1.0 <= self.upper or abs(self.k - 1.0) <= 0.1:
            return "purchases come at random, as BG/NBD and its kin assume"
        if self.k < 1.0:
            return "purchases come in bursts"
        if self.k < 1.5:
            return "purchases are a little more regular than at random; no whole k fits better"
        return f"purchases are regular: k = {round(self.k)} is worth comparing by pc.validate"

    def by_pairs(self) -> str:
        """Wheat and Morrison's k in words; nothing where nobody tells it."""
        known = np.isfinite(self.wheat_morrison)
        return f"by Wheat & Morrison {self.wheat_morrison:.2f}" if known else ""

    @property
    def frame(self) -> pd.DataFrame:
        """Both estimates: rows likelihood and Wheat & Morrison, columns k, lower, upper, customers.

        Wheat and Morrison's interval is the estimate and as many standard errors as ``level`` wants
        of a normal.
        """
        reach = np.sqrt(chi2.ppf(self.level, 1)) * self.wheat_morrison_error
        rows = {
            "likelihood": (self.k, self.lower, self.upper, self.customers),
            "Wheat & Morrison": (
                self.wheat_morrison, self.wheat_morrison - reach, self.wheat_morrison + reach,
                int(self.weight.sum()),
            ),
        }  # fmt: skip
        columns = ["k", "lower", "upper", "customers"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)

    def __repr__(self) -> str:
        interval = f"({self.level:.0%}: {self.lower:.2f} to {self.upper:.2f})"
        found = ", ".join(filter(None, (f"k = {self.k:.2f} {interval}", self.by_pairs())))
        return (
            f"{found}: {self.verdict()} ({self.gaps:,} times between purchases of "
            f"{counted(self.customers, 'customer')})"
        )

    def _repr_html_(self) -> str:
        said = self.verdict()
        return (
            f"<p>{said[0].upper()}{said[1:]}.</p>{self.frame.to_html(float_format='{:.3g}'.format)}"
        )


def regularity(
    log: Any,
    customer_id: str = "customer_id",
    date: str = "date",
    *,
    observation_end: str | datetime.date | None = None,
    level: float = 0.9,
) -> Regularity:
    """How regular purchases are: what to ask of a log before any model is fitted.

    Parameters
    ----------
    log : log of purchases or RFM
        As :func:`predclv.rfm_summary` takes it, or what that made of it.
    customer_id, date : str
        Their columns.
    observation_end : str, date or timestamp, optional
        The last day looked at. Default: the latest date in the log, or that of the summary.
    level : float
        Coverage of the interval of k.

    Returns
    -------
    Regularity

    Raises
    ------
    DataError
        If the summary has no log, or no customer has bought on three days.

    See Also
    --------
    predclv.Regularity : estimates of regularity.
    predclv.BGCNBD : BG/NBD of regular buyers.
    predclv.plots.regularity : whether purchases come at random.

    Notes
    -----
    A regular k that is likely need not forecast better: where the shop's rhythm changes, silence of
    a regular buyer is taken for leaving. Compare with :func:`predclv.validate`. Days are whole:
    where gaps of a day or two are common, k is too high by rounding.

    References
    ----------
    Wheat, R. D. & Morrison, D. G. (1990). Estimating purchase regularity with two interpurchase
    times. Journal of Marketing Research 27(1), 87-93.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> pc.regularity(log[log["date"] <= "1997-09-30"], observation_end="1997-09-30")
    k = 1.04 (90%: 0.99 to 1.10), by Wheat & Morrison 1.05: purchases come at random, ...
    """
    level = probability(level, "level")
    rfm = log
    if not isinstance(log, RFM):
        rfm = rfm_summary(log, customer_id, date, None, observation_end=observation_end)
    elif observation_end is not None:
        raise DataError("An RFM has its observation_end already; pass the log to choose another.")
    rows, end = rfm.log_for("Regularity needs")
    gaps = gaps_of(rfm)
    assert gaps is not None
    cells = rfm.cells()
    several = cells.frequency > 1
    if not several.any():
        raise DataError(
            "Nobody has bought on three days: without two times between purchases of one customer "
            "nothing says how regular they are."
        )
    k, lower, upper = _most_likely(cells, gaps.log_sum(cells.unit), level)
    pairs = rows.table_of(last_two_gaps, end, "last, before")
    last, before, weight = (pairs[name].to_numpy() for name in ("last", "before", "customers"))
    shares = last / (last + before)
    by_pairs, error = wheat_morrison(shares, weight)
    return Regularity(
        k=k,
        lower=lower,
        upper=upper,
        level=level,
        wheat_morrison=by_pairs,
        wheat_morrison_error=error,
        customers=int(cells.weight[several].sum()),
        gaps=int(cells.weight[several] @ cells.frequency[several]),
        shares=shares,
        weight=weight,
    )


def wheat_morrison(shares: NDArray, weight: NDArray) -> tuple[float, float]:
    """Wheat and Morrison's k and its standard error, from shares of one gap in two.

    The share is Beta(k, k), whose variance is ``v = 1 / (4 (2k + 1))``: ``k = (1 - 4v) / 8v``.
    """
    n = weight.sum()
    spread = (shares - 0.5) ** 2
    variance = weight @ spread / n
    if n < 2 or variance == 0:
        return float("nan"), float("nan")
    of_spread = weight @ (spread - variance) ** 2 / (n - 1)
    error = np.sqrt(of_spread / n) / (8 * variance**2)
    return float((1 - 4 * variance) / (8 * variance)), float(error)


def _most_likely(cells: Cells, log_gaps: float, level: float) -> tuple[float, float, float]:
    """K by the likelihood of the shares that gaps have in t_x, and its interval."""
    repeat = cells.frequency > 0
    x, t_x, w = cells.frequency[repeat], cells.recency[repeat], cells.weight[repeat].astype(float)
    counts, code = np.unique(x, return_inverse=True)
    customers = np.bincount(code, weights=w)
    logs = log_gaps - float(w @ (x * np.log(t_x)))

    def value(log_k: float) -> float:
        k = np.exp(log_k)
        return float(customers @ (gammaln(counts * k) - counts * gammaln(k)) + (k - 1) * logs)

    low, high = np.log(_LOWEST), np.log(_HIGHEST)
    found = minimize_scalar(lambda at: -value(at), bounds=(low, high), method="bounded",
                            options={"xatol": 1e-9})  # fmt: skip
    best, top = float(found.x), float(-found.fun)
    depth = 0.5 * chi2.ppf(level, 1)

    def below(at: float) -> float:
        return value(at) - top + depth

    lower = brentq(below, low, best) if below(low) < 0 else low
    upper = brentq(below, best, high) if below(high) < 0 else high
    return float(np.exp(best)), float(np.exp(lower)), float(np.exp(upper))
