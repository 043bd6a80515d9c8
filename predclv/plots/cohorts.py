"""Pictures of cohorts: who still buys, what they have brought, and what is expected of them."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from predclv.decisions.cohort_forecast import CohortForecast
from predclv.errors import DataError, OptionError
from predclv.historical.cohort_result import Cohorts
from predclv.plots.cohort_grid import Grid
from predclv.plots.inputs import assert_is
from predclv.plots.room import fitting, room, width_of
from predclv.plots.style import ACTUAL, SMALL, axes, finish, legend, looks, note, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = {
    "active_share": "share of customers who bought",
    "revenue_per_customer": "revenue per customer",
    "cumulative_revenue_per_customer": "cumulative revenue per customer",
    "active": "customers who bought",
    "revenue": "revenue",
}
_WITHOUT_START = ("active_share", "active")  # at age 0 everybody bought
_NOTHING_OVER = (
    "No {} of these cohorts was wholly observed: there is nothing to show. Take a shorter period."
)
_DASHED = (0, (3, 1.5))
_LEGIBLE = 26  # columns whose numbers can still be read
_NUMBER = 7.0  # points, of the numbers in cells
_WITH_FIRST = ("revenue_per_customer", "revenue")  # at age 0 everybody's first purchase


def cohort_heatmap(
    cohorts: Cohorts, value: str = "active_share", ax: "Axes | None" = None
) -> "Axes":
    r"""A heat map of cohorts by age; what was not wholly observed is hatched and has no colour.

    The first cohort often holds old customers, whose first purchase was before the log began, and
    revenue at age 0 has everybody's first purchase in it. Neither stretches the colours: where they
    lie well beyond all else, colours end at the extreme of the rest, and the numbers tell. Numbers
    are written where the cells are large enough for them.

    The share active leaves age 0 out, where it is 100% by definition. Read down a column: is each
    cohort better than the one before, at the same age?

    Parameters
    ----------
    cohorts : Cohorts
        Not split; of split ones show ``cohorts.segment(name)``.
    value : str
        active_share, revenue_per_customer, cumulative_revenue_per_customer, active or revenue.
    ax : Axes, optional

    Raises
    ------
    DataError
        If cohorts are split or there is nothing to show.
    OptionError
        If the value is unknown.

    See Also
    --------
    predclv.plots.cohort_curves : curves over age.
    predclv.historical.cohorts : follow groups from their first purchase.

    Examples
    --------
    >>> import predclv as pc
    >>> cohorts = pc.historical.cohorts(pc.datasets.load_cdnow(), period="quarter")
    >>> pc.plots.cohort_heatmap(cohorts).get_title(loc="left")
    'Share of customers who bought, %, by\nquarter of the first purchase'
    """
    grid = _grid(cohorts, value)
    rows, columns = grid.values.shape
    ax = axes(
        ax, width=min(max(5.0, 2.6 + 0.34 * columns), 11.0), height=max(1.6 + 0.24 * rows, 2.9)
    )
    picture = ax.pcolormesh(
        np.arange(columns + 1) + grid.first_age - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(grid.values),
        cmap="viridis",
        vmin=min(0.0, grid.lowest),
        vmax=grid.highest,
        edgecolors="white",
        lw=0.5 if columns <= 2 * _LEGIBLE else 0.0,
    )
    beyond = grid.beyond
    bar = ax.figure.colorbar(picture, ax=ax, pad=0.02, extend="max" if beyond else "neither")
    bar.ax.yaxis.set_major_formatter(_form(value))
    for row, column in zip(*np.nonzero(grid.still_open), strict=True):
        corner = column + grid.first_age - 0.5, row - 0.5
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, hatch="////", ec="#c8c8c8", lw=0.0))
    ax.set_yticks(range(rows), grid.names)
    ax.tick_params(axis="both", length=0, labelsize=SMALL)
    ax.invert_yaxis()
    ax.set_xticks(range(grid.first_age, grid.first_age + columns, max(1, columns // 12)))
    bar.set_label(fitting(_LABELS[value], room(ax).height, 10.0, least=60.0))
    percent = ", %" if value == "active_share" else ""
    title = f"{_LABELS[value].capitalize()}{percent}, by {cohorts.period} of the first purchase"
    finish(ax, title, f"{cohorts.period}s since that of the first purchase", "cohort (customers)")
    if grid.still_open.any():
        note(ax, f"hatched: not over on {cohorts.observation_end}")
    if beyond:
        note(ax, f"{' and '.join(beyond)} {'is' if len(beyond) == 1 else 'are'} beyond the colours")
    _write_numbers(ax, grid, value == "active_share", picture.norm)
    _thin_ticks(ax, grid)
    return ax


def cohort_curves(
    cohorts: Cohorts,
    value: str = "cumulative_revenue_per_customer",
    forecast: CohortForecast | None = None,
    most: int = 6,
    ax: "Axes | None" = None,
) -> "Axes":
    """Curves over age: a line per cohort, or per value of ``by`` with its cohorts pooled.

    A curve ends with the last period that was wholly observed, so its end is no decline. A forecast
    goes on from there, dashed, in a band that holds chance and what is not known of the parameters,
    no season and no campaign. The share active leaves age 0 out, where it is 100% by definition.

    Parameters
    ----------
    cohorts : Cohorts
    value : str
        cumulative_revenue_per_customer, revenue_per_customer or, without forecast, active_share.
    forecast : CohortForecast, optional
        Of these cohorts, by :func:`predclv.cohort_forecast`.
    most : int
        Cohorts to draw, evenly spaced from the first to the last, if there are more; of values of
        ``by`` those with the most customers.
    ax : Axes, optional

    Raises
    ------
    DataError
        If the forecast is of other cohorts.
    OptionError
        If the value is unknown or ``most`` is not at least 1.

    See Also
    --------
    predclv.plots.cohort_heatmap : cohorts by age.
    predclv.historical.cohorts : follow groups from their first purchase.

    Examples
    --------
    >>> import predclv as pc
    >>> cohorts = pc.historical.cohorts(pc.datasets.load_cdnow(), period="quarter")
    >>> pc.plots.cohort_curves(cohorts).get_title(loc="left")
    'Cumulative revenue per customer, by cohort'
    """
    if most < 1:
        raise OptionError(f"most must be at least 1; got {most}.")
    lines, ahead = _lines(cohorts, value, forecast)
    chosen = _chosen(cohorts, list(lines.columns), most)
    sizes = _sizes(cohorts)
    ax = axes(ax)
    styles = looks(str(one) for one in chosen)
    for one in chosen:
        seen, look = lines[one].dropna(), styles[str(one)]
        name = f"{short(_name(one))} ({sizes[one]:,})"
        ax.plot(seen.index, seen, color=look.colour, marker=look.marker, ms=3.5, lw=1.6, label=name)
        if ahead is not None and one in ahead:
            joined = pd.concat([seen.tail(1), ahead[one].dropna()])
            ax.plot(joined.index, joined, color=look.colour, lw=1.6, ls=_DASHED)
            _band(ax, forecast, value, one, seen.tail(1), look.colour)
    if ahead is not None:
        assert forecast is not None
        band = f", {forecast.level:.0%} band" if forecast.level is not None else ""
        label = f"forecast, {short(forecast.forecaster)}{band}"
        ax.plot([], [], color=ACTUAL, lw=1.6, ls=_DASHED, label=label)
    ax.set_ylim(bottom=min(0.0, lines.fillna(0.0).to_numpy().min()))
    ax.yaxis.set_major_formatter(_form(value))
    of = "cohort" if cohorts.by is None else str(cohorts.by)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(ax, title=f"{of} (customers)")
    finish(
        ax,
        f"{_LABELS[value].capitalize()}, by {of}",
        f"{cohorts.period}s since that of the first purchase",
        _LABELS[value],
    )
    if cohorts.by is not None:
        note(ax, "cohorts pooled: late ages are those of the earliest alone")
    if len(chosen) < len(lines.columns):
        which = "the largest" if cohorts.by is not None else "evenly spaced"
        note(ax, f"{len(chosen)} of {len(lines.columns)} shown, {which}")
    return ax


def _band(ax: "Axes", forecast: Any, value: str, one: Any, last: pd.Series, colour: str) -> None:
    """Where a cohort's curve may go on, from its last observed point."""
    if forecast.level is None:
        return
    bounds = [
        pd.concat([last, forecast.wide(f"{value}_{side}").loc[one].dropna()])
        for side in ("lower", "upper")
    ]
    ax.fill_between(bounds[0].index, *bounds, color=colour, alpha=0.14, lw=0)


