"""The verbs of the command line about a customer base that grows."""

from pathlib import Path
from typing import Annotated

import typer

import predclv as pc
from predclv.cli_options import TABLES, Refunds, UnitOption, check_suffix, keep, listed, write_table
from predclv.cli_words import in_the_shell

base = typer.Typer(
    help="A customer base that grows: add orders, refresh, see what moved.", rich_markup_mode=None
)

Batch = Annotated[str, typer.Option(help="The name of the batch, such as 2026-11.")]
Source = Annotated[str, typer.Option(help="Which of several logs: web, till.")]
Folder = Annotated[Path, typer.Argument(help="The folder of the base.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for another process.")]
Out = Annotated[Path | None, typer.Option(help="A file to write: .parquet or .csv.")]


@base.command()
def init(
    folder: Folder,
    refunds: Annotated[
        Refunds, typer.Option(help="What is done with negative amounts.")
    ] = Refunds.NET,
) -> None:
    """Say where a base will be, and check that it can be there."""
    made = pc.CustomerBase(folder, refunds=str(refunds))
    folder.mkdir(parents=True, exist_ok=True)
    typer.echo(f"{made!r}\nAdd orders: predclv base add {folder} LOG --batch NAME")


@base.command()
def add(
    folder: Folder,
    log: Annotated[str, typer.Argument(help="A .csv or .parquet file, or a glob.")],
    batch: Batch,
    source: Source = "shop",
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of a batch of that name.")
    ] = False,
    refunds: Annotated[
        Refunds | None, typer.Option(help="Of a base that is new. [default: net]")
    ] = None,
    customer_id: Annotated[str, typer.Option(help="Column of customer ids.")] = "customer_id",
    date: Annotated[str, typer.Option(help="Column of dates or timestamps.")] = "date",
    amount: Annotated[str, typer.Option(help="Column of amounts.")] = "amount",
    no_amount: Annotated[bool, typer.Option("--no-amount", help="The log has no amounts.")] = False,
    timezone: Annotated[str | None, typer.Option(help="Zone whose calendar days count.")] = None,
    wait: Wait = 60.0,
) -> None:
    """Add a batch of orders, once."""
    grown = pc.CustomerBase(folder, refunds=None if refunds is None else str(refunds), wait=wait)
    added = grown.add(
        log,
        customer_id,
        date,
        None if no_amount else amount,
        batch=batch,
        log=source,
        replace=replace,
        timezone=timezone,
    )
    typer.echo(
        f"Added {batch}: {added['row_count']:,} rows of {added['customers']:,} customers, "
        f"{added['first_day']} to {added['last_day']}, {added['late_customers']:,} counted anew"
    )


@base.command()
def remove(folder: Folder, batch: Batch, source: Source = "shop", wait: Wait = 60.0) -> None:
    """Take a batch of orders, or a merge of ids, out again."""
    pc.CustomerBase(folder, wait=wait).remove(batch, log=source)
    typer.echo(f"Removed {batch}")


@base.command("remove-refresh")
def remove_refresh(
    folder: Folder,
    day: Annotated[str, typer.Argument(help="The refresh's date: 2026-11-30.")],
    wait: Wait = 60.0,
) -> None:
    """Take the refresh of a day out again."""
    pc.CustomerBase(folder, wait=wait).remove_refresh(day)
    typer.echo(f"Removed the refresh of {day}")


@base.command()
def refresh(
    folder: Folder,
    model: Annotated[str, typer.Option(help="Model of purchases.")] = "BGNBD",
    horizon: Annotated[str, typer.Option(help="Such as '12 months'.")] = "12 months",
    by: Annotated[
        str, typer.Option(help="cohort, cohort_month, cohort_year, or none; a table: FILE.")
    ] = "none",
    unit: UnitOption = None,
    observation_end: Annotated[
        str | None, typer.Option(help="Last day observed; default: the base's last.")
    ] = None,
    discount_rate: Annotated[float, typer.Option(help="Annual, effective; 0.1 is 10%.")] = 0.10,
    margin: Annotated[float, typer.Option(help="Share of spend that is profit.")] = 1.0,
    level: Annotated[float, typer.Option(help="Of the predictive intervals.")] = 0.9,
    seed: Annotated[int, typer.Option(help="Of the draws behind intervals.")] = 0,
    wait: Wait = 60.0,
) -> None:
    """Fit, forecast everybody, and keep the forecast of this day."""
    found = pc.CustomerBase(folder, wait=wait).refresh(
        model,
        horizon,
        by=[_group(name) for name in listed(by)] or None,
        unit=str(unit or "week"),
        observation_end=observation_end,
        discount_rate=discount_rate,
        margin=margin,
        level=level,
        seed=seed,
    )
    whole = found.iloc[0]
    worth = f", clv {whole['clv']:,.2f}" if "clv" in whole else ""
    typer.echo(
        f"Refreshed {whole['date']:%Y-%m-%d}: {whole['customers']:,} customers, "
        f"{whole['purchases' if 'purchases' in whole else 'discounted_purchases']:,.1f} purchases"
        f"{worth} over {horizon}"
    )


def _group(name: str) -> object:
    """A grouping by name, or the table in a file."""
    import pandas as pd

    if name.casefold().endswith(".parquet"):
        return pd.read_parquet(name)
    return pd.read_csv(name) if name.casefold().endswith(".csv") else name


@base.command()
def table(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The file to write: .parquet or .csv.")],
) -> None:
    """Write everybody's state, last forecast, tier and groups as one table."""
    is_csv = check_suffix(out, TABLES) == ".csv"
    found = pc.CustomerBase(folder).table(None if is_csv else out)
    if found is not None:
        write_table(found, out)
    typer.echo(f"Written to {out}")


def _tells(method: str, said: str) -> None:
    """A verb that prints, or writes, the table of a method that needs no more than the base."""

    def told(folder: Folder, out: Out = None) -> None:
        check_suffix(out, TABLES)
        _told(getattr(pc.CustomerBase(folder), method)(), out)

    base.command(method.replace("_", "-"), help=said)(told)


_tells("batches", "What was added so far, one row per batch.")
_tells("history", "What the base and its groups were worth at every refresh.")
_tells("changes", "Why equity changed from one refresh to the next, in parts that add up.")
_tells("movement", "Customers who went from one tier to another between refreshes.")
_tells("quiet", "Customers of the highest tier who are silent beyond their own rhythm.")
_tells("forecasts_kept", "Did earlier forecasts come true: what came since, beside each.")


@base.command()
def alerts(
    folder: Folder,
    out: Out = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 1 where there are any.")] = False,
) -> None:
    """What should be looked at after the last refresh, one line each."""
    check_suffix(out, TABLES)
    found = pc.CustomerBase(folder).alerts()
    for row in found.itertuples():
        typer.echo(f"{row.kind}: {in_the_shell(str(row.said), {})} ({row.rule})")
    if not len(found):
        typer.echo("no alerts")
    if out is not None:
        write_table(found, out)
    if fail and len(found):
        raise typer.Exit(1)


@base.command()
def dashboard(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("clv.html"),
    title: Annotated[str, typer.Option(help="Of the page.")] = "Customer base",
) -> None:
    """Write the cockpit as one page that opens without a network."""
    check_suffix(out, (".html", ".htm"))
    pc.CustomerBase(folder).dashboard(out, title)
    typer.echo(f"Written to {out}")


def _told(frame: object, out: Path | None) -> None:
    if out is None:
        typer.echo(frame.to_string(index=False, float_format="{:,.2f}".format))  # type: ignore[attr-defined]
    keep(frame, out)
