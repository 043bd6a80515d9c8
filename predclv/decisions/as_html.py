"""How a notebook shows a decision: its headline, and tables."""

from html import escape
from typing import Any

import pandas as pd


def as_html(headline: str, *tables: pd.DataFrame, **options: Any) -> str:
    """A headline and tables, whose options are those of `DataFrame.to_html`."""
    options = {"index": False, "border": 0} | options
    shown = "".join(f"{each.to_html(**options)}" for each in tables)
    return f"<p><b>{escape(headline)}</b></p>{shown}"
