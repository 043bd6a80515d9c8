"""The CDNOW log, the data set on which this family of models has always been shown."""

import importlib.util
from pathlib import Path

import pandas as pd

from predclv.errors import OptionError, did_you_mean

__all__ = ["load_cdnow"]

_COLUMNS = {
    "sample": ["master_id", "customer_id", "date", "quantity", "amount"],
    "master": ["customer_id", "date", "quantity", "amount"],
}


def load_cdnow(which: str = "sample") -> pd.DataFrame:
    """Purchases at CDNOW, an online shop for music, January 1997 to June 1998.

    Everybody in it bought for the first time in the first twelve weeks. The papers fit models on
    the first 39 weeks (to 1997-09-30) and hold out the next 39.

    Parameters
    ----------
    which : str
        ``"sample"``: the papers' 1/10 sample of 2,357 customers; ``"master"``: all 23,570.

    Returns
    -------
    pandas.DataFrame
        One row per purchase: customer_id (int64; in the sample 1 to 2,357), date (datetime64),
        amount (float64, dollars).

    Raises
    ------
    OptionError
        If ``which`` is neither.

    See Also
    --------
    predclv.rfm_summary : a log to one row per customer.
    predclv.holdout_split : cut a log at a day.

    References
    ----------
    Fader, P. S. and Hardie, B. G. S. (2001), Forecasting repeat sales at CDNOW: a case study.
    Interfaces 31(3). The file comes with the lifetimes package.

    Examples
    --------
    >>> log = load_cdnow()
    >>> log["customer_id"].nunique()
    2357
    >>> log.head(2)
       customer_id       date  amount
    0            1 1997-01-01   29.33
    1            1 1997-01-18   29.73
    """
    if which not in _COLUMNS:
        raise OptionError(
            f"which must be sample or master; got {which!r}.{did_you_mean(which, _COLUMNS)}"
        )
    log = pd.read_csv(
        _folder() / f"CDNOW_{which}.txt",
        sep=r"\s+",
        header=None,
        skiprows=1 if which == "master" else 0,
        names=_COLUMNS[which],
        dtype={"customer_id": "int64", "date": "str", "amount": "float64"},
    )
    log["date"] = pd.to_datetime(log["date"], format="%Y%m%d")
    return log[["customer_id", "date", "amount"]]


def _folder() -> Path:
    """Where lifetimes keeps its data; the package itself is not imported, which is slow."""
    spec = importlib.util.find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("The CDNOW log comes with the lifetimes package: install it.")
    return Path(spec.submodule_search_locations[0]) / "datasets"
