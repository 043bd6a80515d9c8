"""Were we right about who gives? Later periods held out, and every forecaster scored on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.fitted import FittedContracts
from predclv.contracts.opportunities import STATE
from predclv.contracts.opportunity_baselines import FittedShare
from predclv.contracts.opportunity_outlook import opportunities_ahead, simulated_opportunities
from predclv.contracts.opportunity_split import OpportunitySplit
from predclv.contracts.parts import parts_of
from predclv.contracts.scored import Scored, fitted_to, score_table
from predclv.streams import whole_seed
from predclv.units import probability

_FUTURES = 1000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpportunityValidation(Scored):
    """How forecasters of opportunities did on periods they had not seen.

    Attributes
    ----------
    frame : DataFrame
        One row per forecaster; see :func:`validated_opportunities`.
    by_period : DataFrame
        Opportunities ``actual`` and a column per forecaster, by period after the cut.
    by_frequency : DataFrame
        The same per customer, by opportunities taken up to the cut: where a forecaster is wrong.
    split : OpportunitySplit
    level : float
    failed : mapping
        Why a forecaster has no row, by name.
    """

    frame: pd.DataFrame
    by_period: pd.DataFrame
    by_frequency: pd.DataFrame
    split: OpportunitySplit
    level: float
    failed: Mapping[str, str]

    def findings(self) -> list[str]:
        """What the numbers say, in sentences."""
        frame, best = self.frame, str(self.frame["rmse"].idxmin())
        lines = [
            f"Closest to what customers took: {best}, {frame['rmse'][best]:.3f} off (root mean "
            f"square) of {frame['actual'].iloc[0] / self.split.calibration.n_customers:.2f} taken "
            f"on average in {self.split.periods} {self.split.calibration.period}s."
        ]
        models = [name for name in frame.index if np.isfinite(frame["coverage"][name])]
        rules = [name for name in frame.index if name not in models]
        if models and rules:
            model, rule = (str(frame.loc[of, "rmse"].idxmin()) for of in (models, rules))
            better = frame["rmse"][model] < frame["rmse"][rule]
            lines.append(
                f"{model} {'beats' if better else 'does not beat'} the best rule of thumb, "
                f"{rule!r}: {frame['rmse'][model]:.3f} to {frame['rmse'][rule]:.3f}; of all "
                f"together {frame['error'][model]:+.1%} to {frame['error'][rule]:+.1%}."
            )
        return [*lines, *Scored.findings(self)]


def validated_opportunities(
    forecasters: Any, split: OpportunitySplit, level: float = 0.9, seed: int | None = None
) -> OpportunityValidation:
    """Fit forecasters to what was known, and score them on the opportunities taken since.

    Returns
    -------
    OpportunityValidation
        ``frame`` has, per forecaster: opportunities ``expected`` in all and ``actual``; ``error``
        of that total and, of models, its ``lower`` and ``upper``; ``mae`` and ``rmse`` per
        customer; ``brier`` of whether a customer took any; ``coverage`` of customers' intervals
        and their mean ``width``, NaN for who has none.

    Raises
    ------
    DataError, OptionError
        If there is no forecaster, or none can forecast.
    """
    level = probability(level, "level")
    seed = whole_seed(seed)
    known, came = split.calibration, split.came
    keys = [name for name in came if name not in ("later", "customers")]
    fits, failed = fitted_to(forecasters, lambda recipe: known if recipe.by else known.together())
    rows = {}
    years = {"actual": split.by_period.to_numpy(float)}
    taken = came["later"] * came["customers"]
    by_x = came.groupby("frequency")
    of_x = {"customers": by_x["customers"].sum(), "actual": taken.groupby(came["frequency"]).sum()}
    for name, fitted in fits.items():
        seen = _seen(fitted, known, split.periods, level, seed)
        joined = came.merge(seen.histories, on=keys, how="left", validate="m:1")
        rows[name] = _scores(joined, came) | seen.total
        years[name] = seen.by_period
        expected = joined["expected"] * joined["customers"]
        of_x[name] = expected.groupby(joined["frequency"]).sum()
    by_frequency = pd.DataFrame(of_x)
    shown = by_frequency.columns[1:]
    by_frequency[shown] = by_frequency[shown].div(by_frequency["customers"], axis="index")
    by_period = pd.DataFrame(years, index=split.by_period.index)
    frame = score_table(rows)
    return OpportunityValidation(frame, by_period, by_frequency, split, level, failed)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What a forecaster expects: of each history, of each period (periods,), and of all."""

    histories: pd.DataFrame
    by_period: NDArray
    total: dict[str, float]


def _seen(fitted: Any, known: Any, periods: int, level: float, seed: int) -> _Seen:
    rows = known.running()
    weight = rows["customers"].to_numpy(float)
    if isinstance(fitted, FittedShare):
        chance = fitted.chance(rows)
        found = rows.drop(columns="customers").assign(
            expected=periods * chance, p_active=1.0 - (1.0 - chance) ** periods,
            lower=np.nan, upper=np.nan,
        )  # fmt: skip
        none = {"lower": np.nan, "upper": np.nan}
        return _Seen(found, np.full(periods, float(weight @ chance)), none)
    assert isinstance(fitted, FittedContracts)
    columns = {n: np.empty(len(rows)) for n in ("expected", "p_active", "lower", "upper")}
    by_period, drawn = np.zeros(periods), np.zeros(_FUTURES)
    for i, part in enumerate(parts_of(fitted.fits, fitted.recipe.by, rows, known, list(STATE))):
        seen = opportunities_ahead(part.fit, part.state, periods, 0.0, level, seed)
        assert seen.counts is not None
        values = (seen.purchases, seen.p_active, seen.counts[0], seen.counts[1])
        for name, value in zip(columns, values, strict=True):
            columns[name][part.rows] = value[part.place]
        by_period += part.total @ seen.by_period
        rng = np.random.default_rng([seed % (1 << 63), i])
        drawn += simulated_opportunities(
            part.fit, part.state, part.total, periods, _FUTURES, seed, rng
        ).sum(axis=(1, 2))
    lower, upper = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    total = {"lower": float(lower), "upper": float(upper)}
    return _Seen(rows.drop(columns="customers").assign(**columns), by_period, total)


def _scores(joined: pd.DataFrame, came: pd.DataFrame) -> dict[str, float]:
    n, later = came["customers"].to_numpy(float), came["later"].to_numpy(float)
    expected = joined["expected"].to_numpy()
    off, total = expected - later, float(n @ later)
    lower, upper = joined["lower"].to_numpy(), joined["upper"].to_numpy()
    has = not np.isnan(lower).any()
    inside = (later >= lower) & (later <= upper)
    return {
        "expected": float(n @ expected),
        "actual": total,
        "error": float(n @ expected) / total - 1.0 if total else np.nan,
        "mae": float(np.average(np.abs(off), weights=n)),
        "rmse": float(np.sqrt(np.average(off**2, weights=n))),
        "brier": float(np.average((joined["p_active"] - (later > 0)) ** 2, weights=n)),
        "coverage": float(np.average(inside, weights=n)) if has else np.nan,
        "width": float(np.average(upper - lower, weights=n)) if has else np.nan,
    }
