"""A forecast of contracts as a page: totals, the schedule, who is left, and what age is worth."""

from functools import partial
from html import escape

import pandas as pd

from predclv.contracts.curves import retention_table, survival_table
from predclv.contracts.result import ContractForecast
from predclv.models.retention import RetentionModel
from predclv.plots.contracts import retention_by_age, survival_by_cohort, value_by_age
from predclv.reports import parts

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
    parts.assert_rows(rows)
    fitted = forecast._contracts.fitted
    figures = [(f"{len(forecast):,}", "running contracts"), *parts.totals(forecast, _TOTALS)]
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
                partial(survival_by_cohort, fitted, ahead, plan),
                "Solid: observed. Dashed, with its band: where the share will really fall.",
                partial(survival_table, fitted, ahead, plan),
            ),
            parts.picture(
                f"retention-{i}", f"Retention by age{of}",
                partial(retention_by_age, fitted, plan),
                "The rise is what one constant churn misses: who leaves easily, leaves first.",
                partial(retention_table, fitted, plan),
            ),
        ]  # fmt: skip
    if fitted.prices is not None:
        drawn.append(
            parts.picture(
                "value", "What age is worth", partial(value_by_age, forecast),
                "The value of a running contract by the renewals behind it.",
                forecast.value_by_age,
            )
        )  # fmt: skip
    return [*drawn, "</div>"]


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    return table.round(dict.fromkeys(table.select_dtypes("number"), 2))
