"""A report: everything a validation found, on one self-contained HTML page."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import NamedTuple

import pandas as pd

from predclv.notices import counted
from predclv.plots.compare import PICTURES
from predclv.reports import validation_tables as tables
from predclv.reports.parts import document, picture
from predclv.validation.result import Validation

_FINDINGS = 8  # sentences that are seen at once


class Section(NamedTuple):
    """A picture of the report: its name in `PICTURES`, its heading, and how to read it."""

    picture: str
    heading: str
    reading: str
    numbers: Callable[[Validation], pd.DataFrame]


SECTIONS = (
    Section(
        "calibration",
        "Calibration",
        "Customers are ranked by forecast and cut into tenths. On the line they bought on average "
        "what was forecast; above it more, below it less. The bars are intervals of the mean.",
        partial(tables.calibration, value="purchases"),
    ),
    Section(
        "calibration_spend",
        "Calibration of spend",
        "The same in money.",
        partial(tables.calibration, value="spend"),
    ),
    Section(
        "holdout_by_frequency",
        "By purchases before",
        "What customers bought in the holdout, by how often they had bought again before. Grey is "
        "what came.",
        tables.by_frequency,
    ),
    Section(
        "holdout_by_recency",
        "By time of the last purchase",
        "The same by how long after their first purchase customers had last bought.",
        tables.by_recency,
    ),
    Section(
        "tracking",
        "Purchases so far",
        "Repeat purchases of everybody known when calibration ended, added up over time. A "
        "cumulative curve always looks close, for it includes what the model was fitted to; the "
        "error of the holdout's total, in brackets, is the one to plan with.",
        tables.tracking,
    ),
    Section(
        "tracking_incremental",
        "Purchases per week",
        "The same week by week: seasons and promotions are the waves that no curve follows.",
        tables.tracking,
    ),
    Section(
        "pit_histogram",
        "Are the chances right?",
        "Where what came lies in each customer's predictive distribution. Flat is right; a heap at "
        "the right means that more was bought than thought possible, one at the left less.",
        tables.pit,
    ),
    Section(
        "coverage_curve",
        "Do intervals hold what they promise?",
        "A 90% interval should hold nine of ten customers, a 50% interval half of them: on the "
        "line they do.",
        tables.coverage,
    ),
    Section(
        "gains",
        "Who are the best customers?",
        "The share of all purchases reached by taking the customers of highest forecast first.",
        partial(tables.gains, value="purchases"),
    ),
    Section(
        "gains_spend",
        "Who spends the most?",
        "The same in money.",
        partial(tables.gains, value="spend"),
    ),
)
"""The pictures of the report, in their order."""


def report(validation: Validation) -> str:
    """One HTML page with the findings, the metrics explained, and pictures with their numbers.

    It needs nothing from elsewhere: no script, font, style or picture is fetched. Read it on a
    phone or a screen, light or dark, or print it. A picture that cannot be drawn (no log, no
    spend, no distribution) says why in its place.

    Parameters
    ----------
    validation : Validation

    Returns
    -------
    str
        HTML. `Validation.to_html` writes it to a file.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> page = report(pc.validate({"past rate": pc.baselines.PastRate()}, split))
    >>> page[:15]
    '<!DOCTYPE html>'
    """
    split = validation.split
    when = f" from {split.calibration_end} to {split.holdout_end}" if split.calibration_end else ""
    title = f"Were we right? {counted(len(validation), 'forecaster')}{when}"
    sections = [
        _section(validation, section) for section in SECTIONS if _applies(validation, section)
    ]
    return document(
        title,
        [
            f"<header><h1>Were we right?</h1><p>{escape(validation.headline())}.</p></header>",
            tables.key_figures(validation),
            _findings(validation),
            tables.metrics(validation),
            '<h2 id="pictures">Pictures</h2><div class="pictures">',
            *sections,
            "</div>",
            tables.glossary(validation),
        ],
    )


def _findings(validation: Validation) -> str:
    if not validation.findings:
        return ""
    said = [f"<li>{escape(finding)}</li>" for finding in validation.findings]
    shown = f'<ul class="findings">{"".join(said[:_FINDINGS])}</ul>'
    rest = "".join(said[_FINDINGS:])
    if rest:
        more = f"and {len(said) - _FINDINGS} more"
        shown += f'<details><summary>{more}</summary><ul class="findings">{rest}</ul></details>'
    return f'<h2 id="findings">Findings</h2>{shown}'


def _applies(validation: Validation, section: Section) -> bool:
    """Pictures of spend are left out where the holdout, or every forecaster, is without."""
    if not section.picture.endswith("_spend"):
        return True
    has_spend = "spend_holdout" in validation.split.frame
    return has_spend and any("expected_revenue" in f.frame for f in validation.forecasts.values())


def _section(validation: Validation, section: Section) -> str:
    return picture(
        section.picture,
        section.heading,
        partial(PICTURES[section.picture], validation),
        section.reading,
        partial(section.numbers, validation),
    )
