"""What pages are made of: the shell, figures in large type, tables, and pictures with numbers."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape, unescape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predclv.errors import OptionError, PredclvError
from predclv.forecast.result import Forecast
from predclv.money import money
from predclv.reports.page import STYLE, inline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BEST = ' class="best"'


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page that fetches nothing."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="generator" content="predclv">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style></head>",
            "<body><main>",
            *filter(None, parts),
            "</main></body></html>",
        ]
    )


def key_figures(figures: Iterable[tuple[str, str]]) -> str:
    """A few numbers in large type, each with what it is."""
    items = "".join(
        f"<li><b>{escape(number)}</b><span>{escape(what)}</span></li>" for number, what in figures
    )
    return f'<ul class="figures">{items}</ul>'


def totals(forecast: Forecast, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Totals of a forecast in large type, each with what it is and with its intervals.

    ``names`` says what each total is called; discounted purchases stand for all where there is
    nothing else.
    """
    total, terms = forecast.total(), forecast.terms
    figures: list[tuple[str, str]] = []
    for name, what in names.items():
        if name not in total or (name == "discounted_purchases" and figures):
            continue
        currency = terms.currency if name in ("revenue", "clv") else None

        def said(part: str, currency: str | None = currency) -> str:
            return money(total[part], currency, digits=0)

        between = ""
        if f"{name}_lower" in total:
            between = (
                f" ({terms.level:.0%} interval {said(f'{name}_lower')} to {said(f'{name}_upper')})"
            )
        if f"{name}_budget_lower" in total:
            ends = (said(f"{name}_budget_{end}") for end in ("lower", "upper"))
            between += f", for a budget {' to '.join(ends)}"
        figures.append((said(name), what + between))
    return figures


def assert_rows(rows: object) -> None:
    """Raise OptionError unless it is a number of rows that tables may have."""
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise OptionError(f"rows must be a whole number from 1 on; got {rows!r}.")


def picture(
    name: str,
    heading: str,
    draw: "Callable[..., Axes]",
    reading: str,
    numbers: Callable[[], pd.DataFrame],
) -> str:
    """A picture, how to read it, and its numbers; where it cannot be drawn, why."""
    head = f"<h3>{escape(heading)}</h3>"
    try:
        drawn, table = inline(draw, name), plain(numbers(), f"Numbers: {heading}")
    except PredclvError as error:
        return f"<section>{head}{absent(error)}</section>"
    return (
        f'<section id="{name}">{head}<figure>'
        f'<div class="picture">{drawn}</div><figcaption>{escape(reading)}</figcaption>'
        f"</figure><details><summary>The numbers</summary>{table}</details></section>"
    )


def absent(error: PredclvError) -> str:
    """Why something is not on the page."""
    return f'<p class="absent">Not shown. {escape(str(error))}</p>'


def plain(frame: pd.DataFrame, caption: str) -> str:
    """A frame as a table, with its index unless that only counts rows."""
    if not isinstance(frame.index, pd.RangeIndex) or frame.index.name is not None:
        frame = frame.reset_index()
    rows = [[cell(value) for value in row] for row in frame.itertuples(index=False)]
    return table([escape(words(name)) for name in frame], rows, caption, caption)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    label: str,
    caption: str = "",
    best: Callable[[int, int], bool] = lambda row, column: False,
) -> str:
    """A table of HTML whose rows become cards on a narrow screen.

    Parameters
    ----------
    heads : sequence of str
        HTML; the first column holds the rows' own heads.
    rows : iterable of sequence of str
        HTML, as many cells as there are heads.
    label : str
        Read aloud.
    caption : str
    best : function
        Of row and column, from 0 on: whether the cell is marked.
    """
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    names = [escape(_text(head), quote=True) for head in heads]
    lines = []
    for i, (first, *others) in enumerate(rows):
        cells = "".join(
            f'<td{_BEST if best(i, j) else ""} data-label="{names[j]}">{value}</td>'
            for j, value in enumerate(others, start=1)
        )
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table class="stack">{above}<thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _text(html: str) -> str:
    """The words of a head, which has no tag but what stands around them."""
    return unescape(re.sub(r"<small>.*?</small>|<[^>]+>", "", html))


def words(name: object) -> str:
    """A column's name as words."""
    return str(name).replace("_", " ")


def cell(value: object) -> str:
    """A value as a table writes it."""
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return escape(str(value))


def number(value: float, is_share: bool = False) -> str:
    """Four digits that count; a dash where there is none."""
    if np.isnan(value):
        return '<span title="does not apply">\N{EN DASH}</span>'
    if np.isinf(value):
        return "\N{INFINITY}"
    if is_share:
        return f"{value:.1%}"
    digits = 0 if abs(value) >= 1000 else 3 if abs(value) < 10 else 1
    return f"{value:,.{digits}f}"
