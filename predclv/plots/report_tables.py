"""The tables of the report, as HTML."""

from html import escape

import numpy as np
import pandas as pd

from predclv.engines.result import Fit
from predclv.errors import DataError
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
        (f"{split.duration:.4g} {split.unit}s", "held out"),
        (f"{int(came.sum()):,}", "purchases came"),
        (f"{(came > 0).mean():.0%}", "of customers bought"),
    ]
    if "spend_holdout" in actual:
        figures.append((f"{actual['spend_holdout'].sum():,.0f}", "spent"))
    if split.new_customers:
        figures.append((f"{split.new_customers:,}", "joined later, not forecast"))
    items = "".join(f"<li><b>{escape(n)}</b><span>{what}</span></li>" for n, what in figures)
    return f'<ul class="figures">{items}</ul>'


def metrics(validation: Validation) -> str:
    """One table per group of metrics, the best of each column marked."""
    frame = validation.frame.dropna(axis="columns", how="all")
    parts = [
        '<h2 id="metrics">Metrics</h2><p>The best of each column is marked \N{BLACK STAR}. No '
        "single one says who forecasts best; each is explained at the end.</p>"
    ]
    for group, names in _GROUPS.items():
        shown = [name for name in names if name in frame]
        if shown:
            parts.append(_metric_table(frame[shown], group, validation.level))
    return "\n".join(parts)


def _metric_table(frame: pd.DataFrame, group: str, level: float) -> str:
    names = [str(name) for name in frame]
    best = {name: best_of(frame, name, level) for name in names}
    heads = "".join(
        f'<th scope="col"><abbr title="{escape(name)}">{escape(GLOSSARY[name].label)}</abbr>'
        f"<small>{_ARROWS[METRICS[name]].format(level=level)}</small></th>"
        for name in names
    )
    rows = []
    for who, row in frame.iterrows():
        cells = "".join(
            f'<td class="best">\N{BLACK STAR} {_metric(row[name], name)}</td>'
            if str(who) in best[name]
            else f"<td>{_metric(row[name], name)}</td>"
            for name in names
        )
        rows.append(f'<tr><th scope="row">{escape(str(who))}</th>{cells}</tr>')
    return (
        f'<h3>{group}</h3><div class="scroll" tabindex="0" role="region" aria-label="{group}">'
        f'<table class="metrics"><thead><tr><th scope="col">forecaster</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _metric(value: float, name: str) -> str:
    """A metric as its table writes it: shares in percent, those around 0 with their sign."""
    if name.endswith("bias") and np.isfinite(value):
        return f"{value:+.1%}"
    return _number(value, GLOSSARY[name].is_share)


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
    fits = {n: getattr(f, "purchases", f) for n, f in validation.fits.items()}
    fits = {name: fit for name, fit in fits.items() if isinstance(fit, Fit)}
    split = validation.split
    errors = tracked(fits, split.rfm, split.holdout_end).errors()
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


def plain(frame: pd.DataFrame, caption: str) -> str:
    """A frame as a table of HTML that scrolls by itself."""
    frame = frame.reset_index()
    heads = "".join(f'<th scope="col">{escape(_words(name))}</th>' for name in frame)
    rows = []
    for row in frame.itertuples(index=False):
        first, *others = (_cell(value) for value in row)
        cells = "".join(f"<td>{value}</td>" for value in others)
        rows.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _cell(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return _number(float(value), False)
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return escape(str(value))


def _number(value: float, is_share: bool) -> str:
    """Four digits that count; a dash where there is none."""
    if np.isnan(value):
        return '<span title="does not apply">\N{EN DASH}</span>'
    if np.isinf(value):
        return "\N{INFINITY}"
    if is_share:
        return f"{value:.1%}"
    return (
        f"{value:,.0f}"
        if abs(value) >= 1000
        else f"{value:.3f}"
        if abs(value) < 10
        else f"{value:.1f}"
    )