def _grid(cohorts: Cohorts, value: str) -> Grid:
    _check(cohorts, value)
    if cohorts.by is not None:
        raise DataError(
            f"These cohorts are split by {cohorts.by}: show one, such as "
            f"cohorts.segment({cohorts.segments[0]!r}), or their curves."
        )
    table = cohorts.wide(value)
    begun = cohorts.frame.pivot(index="cohort", columns="age", values="is_complete")
    first = 1 if value in _WITHOUT_START else 0
    values = table.to_numpy()[:, first:]
    still_open = begun.isin([False]).to_numpy()[:, first:]
    known = np.flatnonzero(np.isfinite(values).any(axis=0))
    if not known.size:
        raise DataError(_NOTHING_OVER.format(cohorts.period))
    values, still_open = values[:, : known[-1] + 1], still_open[:, : known[-1] + 1]
    rows = np.flatnonzero((np.isfinite(values) | still_open).any(axis=1))
    names = [f"{_name(one)} ({size:,})" for one, size in _sizes(cohorts).items()]
    names = [names[row] for row in rows]
    return Grid(names, first, values[rows], still_open[rows], value in _WITH_FIRST)


def _check(cohorts: Any, value: str) -> None:
    more = "Make them with pc.historical.cohorts(log)."
    assert_is(Cohorts, cohorts, "The picture", "Cohorts", more)
    if value not in _LABELS:
        raise OptionError(f"value must be one of {', '.join(_LABELS)}; got {value!r}.")


