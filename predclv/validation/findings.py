"""What a table of metrics means, in a few sentences: the comparison nobody wants to overlook.

At most one sentence per forecaster and subject. A difference is told with its standard error over
customers, and one within two standard errors is none.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import binom

from predclv.forecast.baselines import FittedBaseline, SamePeriodLastYear
from predclv.forecast.total_interval import CHANCE_ONLY
from predclv.validation.glossary import GLOSSARY
from predclv.validation.losses import Difference, difference

if TYPE_CHECKING:
    from predclv.validation.result import Validation

SUBJECTS: Mapping[str, str] = {
    "crps": "the purchases of single customers",
    "spend_rmse": "the spend of single customers",
    "top_decile_capture": "who buys most",
    "brier": "who buys at all",
}
"""By which metric forecasters are compared on which subject."""

_FAR_OFF = 0.25  # of a total, from which on it is said
_TOO_FEW = 0.05  # of the customers missing from their intervals, from which on it is said
_RARE = 0.1 + 1e-9  # the chance, if intervals held their level, of so few totals within them
_CLEAR = 0.10  # of a total, from which on it counts as too high or too low for a season
_YEAR = 365


def findings_of(validations: Sequence["Validation"]) -> tuple[str, ...]:
    """Sentences about one validation, or those of several origins.

    Who could not forecast and why; whose totals are far off or outside their intervals; whose
    intervals hold too few customers; on which subject a baseline beats a model, or does as well;
    which model is best, if any is; totals that go up and down as with a season.

    Parameters
    ----------
    validations : sequence of Validation
        Of the same forecasters, in the order of time.
    """
    table = mean_frame(v.frame for v in validations)
    baselines = dict.fromkeys(name for v in validations for name in v.baselines)
    scored = [str(name) for name in table.index if np.isfinite(table.at[name, "mae"])]
    models = [name for name in scored if name not in baselines]
    rules = [name for name in scored if name in baselines]
    said = _failures(validations)
    totals = [_totals(name, validations) for name in models]
    said += [sentence for sentence in totals if sentence]
    if any("outside" in sentence for sentence in totals):
        said.append(
            f"Intervals of totals hold {CHANCE_ONLY}; forecast.total(unlike=pc.backtest(...)) "
            "widens them by how wrong totals were before."
        )
    said += [s for name in models if (s := _coverage(name, table, validations[0].level))]
    for model in models:
        said += _against_baselines(model, rules, table, validations)
    said += _among_models(models, table, validations)
    said += _season(models, table, validations)
    return tuple(said)


def mean_frame(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The mean of every metric over the origins at which there is one."""
    return pd.concat(list(frames)).groupby(level=0, sort=False).mean()


def _failures(validations: Sequence["Validation"]) -> list[str]:
    """Who could not forecast, and why."""
    said = []
    for name in dict.fromkeys(name for v in validations for name in v.failed):
        at = [(v.split.calibration_end, v.failed[name]) for v in validations if name in v.failed]
        if len(validations) == 1:
            said.append(f"{name} {at[0][1]}")
            continue
        rest = len(validations) - len(at)
        means = f" Its means are over the other {rest}." if rest else ""
        said.append(
            f"{name} failed from {len(at)} of {len(validations)} origins. From {at[0][0]}: it "
            f"{at[0][1]}{means}"
        )
    return said


def _totals(name: str, validations: Sequence["Validation"]) -> str:
    """Where the totals of a model are far off, or more often outside their intervals than not."""
    found = [v.totals.loc[name] for v in validations if name in v.totals.index]
    doubts = []
    for of, noun in (("purchases", "purchases"), ("revenue", "spend")):
        rows = [table.loc[of] for table in found if of in table.index]
        biases = [row["forecast"] / row["actual"] - 1.0 for row in rows if row["actual"] > 0]
        if not biases:
            continue
        inside = [bool(row["covered"]) for row in rows if pd.notna(row["covered"])]
        missed = bool(inside) and bool(
            binom.cdf(sum(inside), len(inside), validations[0].level) < _RARE
        )
        if not missed and abs(np.mean(biases)) <= _FAR_OFF:
            continue
        if len(validations) == 1:
            doubts.append(_one_total(noun, rows[0], biases[0], missed))
        else:
            held = f", outside their intervals from {len(inside) - sum(inside)} of {len(inside)}"
            doubts.append(
                f"{noun} {_off(float(np.mean(biases)))} on average over {len(rows)} origins"
                f"{held if inside else ''}"
            )
    which = "The total" if len(validations) == 1 else "Totals"
    return f"{which} of {name}: {'; '.join(doubts)}." if doubts else ""


