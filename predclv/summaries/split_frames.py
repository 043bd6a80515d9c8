"""Frames of calibration and holdout made elsewhere: whose columns they are, and what they hold."""

from collections.abc import Mapping

import pandas as pd

from predclv.errors import DataError, some
from predclv.notices import counted

_LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "lifetimes": {
        "frequency_cal": "frequency",
        "recency_cal": "recency",
        "T_cal": "T",
        "monetary_value_cal": "monetary_value",
        "frequency_holdout": "frequency_holdout",
        "monetary_value_holdout": "spend_per_purchase",
        "duration_holdout": "duration_holdout",
    },
    "pymc-marketing": {
        "frequency": "frequency",
        "recency": "recency",
        "T": "T",
        "monetary_value": "monetary_value",
        "test_frequency": "frequency_holdout",
        "test_monetary_value": "spend_per_purchase",
        "test_T": "duration_holdout",
    },
}
"""The columns of other packages' frames of calibration and holdout, and ours."""


def layout_of(frame: pd.DataFrame) -> Mapping[str, str]:
    """Whose columns these are."""
    optional = ("monetary_value", "spend_per_purchase")
    for names in _LAYOUTS.values():
        if all(name in frame for name, ours in names.items() if ours not in optional):
            return names
    needed = "; or of ".join(
        f"{package}: {', '.join(name for name, ours in names.items() if ours not in optional)}"
        for package, names in _LAYOUTS.items()
    )
    raise DataError(
        f"These are not the columns of a calibration and a holdout. Needed are those of {needed}. "
        f"Found are {some(frame.columns, 20)}. For a log of purchases use holdout_split."
    )


def check_outcome(came: pd.DataFrame) -> None:
    """Counts that are counts, and one length of the holdout for all."""
    counts = came["frequency_holdout"]
    wrong = came.index[counts.isna() | (counts < 0) | (counts % 1 != 0)]
    if len(wrong):
        raise DataError(
            f"{counted(len(wrong), 'customer has', 'customers have')} a count of purchases in the "
            f"holdout that is no whole number from 0 up (ids {some(wrong)})."
        )
    lengths = came["duration_holdout"].unique()
    if len(lengths) > 1 or not lengths[0] > 0:
        raise DataError(
            "The holdout must be equally long, and longer than 0, for all customers; found "
            f"durations of {some(lengths)}. Score the groups one by one."
        )
