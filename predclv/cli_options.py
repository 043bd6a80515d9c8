"""What the verbs of the command line share: the options of a log."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_type_hints

import typer


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
