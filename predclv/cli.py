"""The command line: files in, files out. The verbs only; what they do stands elsewhere."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

import predclv as pc
from predclv.cli_base import base
from predclv.cli_campaign import campaign, drivers
from predclv.cli_contracts import contracts
from predclv.cli_options import (
    TABLES,
    AheadFileOption,
    CovariatesOption,
    CustomerOptions,
    DriftOption,
    EventsOption,
    Lists,
    Log,
    MemoryOption,
    Model,
    Pictures,
    Season,
    TrendOption,
    WeekdayOption,
    check_suffix,
    clock_asked,
    covariates_asked,
    draw,
    in_lines,
    listed,
    with_options,
    write_table,
)
from predclv.cli_validate import backtest, validate
from predclv.cli_words import in_the_shell, options_of, warnings_told
from predclv.errors import PredclvError
from predclv.progress import stage

app = typer.Typer(
    name="predclv",
    help="From a log of purchases to a forecast for every customer.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _customers(path: str, options: CustomerOptions) -> "pc.RFM":
    """The summary in a file, or of the log in a file."""
    from predclv.summaries.files import holds_rfm, read_rfm

    with stage(f"Reading {path}"):
        if holds_rfm(path):
            if options.static_covariates or options.dynamic_covariates:
                raise pc.errors.OptionError(
                    f"{path} is a summary, and covariates belong to a log: say summarise "
                    "LOG --static-covariates FILE, which keeps them in the summary."
                )
            return read_rfm(path, options.unit)
        return pc.rfm_summary(path, **options.arguments())


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"predclv {pc.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def help_without_verb(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", callback=_say_version, is_eager=True
        ),
    ] = False,
) -> None:
    """From a log of purchases to a forecast for every customer."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
@with_options
def summarise(
    log: Log,
    out: Annotated[Path, typer.Option(help="The summary to write: .parquet or .csv.")],
    *,
    options: CustomerOptions,
) -> None:
    """Summarise a log: one row per customer with frequency, recency, T and monetary value."""
    from predclv.summaries.files import write_rfm

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
    season: Season = None,
    trend: TrendOption = False,
    weekday: WeekdayOption = False,
    events: EventsOption = None,
    covariates: CovariatesOption = None,
    memory: MemoryOption = False,
    drift: DriftOption = False,
    pictures: Pictures = None,
    *,
    options: CustomerOptions,
) -> None:
    """Fit the models to a log or a summary, and save them with their customers."""
    model = pc.CLVModel(
        purchases=purchases,
        spend=None if spend.casefold() == "none" else spend,
        engine=engine,
        clock=clock_asked(season, trend, weekday, events),
        covariates=covariates_asked(covariates),
        memory=memory,
        drift=drift,
    )
    rfm = _customers(customers, options)
    with stage("Fitting"):
        fitted = model.fit(rfm)
    with stage("Saving the model"):
        fitted.save(out, customers=not no_customers)
    typer.echo(f"{fitted!r}\n{fitted.summary().to_string(float_format='{:.4g}'.format)}")
    typer.echo(f"Written to {out}")
    draw(
        pictures,
        {
            "repeat_histogram": lambda ax: pc.plots.repeat_histogram(fitted, ax=ax),
            "frequency_recency": lambda ax: pc.plots.frequency_recency(fitted, ax=ax),
            "interpurchase_times": lambda ax: pc.plots.interpurchase_times(fitted, ax=ax),
            "tracking": lambda ax: pc.plots.tracking(fitted, ax=ax),
        },
    )


@app.command()
@with_options
def forecast(
    model: Model,
    out: Annotated[
        Path, typer.Option(help="The forecast: .parquet, .csv, .duckdb, or .html, a report.")
    ],
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
    schedule: Annotated[
        str | None, typer.Option(help="Print the horizon by week, month, quarter or year too.")
    ] = None,
    pictures: Pictures = None,
    covariates_ahead: AheadFileOption = None,
    *,
    options: CustomerOptions,
) -> None:
    """Forecast every customer: alive, active, purchases, spend and CLV."""
    kind = check_suffix(out, (".parquet", ".csv", ".duckdb", ".html"))
    with stage(f"Reading {model}"):
        fitted = pc.load(model)
    others = None
    if customers is not None:
        own = replace(options, no_amount=True) if fitted.spend is None else options
        others = _customers(customers, own)
    result = fitted.forecast(
        horizon=horizon,
        discount_rate=discount_rate,
        margin=margin,
        level=None if no_intervals else level,
        rfm=others,
        seed=seed,
        dynamic_covariates=covariates_ahead,
    )
    with stage("Forecasting"):
        by_period = None if schedule is None else result.schedule(schedule)
        if kind == ".duckdb":
            result.to_duckdb(out, table)
        else:
            getattr(result, f"to_{kind[1:]}")(out)
        headline = result.headline()
    typer.echo(f"{headline}\nWritten to {out}")
    if by_period is not None:
        typer.echo(by_period.to_string(index=False, float_format="{:,.1f}".format))
    draw(
        pictures,
        {
            "clv_distribution": lambda ax: pc.plots.clv_distribution(result, ax=ax),
            "tier_profile": lambda ax: pc.plots.tier_profile(pc.segments.tiers(result), ax=ax),
        },
    )


