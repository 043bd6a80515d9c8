"""The tables of a validation's report, as HTML."""

from html import escape

import numpy as np
import pandas as pd

from predclv.errors import DataError
from predclv.plots.style import span_in_words
from predclv.plots.tracking import fits_in
from predclv.reports import parts
from predclv.reports.parts import number, table
from predclv.validation import tables
from predclv.validation.calibration import coverage_curve, distance_from_uniform
from predclv.validation.deciles import calibration_table, outcomes
from predclv.validation.glossary import GLOSSARY, best_of
from predclv.validation.ranking import decile_table
from predclv.validation.result import Validation
from predclv.validation.scores import METRICS
from predclv.validation.tracking import tracking as tracked

_GROUPS = {
    "Purchases": [name for name in METRICS if not name.startswith("spend_")
                  and name not in ("brier", "auc")],
    "Spend": [name for name in METRICS if name.startswith("spend_")],
    "Who buys at all": ["brier", "auc"],
}  # fmt: skip
STAR = "\N{BLACK STAR} "
_ARROWS = {
    "smaller": "lower is better",
    "larger": "higher is better",
    "nearer to 0": "near 0 is best",
    "nearer to the level": "near {level:.0%} is best",
    "": "",
}


def key_figures(validation: Validation) -> str:
    """What the holdout was, in a few large numbers."""
    split, actual = validation.split, validation.split.frame
    came = actual["frequency_holdout"]
    figures = [
        (f"{len(split):,}", "customers"),
        (span_in_words(split.duration, split.unit), "held out"),
        (f"{int(came.sum()):,}", "purchases came"),
        (f"{(came > 0).mean():.0%}", "of customers bought"),
    ]
    if "spend_holdout" in actual:
        figures.append((f"{actual['spend_holdout'].sum():,.0f}", "spent"))
    if split.new_customers:
        figures.append((f"{split.new_customers:,}", "joined later, not forecast"))
    return parts.key_figures(figures)


def metrics(validation: Validation) -> str:
    """One table per group of metrics, a row per metric, its best forecaster marked."""
    frame = validation.frame.dropna(axis="columns", how="all")
    shown_parts = [
        '<h2 id="metrics">Metrics</h2><p>The best of each row is marked \N{BLACK STAR}, and nobody '
        "where two of the best print the same number. No single one says who forecasts best; each "
        "is explained at the end.</p>"
    ]
    for group, names in _GROUPS.items():
        shown = [name for name in names if name in frame]
        if shown:
            stated = frame[shown].dropna(how="all")
            shown_parts.append(_metric_table(stated, group, validation.level))
    return "\n".join(shown_parts)


def _metric_table(frame: pd.DataFrame, group: str, level: float) -> str:
    names, forecasters = [str(name) for name in frame], [str(name) for name in frame.index]
    best = {name: crowned(frame, name, level) for name in names}
    rows = []
    for name in names:
        head = (
            f'<abbr title="{escape(name)}">{escape(GLOSSARY[name].label)}</abbr>'
            f"<small>{_ARROWS[METRICS[name]].format(level=level)}</small>"
        )
        values = [
            f"{STAR if who == best[name] else ''}{_metric(value, name)}"
            for who, value in zip(forecasters, frame[name], strict=True)
        ]
        rows.append([head, *values])
    heads = ["", *(escape(who) for who in forecasters)]
    return f"<h3>{group}</h3>" + table(
        heads, rows, group, best=lambda i, j: forecasters[j - 1] == best[names[i]]
    )


def crowned(frame: pd.DataFrame, metric: str, level: float) -> str | None:
    """The one forecaster that is best by a metric, as far as the table shows; None in a tie."""
    best = best_of(frame, metric, level)
    if len(best) != 1:
        return None
    stated = frame[metric].dropna()
    if METRICS[metric] == "nearer to the level":
        stated = stated - level
    if METRICS[metric].startswith("nearer"):
        stated = stated.abs()
    printed = {str(who): _metric(value, metric) for who, value in stated.items()}
    return best[0] if list(printed.values()).count(printed[best[0]]) == 1 else None


