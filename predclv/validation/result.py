"""Validation: several forecasters of one holdout, scored side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from predclv.baselines.base import FittedBaseline
from predclv.errors import OptionError, did_you_mean
from predclv.forecast.result import Forecast
from predclv.io.pages import write_page
from predclv.money import money
from predclv.notices import counted
from predclv.streams import generator
from predclv.summaries.splits import HoldoutSplit
from predclv.validation.calibration import randomised_pit
from predclv.validation.findings import findings_of

SHOWN = (
    "mae", "rmse", "bias", "spearman", "top_decile_capture", "crps", "coverage", "total_coverage",
    "spend_mae", "spend_bias", "spend_total_coverage", "brier", "auc",
)  # fmt: skip
"""The metrics of the short form that a notebook or a terminal shows."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Validation:
    """What several forecasters said of one holdout, and how right each was.

    Attributes
    ----------
    forecasts : mapping of str to Forecast
        The forecasts that were scored, by the forecasters' names.
    fits : mapping of str to fitted object
        What made them: FittedCLV, fitted baselines; a ready-made Forecast has none.
    split : HoldoutSplit
        The customers as they were, and what they then did.
    level : float
        Of the intervals whose coverage and width were measured.
    failed : mapping of str to str
        Why a forecaster could not be fitted, forecast or be scored, by its name; its row of
        ``frame`` is NaN.
    losses : mapping of str to mapping of str to ndarray
        What each customer adds to a metric, of shape (n,), by forecaster and metric; smaller is
        better. Differences of two forecasters are judged by them, customer by customer.

    See Also
    --------
    predclv.validate : forecasts against what came, at one day.
    predclv.plots.compare : several pictures on a page.
    predclv.Backtest : validations from several days.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> found.frame[["mae", "bias", "crps"]].round(2)
                 mae  bias  crps
    forecaster
    BG/NBD      0.79 -0.12  0.51
    past rate   1.02  0.56  1.02
    """

    forecasts: Mapping[str, Forecast]
    fits: Mapping[str, Any]
    split: HoldoutSplit
    level: float
    failed: Mapping[str, str]
    losses: Mapping[str, Mapping[str, NDArray]]
    _frame: pd.DataFrame = field(repr=False)
    _totals: pd.DataFrame = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per forecaster, one column per metric; see :func:`predclv.validate`."""
        return self._frame.copy()

    @property
    def totals(self) -> pd.DataFrame:
        """The base as a whole, forecast and actual.

        Index ``forecaster`` and ``of`` (purchases, revenue); columns forecast, lower, upper,
        actual, and covered: whether the interval of ``forecast.total()`` holds what came, missing
        for a forecaster without one.
        """
        return self._totals.copy()

    @property
    def findings(self) -> tuple[str, ...]:
        """What the table means, in sentences.

        Who could not forecast; whose totals and intervals are off; which baseline beats which
        model on which subject, with the standard error of the difference over customers.
        """
        return findings_of([self])

    @property
    def baselines(self) -> tuple[str, ...]:
        """The names of the forecasters that are baselines."""
        return tuple(n for n, fitted in self.fits.items() if isinstance(fitted, FittedBaseline))

    def pit(self, name: str, seed: int | None = None) -> NDArray | None:
        """Randomised probability integral transform of what came, shape (n,).

        Uniform on 0 to 1 where the forecaster's distributions are right: see
        :func:`predclv.validation.calibration.randomised_pit`. None where the forecaster states no
        distribution.

        Parameters
        ----------
        name : str
            The forecaster.
        seed : int, optional
            Of the randomisation; None draws afresh.

        Raises
        ------
        OptionError
            If there is no forecaster of that name.
        """
        if name in self.failed:
            raise OptionError(f"{name} {self.failed[name]}")
        if name not in self.forecasts:
            raise OptionError(
                f"There is no forecaster {name!r} here, but {', '.join(self.forecasts)}."
                f"{did_you_mean(name, self.forecasts)}"
            )
        counts = self.forecasts[name].counts()
        if counts is None:
            return None
        actual = self.split.frame["frequency_holdout"].to_numpy()
        return randomised_pit(counts, actual, generator(seed))

    def to_html(self, path: str | Path) -> None:
        """Write a report as one self-contained HTML page: tables, pictures, findings.

        Raises
        ------
        StoreError
            If it cannot be written; an earlier page is then as it was.
        """
        write_page("validation", path, self)

    def __len__(self) -> int:
        return len(self._frame)

    def headline(self) -> str:
        """The holdout in a sentence."""
        split = self.split
        actual = split.frame
        spend = ""
        if "spend_holdout" in actual:
            spend = f" worth {money(actual['spend_holdout'].sum(), split.rfm.currency)}"
        new = (
            f"; {counted(split.new_customers, 'customer')} who joined later could not be forecast"
            if split.new_customers
            else ""
        )
        return (
            f"Validation of {counted(len(self), 'forecaster')} on {counted(len(split), 'customer')}"
            f" over {split.duration:g} {split.unit}s: "
            f"{counted(int(actual['frequency_holdout'].sum()), 'purchase')} came{spend}{new}"
        )

    def _short(self) -> pd.DataFrame:
        return self._frame[list(SHOWN)].dropna(axis="columns", how="all")

    def __repr__(self) -> str:
        table = self._short().T.rename_axis(index=None, columns=None)
        lines = [self.headline(), table.to_string(float_format="{:.3f}".format, na_rep="-")]
        return "\n".join([*lines, *foremost(self.findings)])

    def _repr_html_(self) -> str:
        table = (
            self._short()
            .rename_axis(index=None)
            .to_html(border=0, float_format="{:.3f}".format, na_rep="-")
        )
        said = "".join(f"<li>{escape(finding)}</li>" for finding in foremost(self.findings))
        return f"<p><b>{escape(self.headline())}</b></p>{table}" + (f"<ul>{said}</ul>" * bool(said))


def foremost(findings: tuple[str, ...], most: int = 12) -> list[str]:
    """The first findings, and how many more there are."""
    more = len(findings) - most
    return [*findings[:most], *([f"... and {more} more in .findings"] if more > 0 else [])]
