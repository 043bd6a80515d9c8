"""Win-back: customers worth much if they return, who are likely gone."""

import numpy as np
import pandas as pd

from predclv.decisions.inputs import forecast_frame, value_column
from predclv.decisions.scores import stands_above
from predclv.errors import DataWarning, some
from predclv.forecast.result import Forecast
from predclv.notices import counted, warn
from predclv.units import probability


def win_back(
    forecast: Forecast | pd.DataFrame, gone_below: float = 0.5, top_share: float = 0.2
) -> pd.DataFrame:
    """Customers who are likely gone and would be worth much if they were not.

    What a customer is worth if they are still one is ``clv / p_alive``: a customer who is gone
    brings nothing, so ``clv = p_alive * value_if_alive``. The division is exact however small
    p_alive is, short of zero. It is the most that winning them back can bring, not what a
    campaign brings: most will not answer, and some would have come back by themselves.

    A model that lets nobody leave before a repeat purchase (BG/NBD) has no one-time buyers here.

    Parameters
    ----------
    forecast : Forecast or DataFrame
        A forecast or its frame.
    gone_below : float
        Likely gone: p_alive below this.
    top_share : float
        Worth much: among this share of all customers by value_if_alive.

    Returns
    -------
    DataFrame
        Sorted by value_if_alive, the highest first: customer_id, value_if_alive, p_alive, clv
        (what they are worth as things stand), lost_value (the difference, which is lost with them)
        and expected_spend per purchase. Without spend, values are discounted purchases.

    Raises
    ------
    DataError
        If the forecast has no p_alive.
    OptionError
        If a share does not lie between 0 and 1.

    Warns
    -----
    DataWarning
        If customers have a p_alive of exactly 0: no value can be derived for them.

    See Also
    --------
    predclv.segments.at_risk : overdue by their own rhythm.
    predclv.segments.at_stake : who comes back by themselves, and who not.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> listed = pc.segments.win_back(fitted.forecast(level=None))
    >>> listed[["customer_id", "p_alive"]].head(2).round(3)
       customer_id  p_alive
    0         1901    0.000
    1          509    0.029
    """
    frame = forecast_frame(forecast, "win_back", "p_alive")
    gone_below = probability(gone_below, "gone_below")
    top_share = probability(top_share, "top_share")
    value = value_column(frame)
    alive, now = frame["p_alive"].to_numpy(float), frame[value].to_numpy(float)
    lost = alive == 0
    if lost.any():
        warn(
            f"{counted(int(lost.sum()), 'customer has', 'customers have')} a p_alive of exactly 0 "
            f"(customer_id {some(frame['customer_id'][lost])}): what they would be worth is not "
            "known, and they are not listed.",
            DataWarning,
        )
    if_alive = np.divide(now, alive, out=np.zeros_like(now), where=~lost)
    listed = stands_above(if_alive, 1.0 - top_share)[:, 0] & (alive < gone_below) & ~lost
    found = pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "value_if_alive": if_alive,
            "p_alive": alive,
            value: now,
            "lost_value": if_alive - now,
        }
    )
    if "expected_spend" in frame:
        found["expected_spend"] = frame["expected_spend"]
    return found[listed].sort_values(
        ["value_if_alive", "customer_id"], ascending=[False, True], ignore_index=True
    )
