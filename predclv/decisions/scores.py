"""RFM scores: customers ranked by how recently, how often and for how much they buy."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from predclv.errors import DataError, OptionError
from predclv.summaries.rfm import RFM
from predclv.units import days_per


def number_below(values: ArrayLike) -> tuple[NDArray, int]:
    """How many values are strictly smaller than each, shape (n,), and how many there are.

    Examples
    --------
    >>> number_below([30, 10, 10, 20])[0].tolist()
    [3, 0, 0, 2]
    """
    values = np.asarray(values)
    return np.searchsorted(np.sort(values), values, side="left"), values.size


def stands_above(values: ArrayLike, quantiles: ArrayLike) -> NDArray:
    """Whether at least a share of all values is strictly smaller, shape (n, n_quantiles).

    Examples
    --------
    >>> stands_above([30, 10, 10, 20], [0.5, 0.75]).sum(axis=1).tolist()
    [2, 0, 0, 1]
    """
    below, n = number_below(values)
    # 0.55 * 100 is above 55 by a rounding error, and nobody can be below by a part of a customer.
    return below[:, None] >= np.ceil(np.atleast_1d(quantiles) * n - 1e-9)


def rfm_scores(rfm: RFM, bins: int = 5) -> pd.DataFrame:
    """Scores from 1 (worst) to ``bins`` (best) for recency, frequency and monetary value.

    A score of s says that at least (s - 1) / bins of the customers are strictly worse. Customers
    with equal values always get equal scores, so the groups need not be of one size, and where
    few values differ not every score occurs: with six of ten customers buying once, frequency
    knows only the scores 1, 4 and 5.

    Scores rank customers on what they did; they forecast nothing. Compare `tiers`.

    Parameters
    ----------
    rfm : RFM
    bins : int
        Highest score, at least 2. 5 is the custom.

    Returns
    -------
    DataFrame
        One row per customer, in the order of the summary: customer_id, days_since_last (from the
        last purchase to the end of observation), frequency (repeat purchases), monetary_value
        (mean spend of a repeat purchase; 0 for one-time buyers, who so share the lowest score),
        r_score, f_score, m_score, rfm_score (the scores in a row, such as ``"543"``, with dashes
        between from ten bins on) and rfm_sum. Without amounts, no monetary_value and no m_score.

    Raises
    ------
    DataError
        If ``rfm`` is no RFM.
    OptionError
        If ``bins`` is no whole number from 2 up.

    See Also
    --------
    predclv.segments.tiers : each customer in one tier, with the reason.
    predclv.rfm_summary : a log to one row per customer.

    References
    ----------
    Hughes, A. M. (1994). Strategic Database Marketing, on scoring by quintiles.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> scores = pc.segments.rfm_scores(rfm)
    >>> scores[["customer_id", "r_score", "f_score", "m_score", "rfm_score"]].head(2)
       customer_id  r_score  f_score  m_score rfm_score
    0            1        4        4        4       444
    1            2        1        3        3       133
    """
    if not isinstance(rfm, RFM):
        raise DataError(
            f"rfm_scores wants an RFM (pc.rfm_summary or pc.RFM.from_frame); got "
            f"{type(rfm).__name__}."
        )
    if not isinstance(bins, (int, np.integer)) or isinstance(bins, bool) or bins < 2:
        raise OptionError(f"bins must be a whole number of at least 2; got {bins!r}.")
    frame = rfm.frame
    # Whole days where the summary is of whole days: weeks / 7 would tell equal silences apart.
    silence = np.round((frame["T"] - frame["recency"]).to_numpy() * days_per(rfm.unit), 6)
    columns = {
        "customer_id": frame["customer_id"],
        "days_since_last": silence,
        "frequency": frame["frequency"],
    }
    better = {"r": -silence, "f": frame["frequency"].to_numpy()}
    if rfm.has_spend:
        columns["monetary_value"] = frame["monetary_value"]
        better["m"] = frame["monetary_value"].to_numpy()
    scored = pd.DataFrame(columns)
    for letter, values in better.items():
        below, n = number_below(values)
        scored[f"{letter}_score"] = 1 + below * int(bins) // n
    parts = scored[[f"{letter}_score" for letter in better]]
    text = parts.astype(str)
    scored["rfm_score"] = text.iloc[:, 0].str.cat(text.iloc[:, 1:], sep="" if bins < 10 else "-")
    scored["rfm_sum"] = parts.sum(axis=1)
    return scored