def _one_total(noun: str, row: pd.Series, bias: float, missed: bool) -> str:
    bounds = ""
    if pd.notna(row["covered"]):
        side = "outside" if missed else "inside"
        bounds = f", {side} its interval of {row['lower']:,.0f} to {row['upper']:,.0f}"
    forecast = f"{row['forecast']:,.0f}"
    said = f"{forecast} {noun}" if noun == "purchases" else f"{noun} of {forecast}"
    return f"{said} forecast, {row['actual']:,.0f} came ({_off(bias)}{bounds})"


def _off(bias: float) -> str:
    return f"{abs(bias):.0%} too {'high' if bias > 0 else 'low'}"


def _coverage(name: str, table: pd.DataFrame, level: float) -> str:
    """Whose intervals of single customers are too narrow."""
    few = [
        f"the {noun} of {table.at[name, column]:.0%}"
        for column, noun in (("coverage", "purchases"), ("spend_coverage", "spend"))
        if table.at[name, column] < level - _TOO_FEW
    ]
    if not few:
        return ""
    return (
        f"The {level:.0%} intervals of {name} hold {' and '.join(few)} of the customers: they are "
        "too narrow."
    )


def _against_baselines(
    model: str, rules: Sequence[str], table: pd.DataFrame, validations: Sequence["Validation"]
) -> list[str]:
    """One sentence for each subject on which a baseline wins, and one for all the others."""
    won, even, lost = [], [], []
    for metric in SUBJECTS:
        rivals = {
            rule: apart
            for rule in rules
            if (apart := _apart(model, rule, metric, validations)) is not None
        }
        if not rivals:
            continue
        best = max(rivals, key=lambda rule: rivals[rule].mean)
        apart = rivals[best]
        if apart.is_worse:
            lost.append(_lost(best, model, metric, apart, table, validations))
        elif apart.is_better:
            won.append(titled(metric))
        else:
            even.append(f"{best} on {titled(metric)}")
    told = []
    if won:
        told.append(f"{model} beats every baseline on {_listed(won)}")
    if even:
        told.append(f"{'it' if won else model} is no better beyond chance than {_listed(even)}")
    return [*lost, *([f"{'; '.join(told)}."] if told else [])]


def _lost(
    rule: str,
    model: str,
    metric: str,
    apart: Difference,
    table: pd.DataFrame,
    validations: Sequence["Validation"],
) -> str:
    origins = ""
    if len(validations) > 1:
        both = sum(_in_both(model, rule, metric, v) for v in validations)
        origins = f", better from {both - apart.better_at} of {both} origins"
    return (
        f"{rule} beats {model} on {titled(metric)}, {SUBJECTS[metric]}: "
        f"{_value(table.at[rule, metric], metric)} against "
        f"{_value(table.at[model, metric], metric)}, apart by {_with_error(apart, metric)}{origins}."
    )


