"""A forecast of contracts as a page: totals, the schedule, who is left, and what age is worth."""

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from predclv.contracts.curves import retention_table, survival_table
from predclv.contracts.fitted import FittedContracts
from predclv.contracts.result import ContractForecast
from predclv.errors import OptionError
from predclv.models.retention import RetentionModel
from predclv.plots.contracts import retention_by_age, survival_by_cohort, value_by_age
from predclv.reports import parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TOTALS = {
    "purchases": "renewals expected",
    "revenue": "revenue expected",
    "clv": "worth today",
    "discounted_purchases": "renewals expected, discounted",
}
_PLANS = 6  # plans drawn


def report(forecast: ContractForecast, rows: int = 10) -> str:
    """One HTML page that fetches nothing; `ContractForecast.to_html` writes it to a file.

    Parameters
    ----------
    forecast : ContractForecast
    rows : int
        Of the tables.
    """
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise OptionError(f"rows must be a whole number from 1 on; got {rows!r}.")
    fitted, terms = forecast._contracts.fitted, forecast.terms
    total, figures = forecast.total(), [(f"{len(forecast):,}", "running contracts")]
    for name, what in _TOTALS.items():
        if name in total and not (name == "discounted_purchases" and len(figures) > 1):
            between = ""
            if f"{name}_lower" in total and terms.level is not None:
                low, high = total[f"{name}_lower"], total[f"{name}_upper"]
                between = f" ({terms.level:.0%} interval {low:,.0f} to {high:,.0f})"
            figures.append((f"{total[name]:,.0f}", what + between))
    body = [
        f"<header><h1>What contracts will bring</h1><p>{escape(forecast.headline())}.</p>"
        f"<p>{escape(repr(fitted.renewals))}</p></header>",
        parts.key_figures(figures),
        "<p>Intervals hold chance and what is not known of the model's parameters, not a price "
        "that rises or a competitor that comes.</p>",
        "<h2>Period by period</h2>",
        parts.plain(_shown(forecast.schedule().head(rows)), "Of all running contracts"),
    ]
    if issubclass(fitted.recipe.model, RetentionModel):
        new = forecast.new_subscriber()
        body += [parts.plain(_shown(new), "Somebody who subscribes today"), *_pictures(forecast)]
    return parts.document(f"What contracts will bring: {len(forecast):,} running", body)


def _pictures(forecast: ContractForecast) -> list[str]:
    fitted = forecast._contracts.fitted
    drawn = ['<h2 id="pictures">Who stays</h2><div class="pictures">']
    ahead = int(min(forecast._contracts.within, 24))
    for i, plan in enumerate(list(fitted.fits)[:_PLANS]):
        of = "" if plan is None else f": {plan}"
        drawn += [
            parts.picture(
                f"survival-{i}", f"Who is left of each cohort{of}",
                partial(_survival, fitted, ahead, plan),
                "Solid: observed. Dashed, with its band: where the share will really fall.",
                partial(survival_table, fitted, ahead, plan),
            ),
            parts.picture(
                f"retention-{i}", f"Retention by age{of}",
                partial(_retention, fitted, plan),
                "The rise is what one constant churn misses: who leaves easily, leaves first.",
                partial(retention_table, fitted, plan),
            ),
        ]  # fmt: skip
    if fitted.prices is not None:
        drawn.append(
            parts.picture(
                "value", "What age is worth", partial(_value, forecast),
                "The value of a running contract by the renewals behind it.",
                forecast.value_by_age,
            )
        )  # fmt: skip
    return [*drawn, "</div>"]


def _survival(fitted: FittedContracts, ahead: int, plan: Any, ax: "Axes") -> "Axes":
    return survival_by_cohort(fitted, ahead, plan, ax=ax)


def _retention(fitted: FittedContracts, plan: Any, ax: "Axes") -> "Axes":
    return retention_by_age(fitted, plan, ax=ax)


def _value(forecast: ContractForecast, ax: "Axes") -> "Axes":
    return value_by_age(forecast, ax=ax)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.copy()
    for name in shown.select_dtypes("number"):
        shown[name] = shown[name].round(2)
    return shown
