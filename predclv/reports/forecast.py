"""A forecast as a page: what the customers will bring, who to write to, and who carries it."""

import math
import warnings
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import pandas as pd

from predclv.decisions.inputs import basis, value_column
from predclv.decisions.segments import at_risk, due_soon, tiers, win_back
from predclv.errors import OptionError, PredclvError, PredclvWarning
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.outlook import Outlook
from predclv.forecast.result import Forecast
from predclv.io.pseudonyms import pseudonymise as pseudonymised
from predclv.notices import counted
from predclv.plots.segments import tier_profile
from predclv.plots.value import clv_distribution
from predclv.pools.source import Pooled
from predclv.reports import parts
from predclv.units import DAYS
from predclv.validation.spread import value_histogram

_TOTALS = {
    "purchases": "purchases expected",
    "revenue": "revenue expected",
    "clv": "worth today",
    "discounted_purchases": "purchases expected, discounted",
}
_COLUMNS = {
    "p_alive": "The chance that the customer is still one today.",
    "p_active": "The chance of at least one purchase within the horizon. Alive is not active: a "
    "living customer may well buy nothing for a year.",
    "expected_purchases": "Purchases within the horizon, on average over what may happen.",
    "expected_spend": "What one of these purchases is expected to bring.",
    "clv": "What is expected of the customer within the horizon, discounted to today, times the "
    "margin.",
    "discounted_purchases": "Expected purchases, each worth less the later it comes.",
    "value_if_alive": "What the customer would be worth if they were still one for sure: the most "
    "that winning them back can bring.",
    "lost_value": "The part of that value which is lost if they are gone.",
    "value_at_stake": "What is still expected of the customer.",
    "silent_days": "Days since the last purchase.",
    "usual_gap_days": "The gap that they outlast every second time.",
    "overdue_after_days": "The silence from which they are overdue by their own rhythm.",
    "p_silent": "How likely a silence as long as this is, had they stayed.",
    "median_days": "Days until the next purchase, at even odds.",
}
_SHARES = {"p_alive", "p_active", "p_silent", "share", "value_share", "equity_share"}


