"""ContractForecast: what running contracts will pay, period by period, and what age is worth."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.prospects import central, mean_of_draws, steps, with_draws
from predclv.contracts.source import ContractSource
from predclv.errors import OptionError
from predclv.forecast.result import Forecast
from predclv.io.pages import write_page
from predclv.models.retention import RetentionModel
from predclv.units import DAYS

_LEVEL_DRAWS = 400  # of the parameters, behind the interval of an expectation


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ContractForecast(Forecast):
    """A forecast of running contracts, with the columns of every :class:`predclv.Forecast`.

    ``p_alive`` is 1, for who is subscribed is known (for BG/BB it is a probability);
    ``p_retained`` is the probability of still being so at the end of the horizon. A purchase is a
    renewal: ``expected_purchases`` counts those within the horizon, ``expected_spend`` is the
    price. Made of a table of cohorts, a row is not a customer but a cohort, with ``customers`` and
    what is expected of each of them. Contracts that have ended are no rows.

    See Also
    --------
    predclv.FittedContracts : fitted, ready to forecast subscribers.
    predclv.Forecast : one row per customer, and the base as a whole.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> fitted = pc.ContractModel(pc.ShiftedBetaGeometric, price=39.0).fit(renewals)
    >>> forecast = fitted.forecast("5 years", discount_rate=0.10, level=None)
    >>> forecast.total().round()
    purchases             2,254
    discounted_purchases  1,737
    revenue               87,908
    clv                   67,746
    """

    @property
    def _contracts(self) -> ContractSource:
        return cast("ContractSource", self._source)

    def headline(self) -> str:
        """The forecast and its totals in a sentence, which calls renewals by their name."""
        if not len(self):
            return (
                "Nobody is subscribed any more at the end of observation"
                f"{f', {self.terms.observation_end}' if self.terms.observation_end else ''}: there "
                "is nothing to forecast. What the contracts that ended say of new ones stands in "
                "forecast.new_subscriber()."
            )
        said = Forecast.headline(self)
        is_contract = issubclass(self._contracts.fitted.recipe.model, RetentionModel)
        return said.replace("purchases", "renewals") if is_contract else said

    def table(self) -> pd.DataFrame:  # type: ignore[override]
        """The forecast of every distinct history, per customer, with ``customers`` who have it."""
        return self._contracts.table.copy(deep=False)

    def schedule(
        self, period: str | None = None, customers: Iterable[object] | None = None
    ) -> pd.DataFrame:
        """The horizon period by period: payments, revenue and clv of all running contracts.

        Parameters
        ----------
        period : str, optional
            Length of a row, the contracts' own period by default; ``"year"`` adds up months.
        customers : None
            A forecast of contracts is one of cohorts: it names no customers.

        Returns
        -------
        DataFrame
            ``period`` (1, 2, ...) and, where the end of observation is known, ``start`` and
            ``end``; ``purchases``, ``revenue`` and ``clv``, each with ``_lower`` and ``_upper`` at
            the forecast's level, as of :meth:`total`. Of an endless horizon, the periods that were
            followed one by one.

        Raises
        ------
        OptionError
            If no whole number of the contracts' periods makes one, or customers are asked for.
        """
        if customers is not None:
            raise OptionError(
                "A forecast of contracts is by plan and age, not by customer: leave customers out."
            )
        source, terms = self._contracts, self.terms
        together = _periods_per(period or terms.unit, terms.unit)
        length = steps(source.within)
        place = np.arange(length) // together
        rows = int(place[-1]) + 1
        worth = np.exp(-np.log1p(source.discount) * np.arange(1.0, length + 1.0))
        found = {name: np.zeros(rows) for name in ("purchases", "revenue", "clv")}
        drawn = {name: np.zeros((1, rows)) for name in found}
        simulated = source.simulated if terms.level is not None else []
        for i, part in enumerate(source.parts):
            price = source.price(part.plan)
            factors = {"purchases": np.ones(length)}
            if price is not None:
                factors |= {"revenue": np.full(length, price), "clv": terms.margin * price * worth}
            expected = part.total @ source.outlooks[i].by_period
            for name, factor in factors.items():
                found[name] += np.bincount(place, expected * factor, minlength=rows)
                if simulated:
                    drawn[name] = drawn[name] + _added(simulated[i] * factor, place, rows)
        table = pd.DataFrame({"period": np.arange(1, rows + 1)})
        if terms.observation_end is not None:
            edges = _edges(terms.observation_end, terms.unit, together, rows, length)
            table["start"], table["end"] = edges[:-1] + pd.Timedelta(days=1), edges[1:]
        names = ["purchases"] if source.fitted.prices is None else list(found)
        for name in names:
            table[name] = found[name]
            if terms.level is not None:
                ends = [0.5 - terms.level / 2, 0.5 + terms.level / 2]
                lower, upper = np.quantile(drawn[name], ends, axis=0)
                table[f"{name}_lower"], table[f"{name}_upper"] = lower, upper
        return table

    def value_by_age(self, ages: int = 10) -> pd.DataFrame:
        """What a running contract is worth by the renewals behind it: the longer, the more.

        Parameters
        ----------
        ages : int
            From 0 renewals to this many.

        Returns
        -------
        DataFrame
            The plan and covariates, where there are some; ``age``; ``retention``, the chance of
            making the next renewal; ``renewals``, how many are expected within the horizon,
            discounted; ``residual_value``, their worth; ``residual_value_lower`` and ``_upper``:
            where the expectation lies, given what is known of the parameters.

        Raises
        ------
        OptionError
            If the model is of opportunities, whose customers have no age in renewals.
        """
        source = self._contracts
        if not issubclass(source.fitted.recipe.model, RetentionModel):
            raise OptionError(
                "value_by_age is for contracts; what a giver's history is worth, table() says."
            )
        m = np.arange(int(ages) + 1.0)
        parts = []
        for label, plan, found in source.subscribers():
            model = central(found)
            expected = mean_of_draws(
                model.discounted_renewals(m, source.discount, source.within), m.size
            )
            part = pd.DataFrame({"age": m.astype(int)})
            part["retention"] = mean_of_draws(model.retention(m + 1.0), m.size)
            part["renewals"] = expected
            price = source.price(plan)
            if price is not None:
                money = self.terms.margin * price
                part["residual_value"] = money * expected
                if self.terms.level is not None:
                    drawn = with_draws(found, _LEVEL_DRAWS, source.seed)
                    values = drawn.discounted_renewals(m, source.discount, source.within)
                    bounds = _bounds(money * values, self.terms.level)
                    part["residual_value_lower"], part["residual_value_upper"] = bounds
            for name, value in reversed(label.items()):
                part.insert(0, f"covariate_{name}" if name in part else name, value)
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def new_subscriber(self) -> pd.DataFrame:
        """What somebody who subscribes today is worth, the first payment included.

        Over 5 years of yearly contracts that is up to six payments: now, and after each of the
        five years, the last on the horizon's last day.

        Returns
        -------
        DataFrame
            One row per plan, and per combination of covariates that runs: ``payments``, expected
            within the horizon, the first, made now, included; ``lifetime``, the same discounted
            (DEL, where the horizon has no end);
            ``value`` in money, and ``value_lower``, ``value_upper``: where that expectation lies.

        Raises
        ------
        OptionError
            If the model is of opportunities.
        """
        source = self._contracts
        if not issubclass(source.fitted.recipe.model, RetentionModel):
            raise OptionError("new_subscriber is for contracts: givers do not subscribe.")
        rows = []
        for label, plan, found in source.subscribers():
            model, row = central(found), dict(label)
            row["payments"] = float(np.mean(model.expected_lifetime(0.0, source.within)))
            row["lifetime"] = float(
                np.mean(model.expected_lifetime(source.discount, source.within))
            )
            price = source.price(plan)
            if price is not None:
                money = self.terms.margin * price
                row["value"] = money * row["lifetime"]
                if self.terms.level is not None:
                    drawn = with_draws(found, _LEVEL_DRAWS, source.seed)
                    values = drawn.expected_lifetime(source.discount, source.within)
                    lower, upper = _bounds(money * values[:, None], self.terms.level)
                    row["value_lower"], row["value_upper"] = float(lower[0]), float(upper[0])
            rows.append(row)
        return pd.DataFrame(rows)

    def to_html(
        self, path: str | Path, rows: int = 10, pseudonymise: str | bytes | None = None
    ) -> None:
        """Write a report as one self-contained HTML page: totals, schedule, value, pictures.

        Parameters
        ----------
        path : path-like
            A file, which is replaced.
        rows : int
            Rows of each table.
        pseudonymise : str or bytes, optional
            Nothing to hide: the page names no customer.
        """
        write_page("contracts", path, self, rows)


def _periods_per(unit: str, period: str) -> int:
    known = {("year", "month"): 12, ("week", "day"): 7}
    if unit == period:
        return 1
    if (unit, period) not in known:
        raise OptionError(
            f"schedule wants {period!r}"
            + "".join(f" or {u!r}" for u, p in known if p == period)
            + f"; got {unit!r}."
        )
    return known[unit, period]


def _added(values: NDArray, place: NDArray, rows: int) -> NDArray:
    """Sums of (futures, periods) over the periods of each row."""
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    return np.add.reduceat(values, starts, axis=1)[:, :rows]


def _bounds(values: NDArray, level: float) -> NDArray:
    return np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)


def _edges(
    end: datetime.date, unit: str, together: int, rows: int, length: int
) -> pd.DatetimeIndex:
    """The last day of each row, the end of observation first."""
    number = np.minimum(np.arange(rows + 1) * together, length)
    if unit in ("month", "year"):
        # The last day of a month is followed by the last day of the next.
        begin = pd.Timestamp(end) + pd.Timedelta(days=1)
        step = 12 if unit == "year" else 1
        moved = [begin + pd.DateOffset(months=int(k) * step) for k in number]
        return pd.DatetimeIndex(moved) - pd.Timedelta(days=1)
    return pd.DatetimeIndex([pd.Timestamp(end) + pd.Timedelta(days=k * DAYS[unit]) for k in number])
