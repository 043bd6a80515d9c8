"""All forecasters of a validation on one page."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import pyplot as plt

from predclv.errors import DataError, OptionError, did_you_mean
from predclv.notices import counted
from predclv.plots.calibration import calibration
from predclv.plots.gains import gains
from predclv.plots.holdout import holdout_by_frequency, holdout_by_recency
from predclv.plots.inputs import validation_of
from predclv.plots.probability import coverage_curve, pit_histogram
from predclv.plots.style import span_in_words
from predclv.plots.tracking import tracking
from predclv.validation.result import Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES: "dict[str, Callable[..., Axes]]" = {
    "calibration": calibration,
    "calibration_spend": partial(calibration, value="spend"),
    "tracking": tracking,
    "tracking_incremental": partial(tracking, cumulative=False),
    "holdout_by_frequency": holdout_by_frequency,
    "holdout_by_recency": holdout_by_recency,
    "pit_histogram": pit_histogram,
    "coverage_curve": coverage_curve,
    "gains": gains,
    "gains_spend": partial(gains, value="spend"),
}
"""What `compare` and the report can show of a validation."""


def compare(
    validation: Validation,
    which: Sequence[str] = ("calibration", "gains", "holdout_by_frequency", "coverage_curve"),
) -> "Figure":
    """The chosen pictures for all forecasters on one page; each forecaster looks alike in all.

    Parameters
    ----------
    validation : Validation
    which : sequence of str
        Of calibration, calibration_spend, tracking, tracking_incremental, holdout_by_frequency,
        holdout_by_recency, pit_histogram, coverage_curve, gains and gains_spend. One that cannot
        be shown here (no distribution, no log, no spend) says so in its place.

    Returns
    -------
    Figure

    Raises
    ------
    OptionError
        If a name is unknown, or there is none.

    See Also
    --------
    predclv.plots.calibration : forecast against actual by decile.
    predclv.plots.gains : what the best forecast brought.
    predclv.validate : forecasts against what came, at one day.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> figure = pc.plots.compare(found, which=("calibration", "gains"))
    >>> len(figure.axes)
    2
    """
    validation = validation_of(validation, "compare")
    which = [which] if isinstance(which, str) else list(which)
    for name in which:
        if name not in PICTURES:
            raise OptionError(
                f"There is no picture {name!r} of a validation; there are {', '.join(PICTURES)}."
                f"{did_you_mean(name, PICTURES)}"
            )
    if not which:
        raise OptionError("Choose at least one picture.")
    columns = min(len(which), 2)
    rows = -(-len(which) // columns)
    figure = plt.figure(figsize=(8.0 * columns, 4.6 * rows + 0.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for panel, name in zip(panels, which, strict=False):
        try:
            PICTURES[name](validation, ax=panel)
        except DataError as error:
            panel.set_axis_off()
            panel.text(0.5, 0.5, f"{name}: {error}", ha="center", va="center", wrap=True,
                       fontsize=9, transform=panel.transAxes)  # fmt: skip
    for empty in panels[len(which) :]:
        empty.remove()
    split = validation.split
    figure.suptitle(
        f"{counted(len(validation), 'forecaster')} of {counted(len(split), 'customer')} over "
        f"{span_in_words(split.duration, split.unit)}",
        x=0.01, ha="left", fontsize=13,
    )  # fmt: skip
    return figure
