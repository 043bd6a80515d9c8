"""The verb of the command line for contracts."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import predclv as pc
from predclv.cli_options import (
    TABLES,
    CovariatesOption,
    Pictures,
    Unit,
    check_suffix,
    covariates_asked,
    draw,
    listed,
    read_table,
    write_table,
)
from predclv.progress import stage


def contracts(
    subscriptions: Annotated[
        str, typer.Argument(help="A table of contracts: a .csv or .parquet file, or a glob.")
    ],
    out: Annotated[Path, typer.Option(help="The forecast to write: .parquet or .csv.")],
    customer_id: Annotated[str, typer.Option(help="Column of customer ids.")] = "customer_id",
    start: Annotated[str, typer.Option(help="Column of first days.")] = "start",
    end: Annotated[str, typer.Option(help="Column of ends, empty where one runs.")] = "end",
    period: Annotated[Unit, typer.Option(help="From one renewal to the next.")] = Unit.MONTH,
    observation_end: Annotated[
        str | None, typer.Option(help="Last day observed; default: the table's last.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Column that tells plans apart.")] = None,
    cohorts: Annotated[
        bool, typer.Option("--cohorts", help="The file is a table of cohort, age, customers.")
    ] = False,
    model: Annotated[str, typer.Option(help="The model.")] = "ShiftedBetaGeometric",
    price: Annotated[
        str | None, typer.Option(help="Per renewal: 39, or by plan: basic=9,pro=29.")
    ] = None,
    groups: Annotated[str, typer.Option(help="Plans: separate, pooled or together.")] = "separate",
    static_covariates: Annotated[
        str | None,
        typer.Option(
            help="What is known of customers: .csv or .parquet with a row per customer_id; with "
            "--cohorts columns of the table, with commas between them."
        ),
    ] = None,
    covariates: CovariatesOption = None,
    horizon: Annotated[str, typer.Option(help="How far to look: '12 months'.")] = "12 months",
    discount_rate: Annotated[float, typer.Option(help="Annual: 0.10 is 10%.")] = 0.10,
    margin: Annotated[float, typer.Option(help="Share of the price that is profit.")] = 1.0,
    level: Annotated[float, typer.Option(help="Of the predictive intervals.")] = 0.9,
    seed: Annotated[int | None, typer.Option(help="Of the draws behind intervals.")] = None,
    report: Annotated[Path | None, typer.Option(help="A report to write: .html.")] = None,
    pictures: Pictures = None,
) -> None:
    """Forecast contracts: who renews, what that brings, and what subscribers are worth."""
    check_suffix(out, TABLES)
    check_suffix(report, (".html", ".htm"))
    effects = covariates_asked(covariates)
    with stage(f"Reading {subscriptions}"):
        if cohorts:
            renewals = pc.Renewals.from_cohorts(
                read_table(subscriptions, "A table of cohorts"), period=period.value, by=by,
                observation_end=observation_end,
                static_covariates=None if static_covariates is None else listed(static_covariates),
            )  # fmt: skip
        else:
            renewals = pc.renewals(
                subscriptions, customer_id, start, end, period.value, observation_end, by,
                static_covariates=static_covariates,
            )  # fmt: skip
    typer.echo(repr(renewals))
    recipe = pc.ContractModel(
        model,
        price=_prices(price),
        by=by,
        groups=groups,  # type: ignore[arg-type]
        covariates=effects,
    )
    fitted = recipe.fit(renewals)
    typer.echo(repr(fitted))
    if effects is not None:
        typer.echo(fitted.effects().round(4).to_string())
    forecast = fitted.forecast(horizon, discount_rate, margin, level, seed)
    typer.echo(forecast.headline())
    with stage("Writing the forecast"):
        write_table(forecast.frame, out)
    typer.echo(f"Written to {out}")
    if report is not None:
        forecast.to_html(report)
        typer.echo(f"Written to {report}")
    if pictures is not None:
        drawn: dict[str, Any] = {}
        for plan in fitted.fits:
            of = "" if plan is None else f"_{plan}"
            drawn[f"survival{of}"] = partial(pc.plots.survival_by_cohort, fitted, plan=plan)
            drawn[f"retention{of}"] = partial(pc.plots.retention_by_age, fitted, plan)
        if price is not None:
            drawn["value_by_age"] = partial(pc.plots.value_by_age, forecast)
        draw(pictures, drawn)


def _prices(text: str | None) -> float | dict[str, float] | None:
    """A price, or prices by plan, as they are written on the command line."""
    if text is None:
        return None
    try:
        if "=" not in text:
            return float(text)
        pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
        return {plan.strip(): float(value) for plan, _, value in pairs}
    except ValueError:
        raise pc.errors.OptionError(
            f"--price must be a number, or plan=number with commas between; got {text!r}."
        ) from None
