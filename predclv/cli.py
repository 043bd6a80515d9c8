"""The command line: files in, files out. The verbs only; what they do stands elsewhere."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

import predclv as pc
from predclv.errors import PredclvError, PredclvWarning

app = typer.Typer(
    name="predclv",
    help="From a log of purchases to a forecast for every customer.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Unit(StrEnum):
    """Units of time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Refunds(StrEnum):
    """What is done with negative amounts."""

    NET = "net"
    DROP = "drop"
    ERROR = "error"


Log = Annotated[str, typer.Argument(help="A log of purchases: a .csv or .parquet file, or a glob.")]
CustomerId = Annotated[str, typer.Option(help="Column of customer ids.")]
Date = Annotated[str, typer.Option(help="Column of dates or timestamps.")]
Amount = Annotated[str, typer.Option(help="Column of amounts.")]
NoAmount = Annotated[bool, typer.Option("--no-amount", help="The log has no amounts.")]
UnitOption = Annotated[Unit | None, typer.Option(help="Unit of time. [default: week]")]
End = Annotated[str | None, typer.Option(help="Last day observed; default: the log's last.")]
RefundsOption = Annotated[Refunds, typer.Option(help="What is done with negative amounts.")]
Timezone = Annotated[str | None, typer.Option(help="Zone whose calendar days count.")]


@contextmanager
def _stage(text: str) -> Iterator[None]:
    """A progress line on standard error while something lasts; nothing outside a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        progress.add_task(text, total=None)
        yield


def _customers(path: str, unit: Unit | None, **options: Any) -> pc.RFM:
    """The summary in a file, or of the log in a file."""
    from predclv.data.rfm_files import holds_rfm, read_rfm

    with _stage(f"Reading {path}"):
        if holds_rfm(path):
            return read_rfm(path, unit)
        if options.pop("no_amount"):
            options["amount"] = None
        return pc.rfm_summary(path, unit=unit or "week", **options)


@app.callback(invoke_without_command=True)
def help_without_verb(context: typer.Context) -> None:
    """From a log of purchases to a forecast for every customer."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def summarise(
    log: Log,
    out: Annotated[Path, typer.Option(help="The summary to write: .parquet or .csv.")],
    customer_id: CustomerId = "customer_id",
    date: Date = "date",
    amount: Amount = "amount",
    no_amount: NoAmount = False,
    unit: UnitOption = None,
    observation_end: End = None,
    refunds: RefundsOption = Refunds.NET,
    timezone: Timezone = None,
) -> None:
    """Summarise a log: one row per customer with frequency, recency, T and monetary value."""
    from predclv.data.rfm_files import write_rfm

    rfm = _customers(
        log,
        unit,
        customer_id=customer_id,
        date=date,
        amount=amount,
        no_amount=no_amount,
        observation_end=observation_end,
        refunds=refunds,
        timezone=timezone,
    )
    write_rfm(rfm, out)
    typer.echo(f"{rfm!r}\nWritten to {out}")


@app.command()
def fit(
    customers: Annotated[str, typer.Argument(help="A log, or a summary made by summarise.")],
    out: Annotated[Path, typer.Option(help="The folder to write the fitted model to.")],
    purchases: Annotated[str, typer.Option(help="Model of purchases.")] = "BGNBD",
    spend: Annotated[str, typer.Option(help="Model of spend, or none.")] = "GammaGamma",
    engine: Annotated[str, typer.Option(help="Who fits.")] = "mle",
    customer_id: CustomerId = "customer_id",
    date: Date = "date",
    amount: Amount = "amount",
    no_amount: NoAmount = False,
    unit: UnitOption = None,
    observation_end: End = None,
    refunds: RefundsOption = Refunds.NET,
    timezone: Timezone = None,
) -> None:
    """Fit the models to a log or a summary, and save them with their customers."""
    from predclv.models import class_named

    model = pc.CLVModel(
        purchases=class_named(purchases),
        spend=None if spend.casefold() == "none" else class_named(spend),
        engine=engine,
    )
    rfm = _customers(
        customers,
        unit,
        customer_id=customer_id,
        date=date,
        amount=amount,
        no_amount=no_amount,
        observation_end=observation_end,
        refunds=refunds,
        timezone=timezone,
    )
    with _stage(f"Fitting {len(rfm):,} customers"):
        fitted = model.fit(rfm)
    fitted.save(out)
    typer.echo(f"{fitted!r}\n{fitted.summary().to_string(float_format='{:.4g}'.format)}")
    typer.echo(f"Written to {out}")


@app.command()
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
    customer_id: CustomerId = "customer_id",
    date: Date = "date",
    amount: Amount = "amount",
    no_amount: NoAmount = False,
    unit: UnitOption = None,
    observation_end: End = None,
    refunds: RefundsOption = Refunds.NET,
    timezone: Timezone = None,
) -> None:
    """Forecast every customer: alive, active, purchases, spend and CLV."""
    writers = {".parquet": "to_parquet", ".csv": "to_csv", ".duckdb": "to_duckdb"}
    if out.suffix.casefold() not in writers:
        raise pc.errors.OptionError(f"--out must end in {', '.join(writers)}; got {str(out)!r}.")
    fitted = pc.load(model)
    others = None
    if customers is not None:
        others = _customers(
            customers,
            unit,
            customer_id=customer_id,
            date=date,
            amount=amount,
            no_amount=no_amount or fitted.spend is None,
            observation_end=observation_end,
            refunds=refunds,
            timezone=timezone,
        )
    with _stage("Forecasting"):
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
def demo(
    out: Annotated[Path, typer.Option(help="Folder for forecasts and pictures.")] = Path(
        "predclv-demo"
    ),
) -> None:
    """Forecast the CDNOW customers, and hold the forecast against what came."""
    from predclv.demo import run

    run(out, _stage)


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
