"""The cockpit of a customer base: one page with charts that answer, and tables that need none.

The charts are Vega-Lite's, whose whole code (0.9 MB) stands in the page; it comes with the package
vl-convert-python. Without scripts the page still has its figures and tables.
"""

from collections.abc import Mapping
from html import escape
from importlib import import_module
from typing import Any

import pandas as pd

from predclv.errors import OptionError
from predclv.io.strict_json import to_json
from predclv.reports.dashboard_script import SCRIPT, STYLE
from predclv.reports.parts import document, plain

MEASURES = ("clv", "revenue", "purchases", "discounted_purchases", "customers", "alive", "active")
"""What can be looked at, the first that there is by default."""

_FIGURES = {
    "customers": "customers",
    "active": "expected to buy within the horizon",
    "purchases": "purchases expected",
    "revenue": "revenue expected",
    "clv": "customer equity",
}
_READINGS = {
    "over-time": (
        "Over time",
        "Each point is a refresh: what the chosen group was worth over the horizon from that day "
        "on, with the interval of the forecast.",
    ),
    "waterfall": (
        "What moved",
        "The change of equity since the refresh before, in parts that add up exactly. Model is "
        "the change of the model's own parameters: the same customers, valued otherwise.",
    ),
    "flows": (
        "Tiers, from date to date",
        "Each cell counts customers by their tier at the refresh before and at this one.",
    ),
    "by-group": ("Groups side by side", "The groups of the chosen kind at the chosen date."),
    "season": ("Season", "Days on which customers bought, added up by week."),
    "kept": (
        "Did it come true?",
        "Bars are forecasts with their intervals, dots what came: over the whole horizon where it "
        "is over, else up to the last day of the base.",
    ),
}
_CHOICES = ("grouping", "group", "date", "measure")


def bundle() -> str:
    """Vega-Lite as one script.

    Raises
    ------
    OptionError
        If the package that holds it is not installed.
    """
    try:
        vl_convert: Any = import_module("vl_convert")
    except ImportError as error:
        raise OptionError(
            "The dashboard draws with Vega-Lite, which comes with vl-convert-python: "
            "pip install 'predclv[dashboard]'."
        ) from error
    return str(vl_convert.javascript_bundle()).replace("</script", "<\\/script")


def dashboard(title: str, tables: Mapping[str, pd.DataFrame], facts: Mapping[str, Any]) -> str:
    """The page.

    Parameters
    ----------
    title : str
    tables : mapping of str to DataFrame
        history, changes, movement, alerts, kept, season, quiet and top, of `CustomerBase`.
    facts : mapping
        base (a line about it), parts (of a change) and tiers (the lowest first).
    """
    history = tables["history"]
    newest = history[(history["date"] == history["date"].max()) & (history["grouping"] == "all")]
    row = newest.iloc[0]
    measures = [name for name in MEASURES if name in history]
    data = {
        **{name: _records(tables[name]) for name in ("history", "changes", "movement", "season")},
        "kept": _records(tables["kept"]),
        "measures": measures,
        "parts": list(facts["parts"]),
        "tiers": ["(new)", *facts["tiers"], "(gone)"],
    }
    text = to_json(data).replace("<", "\\u003c")
    figures = "".join(
        f'<li><b id="figure-{name}">{row[name]:,.0f}</b><span>{what}</span></li>'
        for name, what in _FIGURES.items()
        if name in row
    )
    parts = [
        f"<style>{STYLE}</style>",
        f"<header><h1>{escape(title)}</h1><p>{escape(str(facts['base']))}</p>"
        f'<p aria-live="polite">Shown: <b id="chosen">all, {row["date"]:%Y-%m-%d}</b></p></header>',
        _bar(),
        f'<ul class="figures">{figures}</ul>',
        _alerts(tables["alerts"]),
        f'<h2>Charts</h2><div class="pictures">{"".join(map(_chart, _READINGS))}</div>',
        "<h2>Whom to act on</h2>",
        _act(tables["quiet"], tables["top"]),
        "<h2>The numbers</h2>",
        _folded("Every refresh, the base as a whole", history[history["grouping"] == "all"]),
        _folded("The newest refresh, by group", history[history["date"] == row["date"]]),
        _folded("What moved", tables["changes"]),
        _folded("Tiers from date to date", tables["movement"]),
        _folded("Forecasts held against what came", tables["kept"]),
        f'<script type="application/json" id="data">{text}</script>',
        f"<script>{bundle()}</script>",
        f"<script>{SCRIPT}</script>",
    ]
    return document(title, parts)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON has them: dates as text, no number where there is none."""
    shown = _dated(frame)
    for name in shown.select_dtypes("float"):
        shown[name] = shown[name].round(4)
    rows = shown.astype(object).where(shown.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with days as text."""
    shown = frame.copy()
    for name in shown.select_dtypes("datetime"):
        shown[name] = shown[name].dt.strftime("%Y-%m-%d")
    return shown


def _bar() -> str:
    labels = "".join(
        f'<label for="{name}">{name}<select id="{name}"></select></label>' for name in _CHOICES
    )
    return f'<form class="bar" aria-label="What to show" onsubmit="return false">{labels}</form>'


def _chart(name: str) -> str:
    heading, reading = _READINGS[name]
    return (
        f"<section><h3>{escape(heading)}</h3><figure>"
        f'<div class="chart" id="{name}" role="img" tabindex="0"></div>'
        f"<figcaption>{escape(reading)}</figcaption></figure></section>"
    )


def _alerts(found: pd.DataFrame) -> str:
    if found.empty:
        return "<h2>Alerts</h2><p>None: nothing is outside its rule.</p>"
    shown = found[["kind", "said", "rule"]].set_index("kind")
    table = plain(shown, "What to look at, and by which rule")
    return f'<h2>Alerts</h2><div class="alert">{table}</div>'


def _act(quiet: pd.DataFrame, top: pd.DataFrame) -> str:
    tools = (
        '<div class="tools"><label for="search">Search an id <input id="search" type="search">'
        '</label><button id="export" type="button">Export as CSV</button></div>'
    )
    most = plain(top.set_index("customer_id"), "Worth the most")
    if quiet.empty:
        late = "<p>Nobody of the top 5% is overdue by their own rhythm.</p>"
        return f'{late}{tools}<div id="act">{most}</div>'
    listed = plain(
        quiet.set_index("customer_id"),
        "Of the top 5%, silent beyond their own rhythm; the most value at stake first",
    )
    return (
        f'{tools}<div id="act">{listed}</div><details><summary>Worth the most</summary>{most}'
        "</details>"
    )


def _folded(heading: str, frame: pd.DataFrame) -> str:
    if frame.empty:
        return ""
    shown = _dated(frame)
    table = plain(shown.set_index(shown.columns[0]), heading)
    return f"<details><summary>{escape(heading)}</summary>{table}</details>"
