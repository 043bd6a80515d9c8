"""Findings about the customer base as a whole: its total, from one origin and from several."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import binom

from predclv.baselines.base import FittedBaseline
from predclv.baselines.rules_of_thumb import SamePeriodLastYear
from predclv.money import money
from predclv.units import days_per
from predclv.validation.losses import apart

if TYPE_CHECKING:
    from predclv.validation.result import Validation

_FAR_OFF = 0.25  # of a total, from which on it is said
_RARE = 0.1 + 1e-9  # the chance, if intervals held their level, of so few totals within them
_CLEAR = 0.10  # of a total, from which on it counts as too high or too low for a season
_SEASON = 300  # days; of longer horizons every one has nearly the whole year in it


def totals_off(name: str, rules: Sequence[str], validations: Sequence["Validation"]) -> str:
    """Where the totals of a model are far off, or more often outside their intervals than not."""
    doubts = []
    for of, metric in (("purchases", "bias"), ("revenue", "spend_bias")):
        rows = [row for v in validations if (row := _total(name, of, v)) is not None]
        if not rows:
            continue
        biases = [row.forecast / row.actual - 1.0 for row in rows]
        inside = [row.lower <= row.actual <= row.upper for row in rows if row.lower == row.lower]
        # With rules alone, or a forecast of another level, there is no interval to be outside of.
        held = binom.cdf(sum(inside), len(inside), validations[0].level) if inside else 1.0
        if held >= _RARE and abs(np.mean(biases)) <= _FAR_OFF:
            continue
        noun = "purchases" if of == "purchases" else "spend"
        nearer = _nearer(name, rules, metric, validations)
        if len(validations) == 1:
            currency = validations[0].split.rfm.currency if of == "revenue" else None
            doubts.append(_one_total(noun, rows[0], biases[0], inside, currency) + nearer)
            continue
        out = len(inside) - sum(inside)
        doubts.append(
            f"{noun} {_off(float(np.mean(biases)))} on average over {len(rows)} origins"
            + (f", outside their intervals from {out} of {len(inside)}" if inside else "")
            + nearer
        )
    which = "The total" if len(validations) == 1 else "Totals"
    return f"{which} of {name}: {'; '.join(doubts)}." if doubts else ""


class _Row(NamedTuple):
    forecast: float
    lower: float
    upper: float
    actual: float


def _total(name: str, of: str, validation: "Validation") -> _Row | None:
    """A forecaster's total beside what came, where something came."""
    table = validation.totals
    if (name, of) not in table.index:
        return None
    row = _Row(*table.loc[(name, of), list(_Row._fields)].astype(float))
    return row if row.actual > 0 and np.isfinite(row.forecast) else None


def _nearer(
    name: str, rules: Sequence[str], metric: str, validations: Sequence["Validation"]
) -> str:
    """The baseline whose totals are nearest to what came, if nearer beyond chance."""
    off = {rule: apart(name, rule, metric, validations) for rule in rules}
    worse = {rule: each.mean for rule, each in off.items() if each is not None and each.is_worse}
    return f", {max(worse, key=lambda rule: worse[rule])} is nearer" if worse else ""


def _one_total(
    noun: str, row: _Row, bias: float, inside: Sequence[bool], currency: str | None
) -> str:
    bounds = ""
    forecast, lower, upper, actual = (money(number, currency, digits=0) for number in row)
    if inside:
        side = "inside" if inside[0] else "outside"
        bounds = f", {side} its interval of {lower} to {upper}"
    said = f"{forecast} {noun}" if noun == "purchases" else f"{noun} of {forecast}"
    return f"{said} forecast, {actual} came ({_off(bias)}{bounds})"


def _off(bias: float) -> str:
    return f"{abs(bias):.0%} too {'high' if bias > 0 else 'low'}"


def season(
    models: Sequence[str],
    table: Mapping[str, Mapping[str, float]],
    validations: Sequence["Validation"],
) -> list[str]:
    """Whether totals are too high, too low and too high again from one origin to the next."""
    if len(validations) < 3 or not models:
        return []
    split = validations[0].split
    if split.duration * days_per(split.unit) > _SEASON:
        return []
    name = min(models, key=lambda model: table[model]["crps"])
    at = [(v.split.calibration_end, _bias(name, v)) for v in validations if name not in v.failed]
    clear = [np.sign(bias) for _, bias in at if abs(bias) > _CLEAR]
    if np.count_nonzero(np.diff(clear)) < 2:
        return []
    told = ", ".join(f"{bias:+.0%} from {day}" for day, bias in at)
    return [
        f"The totals of {name} are too high from one origin and too low from another ({told}), "
        f"as with a season, which it does not know; {_advice(name, validations)}."
    ]


def _advice(name: str, validations: Sequence["Validation"]) -> str:
    """How much better last year's season would have done."""
    rule = _last_year(validations)
    if rule is None:
        return "pc.baselines.SamePeriodLastYear would repeat last year's"
    at = [v for v in validations if {name, rule}.isdisjoint(v.failed)]
    off = {each: np.mean([abs(_bias(each, v)) for v in at]) for each in (name, rule)}
    origins = "these" if len(at) == len(validations) else f"{len(at)} of these"
    return (
        f"{rule}, which repeats last year's, is {off[rule]:.0%} off on average over {origins}, "
        f"{name} {off[name]:.0%}"
    )


def _bias(name: str, validation: "Validation") -> float:
    row = _total(name, "purchases", validation)
    return float("nan") if row is None else row.forecast / row.actual - 1.0


def _last_year(validations: Sequence["Validation"]) -> str | None:
    for validation in validations:
        for name, fitted in validation.fits.items():
            if isinstance(fitted, FittedBaseline) and isinstance(
                fitted.baseline, SamePeriodLastYear
            ):
                return name
    return None
