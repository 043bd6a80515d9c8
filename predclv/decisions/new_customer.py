"""What a customer is worth on the day they are acquired: the value to hold against their cost."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from predclv.errors import DataError, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.models.purchases import PurchaseModel
from predclv.units import DAYS, force_of_interest, horizon_in, share


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NewCustomer:
    """Expected profit of a customer acquired today, at the point estimate of the parameters.

    Attributes
    ----------
    curve : DataFrame
        One row per month from 0: month, purchases (expected, the first one included, each worth
        ``(1 + discount_rate)**-years``) and profit (of these, cumulative).
    value : float
        Profit within the horizon.
    first_order, later_order : float
        Spend of the first and expected spend of every later order.
    margin, discount_rate : float
    """

    curve: pd.DataFrame
    value: float
    first_order: float
    later_order: float
    margin: float
    discount_rate: float

    def __repr__(self) -> str:
        return (
            f"A new customer is worth {self.value:,.2f} in {len(self.curve) - 1} months: "
            f"{self.margin * self.first_order:,.2f} of it at once (margin {self.margin:g}, "
            f"{self.discount_rate:.1%} a year)"
        )

    def _repr_html_(self) -> str:
        shown = self.curve[self.curve["month"] % 6 == 0]
        table = shown.to_html(index=False, border=0, float_format="{:,.2f}".format)
        return f"<p><b>{escape(repr(self))}</b></p>{table}"


def new_customer(
    fitted: FittedCLV,
    horizon: Any = "3 years",
    discount_rate: float = 0.10,
    margin: float = 1.0,
    first_order: float | None = None,
) -> NewCustomer:
    """What a customer acquired today is expected to bring, month by month.

    Their first order now, and then ``discounted_purchases`` of a new customer of the fitted model
    at the mean spend of all customers: ``margin * (first_order + spend * purchases)``. This is the
    value to compare with a cost of acquisition. The ``clv`` of a forecast is not: it is what
    *existing* customers will still bring.

    All customers the model was fitted to count alike. For the value by channel fit one model to
    each channel's customers.

    Parameters
    ----------
    fitted : FittedCLV
        With spend.
    horizon : str, timedelta or number
        Whole months from now, rounded up; a number is in the summary's unit.
    discount_rate : float
        Annual and effective.
    margin : float
        Share of spend that is profit. With the default of 1.0 the value is revenue, not profit.
    first_order : float, optional
        Spend of the first order. Default: the mean spend of repeat purchases, since a summary
        leaves first purchases out.

    Returns
    -------
    NewCustomer

    Raises
    ------
    DataError
        If the fit has no spend.
    OptionError
        If the horizon, rate, margin or first order makes no sense.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> pc.economics.new_customer(fitted, horizon="2 years", margin=0.3)
    A new customer is worth 34.89 in 24 months: 10.74 of it at once (margin 0.3, 10.0% a year)
    """
    if not isinstance(fitted, FittedCLV) or fitted.spend is None:
        raise DataError("new_customer wants a FittedCLV with spend: pc.CLVModel().fit(rfm).")
    margin = share(margin, "margin")
    per_month = DAYS["month"] / DAYS[fitted.unit]
    length = horizon_in(horizon, fitted.rfm.unit) * DAYS[fitted.rfm.unit] / DAYS["month"]
    later = float(fitted.spend.model.mean)  # type: ignore[attr-defined]
    if not np.isfinite(later):  # the fit has warned
        later = float(fitted.spend.checks["observed_mean"])
    first = later if first_order is None else first_order
    if isinstance(first, bool) or not isinstance(first, (int, float, np.number)):
        raise OptionError(f"first_order must be a number; got {first_order!r}.")
    if not (np.isfinite(first) and first >= 0):
        raise OptionError(f"first_order must be finite and at least 0; got {first_order!r}.")
    model = fitted.purchases.model
    assert isinstance(model, PurchaseModel)
    month = np.arange(np.ceil(length - 1e-9) + 1)
    repeats = np.zeros(month.size)
    delta = force_of_interest(discount_rate, fitted.unit)
    repeats[1:] = model.discounted_purchases(month[1:] * per_month, delta)
    profit = margin * (float(first) + later * repeats)
    curve = pd.DataFrame(
        {"month": month.astype(np.int64), "purchases": 1.0 + repeats, "profit": profit}
    )
    return NewCustomer(curve, float(profit[-1]), float(first), later, margin, float(discount_rate))
