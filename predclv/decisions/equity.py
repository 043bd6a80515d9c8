"""Customer equity: what the customer base is worth, and how much of it rests on how few."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from predclv.decisions.as_html import as_html
from predclv.decisions.inputs import basis, currency_of, forecast_frame
from predclv.forecast.result import Forecast
from predclv.forecast.total_words import CHANCE_ONLY, OF_A_POOL
from predclv.money import money


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Equity:
    """What a customer base is worth, and how much of it a few customers hold.

    Attributes
    ----------
    total : float
        Sum of all customers' clv.
    lower, upper : float or None
        Predictive interval of the total at ``level``; None where the forecast has none.
    level : float or None
    customers : int
    deciles : DataFrame
        decile (1 holds the customers of highest clv), customers, clv (their sum), share and
        cumulative_share of the total. Shares are 0 where nobody is worth anything.
    basis : str
        The horizon, in words.
    currency : str or None
        What it is shown in.
    holds : str
        What the interval holds, in words.

    See Also
    --------
    predclv.economics.customer_equity : what all are worth together.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> equity = pc.economics.customer_equity(fitted.forecast("52 weeks", seed=1))
    >>> round(equity.top_decile_share, 2)
    0.63
    """

    total: float
    lower: float | None
    upper: float | None
    level: float | None
    customers: int
    deciles: pd.DataFrame
    basis: str
    currency: str | None = None
    holds: str = CHANCE_ONLY

    @property
    def top_decile_share(self) -> float:
        """Share of the equity that the top tenth of the customers holds."""
        return float(self.deciles["share"].iloc[0])

    def __repr__(self) -> str:
        interval = ""
        if self.level is not None:
            lower, upper = (money(b or 0.0, self.currency) for b in (self.lower, self.upper))
            interval = f" ({self.level:.0%} interval {lower} to {upper}, {self.holds})"
        return (
            f"Customer equity {money(self.total, self.currency)}{interval} of "
            f"{self.customers:,} customers over {self.basis}; the top tenth holds "
            f"{self.top_decile_share:.0%}"
        )

    def _repr_html_(self) -> str:
        percent = "{:.1%}".format
        forms = {"customers": "{:,}".format, "clv": partial(money, currency=self.currency)}
        forms |= {"share": percent, "cumulative_share": percent}
        return as_html(repr(self), self.deciles, formatters=forms)


def customer_equity(forecast: Forecast | pd.DataFrame) -> Equity:
    """What the customers of a forecast are worth together, and how concentrated it is.

    The interval is that of ``forecast.total()``: where the whole base's discounted profit will
    fall, parameters uncertain and shared by all. It holds chance and parameters only, not a future
    unlike the past: see ``forecast.total(unlike=...)``. The shares by decile are of *expected*
    value; what customers will really bring is more concentrated still, since chance comes on top.

    Parameters
    ----------
    forecast : Forecast or DataFrame
        With spend; with ``level=None``, or of its frame alone, there is no interval.

    Returns
    -------
    Equity

    Raises
    ------
    DataError
        If the forecast has no clv.

    See Also
    --------
    predclv.economics.Equity : the value of a base.
    predclv.Forecast : one row per customer, and the base as a whole.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> forecast = fitted.forecast("1 year", margin=0.3, level=None)
    >>> pc.economics.customer_equity(forecast)
    Customer equity 20,726 of 2,357 customers over 1 year after 1998-06-30; the top tenth holds 63%
    """
    frame = forecast_frame(forecast, "customer_equity", "clv")
    total = (
        forecast.total()
        if isinstance(forecast, Forecast)
        else pd.Series({"clv": frame["clv"].sum()})
    )
    worth = np.sort(frame["clv"].to_numpy(float))[::-1]
    decile = 10 * np.arange(worth.size) // worth.size
    sums = np.bincount(decile, weights=worth, minlength=10)
    whole = float(worth.sum())
    shares = sums / whole if whole else np.zeros(10)
    deciles = pd.DataFrame(
        {
            "decile": np.arange(1, 11),
            "customers": np.bincount(decile, minlength=10),
            "clv": sums,
            "share": shares,
            "cumulative_share": np.cumsum(shares),
        }
    )
    has_interval = "clv_lower" in total
    return Equity(
        total=float(total["clv"]),
        lower=float(total["clv_lower"]) if has_interval else None,
        upper=float(total["clv_upper"]) if has_interval else None,
        level=forecast.terms.level if isinstance(forecast, Forecast) and has_interval else None,
        customers=len(frame),
        deciles=deciles,
        basis=basis(forecast),
        currency=currency_of(forecast),
        holds=OF_A_POOL if OF_A_POOL in total.attrs.get("holds", "") else CHANCE_ONLY,
    )
