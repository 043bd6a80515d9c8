"""Numbers as they are printed: what agrees with them, and what they are printed at."""

import numpy as np


def after_last_digit(printed: str) -> float:
    """Half a unit of the last digit of a printed number, and a trace for numbers on the half."""
    return 0.5000001 * 10.0 ** -len(printed.partition(".")[2])


def agrees(value: float, printed: str) -> bool:
    """Whether a value rounds to a number as it is printed, which is the only tolerance here."""
    return abs(float(value) - float(printed)) <= after_last_digit(printed)


# BTYD's vignette fits with an optimiser that stops within 1e-4 of the maximum, in relative terms:
# what it prints has seven digits and four of them are the model's.
BTYD = 1e-4
WEEKLY = np.log(1.15) / 52  # 15% a year, per week


def holdout_mae(model, split) -> float:
    history = [split.rfm.frame[name] for name in ("frequency", "recency", "T")]
    expected = model.expected_purchases_after(split.duration, *history)
    return float(np.mean(np.abs(expected - split.frame["frequency_holdout"])))
