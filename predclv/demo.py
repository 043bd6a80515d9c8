"""The demonstration: CDNOW from its order log to forecasts, tables and pictures."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, cast

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import predclv as pc
from predclv.forecast.total_words import CHANCE_ONLY, in_words

CALIBRATION_END = "1997-09-30"


def run(out: Path, stage: Callable[[str], AbstractContextManager[None]]) -> None:
    """Forecast CDNOW, compare with what came, print tables, and write files to ``out``.

    Parameters
    ----------
    out : Path
        The folder; made if it is not there.
    stage : callable
        Shows what is being done for as long as the context lasts.
    """
    console = Console(highlight=False)
    log = pc.datasets.load_cdnow()
    console.print(
        f"\n[bold]CDNOW[/bold]: {len(log):,} orders of {log['customer_id'].nunique():,} customers, "
        f"{log['date'].min():%Y-%m-%d} to {log['date'].max():%Y-%m-%d}"
    )

    with stage("Holding 39 weeks' forecast against the next 39"):
        split = pc.holdout_split(log, calibration_end=CALIBRATION_END)
        calibrated = pc.CLVModel().fit(split.rfm)
        check = calibrated.forecast(horizon=split.duration, discount_rate=0.0, seed=1)
    console.print(_holdout(check, split))
    console.print(_shortfall(check, split))

    with stage("Forecasting the next 52 weeks from the whole log"):
        fitted = pc.CLVModel().fit(pc.rfm_summary(log, currency="$"))
        forecast = fitted.forecast(horizon="52 weeks", discount_rate=0.10, seed=1)
    console.print(_parameters(fitted))
    console.print(_most_valuable(forecast))
    told = in_words(forecast.total(), ("purchases", "revenue", "clv"))
    console.print(
        f"All {len(forecast):,} customers, with 90% intervals that hold {CHANCE_ONLY}: "
        f"{told['purchases']} purchases and {told['revenue']} of revenue expected in 52 weeks, "
        f"worth {told['clv']} today."
    )

    with stage("Drawing"):
        written = _write(out, forecast, fitted, calibrated, check, split)
    console.print(f"\nIn [bold]{out}[/bold]: {', '.join(written)}")


def _table(title: str, numbers: Sequence[str], words: Sequence[str] = ()) -> Table:
    """A table with columns of words, and of numbers after them."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in words:
        table.add_column(heading)
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def _holdout(check: pc.Forecast, split: pc.HoldoutSplit) -> Table:
    from predclv.validation.tables import holdout_by_frequency

    by_frequency = holdout_by_frequency(check, split)
    table = _table(
        f"Forecast against what came, {split.calibration_end} to {split.holdout_end}",
        ("repeat purchases before", "customers", "forecast mean", "actual mean"),
    )
    for label, row in by_frequency.iterrows():
        table.add_row(
            str(label), f"{row['customers']:,.0f}", f"{row['forecast']:.2f}", f"{row['actual']:.2f}"
        )
    return table


def _shortfall(check: pc.Forecast, split: pc.HoldoutSplit) -> str:
    forecast_purchases = check.frame["expected_purchases"].sum()
    forecast_spend = check.frame["expected_revenue"].sum()
    came = split.frame[["frequency_holdout", "spend_holdout"]].sum()
    purchases, spend = came["frequency_holdout"], came["spend_holdout"]
    within = (split.frame["frequency_holdout"] >= check.frame["purchases_lower"]) & (
        split.frame["frequency_holdout"] <= check.frame["purchases_upper"]
    )
    return (
        f"Purchases: {forecast_purchases:,.0f} forecast, {purchases:,.0f} came "
        f"({forecast_purchases / purchases - 1:+.1%}). Spend: ${forecast_spend:,.0f} "
        f"forecast, ${spend:,.0f} came ({forecast_spend / spend - 1:+.1%}).\n"
        f"{within.mean():.1%} of customers bought within their 90% predictive interval.\n"
    )


def _parameters(fitted: pc.FittedCLV) -> Table:
    table = _table(
        "Parameters, from the whole log (weeks)",
        ("estimate", "std. error", "90% interval"),
        words=("model", "parameter"),
    )
    for index, row in fitted.summary().iterrows():
        model, name = cast("tuple[str, str]", index)
        table.add_row(
            model,
            name,
            f"{row['estimate']:.4f}",
            f"{row['std_error']:.4f}",
            f"{row['lower']:.3f} to {row['upper']:.3f}",
        )
    return table


def _most_valuable(forecast: pc.Forecast) -> Table:
    table = _table(
        "The ten most valuable customers, next 52 weeks",
        ("customer", "alive", "active", "orders", "90%", "each", "CLV", "90%"),
    )
    for _, row in forecast.top(10).iterrows():
        table.add_row(
            f"{row['customer_id']:.0f}",
            f"{row['p_alive']:.2f}",
            f"{row['p_active']:.2f}",
            f"{row['expected_purchases']:.1f}",
            f"{row['purchases_lower']:.0f} to {row['purchases_upper']:.0f}",
            f"${row['expected_spend']:,.2f}",
            f"${row['clv']:,.0f}",
            f"${row['clv_lower']:,.0f} to ${row['clv_upper']:,.0f}",
        )
    return table


def _write(
    out: Path,
    forecast: pc.Forecast,
    fitted: pc.FittedCLV,
    calibrated: pc.FittedCLV,
    check: pc.Forecast,
    split: pc.HoldoutSplit,
) -> list[str]:
    from predclv.plots.files import write_pictures

    out = out.expanduser()
    out.mkdir(parents=True, exist_ok=True)
    forecast.to_parquet(out / "forecasts.parquet")
    pictures: dict[str, Callable[..., Any]] = {
        "holdout": partial(pc.plots.holdout_by_frequency, check, split),
        "repeat_purchases": partial(pc.plots.repeat_histogram, calibrated),
        "frequency_recency": partial(pc.plots.frequency_recency, fitted),
    }
    return ["forecasts.parquet", *write_pictures(out, pictures)]
