"""What the verbs of the command line share: the options of a log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

import predclv as pc

TABLES = (".parquet", ".csv")


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


class Lists(StrEnum):
    """Lists to act on."""

    WIN_BACK = "win-back"
    AT_RISK = "at-risk"
    DUE_SOON = "due-soon"


Log = Annotated[str, typer.Argument(help="A log of purchases: a .csv or .parquet file, or a glob.")]
Model = Annotated[Path, typer.Argument(help="A fitted model: the folder that fit wrote.")]
Pictures = Annotated[
    Path | None, typer.Option(help="A folder to write pictures of the result to, as PNG.")
]
Models = Annotated[
    str, typer.Option(help="Models of purchases, or auto, with commas between them.")
]
Baselines = Annotated[str, typer.Option(help="Baselines beside them, or none.")]
Season = Annotated[
    str | None, typer.Option(help="Fit on a clock with a yearly season: auto, or harmonics.")
]
TrendOption = Annotated[bool, typer.Option("--trend", help="A clock with a damped trend.")]
MemoryOption = Annotated[
    bool, typer.Option("--memory", help="Old purchases count less than recent ones.")
]
DriftOption = Annotated[
    bool, typer.Option("--drift", help="The log's first customers buy at a rate of their own.")
]
WeekdayOption = Annotated[bool, typer.Option("--weekday", help="A clock with days of the week.")]
EventsOption = Annotated[
    str | None,
    typer.Option(help="A clock with events: .csv or .parquet with name and date, or start, end."),
]
StaticOption = Annotated[
    str | None,
    typer.Option(help="What is known of customers: .csv or .parquet with a row per customer_id."),
]
DynamicOption = Annotated[
    str | None,
    typer.Option(help="What changes: .csv or .parquet with customer_id, date and values since."),
]
CovariatesOption = Annotated[
    str | None,
    typer.Option(help="What they act on: 'rate=channel+age, leaving=channel, spend=age'."),
]
AheadOption = Annotated[
    bool,
    typer.Option(
        "--covariates-ahead", help="Tell models what --dynamic-covariates says of days ahead too."
    ),
]
AheadFileOption = Annotated[
    str | None, typer.Option(help="How they change ahead: a file as --dynamic-covariates.")
]
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
    currency: Annotated[
        str | None, typer.Option(help="Shown beside amounts, such as GBP; nothing is converted.")
    ] = None

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


@dataclass(frozen=True, slots=True)
class CustomerOptions(SummaryOptions):
    """Those of a summary, and files that say what is known of customers."""

    static_covariates: StaticOption = None
    dynamic_covariates: DynamicOption = None


@dataclass(frozen=True, slots=True)
class SplitOptions(LogOptions):
    """Those of a log that is cut, and files that say what is known of customers."""

    static_covariates: StaticOption = None
    dynamic_covariates: DynamicOption = None


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


def listed(names: str) -> list[str]:
    """Names with commas between them; none at all where it says none."""
    found = [name.strip() for name in names.split(",") if name.strip()]
    return [] if [name.casefold() for name in found] == ["none"] else found


def clock_asked(season: str | None, trend: bool, weekday: bool, events: str | None) -> Any:
    """The clock that options ask for; None where none does."""
    if season is None and not trend and not weekday and events is None:
        return None
    table = None if events is None else read_table(events, "--events")
    number = (season or "0").strip()
    return pc.Clock(
        season=int(number) if number.isdecimal() else number,  # type: ignore[arg-type]
        trend="damped" if trend else None,
        weekday=weekday,
        events=table,
    )


def covariates_asked(text: str | None) -> dict[str, list[Any]] | None:
    """What covariates act on, as a recipe takes it; ``a*b`` is an interaction.

    Examples
    --------
    >>> covariates_asked("rate=channel+channel*age, leaving=age")
    {'rate': ['channel', ('channel', 'age')], 'leaving': ['age']}
    """
    if text is None:
        return None
    found: dict[str, list[Any]] = {}
    for part in listed(text):
        target, _, columns = (word.strip() for word in part.partition("="))
        names = [tuple(map(str.strip, name.split("*"))) for name in columns.split("+")]
        if not target or not all(all(name) for name in names):
            raise pc.errors.OptionError(
                f"--covariates must be such as 'rate=channel+age, leaving=channel'; got {text!r}."
            )
        found[target] = [name[0] if len(name) == 1 else name for name in names]
    return found


def forecasters_named(
    models: str, baselines: str, covariates: dict[str, list[Any]] | None = None
) -> Any:
    """Recipes of models, then baselines, by their public names.

    With covariates each model is there without and with them, by names of its own.
    """
    from predclv.models import class_named
    from predclv.models.purchases import PurchaseModel

    asked: list[Any] = [
        name if name == "auto" else class_named(name, PurchaseModel) for name in listed(models)
    ]
    found: list[Any] = [pc.CLVModel(model) for model in asked]
    rules = _baselines(baselines)
    if covariates is None:
        return [*found, *rules]
    named: dict[str, Any] = {}
    for model, plain in zip(asked, found, strict=True):
        title = model if model == "auto" else model.title
        named[title] = plain
        named[f"{title}, covariates"] = pc.CLVModel(model, covariates=covariates)
    return named | {rule.title: rule for rule in rules}


def _baselines(names: str) -> list[Any]:
    """Baselines by their public names."""
    known = (
        "LastPeriod", "SamePeriodLastYear", "PastRate", "HiatusRate", "MeanRate", "Textbook",
        "Boosting",
    )  # fmt: skip
    found: list[Any] = []
    for name in listed(names):
        if name not in known:
            raise pc.errors.OptionError(
                f"There is no baseline {name!r}; there are {', '.join(known)}."
                f"{pc.errors.did_you_mean(name, known)}"
            )
        found.append(getattr(pc.baselines, name)())
    return found


def check_suffix(out: Path | None, known: Sequence[str]) -> str:
    """How a file to write ends, in small letters, where it is one of those known."""
    if out is None:
        return ""
    if out.suffix.casefold() not in known:
        named = f"{', '.join(known[:-1])} or {known[-1]}"
        raise pc.errors.OptionError(f"--out must end in {named}; got {str(out)!r}.")
    return out.suffix.casefold()


def read_table(path: str | Path, what: str) -> Any:
    """A table from a .csv or .parquet file; ``what`` is what it is called on the command line."""
    import pandas as pd

    suffix = Path(path).suffix.casefold()
    if suffix not in TABLES:
        raise pc.errors.OptionError(f"{what} must end in .parquet or .csv; got {str(path)!r}.")
    if not Path(path).is_file():
        raise pc.errors.DataError(f"There is no file {path}.")
    try:
        return pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pandas' own are ValueErrors
        raise pc.errors.DataError(f"{path} could not be read: {error}") from error


def write_table(frame: Any, out: Path) -> None:
    """Write a frame as .parquet or .csv, by how the file is called."""
    from predclv.io.files import write_csv, write_parquet

    if check_suffix(out, TABLES) == ".csv":
        write_csv(frame, out)
    else:
        write_parquet(frame, out)


def keep(frame: Any, out: Path | None) -> None:
    """Write a frame where a file is asked for, and say so."""
    if out is not None:
        write_table(frame, out)
        typer.echo(f"Written to {out}")


_MONEY = {
    *("clv", "value", "value_if_alive", "value_at_stake", "lost_value", "expected_spend"),
    *("expected_revenue", "average_order_value", "annual_spend", "revenue", "profit"),
}


def in_lines(frame: Any, currency: str | None = None) -> str:
    """A table of customers or groups as text: money as money, other numbers in three digits.

    Examples
    --------
    >>> import pandas as pd
    >>> print(in_lines(pd.DataFrame({"clv": [45678.9, 8.5], "p_alive": [0.98765, 0.5]}), "GBP"))
           clv p_alive
    GBP 45,679   0.988
      GBP 8.50     0.5
    """
    from predclv.money import figure, money

    shown = frame.select_dtypes("floating").columns
    formats = {
        name: partial(money, currency=currency) if name in _MONEY else figure for name in shown
    }
    return str(frame.to_string(index=False, formatters=formats))


def draw(folder: Path | None, pictures: Mapping[str, Callable[..., Any]]) -> None:
    """Write pictures where a folder is given, and say so."""
    if folder is None:
        return
    from predclv.plots.files import write_pictures

    typer.echo(f"In {folder}: {', '.join(write_pictures(folder, pictures))}")
