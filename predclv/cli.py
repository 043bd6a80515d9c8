"""The command line: files in, files out. The verbs only; what they do stands elsewhere."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

import predclv as pc
from predclv.cli_options import Log, LogOptions, SummaryOptions, with_options
from predclv.errors import PredclvError, PredclvWarning
from predclv.progress import stage

app = typer.Typer(
    name="predclv",
    help="From a log of purchases to a forecast for every customer.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _customers(path: str, options: SummaryOptions) -> pc.RFM:
    """The summary in a file, or of the log in a file."""
    from predclv.data.rfm_files import holds_rfm, read_rfm

    with stage(f"Reading {path}"):
        if holds_rfm(path):
            return read_rfm(path, options.unit)
        return pc.rfm_summary(path, **options.arguments())


@app.callback(invoke_without_command=True)
def help_without_verb(context: typer.Context) -> None:
    """From a log of purchases to a forecast for every customer."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
@with_options
def summarise(
    log: Log,
    out: Annotated[Path, typer.Option(help="The summary to write: .parquet or .csv.")],
    *,
    options: SummaryOptions,
) -> None:
    """Summarise a log: one row per customer with frequency, recency, T and monetary value."""
    from predclv.data.rfm_files import write_rfm

    rfm = _customers(log, options)
    write_rfm(rfm, out)
    typer.echo(f"{rfm!r}\nWritten to {out}")


@app.command()
@with_options
def fit(
    customers: Annotated[str, typer.Argument(help="A log, or a summary made by summarise.")],
    out: Annotated[Path, typer.Option(help="The folder to write the fitted model to.")],
    purchases: Annotated[str, typer.Option(help="Model of purchases, or auto.")] = "BGNBD",
    spend: Annotated[str, typer.Option(help="Model of spend, or none.")] = "GammaGamma",
    engine: Annotated[str, typer.Option(help="Who fits.")] = "mle",
    no_customers: Annotated[
        bool, typer.Option("--no-customers", help="Save the parameters without the customers.")
    ] = False,
    *,
    options: SummaryOptions,
) -> None:
    """Fit the models to a log or a summary, and save them with their customers."""
    from predclv.models import class_named

    model = pc.CLVModel(
        purchases=purchases if purchases == "auto" else class_named(purchases),
        spend=None if spend.casefold() == "none" else class_named(spend),
        engine=engine,
    )
    rfm = _customers(customers, options)
    fitted = model.fit(rfm)
    fitted.save(out, customers=not no_customers)
    typer.echo(f"{fitted!r}\n{fitted.summary().to_string(float_format='{:.4g}'.format)}")
    typer.echo(f"Written to {out}")


@app.command()
@with_options
def forecast(
    model: Annotated[Path, typer.Argument(help="A fitted model: the folder that fit wrote.")],
    out: Annotated[Path, typer.Option(help="The forecast to write: .parquet, .csv or .duckdb.")],
    horizon: Annotated[str, typer.Option(help="Such as '52 weeks', or 'lifetime'.")] = "52 weeks",
    discount_rate: Annotated[float, typer.Option(help="Annual, effective; 0.1 is 10%.")] = 0.10,
    margin: Annotated[float, typer.Option(help="Share of spend that is profit.")] = 1.0,
    customers: Annotated[
        str | None, typer.Option(help="Other customers than those fitted: a log or a summary.")
    ] = None,
    level: Annotated[float, typer.Option(help="Of the predictive intervals.")] = 0.9,
    no_intervals: Annotated[
        bool, typer.Option("--no-intervals", help="Leave the intervals out: much faster.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Of the draws behind intervals.")] = None,
    table: Annotated[str, typer.Option(help="Name of the table in a .duckdb file.")] = "forecast",
    *,
    options: SummaryOptions,
) -> None:
    """Forecast every customer: alive, active, purchases, spend and CLV."""
    writers = {".parquet": "to_parquet", ".csv": "to_csv", ".duckdb": "to_duckdb"}
    if out.suffix.casefold() not in writers:
        raise pc.errors.OptionError(f"--out must end in {', '.join(writers)}; got {str(out)!r}.")
    fitted = pc.load(model)
    others = None
    if customers is not None:
        others = _customers(
            customers, replace(options, no_amount=True) if fitted.spend is None else options
        )
    result = fitted.forecast(
        horizon=None if horizon == "lifetime" else horizon,
        discount_rate=discount_rate,
        margin=margin,
        level=None if no_intervals else level,
        rfm=others,
        seed=seed,
    )
    write = getattr(result, writers[out.suffix.casefold()])
    if out.suffix.casefold() == ".duckdb":
        write(out, table)
    else:
        write(out)
    typer.echo(f"{result.headline()}\nWritten to {out}")