def _among_models(
    models: Sequence[str], table: pd.DataFrame, validations: Sequence["Validation"]
) -> list[str]:
    """Which model is best on single customers, if one is beyond chance."""
    metric = "crps"
    ranked = sorted(models, key=lambda name: float(table.at[name, metric]))
    apart = {name: _apart(name, ranked[0], metric, validations) for name in ranked[1:]}
    known = {name: each for name, each in apart.items() if each is not None}
    if not known:
        return []
    equal = [name for name, each in known.items() if not each.is_worse]
    behind = [f"{n} by {_with_error(d, metric)}" for n, d in known.items() if d.is_worse]
    figure = _value(table.at[ranked[0], metric], metric)
    if not behind:
        return [
            f"No model is best on {titled(metric)} beyond chance: {_listed([ranked[0], *equal])}, "
            f"{figure} at the lowest."
        ]
    first = _listed([ranked[0], *equal])
    verb = "has" if not equal else "have, equal within chance,"
    return [
        f"{first} {verb} the lowest {titled(metric)} of the models, {figure}; behind "
        f"{'is' if len(behind) == 1 else 'are'} {_listed(behind)}."
    ]


def _season(
    models: Sequence[str], table: pd.DataFrame, validations: Sequence["Validation"]
) -> list[str]:
    """Whether totals are too high, too low and too high again from one origin to the next."""
    if len(validations) < 3 or not models:
        return []
    first, second = (validations[at].split.calibration_end for at in (0, 1))
    assert isinstance(first, datetime.date) and isinstance(second, datetime.date)
    if (second - first).days >= _YEAR:
        return []
    name = min(models, key=lambda model: float(table.at[model, "crps"]))
    at = [(v.split.calibration_end, float(v.frame.at[name, "bias"])) for v in validations]
    clear = [np.sign(bias) for _, bias in at if abs(bias) > _CLEAR]
    if np.count_nonzero(np.diff(clear)) < 2:
        return []
    told = ", ".join(f"{bias:+.0%} from {day}" for day, bias in at)
    rule = _last_year(validations)
    if rule is None:
        advice = "pc.baselines.SamePeriodLastYear shows what last year's season would have said"
    else:
        off = {n: np.mean([abs(v.frame.at[n, "bias"]) for v in validations]) for n in (name, rule)}
        advice = f"{rule}, which has a season, is off by {off[rule]:.0%} on average, it by {off[name]:.0%}"
        if np.isnan(off[rule]):
            advice = f"{rule} has it, but could not forecast from every origin"
    return [
        f"The totals of {name} are too high from one origin and too low from the next ({told}), "
        f"as with a season, which it does not know; {advice}."
    ]


def _last_year(validations: Sequence["Validation"]) -> str | None:
    for validation in validations:
        for name, fitted in validation.fits.items():
            if isinstance(fitted, FittedBaseline) and isinstance(
                fitted.baseline, SamePeriodLastYear
            ):
                return name
    return None


def _apart(
    one: str, other: str, metric: str, validations: Sequence["Validation"]
) -> Difference | None:
    """The paired difference over the origins at which both have finite losses."""
    both = [v for v in validations if _in_both(one, other, metric, v)]
    if not both:
        return None
    return difference(
        [v.split.rfm.frame["customer_id"].to_numpy() for v in both],
        [v.losses[one][metric] for v in both],
        [v.losses[other][metric] for v in both],
    )


def _in_both(one: str, other: str, metric: str, validation: "Validation") -> bool:
    found = [validation.losses.get(name, {}).get(metric) for name in (one, other)]
    return all(loss is not None and bool(np.isfinite(loss).all()) for loss in found)


def titled(metric: str) -> str:
    """A metric as the tables name it: its label, and the column in brackets.

    Examples
    --------
    >>> titled("crps"), titled("spend_rmse")
    ('CRPS (crps)', 'root mean square of spend (spend_rmse)')
    """
    of = " of spend" if metric.startswith("spend_") else ""
    return f"{GLOSSARY[metric].label}{of} ({metric})"


def _value(value: float, metric: str) -> str:
    return f"{value:.1%}" if GLOSSARY[metric].is_share else f"{value:.4g}"


def _with_error(apart: Difference, metric: str) -> str:
    """The size of a difference and its standard error, in the digits that count."""
    size, error = abs(apart.mean), apart.error
    if GLOSSARY[metric].is_share:
        return f"{100 * size:.1f} points (standard error {100 * error:.1f})"
    return f"{size:.2g} (standard error {error:.2g})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
