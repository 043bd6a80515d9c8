"""What a table of metrics means, in a few sentences: the comparison nobody wants to overlook.

At most one sentence per forecaster and subject. A difference is told with its standard error over
customers, and one within two standard errors is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predclv.forecast.total_words import CHANCE_ONLY
from predclv.notices import listed
from predclv.validation.glossary import GLOSSARY
from predclv.validation.losses import Difference, apart, in_both
from predclv.validation.total_findings import season, totals_off

if TYPE_CHECKING:
    from predclv.validation.result import Validation

SUBJECTS: Mapping[str, str] = {
    "rmse": "the expected purchases of single customers",
    "crps": "the chances of single customers' purchases",
    "spend_rmse": "the expected spend of single customers",
    "top_decile_capture": "who buys most",
    "brier": "who buys at all",
}
"""By which metric forecasters are compared on which subject."""

_LEAST = 0.005  # of a metric: a smaller difference is printed as two equal numbers
_CLEARLY = 0.05  # of the mean absolute error, from which on it is said
_TOO_FEW = 0.05  # of the customers missing from their intervals, from which on it is said

Table = Mapping[str, Mapping[str, float]]


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
    table = _means(v.frame for v in validations)
    baselines = dict.fromkeys(name for v in validations for name in v.baselines)
    scored = [name for name, row in table.items() if not np.isnan(row["mae"])]
    models = [name for name in scored if name not in baselines]
    rules = [name for name in scored if name in baselines]
    said = _failures(validations)
    totals = {name: totals_off(name, rules, validations) for name in models}
    said += [sentence for sentence in totals.values() if sentence]
    covered = ("total_coverage", "spend_total_coverage")
    if any(off and table[name][of] < 1 for name, off in totals.items() for of in covered):
        said.append(
            f"Intervals of totals hold {CHANCE_ONLY}; forecast.total(unlike=pc.backtest(...)) "
            "widens them by how wrong totals were before."
        )
    said += [s for name in models if (s := _coverage(name, table, validations[0].level))]
    for model in models:
        said += _against_baselines(model, rules, table, validations)
    # Means over other origins do not compare.
    whole = [name for name in models if not any(name in v.failed for v in validations)]
    said += _among_models(whole, table, validations)
    said += season(whole, table, validations)
    return tuple(said)


def _means(frames: Iterable[pd.DataFrame]) -> Table:
    """The mean of every metric over the origins at which there is one, by forecaster."""
    means = pd.concat(list(frames)).groupby(level=0, sort=False).mean()
    return {
        str(name): dict(zip(map(str, means.columns), map(float, values), strict=True))
        for name, values in zip(means.index, means.to_numpy(), strict=True)
    }


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


def _coverage(name: str, table: Table, level: float) -> str:
    """Whose intervals of single customers are too narrow."""
    few = [
        f"the {noun} of {table[name][column]:.0%}"
        for column, noun in (("coverage", "purchases"), ("spend_coverage", "spend"))
        if table[name][column] < level - _TOO_FEW
    ]
    if not few:
        return ""
    return (
        f"The {level:.0%} intervals of {name} hold {' and '.join(few)} of the customers: they are "
        "too narrow."
    )


def _against_baselines(
    model: str, rules: Sequence[str], table: Table, validations: Sequence["Validation"]
) -> list[str]:
    """One sentence for each subject on which a baseline wins, and one for all the others."""
    won: list[str] = []
    even: dict[str, list[str]] = {}
    lost: list[str] = []
    for metric in SUBJECTS:
        rivals = {
            rule: behind
            for rule in rules
            if (behind := apart(model, rule, metric, validations)) is not None
        }
        if not rivals:
            continue
        best = max(rivals, key=lambda rule: rivals[rule].mean)
        # A rule may be further behind and, on few customers of much weight, less surely so.
        unsure = [rule for rule in rivals if not rivals[rule].is_better]
        if rivals[best].is_worse and _counts(rivals[best], table[model][metric]):
            lost.append(_lost(best, model, metric, rivals[best], table, validations))
        elif unsure:
            nearest = max(unsure, key=lambda rule: rivals[rule].mean)
            even.setdefault(nearest, []).append(_titled(metric))
        elif _counts(rivals[best], table[model][metric]):
            won.append(_titled(metric))
    lost += _lost_on_mae(model, rules, table, validations)
    told = []
    if won:
        told.append(f"{model} beats every baseline on {listed(won)}")
    equal = [f"{rule} on {listed(metrics)}" for rule, metrics in even.items()]
    if equal:
        told.append(f"{'it' if won else model} is no better beyond chance than {listed(equal)}")
    return [*lost, *([f"{'; '.join(told)}."] if told else [])]


def _counts(behind: Difference, value: float, least: float = _LEAST) -> bool:
    """Whether a difference is large enough, as a share of the metric, for anybody to mind."""
    return not abs(behind.mean) < least * abs(value)


def _lost_on_mae(
    model: str, rules: Sequence[str], table: Table, validations: Sequence["Validation"]
) -> list[str]:
    """A sentence where a rule clearly has the lower absolute error, and what that is worth."""
    behind = {rule: apart(model, rule, "mae", validations) for rule in rules}
    clear = {
        rule: each
        for rule, each in behind.items()
        if each is not None and each.is_worse and _counts(each, table[model]["mae"], _CLEARLY)
    }
    if not clear:
        return []
    best = max(clear, key=lambda rule: clear[rule].mean)
    return [
        f"{best} has a lower {_titled('mae')} than {model}, {_value(table[best]['mae'], 'mae')} "
        f"against {_value(table[model]['mae'], 'mae')}: it rewards a median, which is 0 for most."
    ]


def _lost(
    rule: str,
    model: str,
    metric: str,
    behind: Difference,
    table: Table,
    validations: Sequence["Validation"],
) -> str:
    origins = ""
    if len(validations) > 1:
        both = sum(in_both(model, rule, metric, v) for v in validations)
        origins = f", better from {both - behind.better_at} of {both} origins"
    return (
        f"{rule} beats {model} on {_titled(metric)}, {SUBJECTS[metric]}: "
        f"{_value(table[rule][metric], metric)} against "
        f"{_value(table[model][metric], metric)}, apart by {_with_error(behind, metric)}"
        f"{origins}."
    )


def _among_models(
    models: Sequence[str], table: Table, validations: Sequence["Validation"]
) -> list[str]:
    """Which model is best on single customers, if one is beyond chance."""
    metric = "crps"
    ranked = sorted(models, key=lambda name: table[name][metric])
    others = {name: apart(name, ranked[0], metric, validations) for name in ranked[1:]}
    known = {name: each for name, each in others.items() if each is not None}
    if not known:
        return []
    equal = [name for name, each in known.items() if not each.is_worse]
    lowest = table[ranked[0]][metric]
    worse = {name: each for name, each in known.items() if each.is_worse and _counts(each, lowest)}
    behind = [f"{name} by {_with_error(each, metric)}" for name, each in worse.items()]
    figure = _value(lowest, metric)
    if not behind and not equal:
        return []
    if not behind:
        return [
            f"No model is best on {_titled(metric)} beyond chance: {listed([ranked[0], *equal])}, "
            f"{figure} at the lowest."
        ]
    first = listed([ranked[0], *equal])
    verb = "has" if not equal else "have, equal within chance,"
    return [
        f"{first} {verb} the lowest {_titled(metric)} of the models, {figure}; behind "
        f"{'is' if len(behind) == 1 else 'are'} {listed(behind)}."
    ]


def _titled(metric: str) -> str:
    """A metric as the tables name it: its label, and the column in brackets.

    Examples
    --------
    >>> _titled("crps"), _titled("spend_rmse")
    ('CRPS (crps)', 'root mean square of spend (spend_rmse)')
    """
    of = " of spend" if metric.startswith("spend_") else ""
    return f"{GLOSSARY[metric].label}{of} ({metric})"


def _value(value: float, metric: str) -> str:
    return f"{value:.1%}" if GLOSSARY[metric].is_share else f"{value:.4g}"


def _with_error(behind: Difference, metric: str) -> str:
    """The size of a difference and its standard error, in the digits that count."""
    size, error = abs(behind.mean), behind.error
    if GLOSSARY[metric].is_share:
        return f"{100 * size:.1f} points (standard error {100 * error:.1f})"
    return f"{size:.2g} (standard error {error:.2g})"
