"""What a fitted recipe checks of customers that it is given, or reads."""

import pandas as pd

from predclv.errors import DataError, StoreError
from predclv.summaries.rfm import RFM

_MOST = 1e15


def assert_countable(customers: pd.DataFrame) -> None:
    """No number of a saved summary is beyond what a double counts: formulas overflow there."""
    names = [n for n in ("frequency", "recency", "T", "monetary_value") if n in customers]
    if (customers[names].abs() > _MOST).any(axis=None):
        raise StoreError(f"Customers have numbers beyond {_MOST:g}, which no log gives.")


def assert_summary(
    rfm: object, wanted: str, made_by: str = "pc.rfm_summary or pc.RFM.from_frame"
) -> None:
    """Raise DataError, which begins with who wanted it, unless it is a summary of customers."""
    if not isinstance(rfm, RFM):
        raise DataError(f"{wanted} an RFM ({made_by}); got {type(rfm).__name__}.")
