"""What a table of metrics means, in sentences: the comparison that nobody wants to overlook."""

from collections.abc import Mapping, Sequence

import pandas as pd

from predclv.validation.scores import METRICS

_FAR_OFF = 0.25  # of a total, from which on it is said
_TOO_FEW = 0.05  # of the customers missing from their intervals, from which on it is said
_EQUAL = 5e-4  # relative difference below which two forecasters are as good as each other

Table = Mapping[str, Mapping[str, float]]


def findings_of(
    frame: pd.DataFrame,
    baselines: Sequence[str],
    level: float,
    origins: Sequence[pd.DataFrame] = (),
) -> tuple[str, ...]:
    """Sentences about a table of metrics.

    Whose total is off by more than a quarter, whose intervals hold too few customers; which
    baseline beats which model on which metric and by how much, one sentence per model and metric;
    whether a model beats every baseline on every metric.

    Parameters
    ----------
    frame : DataFrame
        One row per forecaster, one column per metric.
    baselines : sequence of str
        Which rows are baselines.
    level : float
        Of the intervals.
    origins : sequence of DataFrame
        Where the table holds means over several origins, those of each.
    """
    table, each = _rows(frame), [_rows(origin) for origin in origins]
    models = [name for name in table if name not in baselines]
    said = [doubt for model in models for doubt in _doubts(model, table[model], level)]
    for model in models:
        beaten = [t for metric in METRICS if (t := _beaten(table, model, baselines, metric, each))]
        if baselines and not beaten:
            beaten = [f"No baseline beats {model} on any metric."]
        said += beaten
    return tuple(said)


def _beaten(
    table: Table, model: str, baselines: Sequence[str], metric: str, origins: Sequence[Table]
) -> str:
    """The sentence where a baseline beats the model on a metric, else nothing."""
    own = table[model][metric]
    mine = _loss(own, metric)
    losses = {name: _loss(table[name][metric], metric) for name in baselines}
    better = {n: v for n, v in losses.items() if mine - v > _EQUAL * max(abs(mine), abs(v))}
    if not better:
        return ""
    best = min(better, key=lambda name: better[name])
    other = table[best][metric]
    if METRICS[metric] == "nearer to 0":
        said = f"{other:+.1%} against {own:+.1%}"
    else:
        apart = f"{_percent(abs(other / own - 1))} {'lower' if other < own else 'higher'}"
        said = f"{other:.4g} against {own:.4g}" + (f" ({apart})" if own > 0 else "")
    if origins:
        won = sum(_loss(t[best][metric], metric) < _loss(t[model][metric], metric) for t in origins)
        said += f", from {won} of {len(origins)} origins"
    if metric == "mae" and table[model]["mae_median"] < other:
        said += f", but its median does better with {table[model]['mae_median']:.4g}"
    also = [name for name in better if name != best]
    if also:
        said += f"; {' and '.join(also)} {'beats' if len(also) == 1 else 'beat'} it too"
    return f"{best} beats {model} on {metric}: {said}."


def _doubts(model: str, row: Mapping[str, float], level: float) -> list[str]:
    """What is badly off in a model's own row."""
    said = []
    for column, what in (("bias", "purchases"), ("spend_bias", "spend")):
        off = row[column]
        if abs(off) > _FAR_OFF:
            direction = "high" if off > 0 else "low"
            said.append(f"{model} forecasts a total of {what} {abs(off):.0%} too {direction}.")
    for column, what in (("coverage", "purchases"), ("spend_coverage", "spend")):
        if row[column] < level - _TOO_FEW:
            said.append(
                f"The {level:.0%} intervals of {model} hold the {what} of {row[column]:.0%} of the "
                "customers: they are too narrow."
            )
    return said


def _rows(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    return {
        str(name): dict(zip(map(str, frame.columns), map(float, values), strict=True))
        for name, values in zip(frame.index, frame.to_numpy(), strict=True)
    }


def _loss(value: float, metric: str) -> float:
    """A number that is smaller for the better; NaN, which is never better, for the rest."""
    match METRICS.get(metric):
        case "smaller":
            return value
        case "larger":
            return -value
        case "nearer to 0":
            return abs(value)
        case _:
            return float("nan")


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}"