@app.command()
def segments(
    model: Model,
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
    pictures: Pictures = None,
) -> None:
    """Put every customer in a tier by forecast value or by rules, and say why."""
    check_suffix(out, TABLES)
    try:
        cuts = [float(share) for share in listed(quantiles)]
    except ValueError as error:
        raise pc.errors.OptionError(
            f"--quantiles must be numbers such as 0.5,0.8,0.95; got {quantiles!r}."
        ) from error
    with stage(f"Reading {model}"):
        fitted = pc.load(model)
    with stage("Putting customers in tiers"):
        result = fitted.forecast(horizon, discount_rate, margin, level=None)
        if rules is None:
            found = pc.segments.tiers(result, quantiles=cuts)
        else:
            found = pc.segments.tiers(result, rules=rules, currency_scale=currency_scale)
        write_table(found.frame, out)
    typer.echo(in_lines(found.profile(), fitted.rfm.currency))
    typer.echo(f"Written to {out}")
    draw(pictures, {"tier_profile": lambda ax: pc.plots.tier_profile(found, ax=ax)})


@app.command()
def lists(
    which: Annotated[Lists, typer.Argument(help="Which list.")],
    model: Model,
    out: Annotated[Path, typer.Option(help="The list to write: .parquet or .csv.")],
    horizon: Annotated[str, typer.Option(help="Of what customers are worth.")] = "52 weeks",
    discount_rate: Annotated[float, typer.Option(help="Annual, effective; 0.1 is 10%.")] = 0.10,
    margin: Annotated[float, typer.Option(help="Share of spend that is profit.")] = 1.0,
    gone_below: Annotated[
        float, typer.Option(help="win-back: who is alive with a chance below this.")
    ] = 0.5,
    top_share: Annotated[
        float, typer.Option(help="win-back: of this share of customers, worth the most.")
    ] = 0.2,
    overdue: Annotated[
        float, typer.Option(help="at-risk: silent for longer than this share would be.")
    ] = 0.9,
    least_repeats: Annotated[
        int, typer.Option(help="at-risk: with at least so many repeat purchases.")
    ] = 3,
    within: Annotated[
        str, typer.Option(help="due-soon: the window from the last day observed.")
    ] = "30 days",
) -> None:
    """Write a list of customers to act on: win-back, at-risk or due-soon."""
    check_suffix(out, TABLES)
    with stage(f"Reading {model}"):
        fitted = pc.load(model)
    with stage("Making the list"):
        if which is Lists.DUE_SOON:
            found = pc.segments.due_soon(fitted, within=within)
        else:
            result = fitted.forecast(horizon, discount_rate, margin, level=None, seed=0)
            if which is Lists.WIN_BACK:
                found = pc.segments.win_back(result, gone_below, top_share)
            else:
                found = pc.segments.at_risk(
                    fitted, overdue=overdue, least_repeats=least_repeats, forecast=result
                )
        write_table(found, out)
    typer.echo(in_lines(found.head(5), fitted.rfm.currency))
    typer.echo(f"{len(found):,} of {len(fitted.rfm):,} customers\nWritten to {out}")


app.add_typer(base, name="base")
app.command()(validate)
app.command()(backtest)
app.command()(drivers)
app.command()(campaign)
app.command()(contracts)


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
    words = sys.argv[1:] if arguments is None else arguments

    def tell(message: object, kind: str = "error") -> None:
        said = in_the_shell(str(message), options_of(typer.main.get_command(app), words))
        typer.echo(f"{kind}: {said}", err=True)

    try:
        with warnings_told(tell):
            sys.exit(app(args=arguments, standalone_mode=False))
    except TyperException as error:
        typer.echo(f"error: {error.format_message()}", err=True)
        sys.exit(2)
    except (PredclvError, OSError) as error:
        tell(error)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("stopped", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
