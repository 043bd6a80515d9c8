"""The command line: files in, files out. The verbs only; what they do stands elsewhere."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

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
UnitOption = Annotated[Unit | None, typer.Option(help="Unit of time. [default: week]")]


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The options of every verb that reads a log."""

    customer_id: Annotated[str, typer.Option(help="Column of customer ids.")] = "customer_id"
    date: Annotated[str, typer.Option(help="Column of dates or timestamps.")] = "date"
    amount: Annotated[str, typer.Option(help="Column of amounts.")] = "amount"
    no_amount: Annotated[bool, typer.Option("--no-amount", help="The log has no amounts.")] = False
    unit: UnitOption = None
    refunds: Annotated[Refunds, typer.Option(help="What is done with negative amounts.")] = (
        Refunds.NET
    )
    timezone: Annotated[str | None, typer.Option(help="Zone whose calendar days count.")] = None

    def arguments(self) -> dict[str, Any]:
        """As the functions that read a log take them."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        if given.pop("no_amount"):
            given["amount"] = None
        return given | {"unit": self.unit or "week"}


@dataclass(frozen=True, slots=True)
class SummaryOptions(LogOptions):
    """The options of every verb that reads a log as one summary."""

    observation_end: Annotated[
        str | None, typer.Option(help="Last day observed; default: the log's last.")
    ] = None


def with_options[F: Callable[..., None]](verb: F) -> F:
    """A verb whose parameter ``options`` is spelled out, one option for each of its fields."""
    hints = get_type_hints(verb, include_extras=True)
    kind = hints.pop("options")
    of_kind = get_type_hints(kind, include_extras=True)
    own = [p for name, p in signature(verb).parameters.items() if name != "options"]
    added = [
        Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=of_kind[f.name])
        for f in fields(kind)
    ]

    @wraps(verb)
    def spelled_out(**given: Any) -> None:
        options = kind(**{f.name: given.pop(f.name) for f in fields(kind)})
        verb(**given, options=options)

    spelled_out.__signature__ = Signature([*own, *added])  # type: ignore[attr-defined]
    spelled_out.__annotations__ = hints | {p.name: p.annotation for p in added}
    return spelled_out  # type: ignore[return-value]


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


def _customers(path: str, options: SummaryOptions) -> pc.RFM:
    """The summary in a file, or of the log in a file."""
    from predclv.data.rfm_files import holds_rfm, read_rfm

    with _stage(f"Reading {path}"):
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
    with _stage(f"Fitting {len(rfm):,} customers"):
        fitted = model.fit(rfm)
    fitted.save(out)
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
    with _stage(f"Reading {log}"):
        split = pc.holdout_split(
            log,
            calibration_end=calibration_end,
            holdout_end=holdout_end,
            **options.arguments(),
        )
    with _stage("Fitting and scoring"):
        validation = pc.validate(forecasters, split, level=level, seed=seed, progress=False)
    typer.echo(repr(validation))
    if out is None:
        return
    with _stage("Writing the report"):
        if out.suffix.casefold() == ".html":
            validation.to_html(out)
        else:
            from predclv.data.files import write_csv

            write_csv(validation.frame.reset_index(), out)
    typer.echo(f"Written to {out}")


def _baseline_named(name: str) -> Any:
    """A baseline by its public name."""
    known = ("LastPeriod", "PastRate", "HiatusRate", "MeanRate", "Textbook")
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
