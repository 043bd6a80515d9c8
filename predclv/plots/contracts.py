"""Contracts in pictures: survival of cohorts, retention and value by age, and what came."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from predclv.contracts.curves import retention_table, survival_table
from predclv.contracts.fitted import FittedContracts
from predclv.contracts.result import ContractForecast
from predclv.contracts.validation import ContractValidation
from predclv.errors import OptionError, some
from predclv.models.retention import RetentionModel
from predclv.plots.inputs import assert_is
from predclv.plots.style import (
    ACTUAL,
    MODEL,
    SECOND,
    amount,
    axes,
    finish,
    legend,
    looks,
    note,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 6  # cohorts drawn, the largest; more lie over each other
_MOST_LINES = 8  # kinds of subscribers


def survival_by_cohort(
    fitted: FittedContracts,
    ahead: int = 12,
    plan: Any = None,
    cohorts: int = _MOST,
    level: float = 0.9,
    ax: "Axes | None" = None,
) -> "Axes":
    """Share of each cohort that is left, and the model's band into the future.

    Parameters
    ----------
    fitted : FittedContracts
    ahead : int
        Periods beyond the last one observed.
    plan : optional
        Which plan, where there are several.
    cohorts : int
        How many cohorts are drawn, the largest.
    level : float
        Of the band, in which the share of a cohort will really fall.
    ax : Axes, optional

    See Also
    --------
    predclv.contracts.curves.survival_table : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> fitted = pc.ContractModel(pc.ShiftedBetaGeometric).fit(renewals)
    >>> pc.plots.survival_by_cohort(fitted, ahead=5).get_title(loc="left")
    'Of the subscribers, who is left: observed, and sBG ahead'
    """
    _assert_fitted(fitted, "survival_by_cohort")
    plan = _plan(fitted, plan)
    table = survival_table(fitted, ahead, plan, level)
    largest = table.groupby("cohort")["size"].first().nlargest(cohorts).index
    ax = axes(ax)
    shown = [cohort for cohort in table["cohort"].unique() if cohort in largest]
    styles = looks([_name(cohort) for cohort in shown])
    for cohort in shown:
        part, look = table[table["cohort"] == cohort], styles[_name(cohort)]
        seen = part[part["observed"].notna()]
        coming = part[part["expected"].notna()]
        ax.plot(seen["age"], seen["observed"], ls="-", lw=1.0, **look.points(4))
        ax.lines[-1].set_label(short(_name(cohort)))
        if len(coming):
            ax.plot(coming["age"], coming["expected"], color=look.colour, ls="--", lw=1.2)
            ax.fill_between(
                coming["age"], coming["lower"], coming["upper"], color=look.colour, alpha=0.15, lw=0
            )
    ax.plot([], [], color="#444444", ls="--", lw=1.2, label=f"{fitted.recipe.title}, {level:.0%}")
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    legend(ax, "cohort")
    of = "" if plan is None else f" of {plan}"
    return finish(
        ax,
        f"Of the subscribers{of}, who is left: observed, and {fitted.recipe.title} ahead",
        f"age in {fitted.unit}s", "share of the cohort",
    )  # fmt: skip


def retention_by_age(
    fitted: FittedContracts, plan: Any = None, level: float = 0.9, ax: "Axes | None" = None
) -> "Axes":
    """Share that renews at each age: observed, by the model, and by one constant churn.

    Parameters
    ----------
    fitted : FittedContracts
    plan : optional
        Which plan, where there are several.
    level : float
        Of the bars, in which the observed share lies for chance alone.
    ax : Axes, optional

    See Also
    --------
    predclv.contracts.curves.retention_table : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> fitted = pc.ContractModel(pc.ShiftedBetaGeometric).fit(renewals)
    >>> pc.plots.retention_by_age(fitted).get_title(loc="left")
    'Retention rises from 86% to 89%; one churn for all would say 88% throughout'
    """
    _assert_fitted(fitted, "retention_by_age")
    plan = _plan(fitted, plan)
    table = retention_table(fitted, plan, level)
    ax = axes(ax)
    seen = table[table["at_risk"] > 0]
    away = np.abs(seen[["lower", "upper"]].to_numpy().T - seen["observed"].to_numpy())
    ax.errorbar(
        seen["age"], seen["observed"], yerr=away, fmt="o", color=ACTUAL, ms=4.5, lw=1.0,
        label="observed",
    )  # fmt: skip
    ax.plot(table["age"], table["model"], color=MODEL, lw=1.8, label=fitted.recipe.title)
    churn = float(table["constant"].iloc[0])
    ax.axhline(churn, color=SECOND, ls=(0, (5, 2)), lw=1.4, label="constant churn")
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    legend(ax)
    first, last = table["model"].iloc[0], table["model"].iloc[-1]
    return finish(
        ax,
        f"Retention {'rises' if last > first else 'falls'} from {first:.0%} to {last:.0%}; one "
        f"churn for all would say {churn:.0%} throughout",
        f"renewal number ({fitted.unit}s)", "share that renews",
    )  # fmt: skip


def value_by_age(
    forecast: ContractForecast, ages: int = 10, plan: Any = None, ax: "Axes | None" = None
) -> "Axes":
    """What a running contract is still worth by the renewals behind it.

    Parameters
    ----------
    forecast : ContractForecast
        With a price.
    ages : int
        From 0 renewals to this many.
    plan : optional
        Only this one; by default all. A line for each plan, and for each combination of what else
        the fit knows; of more than eight the first eight.
    ax : Axes, optional

    See Also
    --------
    predclv.ContractForecast.value_by_age : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> fitted = pc.ContractModel(pc.ShiftedBetaGeometric, price=39.0).fit(renewals)
    >>> forecast = fitted.forecast("5 years", discount_rate=0.10, seed=1)
    >>> pc.plots.value_by_age(forecast).get_title(loc="left")
    'Who has stayed is worth more: 103 before the first renewal, 124 after 10'
    """
    assert_is(ContractForecast, forecast, "value_by_age", "a ContractForecast")
    table = forecast.value_by_age(ages)
    if "residual_value" not in table:
        raise OptionError("value_by_age wants a price: ContractModel(model, price=...).")
    by = forecast._contracts.fitted.recipe.by
    if plan is not None:
        if by is None or plan not in set(table[by]):
            known = "without plans" if by is None else some(map(repr, table[by].unique()))
            raise OptionError(f"There is no plan {plan!r} in this forecast: {known}.")
        table = table[table[by] == plan]
    keys = list(table.columns[: table.columns.get_loc("age")])
    groups = [((), table)] if not keys else list(table.groupby(keys, sort=False))
    names = [", ".join(map(str, found)) for found, _ in groups]
    styles = looks(names)
    ax = axes(ax)
    for name, (_, part) in list(zip(names, groups, strict=True))[:_MOST_LINES]:
        look = styles[name]
        ax.plot(part["age"], part["residual_value"], lw=1.6, **look.points())
        ax.lines[-1].set_label(short(name))
        if "residual_value_lower" in part:
            ax.fill_between(
                part["age"], part["residual_value_lower"], part["residual_value_upper"],
                color=look.colour, alpha=0.18, lw=0,
            )  # fmt: skip
    if keys:
        legend(ax, short(", ".join(keys)))
    ax.set_ylim(bottom=0)
    first = groups[0][1]["residual_value"].to_numpy()
    of = f" ({short(names[0])})" if len(groups) > 1 else ""
    finish(
        ax,
        f"Who has stayed is worth more: {amount(first[0])} before the first renewal, "
        f"{amount(first[-1])} after {ages}{of}",
        "renewals behind them", f"value over {forecast.terms.length}",
    )  # fmt: skip
    if len(groups) > _MOST_LINES:
        note(ax, f"{_MOST_LINES} of {len(groups):,} kinds of subscribers")
    return ax


def contract_calibration(validation: ContractValidation, ax: "Axes | None" = None) -> "Axes":
    """Share of the contracts that ran at the cut still running later: what came, what was said.

    Parameters
    ----------
    validation : ContractValidation
    ax : Axes, optional

    See Also
    --------
    predclv.contracts.validation.ContractValidation.calibration : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593, 551, 517]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(7), "customers": left})
    >>> split = pc.Renewals.from_cohorts(table).split(2)
    >>> found = pc.validate({"sBG": pc.ContractModel(pc.ShiftedBetaGeometric)}, split, seed=1)
    >>> pc.plots.contract_calibration(found).get_title(loc="left")
    'sBG came closest: 4.0% off on average'
    """
    assert_is(ContractValidation, validation, "contract_calibration", "a ContractValidation")
    table = validation.calibration()
    ax = axes(ax)
    ages = np.append(0, table.index.to_numpy())
    styles = looks(table.columns[1:])
    for name in table.columns[1:]:
        look = styles[name]
        values = np.append(1.0, table[name])
        ax.plot(ages, values, color=look.colour, ls=look.line, lw=1.5, label=short(name))
    ax.plot(ages, np.append(1.0, table["actual"]), "o", color=ACTUAL, ms=5.5, label="what came")
    ax.set_ylim(0, 1.02)
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    legend(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    off = table.drop(columns="actual").sub(table["actual"], axis=0).abs().mean()
    return finish(
        ax,
        f"{short(str(off.idxmin()))} came closest: {off.min():.1%} off on average",
        f"{validation.split.whole.period}s after the cut", "share still subscribed",
    )  # fmt: skip


def _assert_fitted(fitted: Any, picture: str) -> None:
    more = "Fit one: ContractModel(...).fit(...)."
    assert_is(FittedContracts, fitted, picture, "a FittedContracts", more)
    if not issubclass(fitted.recipe.model, RetentionModel):
        raise OptionError(f"{picture} is for contracts; {fitted.recipe.title} has no cohorts.")


def _plan(fitted: FittedContracts, plan: Any) -> Any:
    if plan is None and None not in fitted.fits:
        plans = list(fitted.fits)
        if len(plans) > 1:
            raise OptionError(
                f"Which {fitted.recipe.by}? Say plan=, one of {', '.join(map(repr, plans))}."
            )
        return plans[0]
    return plan


def _name(cohort: Any) -> str:
    return f"{cohort:%Y-%m-%d}" if hasattr(cohort, "strftime") else str(cohort)