def _metric(value: float, name: str) -> str:
    """A metric as its table writes it: shares in percent, those around 0 with their sign."""
    if name.endswith("bias") and np.isfinite(value):
        return f"{value:+.1%}"
    return number(value, GLOSSARY[name].is_share)


def glossary(validation: Validation) -> str:
    """What each metric in the tables says, once for purchases and spend."""
    frame = validation.frame.dropna(axis="columns", how="all")
    names = dict.fromkeys(str(name).removeprefix("spend_") for name in frame)
    terms = "".join(
        f"<dt>{escape(GLOSSARY[name].label)} <small>({name}"
        f"{'; ' * bool(METRICS[name])}"
        f"{_ARROWS[METRICS[name]].format(level=validation.level)})</small></dt>"
        f"<dd>{escape(GLOSSARY[name].meaning)}</dd>"
        for name in names
    )
    return f'<h2 id="glossary">What the metrics say</h2><dl>{terms}</dl>'


def calibration(validation: Validation, value: str) -> pd.DataFrame:
    """Predicted and actual means of every forecaster's tenths."""
    predicted, actual = outcomes(validation.forecasts, validation.split, value)
    found = {
        n: calibration_table(said, actual, 10, validation.level) for n, said in predicted.items()
    }
    return pd.concat(found, names=["forecaster"])


def by_frequency(validation: Validation) -> pd.DataFrame:
    """Mean purchases by repeat purchases before."""
    return tables.holdout_by_frequency(validation.forecasts, validation.split)


def by_recency(validation: Validation) -> pd.DataFrame:
    """Mean purchases by the time of the last purchase."""
    return tables.holdout_by_recency(validation.forecasts, validation.split)


def tracking(validation: Validation) -> pd.DataFrame:
    """Errors of tracking, and beside them that of the forecast."""
    split = validation.split
    errors = tracked(fits_in(validation.fits), split.rfm, split.holdout_end).errors()
    errors["holdout_bias_of_the_forecast"] = validation.frame["bias"].reindex(errors.index)
    return errors


def pit(validation: Validation, bins: int = 10) -> pd.DataFrame:
    """Heights of the histogram, relative to flat, and its distance from flat."""
    edges = np.linspace(0, 1, bins + 1)
    columns = {}
    for name in validation.forecasts:
        found = validation.pit(name, 0)
        if found is not None:
            heights = np.histogram(found, edges)[0] * bins / found.size
            columns[name] = [*heights, distance_from_uniform(found)]
    labels = [f"{low:.1f} to {low + 1 / bins:.1f}" for low in edges[:-1]]
    return pd.DataFrame(columns, index=pd.Index([*labels, "distance D"], name="place"))


def coverage(validation: Validation) -> pd.DataFrame:
    """Shares of customers within their interval, by level."""
    actual = validation.split.frame["frequency_holdout"].to_numpy()
    counts = {name: forecast.counts() for name, forecast in validation.forecasts.items()}
    found = {n: coverage_curve(c, actual)["randomised"] for n, c in counts.items() if c is not None}
    if not found:
        raise DataError("No forecaster states a distribution.")
    return pd.DataFrame(found).rename_axis("level")


def gains(validation: Validation, value: str) -> pd.DataFrame:
    """The share of all that came by the tenth with the highest forecast, the next, and so on."""
    predicted, actual = outcomes(validation.forecasts, validation.split, value)
    groups = min(10, actual.size)
    found = {
        n: decile_table(said, actual, groups)["cumulative_share"] for n, said in predicted.items()
    }
    best = decile_table(actual, actual, groups)["cumulative_share"]
    return pd.DataFrame(found | {"perfect order": best}).rename_axis("up to decile")