@app.command()
def segments(
    model: Annotated[Path, typer.Argument(help="A fitted model: the folder that fit wrote.")],
    out: Annotated[Path, typer.Option(help="The tier of every customer: .parquet or .csv.")],
    horizon: Annotated[str, typer.Option(help="Such as '52 weeks'.")] = "52 weeks",
    discount_rate: Annotated[float, typer.Option(help="Annual, effective; 0.1 is 10%.")] = 0.10,
    margin: Annotated[float, typer.Option(help="Share of spend that is profit.")] = 1.0,
    rules: Annotated[
        str | None, typer.Option(help="'four tiers', instead of quantiles of value.")
    ] = None,
    quantiles: Annotated[
        str, typer.Option(help="Where tiers end, with commas between them.")
    ] = "0.5,0.8,0.95",
    currency_scale: Annotated[float, typer.Option(help="Multiplies the rules' amounts.")] = 1.0,
) -> None:
    """Put every customer in a tier by forecast value or by rules, and say why."""
    from predclv.data.files import write_csv, write_parquet

    writers: dict[str, Callable[..., None]] = {".parquet": write_parquet, ".csv": write_csv}
    if out.suffix.casefold() not in writers:
        raise pc.errors.OptionError(f"--out must end in {', '.join(writers)}; got {str(out)!r}.")
    try:
        cuts = [float(share) for share in _listed(quantiles)]
    except ValueError as error:
        raise pc.errors.OptionError(
            f"--quantiles must be numbers such as 0.5,0.8,0.95; got {quantiles!r}."
        ) from error
    fitted = pc.load(model)
    result = fitted.forecast(horizon, discount_rate, margin, level=None)
    if rules is None:
        found = pc.segments.tiers(result, quantiles=cuts)
    else:
        found = pc.segments.tiers(result, rules=rules, currency_scale=currency_scale)
    writers[out.suffix.casefold()](found.frame, out)
    typer.echo(found.profile().to_string(index=False, float_format="{:,.3g}".format))
    typer.echo(f"Written to {out}")


@app.command()
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
    models: Annotated[
        str, typer.Option(help="Models of purchases, with commas between them.")
    ] = "BGNBD,MBGNBD,ParetoNBD",
    baselines: Annotated[
        str, typer.Option(help="Baselines beside them, or none.")
    ] = "LastPeriod,PastRate,HiatusRate,MeanRate",
    level: Annotated[float, typer.Option(help="Of the predictive intervals.")] = 0.9,
    seed: Annotated[int | None, typer.Option(help="Of the draws behind intervals.")] = None,
    *,
    options: LogOptions,
) -> None:
    """Fit on what was known at a day, and score the forecasts against what came after."""
    from predclv.models import class_named

    if out is not None and out.suffix.casefold() not in (".html", ".csv"):
        raise pc.errors.OptionError(f"--out must end in .html or .csv; got {str(out)!r}.")
    forecasters: list[Any] = [pc.CLVModel(class_named(name)) for name in _listed(models)]
    forecasters += [_baseline_named(name) for name in _listed(baselines)]
    with stage(f"Reading {log}"):
        split = pc.holdout_split(
            log,
            calibration_end=calibration_end,
            holdout_end=holdout_end,
            **options.arguments(),
        )
    with stage("Fitting and scoring"):
        validation = pc.validate(forecasters, split, level=level, seed=seed, progress=False)
    typer.echo(repr(validation))
    if out is None:
        return
    with stage("Writing the report"):
        if out.suffix.casefold() == ".html":
            validation.to_html(out)
        else:
            from predclv.data.files import write_csv

            write_csv(validation.frame.reset_index(), out)
    typer.echo(f"Written to {out}")


def _baseline_named(name: str) -> Any:
    """A baseline by its public name."""
    known = (
        "LastPeriod", "SamePeriodLastYear", "PastRate", "HiatusRate", "MeanRate", "Textbook",
    )  # fmt: skip
    if name not in known:
        raise pc.errors.OptionError(
            f"There is no baseline {name!r}; there are {', '.join(known)}."
            f"{pc.errors.did_you_mean(name, known)}"
        )
    return getattr(pc.baselines, name)()


def _listed(names: str) -> list[str]:
    """Names with commas between them; none at all where it says none."""
    listed = [name.strip() for name in names.split(",") if name.strip()]
    return [] if [name.casefold() for name in listed] == ["none"] else listed


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for forecasts and pictures.")] = Path(
        "predclv-demo"
    ),
) -> None:
    """Forecast the CDNOW customers, and hold the forecast against what came."""
    from predclv.demo import run

    run(out, stage)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: exit code 2 and one line on standard error for bad input."""

    def one_line(
        message: Warning | str, category: type[Warning], *details: Any, **more: Any
    ) -> None:
        if issubclass(category, PredclvWarning):
            typer.echo(f"warning: {message}", err=True)
        else:
            ordinary(message, category, *details, **more)

    ordinary, warnings.showwarning = warnings.showwarning, one_line
    try:
        sys.exit(app(args=arguments, standalone_mode=False))
    except TyperException as error:
        typer.echo(f"error: {error.format_message()}", err=True)
        sys.exit(2)
    except (PredclvError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("stopped", err=True)
        sys.exit(130)
    finally:
        warnings.showwarning = ordinary


if __name__ == "__main__":
    main()
