"""Were we right about renewals? Later periods held out, and every forecaster scored on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.baselines import ConstantChurn, FittedCurve, stays_on
from predclv.contracts.fitted import FittedContracts
from predclv.contracts.outlook import simulated_payments
from predclv.contracts.parts import Part, parts_of
from predclv.contracts.prospects import central, mean_of_draws
from predclv.contracts.renewals import Renewals
from predclv.contracts.scored import Scored, fitted_to, score_table
from predclv.engines.result import Fit
from predclv.errors import DataError
from predclv.notices import counted
from predclv.streams import whole_seed
from predclv.units import probability

_FUTURES = 1000


@dataclass(frozen=True, slots=True, repr=False)
class RenewalSplit:
    """Contracts as they were known some periods ago, and what came.

    Attributes
    ----------
    calibration : Renewals
        What was known.
    whole : Renewals
        What is known now.
    periods : int
        Periods between the two.
    """

    calibration: Renewals
    whole: Renewals
    periods: int

    def running(self) -> pd.DataFrame:
        """Contracts that ran at the cut, of each cohort those that had come as far as it.

        Columns: the plan, if any; ``pattern``, where covariates are known; ``cohort``;
        ``renewals`` behind them; ``customers``.
        """
        keys = [*self.calibration.keys, "cohort"]
        rows = self.calibration.running()
        rows = rows.groupby([*keys, "renewals"], as_index=False, observed=True)[["customers"]].sum()
        cohort = [rows[key] for key in keys if key != "pattern"]
        last = rows["renewals"].groupby(cohort, observed=True).transform("max")
        return rows[rows["renewals"] == last].reset_index(drop=True)

    def came(self) -> pd.DataFrame:
        """What came of contracts that ran at the cut, a row per cohort and later age.

        Columns: the plan, if any; ``cohort``; ``renewals`` behind them at the cut; ``ahead`` (1, 2,
        ...); ``customers`` at the cut; ``at_risk`` and ``renewed`` at that age; ``survivors``.
        Where a cohort's contracts are observed for different times, survivors are customers times
        the shares that renewed.
        """
        apart = self.calibration.keys
        keys = [*apart, "cohort"]
        found = self.running().merge(self.whole.by_age(apart), on=keys, how="left", validate="1:m")
        found = found[(found["age"] > found["renewals"]) & (found["at_risk"] > 0)]
        found = found.sort_values([*keys, "age"], kind="stable")
        found["ahead"] = found["age"] - found["renewals"]
        share = found["renewed"] / found["at_risk"]
        stays = share.groupby([found[key] for key in keys], observed=True).cumprod()
        found["survivors"] = found["customers"] * stays
        found = found.drop(columns="age")
        if "pattern" not in found:
            return found.reset_index(drop=True)
        of = [key for key in keys if key != "pattern"] + ["renewals"]
        sums = found.drop(columns=["pattern", "customers"]).groupby([*of, "ahead"], observed=True)
        customers = self.running().groupby(of, as_index=False, observed=True)[["customers"]].sum()
        return customers.merge(sums.sum().reset_index(), on=of, how="inner")

    def __repr__(self) -> str:
        return (
            f"RenewalSplit: {self.calibration!r}; "
            f"{counted(self.periods, self.whole.period)} held out"
        )


def split_of(renewals: Renewals, periods: int) -> RenewalSplit:
    """Hold out the last periods of every cohort."""
    return RenewalSplit(renewals.as_of(periods), renewals, int(periods))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ContractValidation(Scored):
    """How forecasters of renewals did on periods they had not seen.

    Attributes
    ----------
    frame : DataFrame
        One row per forecaster; see :func:`validated`.
    by_age : DataFrame
        One row per forecaster, cohort and age: ``survivors`` that came and ``expected``, with
        ``lower`` and ``upper`` where the forecaster has an interval.
    split : RenewalSplit
    level : float
    failed : mapping
        Why a forecaster has no row, by name.
    """

    frame: pd.DataFrame
    by_age: pd.DataFrame
    split: RenewalSplit
    level: float
    failed: Mapping[str, str]

    def calibration(self) -> pd.DataFrame:
        """Survival by periods ahead, cohorts together: ``actual`` and a column per forecaster."""
        sums = self.by_age.groupby(["forecaster", "ahead"], sort=False)[
            ["customers", "survivors", "expected"]
        ].sum()
        share = (sums["expected"] / sums["customers"]).unstack("forecaster")
        share = share[list(self.frame.index)]
        first = sums.xs(self.frame.index[0], level="forecaster")
        share.insert(0, "actual", first["survivors"] / first["customers"])
        return share

    def findings(self) -> list[str]:
        """What the numbers say, in sentences; among them whether the formula would have done."""
        frame = self.frame
        best = str(frame["mae_survival"].idxmin())
        lines = [
            f"Closest to the survival that came: {best}, {frame['mae_survival'][best]:.1%} off on "
            f"average over {self.split.periods} {self.split.whole.period}s."
        ]
        formula = ConstantChurn.title
        models = [name for name in frame.index if np.isfinite(frame["coverage"][name])]
        if formula in frame.index and models:
            model = str(frame.loc[models, "mae_survival"].idxmin())
            off, wrong = frame["mae_survival"][formula], frame["horizon_error"][formula]
            noise = float(
                np.sqrt((self.by_age["survivors"] / self.by_age["customers"] ** 2).mean())
            )
            if off <= frame["mae_survival"][model] + 0.5 * noise:
                lines.append(
                    f"The formula with constant churn would have done: {off:.1%} off on average, "
                    f"{model} {frame['mae_survival'][model]:.1%}."
                )
            else:
                lines.append(
                    f"The formula with constant churn would have been {abs(wrong):.0%} too "
                    f"{'low' if wrong < 0 else 'high'} at the end, {model} "
                    f"{abs(frame['horizon_error'][model]):.0%} too "
                    f"{'low' if frame['horizon_error'][model] < 0 else 'high'}."
                )
        return [*lines, *Scored.findings(self)]


def validated(
    forecasters: Any, split: RenewalSplit, level: float = 0.9, seed: int | None = None
) -> ContractValidation:
    """Fit forecasters of renewals to what was known, and score them on what came.

    Returns
    -------
    ContractValidation
        ``frame`` has, per forecaster: ``renewals`` expected in all and ``actual``; ``error`` of
        that total; ``horizon_error``, of how many are left at the end; ``mae_survival``, how far
        the share that is left is off, on average over cohorts (by customers) and ages;
        ``log_score``, log-likelihood per renewal that came up; ``coverage`` of survivors by their
        intervals and their mean ``width``, NaN for who has none.

    Raises
    ------
    DataError, OptionError
        If there is no forecaster, or none can forecast.
    """
    level = probability(level, "level")
    came = split.came()
    if not len(came):
        raise DataError("No contract that ran at the cut has come up for renewal since.")
    seed = whole_seed(seed)

    def known(recipe: Any) -> Renewals:
        by = getattr(recipe, "by", split.whole.by)
        return split.calibration if by else split.calibration.together()

    fits, failed = fitted_to(forecasters, known)
    parts = {name: _scored_rows(fit, came, split, level, seed) for name, fit in fits.items()}
    frame = score_table({name: _scores(part) for name, part in parts.items()})
    for name, part in parts.items():
        part.insert(0, "forecaster", name)
    by_age = pd.concat(parts.values(), ignore_index=True)
    return ContractValidation(frame, by_age, split, level, failed)


def _scored_rows(
    fitted: Any, came: pd.DataFrame, split: RenewalSplit, level: float, seed: int
) -> pd.DataFrame:
    """What came, with what was expected of it."""
    found, start, by = came.copy(), split.running(), split.whole.by
    keys = ([by] if by else []) + ["cohort"]
    cohorts = start[keys].drop_duplicates().reset_index(drop=True)
    index = pd.MultiIndex.from_frame(cohorts)
    of_start = index.get_indexer(pd.MultiIndex.from_frame(start[keys]))
    length = int(came["ahead"].max())
    expected = np.zeros((len(cohorts), length + 1))
    np.add.at(expected[:, 0], of_start, start["customers"].to_numpy(float))
    is_model = isinstance(fitted, FittedContracts)
    drawn = np.zeros((_FUTURES if is_model else 0, len(cohorts), length))
    for i, part in enumerate(_parts(fitted, start, by, split.calibration)):
        rows, place = of_start[part.rows], part.place
        weight = start["customers"].to_numpy(float)[part.rows]
        ahead = _stays(part, length)[place] * weight[:, None]
        np.add.at(expected[:, 1:], rows, ahead)
        if is_model:
            rng = np.random.default_rng([seed % (1 << 63), i])
            state = {"renewals": part.state["renewals"][place]}
            paid = simulated_payments(
                part.fit, state, weight.astype(np.int64), length, _FUTURES, seed + i, rng
            )
            for k, row in enumerate(rows):
                drawn[:, row] += paid[:, k]
    at = index.get_indexer(pd.MultiIndex.from_frame(found[keys]))
    ahead = found["ahead"].to_numpy()
    found["expected"] = expected[at, ahead]
    found["retention"] = expected[at, ahead] / np.maximum(expected[at, ahead - 1], 1e-300)
    found["lower"], found["upper"] = np.nan, np.nan
    if is_model:
        bounds = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        found["lower"], found["upper"] = bounds[:, at, ahead - 1]
    found["is_last"] = found["ahead"] == found.groupby(keys, observed=True)["ahead"].transform(
        "max"
    )
    return found


def _parts(fitted: Any, start: pd.DataFrame, by: str | None, known: Renewals) -> list[Part]:
    """The contracts at the cut by what is forecast of them."""
    of = by if by and None not in _plans(fitted) else None
    return parts_of(_plans(fitted), of, start, known, ["renewals"])


def _plans(fitted: Any) -> Mapping[Any, Any]:
    return fitted.curves if isinstance(fitted, FittedCurve) else fitted.fits


def _stays(part: Part, length: int) -> NDArray:
    """The chance of 1, 2, ... further renewals, shape (n, length)."""
    ages = part.state["renewals"]
    if not isinstance(part.fit, Fit):
        return stays_on(part.fit, ages, length)
    model = central(part.fit)
    k = np.arange(1.0, length + 1.0)
    return np.array([mean_of_draws(model.survival_after(k, float(m)), length) for m in ages])


def _scores(part: pd.DataFrame) -> dict[str, float]:
    n, actual, expected = (part[c].to_numpy(float) for c in ("customers", "survivors", "expected"))
    last = part["is_last"]
    r = np.clip(part["retention"].to_numpy(), 1e-12, 1 - 1e-12)
    up, made = part["at_risk"].to_numpy(float), part["renewed"].to_numpy(float)
    inside = (actual >= part["lower"] - 1e-9) & (actual <= part["upper"] + 1e-9)
    has = part["lower"].notna().all()
    return {
        "renewals": expected.sum(),
        "actual": actual.sum(),
        "error": expected.sum() / actual.sum() - 1.0 if actual.sum() else np.nan,
        "horizon_error": float(expected[last].sum() / actual[last].sum() - 1.0)
        if actual[last].sum()
        else np.nan,
        "mae_survival": float(np.average(np.abs(expected - actual) / n, weights=n)),
        "log_score": float((made @ np.log(r) + (up - made) @ np.log1p(-r)) / up.sum()),
        "coverage": float(inside.mean()) if has else np.nan,
        "width": float((part["upper"] - part["lower"]).mean()) if has else np.nan,
    }
