"""The verbs of the command line about why and what if: drivers and campaigns."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import predclv as pc
from predclv.cli_options import (
    TABLES,
    EventsOption,
    Log,
    Pictures,
    Season,
    SummaryOptions,
    TrendOption,
    WeekdayOption,
    check_suffix,
    clock_asked,
    draw,
    keep,
    read_table,
    with_options,
)
from predclv.progress import stage


@with_options
def drivers(
    log: Log,
    traits: Annotated[Path, typer.Argument(help="A table of customers: customer_id and traits.")],
    horizon: Annotated[str, typer.Option(help="How far value reaches.")] = "52 weeks",
    discount_rate: Annotated[float, typer.Option(help="Annual, effective.")] = 0.10,
    margin: Annotated[float, typer.Option(help="Share of spend that is profit.")] = 1.0,
    top: Annotated[float, typer.Option(help="Share of customers called most valuable.")] = 0.1,
    level: Annotated[float, typer.Option(help="Of all intervals together.")] = 0.9,
    leakage: Annotated[
        str, typer.Option(help="warn of traits that look made from purchases, or ignore.")
    ] = "warn",
    seed: Annotated[int, typer.Option(help="Of folds and deals.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The table of lifts: .parquet or .csv.")] = None,
    pictures: Pictures = None,
    *,
    options: SummaryOptions,
) -> None:
    """What the most valuable customers have in common, and how much traits say at all."""
    check_suffix(out, TABLES)
    known = _table(traits, "TRAITS", options.customer_id)
    with stage(f"Reading {log}"):
        rfm = pc.rfm_summary(log, **options.arguments())
    with stage("Fitting"):
        model = pc.CLVModel() if rfm.has_spend else pc.CLVModel(spend=None)
        forecast = model.fit(rfm).forecast(horizon, discount_rate, margin, level=None, seed=seed)
    with stage("Comparing traits"):
        found = pc.drivers(forecast, known, top=top, level=level, leakage=leakage, seed=seed)
    typer.echo(repr(found))
    keep(found.frame, out)
    if pictures is not None:
        draw(pictures, {"driver_lifts": partial(pc.plots.driver_lifts, found)})


@with_options
def campaign(
    log: Log,
    groups: Annotated[
        Path, typer.Argument(help="A table: customer_id and group, by its mark; or: everybody.")
    ],
    start: Annotated[str, typer.Argument(help="First day of the campaign.")],
    end: Annotated[
        str | None, typer.Option(help="Last day of the campaign; default: the log's last.")
    ] = None,
    measure: Annotated[str, typer.Option(help="purchases, revenue, active or value.")] = "revenue",
    treated: Annotated[str | None, typer.Option(help="The mark of the treated.")] = None,
    control: Annotated[str | None, typer.Option(help="The mark of the others.")] = None,
    assigned: Annotated[str, typer.Option(help="random, or chosen by anything else.")] = "random",
    traits: Annotated[
        Path | None, typer.Option(help="Matched on where chosen: customer_id and traits.")
    ] = None,
    by: Annotated[
        Path | None, typer.Option(help="The effect by part: customer_id and its part.")
    ] = None,
    season: Season = None,
    trend: TrendOption = False,
    weekday: WeekdayOption = False,
    events: EventsOption = None,
    cost: Annotated[float | None, typer.Option(help="Of treating one customer.")] = None,
    horizon: Annotated[str, typer.Option(help="Of what is still expected after.")] = "52 weeks",
    discount_rate: Annotated[float, typer.Option(help="Annual, effective.")] = 0.10,
    margin: Annotated[float, typer.Option(help="Share of spend that is profit.")] = 1.0,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = 0.9,
    out: Annotated[Path | None, typer.Option(help="The table of effects.")] = None,
    pictures: Pictures = None,
    *,
    options: SummaryOptions,
) -> None:
    """What a campaign changed: treated customers against those who were left alone.

    Where everybody got it on the same days, say everybody instead of a table: what customers did
    is then held against the shop's clock, which is weaker.
    """
    check_suffix(out, TABLES)
    has_groups = str(groups) != "everybody"
    if not has_groups and assigned != "random":
        raise pc.errors.OptionError(
            "Where everybody got the campaign, nobody was assigned to it: leave --assigned out."
        )
    called = "GROUPS is the word everybody, or a table: it"
    marks = _table(groups, called, options.customer_id) if has_groups else None
    clock = clock_asked(season, trend, weekday, events)
    with stage("Comparing the groups" if has_groups else "Comparing with the clock"):
        found = pc.campaign_effect(
            log,
            marks,
            start,
            end,
            measure,
            treated=_as_mark(treated, marks),
            control=_as_mark(control, marks),
            assigned=assigned if has_groups else "everybody",
            traits=None if traits is None else _table(traits, "--traits", options.customer_id),
            by=None if by is None else _table(by, "--by", options.customer_id),
            cost=cost,
            model=None if clock is None else pc.CLVModel(clock=clock),
            horizon=horizon,
            discount_rate=discount_rate,
            margin=margin,
            level=level,
            **_of_log(options),
        )
    typer.echo(repr(found))
    if found.cost is not None:
        typer.echo(found.payback().to_string())
    keep(found.frame, out)
    if pictures is not None:
        drawn = {"campaign_effect": partial(pc.plots.campaign_effect, found)}
        if found.parts is not None:
            drawn["campaign_parts"] = partial(pc.plots.campaign_parts, found)
        draw(pictures, drawn)


def _table(path: Path, what: str, customer_id: str) -> Any:
    """A table of customers from a .csv or .parquet file, its ids as customer_id."""
    table = read_table(path, what)
    if customer_id in table and customer_id != "customer_id":
        table = table.rename(columns={customer_id: "customer_id"})
    return table


def _as_mark(word: str | None, marks: Any) -> Any:
    """A mark as it stands in the table: 1 and True are no text there."""
    if word is None or marks is None or "group" not in marks:
        return word
    return next((mark for mark in marks["group"].unique() if str(mark) == word), word)


def _of_log(options: SummaryOptions) -> dict[str, Any]:
    """How the log is read; a campaign shows no currency."""
    return {name: value for name, value in options.arguments().items() if name != "currency"}
