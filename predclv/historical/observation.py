"""What a log shows of each customer so far, and what the textbook makes of it."""

import datetime
from typing import Any

import numpy as np
import pandas as pd

from predclv.errors import OptionError
from predclv.historical import inputs
from predclv.historical.formulas import simple_clv
from predclv.historical.intake import opened, without_refunds_alone
from predclv.logs.options import LogOptions
from predclv.money import UNITS
from predclv.units import DAYS, day_number, horizon_in, share


def observed(
    transactions: Any,
    margin: float = 1.0,
    *,
    lifespan_years: float = 1.0,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: str | datetime.date | None = None,
    refunds: str = "net",
    timezone: str | None = None,
    shortest_tenure: str | float | datetime.timedelta = "90 days",
) -> pd.DataFrame:
    """Orders, revenue and profit of every customer so far, and the textbook's extrapolation.

    The log is grouped where it lies. ``textbook_clv`` carries each customer's past on for
    ``lifespan_years``, whoever they are: a customer who left two years ago is worth as much as one
    who will come tomorrow, and a first order of last month is taken for a habit. Put it beside
    ``fitted.forecast``, or let :func:`predclv.validate` score ``pc.baselines.Textbook``.

    Parameters
    ----------
    transactions : frame, relation, path or RFM
        As in :func:`predclv.rfm_summary`; or a summary that was made from a log, whose columns,
        end and refunds then count.
    margin : float
        Share of revenue that is profit; the default makes profit revenue.
    lifespan_years : float
        How long the textbook lets everybody go on *from now on*; the default looks one year
        ahead, as a forecast does.
    customer_id, date, amount, timezone
        As in :func:`predclv.rfm_summary`. Without amounts there are no columns of money.
    observation_end : str, date or timestamp, optional
        The last day that counts. Default: the latest date in the log.
    refunds : str
        ``"net"`` takes every refund off its customer's revenue, also one on a day without a
        purchase (which monetary_value of an RFM leaves out); ``"drop"`` leaves them out;
        ``"error"`` refuses them.
    shortest_tenure : str, timedelta or number of days
        Customers known for less count as known for so long in purchases_per_year: an order of
        yesterday is no rate of 365 a year.

    Returns
    -------
    DataFrame
        One row per customer, sorted by customer_id:

        - ``customer_id``
        - ``orders``: days with a purchase, the first included; those of one day are one order;
        - ``revenue``: their amounts, net of refunds;
        - ``profit``: ``margin * revenue``;
        - ``average_order_value``: ``revenue / orders``;
        - ``purchases_per_year``: orders over the years of tenure, or of ``shortest_tenure``;
        - ``tenure_days``: first order to ``observation_end``, as T of an RFM;
        - ``days_since_last_order``
        - ``textbook_clv``: :func:`simple_clv` of the above over ``lifespan_years``.

        ``.attrs`` says the terms: margin, lifespan_years, observation_end, shortest_tenure_days
        and customers_of_short_tenure.

    Raises
    ------
    DataError, OptionError
        As :func:`predclv.rfm_summary`, or where margin, lifespan or tenure make no sense.

    Warns
    -----
    DataWarning
        Rows after ``observation_end`` were left out, or the log looks broken, as in
        :func:`predclv.rfm_summary`.
    RefundWarning
        Negative amounts were netted or left out; customers with refunds alone are left out.

    See Also
    --------
    predclv.historical.cohorts : follow groups from their first purchase.
    predclv.rfm_summary : a log to one row per customer.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "customer_id": [1, 1, 1, 2],
    ...     "date": ["2023-01-01", "2023-07-01", "2023-07-01", "2023-12-01"],
    ...     "amount": [50.0, 20.0, 30.0, 40.0],
    ... })
    >>> found = observed(orders, margin=0.5, observation_end="2024-01-01")
    >>> found[["customer_id", "orders", "revenue", "profit", "average_order_value"]]
       customer_id  orders  revenue  profit  average_order_value
    0            1       2    100.0    50.0                 50.0
    1            2       1     40.0    20.0                 40.0
    >>> found[["purchases_per_year", "tenure_days", "textbook_clv"]].round(2)
       purchases_per_year  tenure_days  textbook_clv
    0                2.00          365         50.03
    1                4.06           31         81.17
    """
    margin = share(margin, "margin")
    if np.ndim(lifespan_years):
        raise OptionError(f"lifespan_years must be a number; got {lifespan_years!r:.60}.")
    years = float(inputs.not_negative("lifespan_years", lifespan_years))
    shortest = horizon_in(shortest_tenure, "day", "shortest_tenure")
    options = LogOptions(
        customer_id=customer_id, date=date, amount=amount, refunds=refunds, timezone=timezone
    )
    log, end = opened(transactions, options, observation_end)
    totals = log.totals(end)
    totals = without_refunds_alone(totals, totals["orders"] > 0, log).reset_index(drop=True)
    today = day_number(end)
    orders = totals["orders"].to_numpy(np.int64)
    tenure = today - totals["first_day"].to_numpy(np.int64)
    frame = pd.DataFrame({"customer_id": totals["customer_id"], "orders": orders})
    if log.has_spend:
        frame["revenue"] = totals["units"].to_numpy(np.int64) / UNITS
        frame["profit"] = margin * frame["revenue"]
        frame["average_order_value"] = frame["revenue"] / orders
    frame["purchases_per_year"] = orders / (np.maximum(tenure, shortest) / DAYS["year"])
    frame["tenure_days"] = tenure
    frame["days_since_last_order"] = today - totals["last_day"].to_numpy(np.int64)
    if log.has_spend:
        # Customers may have sent back more than they kept, which the formula itself refuses.
        of_one = simple_clv(1.0, frame["purchases_per_year"], years)
        frame["textbook_clv"] = margin * frame["average_order_value"] * of_one
    frame.attrs = {
        "margin": margin,
        "lifespan_years": years,
        "observation_end": str(end),
        "shortest_tenure_days": shortest,
        "customers_of_short_tenure": int((tenure < shortest).sum()),
    }
    return frame