def report(forecast: Forecast, rows: int = 10, pseudonymise: str | bytes | None = None) -> str:
    """One HTML page: totals and what their interval holds, lists, tiers, and how value is spread.

    It needs nothing from elsewhere: no script, font, style or picture is fetched. What a forecast
    cannot show (no spend, a rule without chances) says why in its place.

    Parameters
    ----------
    forecast : Forecast
    rows : int
        Of each list.
    pseudonymise : str or bytes, optional
        A secret key: ids are replaced by a keyed hash; see :func:`predclv.pseudonymise`.

    Returns
    -------
    str
        HTML. `Forecast.to_html` writes it to a file.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> report(fitted.forecast("26 weeks", level=None))[:15]
    '<!DOCTYPE html>'
    """
    parts.assert_rows(rows)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PredclvWarning)
        sections = [
            *(_list(forecast, one, rows, pseudonymise) for one in _LISTS),
            *_tiers(forecast),
            _values(forecast),
        ]
    said = dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, PredclvWarning))
    for other in (w for w in caught if not issubclass(w.category, PredclvWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    lists, pictures = sections[: len(_LISTS)], sections[len(_LISTS) :]
    return parts.document(
        f"What will come: {len(forecast):,} customers, {basis(forecast)}",
        [
            f"<header><h1>What will come</h1><p>{escape(_header(forecast))}</p></header>",
            _totals(forecast),
            '<h2 id="lists">Whom to look at</h2>',
            *lists,
            '<h2 id="pictures">Who carries it</h2><div class="pictures">',
            *pictures,
            "</div>",
            _doubts(list(said), pseudonymise is not None),
            _glossary(forecast),
        ],
    )


def _header(forecast: Forecast) -> str:
    terms = forecast.terms
    return (
        f"A forecast of {counted(len(forecast), 'customer')} over {basis(forecast)}, discounted at "
        f"{terms.discount_rate:.1%} a year, margin {terms.margin:.0%}"
        f"{'' if terms.currency is None else f'; amounts in {terms.currency}'}."
    )


def _totals(forecast: Forecast) -> str:
    total = forecast.total()
    figures = [(f"{len(forecast):,}", "customers"), *parts.totals(forecast, _TOTALS)]
    frame = forecast.frame
    for column, what in (("p_alive", "still customers today"), ("p_active", "will buy")):
        if column in frame:
            figures.append((f"{frame[column].sum():,.0f}", f"{what}, expected"))
    holds = (
        "The intervals hold what is left to chance in what customers do, and what is not known of "
        "the models' parameters. They do not hold what changes: a season, a campaign, a "
        "competitor, prices, or a model that does not fit. On real logs totals were often further "
        "off than such an interval: hold this forecast against what came before you plan with it "
        "(validate and backtest)."
        if any(name.endswith("_lower") for name in total.index)
        else "These are expectations, without an interval."
    )
    if any("_budget_" in name for name in total.index):
        holds += (
            " The intervals for a budget hold that too, as far as totals at earlier days of the "
            "log were off: plan with these."
        )
    return parts.key_figures(figures) + f'<p class="reading">{holds}</p>'


def _fitted(forecast: Forecast) -> FittedCLV:
    """The models behind a forecast, with its customers."""
    source = forecast._source
    if isinstance(source, Pooled):
        source = source.leading
    if not isinstance(source, Outlook):
        raise OptionError("This needs a fitted model; a rule knows no customer's rhythm.")
    return FittedCLV(source.purchases, source.spend, source.rfm)


def _due(forecast: Forecast) -> pd.DataFrame:
    month = 30.0 / DAYS[forecast.unit]
    found = due_soon(_fitted(forecast), within=month, seed=0)
    columns = ["customer_id", "p_active", "median_days", "p_alive", "silent_days"]
    return found[[name for name in columns if name in found]]


def _overdue(forecast: Forecast) -> pd.DataFrame:
    return at_risk(_fitted(forecast), forecast=forecast).drop(columns="frequency")


def _top(forecast: Forecast) -> pd.DataFrame:
    columns = [
        "customer_id", value_column(forecast.frame), "p_alive", "p_active", "expected_purchases",
        "expected_spend",
    ]  # fmt: skip
    frame = forecast.top(len(forecast))
    return frame[[name for name in columns if name in frame]]


_LISTS: tuple[tuple[str, str, str, Callable[[Forecast], pd.DataFrame]], ...] = (
    ("top", "Worth the most", "The customers of whom most is expected.", _top),
    ("due_soon", "Due soon", "Who will most likely buy within 30 days.", _due),
    (
        "at_risk",
        "At risk",
        "Who bought regularly and is now silent for longer than nine of ten customers with their "
        "history would be; those with most at stake first.",
        _overdue,
    ),
    (
        "win_back",
        "Win back",
        "Who is likely gone, and would be worth much if they were not.",
        win_back,
    ),
)


def _list(
    forecast: Forecast, which: tuple[str, str, str, Callable], rows: int, key: str | bytes | None
) -> str:
    name, heading, reading, made = which
    head = f'<section id="{name}"><h3>{escape(heading)}</h3>'
    try:
        found = made(forecast)
    except PredclvError as error:
        return f"{head}{parts.absent(error)}</section>"
    shown = found.head(rows)
    if key is not None:
        shown = pseudonymised(shown, key)
    count = "" if name in ("top", "due_soon") else f" {len(found):,} customers in all."
    if shown.empty:
        return f"{head}<p>{escape(reading)} Nobody is.</p></section>"
    return f"{head}<p>{escape(reading)}{count}</p>{_table(shown, heading)}</section>"


def _table(frame: pd.DataFrame, label: str) -> str:
    heads = [escape(parts.words(name)) for name in frame]
    digits = [_digits(frame[name]) for name in frame]
    rows = [
        [_cell(value, str(name), n) for name, value, n in zip(frame, row, digits, strict=True)]
        for row in frame.itertuples(index=False)
    ]
    return parts.table(heads, rows, label)


def _digits(column: pd.Series) -> int:
    """Digits after the point, the same for all of a column, so that its numbers stand in line."""
    if not pd.api.types.is_numeric_dtype(column):
        return 2
    return 0 if column.abs().replace(math.inf, 0.0).max() >= 1000 else 2


def _cell(value: Any, column: str, digits: int = 2) -> str:
    if column == "customer_id" or isinstance(value, str):
        return escape(str(value))
    if column in _SHARES:
        return _share(float(value))
    if column.endswith("_days"):
        return "never, at even odds" if value == float("inf") else f"{value:,.0f}"
    if not math.isfinite(value):
        return parts.number(float(value))
    least = 10.0**-digits
    return f"below {least:g}" if 0 < value < least / 2 else f"{value:,.{digits}f}"


def _share(value: float) -> str:
    """A share that is never rounded to nothing or to certainty."""
    if 0 < value < 0.0005:
        return "below 0.1%"
    return "over 99.9%" if 0.9995 <= value < 1 else f"{value:.1%}"


def _tiers(forecast: Forecast) -> list[str]:
    """Tiers by value, with their picture."""
    try:
        found = tiers(forecast)
    except PredclvError as error:
        return [f'<section id="tiers"><h3>Tiers</h3>{parts.absent(error)}</section>']
    return [
        parts.picture(
            "tiers",
            "Tiers",
            partial(tier_profile, found),
            "Customers ranked by what is expected of them: each tier's share of customers beside "
            "its share of the value.",
            lambda: found.profile().set_index("tier"),
        )
    ]


def _values(forecast: Forecast) -> str:
    """How value is spread over customers."""

    def numbers() -> pd.DataFrame:
        values = forecast.frame[value_column(forecast.frame)]
        return value_histogram(values.to_numpy(float), 12).set_index("low")

    return parts.picture(
        "values",
        "How value is spread",
        partial(clv_distribution, forecast),
        "Bars: customers by what is expected of each, on a log scale. Line: the share of all value "
        "that customers up to there hold.",
        numbers,
    )


def _doubts(said: list[str], is_secret: bool) -> str:
    """The warnings that came up while the page was made; they may name customers."""
    if not said:
        return ""
    if is_secret:
        said = [f"{counted(len(said), 'warning')} left out here, for they may name customers."]
    items = "".join(f"<li>{escape(one)}</li>" for one in said)
    return f'<h2 id="doubts">To bear in mind</h2><ul class="findings">{items}</ul>'


def _glossary(forecast: Forecast) -> str:
    terms = "".join(
        f"<dt>{escape(parts.words(name))}</dt><dd>{escape(meaning)}</dd>"
        for name, meaning in _COLUMNS.items()
        if name not in ("clv", "expected_spend") or name in forecast.frame
    )
    return f'<h2 id="glossary">What the columns say</h2><dl>{terms}</dl>'
