"""The verbs of the command line that hold forecasts against what came."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import predclv as pc
from predclv.cli_options import (
    TABLES,
    AheadOption,
    Baselines,
    CovariatesOption,
    Log,
    Models,
    Pictures,
    SplitOptions,
    check_suffix,
    covariates_asked,
    draw,
    forecasters_named,
    keep,
    listed,
    with_options,
    write_table,
)
from predclv.progress import stage


@with_options
def validate(
    log: Log,
    calibration_end: Annotated[str, typer.Option(help="Last day that the models may see.")],
    holdout_end: Annotated[
        str | None, typer.Option(help="Last day of the holdout; default: the log's last.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The report to write (.html), or its table (.csv).")
    ] = None,
    models: Models = "BGNBD,MBGNBD,ParetoNBD",
    baselines: Baselines = "LastPeriod,PastRate,HiatusRate,MeanRate",
    level: Annotated[float, typer.Option(help="Of the predictive intervals.")] = 0.9,
    seed: Annotated[int | None, typer.Option(help="Of the draws behind intervals.")] = None,
    pictures: Pictures = None,
    covariates: CovariatesOption = None,
    covariates_ahead: AheadOption = False,
    *,
    options: SplitOptions,
) -> None:
    """Fit on what was known at a day, and score the forecasts against what came after."""
    check_suffix(out, (".html", ".csv"))
    forecasters = forecasters_named(models, baselines, covariates_asked(covariates))
    with stage(f"Reading {log}"):
        split = pc.holdout_split(
            log,
            calibration_end=calibration_end,
            holdout_end=holdout_end,
            **options.arguments(),
        )
    with stage("Fitting and scoring"):
        validation = pc.validate(
            forecasters,
            split,
            level=level,
            seed=seed,
            progress=False,
            covariates_ahead=covariates_ahead,
        )
    typer.echo(repr(validation))
    if out is not None:
        with stage("Writing the report"):
            if out.suffix.casefold() == ".html":
                validation.to_html(out)
            else:
                write_table(validation.frame.reset_index(), out)
        typer.echo(f"Written to {out}")
    if pictures is not None:
        from predclv.plots.compare import PICTURES

        drawn = {name: partial(picture, validation) for name, picture in PICTURES.items()}
        draw(pictures, drawn)


@with_options
def backtest(
    log: Log,
    cutoffs: Annotated[
        str, typer.Option(help="Last days known, with commas between them, or how many.")
    ],
    horizon: Annotated[str, typer.Option(help="How far each forecast reaches: '26 weeks'.")],
    out: Annotated[
        Path | None, typer.Option(help="The scores at each cutoff: .parquet or .csv.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Nothing after this day is looked at.")] = None,
    models: Models = "BGNBD,MBGNBD,ParetoNBD",
    baselines: Baselines = "LastPeriod,PastRate,HiatusRate,MeanRate",
    level: Annotated[float, typer.Option(help="Of the predictive intervals.")] = 0.9,
    seed: Annotated[int | None, typer.Option(help="Of the draws behind intervals.")] = None,
    covariates: CovariatesOption = None,
    covariates_ahead: AheadOption = False,
    *,
    options: SplitOptions,
) -> None:
    """Validate from several days of the past, to see how much of it is chance."""
    check_suffix(out, TABLES)
    days = listed(cutoffs)
    with stage(f"Backtesting on {log}"):
        found = pc.backtest(
            forecasters_named(models, baselines, covariates_asked(covariates)),
            log,
            cutoffs=int(days[0]) if len(days) == 1 and days[0].isdigit() else days,
            horizon=horizon,
            until=until,
            level=level,
            seed=seed,
            covariates_ahead=covariates_ahead,
            **options.arguments(),
        )
    typer.echo(repr(found))
    keep(found.frame.reset_index(), out)