def _form(value: str) -> Callable[[float, Any], str]:
    """How an axis writes numbers."""
    form = "{:.0%}" if value == "active_share" else "{:,.0f}"
    return lambda at, _: form.format(at)


def _write_numbers(ax: "Axes", grid: Grid, is_share: bool, norm: Any) -> None:
    known = np.argwhere(np.isfinite(grid.values))
    said = {
        (row, column): f"{100 * grid.values[row, column]:.0f}" if is_share
        else _brief(grid.values[row, column]) for row, column in known.tolist()
    }  # fmt: skip
    there, (rows, columns) = room(ax), grid.values.shape
    widest = max(width_of(text, _NUMBER) for text in said.values()) + 1.5
    is_legible = widest <= there.width / columns and there.height / rows >= 1.2 * _NUMBER
    if columns <= _LEGIBLE and is_legible:
        for (row, column), text in said.items():
            ax.text(
                column + grid.first_age,
                row,
                text,
                ha="center",
                va="center",
                fontsize=_NUMBER,
                color="white" if norm(grid.values[row, column]) < 0.6 else "black",
            )


def _thin_ticks(ax: "Axes", grid: Grid) -> None:
    """As many rows and ages named as there is room for."""
    there, (rows, columns) = room(ax), grid.values.shape
    step = math.ceil(1.2 * SMALL * rows / there.height)
    ax.set_yticks(range(0, rows, step), grid.names[::step])
    step = max(1, columns // 12, math.ceil(2.2 * SMALL * columns / there.width))
    ax.set_xticks(range(grid.first_age, grid.first_age + columns, step))


def _brief(number: float) -> str:
    """A number in at most four characters or so."""
    if abs(number) >= 9_950:
        return f"{number / 1000:,.0f}k"
    return f"{number / 1000:.1f}k" if abs(number) >= 1000 else f"{number:.0f}"


def _lines(
    cohorts: Cohorts, value: str, forecast: CohortForecast | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """What is drawn, a column per line: observed, and forecast where there is one."""
    _check(cohorts, value)
    lines = cohorts.wide(value).T if cohorts.by is None else cohorts.pooled(value)
    if value in _WITHOUT_START:
        lines = lines.loc[lines.index > 0]
    if forecast is None:
        lines = lines.dropna(axis=1, how="all")
        if lines.empty:
            raise DataError(_NOTHING_OVER.format(cohorts.period))
        return lines, None
    more = "Make one with pc.cohort_forecast(cohorts, fitted)."
    assert_is(CohortForecast, forecast, "cohort_curves", "a CohortForecast", more)
    if cohorts.by is not None or not forecast.cohorts.frame.equals(cohorts.frame):
        raise DataError("The forecast is of other cohorts: pass forecast.cohorts.")
    return lines, forecast.wide(value).T


def _sizes(cohorts: Cohorts) -> pd.Series:
    """Customers of each line."""
    born = cohorts.frame[cohorts.frame["age"] == 0]
    return born.groupby("cohort" if cohorts.by is None else cohorts.by)["customers"].sum()


def _chosen(cohorts: Cohorts, names: list[Any], most: int) -> list[Any]:
    if len(names) <= most:
        return names
    if cohorts.by is not None:
        largest = _sizes(cohorts).nlargest(most).index
        return [name for name in names if name in largest]
    return [names[place] for place in np.linspace(0, len(names) - 1, most).round().astype(int)]


def _name(one: Any) -> str:
    """A cohort in words: weeks by their Monday."""
    if isinstance(one, pd.Period) and one.freqstr.startswith("W"):
        return f"{one.start_time:%Y-%m-%d}"
    return str(one)
