"""Forecast: one row per customer, the customer base as a whole, and ways out to files."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import pandas as pd

from predclv.errors import DataError, OptionError
from predclv.forecast.distribution import CountDistribution
from predclv.forecast.exports import Exports
from predclv.forecast.schedule import schedule
from predclv.forecast.scoring import ScoreTable
from predclv.forecast.source import SUMS, Source
from predclv.forecast.terms import Terms
from predclv.forecast.total_interval import (
    Unlike,
    interval,
    total_of,
)
from predclv.forecast.total_words import Total, has_budget, held, holds, in_a_sentence

COLUMNS = (
    "p_alive", "p_active", "expected_purchases", "purchases_lower", "purchases_upper",
    "discounted_purchases", "expected_spend", "expected_revenue", "revenue_lower",
    "revenue_upper", "clv", "clv_lower", "clv_upper",
)  # fmt: skip
"""The columns of a forecast after customer_id, in their order; a forecast may lack some."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Forecast(Exports):
    """What every customer is expected to do within the horizon, and what that is worth today.

    Attributes
    ----------
    terms : Terms
        Horizon, unit, discount rate, margin, level and start.

    See Also
    --------
    predclv.FittedCLV : a fitted recipe, ready to forecast.
    predclv.validate : forecasts against what came, at one day.
    predclv.segments.tiers : each customer in one tier, with the reason.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel(spend=None).fit(rfm)
    >>> forecast = fitted.forecast("26 weeks", seed=1)
    >>> forecast.top(2)[["customer_id", "p_alive", "expected_purchases"]].round(2)
          customer_id  p_alive  expected_purchases
    1980         1981     0.96               12.83
    1202         1203     0.98               12.21
    >>> round(forecast.total()["purchases"])
    1043
    """

    terms: Terms
    _source: Source

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer, in the order of the summary.

        - ``customer_id``
        - ``p_alive``: probability of still being a customer now;
        - ``p_active``: probability of at least one purchase within the horizon. Alive is not
          active: a living customer may well buy nothing for a year;
        - ``expected_purchases``: expected number of purchases within the horizon;
        - ``purchases_lower``, ``purchases_upper``: predictive interval of that number;
        - ``discounted_purchases``: expected purchases, each worth ``(1 + discount_rate)**-years``;
        - ``expected_spend``: expected spend per future purchase;
        - ``expected_revenue``: ``expected_purchases * expected_spend``;
        - ``revenue_lower``, ``revenue_upper``: predictive interval of revenue;
        - ``clv``: ``margin * discounted_purchases * expected_spend``;
        - ``clv_lower``, ``clv_upper``: predictive interval of what is earned, discounted.

        Without spend the columns of spend, revenue and clv are left out; over the whole remaining
        lifetime the undiscounted ones, which can be infinite. What a caller does to the frame
        leaves the forecast as it is, for other threads too.
        """
        return self._source.frame.copy(deep=False)

    def __len__(self) -> int:
        return len(self._source)

    @property
    def source(self) -> Source:
        """What the numbers are made from: fitted models, a rule, or a pool of them."""
        return self._source

    @property
    def horizon(self) -> float | None:
        """Length of the forecast in ``unit``; None is the whole remaining lifetime."""
        return self.terms.horizon

    @property
    def unit(self) -> str:
        """Unit of time."""
        return self.terms.unit

    def total(self, unlike: Unlike | None = None) -> pd.Series:
        r"""The customer base as a whole.

        Parameters
        ----------
        unlike : Backtest, TotalErrors or float, optional
            How wrong totals were at earlier origins, by which the intervals are widened, for the
            shop's future may be unlike its past: the result of :func:`predclv.backtest` over the
            same horizon, whose only model is taken; of several, say which with
            ``backtest.total_errors("BG/NBD")``. Or a number, the scale :math:`sd` itself.

            What came is then the simulated total times :math:`\exp(sd \cdot T)`, :math:`T` being
            Student's t with 3 degrees of freedom. Chance and parameters stay in, so at
            ``level=0.9`` the bounds lie a little beyond :math:`total \cdot \exp(\mp 2.353 sd)`.
            From a backtest :math:`sd` is :meth:`TotalErrors.sd`; errors of purchases widen
            purchases and discounted_purchases, those of revenue widen revenue and clv.

        Returns
        -------
        Series
            ``purchases``, ``discounted_purchases``, ``revenue`` and ``clv`` (customer equity), as
            far as the forecast has them: the sums over customers. Each with ``_lower`` and
            ``_upper``, its predictive interval at the forecast's level, from simulated futures in
            which all customers share a draw of the parameters. It is narrower than the customers'
            intervals added up, and wider than if their errors were independent.
            ``attrs["holds"]``, printed below the numbers, says what the intervals hold: without
            ``unlike`` chance and parameters only, which is too little where the future is unlike
            the past.

            Of a pool, which knows how wrong it was at earlier origins, also ``_budget_lower`` and
            ``_budget_upper``, unless ``unlike`` is given: the interval that allows for a future
            unlike the past, and the one to put into a budget. (``_lower`` to ``_upper`` says how
            well the total would be known if the shop went on as it did.)

        Raises
        ------
        OptionError
            If there is no interval to widen, ``unlike`` is no backtest and no number above 0, or
            its backtest has several models.
        DataError
            If its backtest has no revenue and this forecast has.

        Warns
        -----
        OptionWarning
            If the backtest looked ahead for another time than this forecast.

        Examples
        --------
        >>> import predclv as pc
        >>> fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow()))
        >>> total = fitted.forecast("26 weeks", seed=1).total(unlike=0.2)
        >>> total[["purchases", "purchases_lower", "purchases_upper"]]
        purchases  1,043 (647 to 1,679)
        The 90% intervals hold chance, parameters, and a future unlike the past: sd 0.2 (logs).
        """
        return self._shown(total_of(self._source, self.terms, self._sums(), unlike))

    def schedule(self, period: str, customers: Iterable[object] | None = None) -> pd.DataFrame:
        """The horizon period by period: what comes when, of the base or of some customers.

        Each is the horizon up to its end less that up to its start, so periods add up to
        :meth:`total`, or to the customer's row of ``frame``; discounts go back to the end of
        observation. Rules of thumb spread purchases evenly over the horizon.

        Parameters
        ----------
        period : str
            ``"month"``, ``"week"`` (from Monday), ``"quarter"`` or ``"year"``; the first
            and the last may be partial. Part of a day at the end counts to the last period.
        customers : sequence of ids, optional
            One row per customer and period instead, without intervals.

        Returns
        -------
        DataFrame
            ``start`` and ``end``, the first and last day; the totals, each with ``_lower`` and
            ``_upper`` from the futures of :meth:`total`, whose periods add up (bounds do not).
            Above 100,000 customers chance is normal, its covariances those of a sample, and
            parameters shift discounted purchases of a period as its purchases. Where the last day
            is not known, start and end are numbers in the unit (a month 30.4375 days).

        Raises
        ------
        OptionError
            If the period is none of those, or the horizon is the whole remaining lifetime.
        DataError
            If a customer is not in the forecast, or named twice.

        Examples
        --------
        >>> import predclv as pc
        >>> fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow()))
        >>> months = fitted.forecast("26 weeks", level=None).schedule("month")
        >>> months["purchases"].round(1).tolist()  # July to December 1998; ends on the 29th
        [187.9, 183.3, 173.3, 175.1, 165.8, 157.1]
        """
        return schedule(self._source, self.terms, period, customers)

    def buyers(self) -> pd.Series:
        """How many customers will buy at least once within the horizon.

        Over the whole remaining lifetime: how many will ever buy again.

        Returns
        -------
        Series
            ``buyers``, the sum of p_active over customers, and with intervals ``buyers_lower`` and
            ``buyers_upper`` at the forecast's level: all customers share a draw of the parameters,
            and each buys or not by the chance that it gives them. ``attrs["holds"]`` says what the
            interval holds, as of :meth:`total`. A rule gives no interval.

        Raises
        ------
        DataError
            If the forecast says of nobody whether they will buy: it has no p_active.

        Examples
        --------
        >>> import predclv as pc
        >>> fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow()))
        >>> fitted.forecast("26 weeks", seed=1).buyers().round()["buyers"]
        np.float64(464.0)
        """
        sums = self._source.sums()
        if "p_active" not in sums:
            raise DataError(
                "This forecast has no p_active, so it does not say who buys: it was made by a rule "
                "that names a number of purchases alone."
            )
        values = {"buyers": float(sums["p_active"])}
        level = self.terms.level
        simulated = None if level is None else self._source.buyers()
        found = Total(values, name="buyers")
        if level is not None and simulated is not None:
            lower, upper = interval(simulated, level)
            found = Total(values | {"buyers_lower": lower, "buyers_upper": upper}, name="buyers")
            found.attrs["holds"] = holds(level, has_budget=has_budget(self._source))
        return found

    def _shown(self, total: Total) -> Total:
        """The total with the currency it is shown in."""
        if self.terms.currency is not None:
            total.attrs["currency"] = self.terms.currency
        return total

    def _sums(self) -> dict[str, float]:
        sums = self._source.sums()
        return {name: float(sums[column]) for name, column in SUMS.items() if column in sums}

    def counts(self) -> CountDistribution | None:
        """The predictive distribution of each customer's number of purchases.

        None for a rule that names one number and no chance around it, and for the whole remaining
        lifetime.
        """
        return self._source.counts()

    def top(self, n: int = 10) -> pd.DataFrame:
        """The ``n`` customers of highest value: by clv, or by purchases where there is no spend."""
        if not pd.api.types.is_integer(n) or n < 0:
            raise OptionError(f"top takes a number of customers, 0 or more; got {n!r:.80}.")
        return self.frame.nlargest(n, "clv" if "clv" in self.frame else "discounted_purchases")

    def table(self) -> ScoreTable:
        """The forecast of every history, with the SQL that joins customers with it."""
        return self._source.table()

    def headline(self) -> str:
        """The forecast and its totals, with their intervals, in a sentence."""
        terms = self.terms
        start = f" after {terms.observation_end}" if terms.observation_end else ""
        total = self.total()
        return (
            f"Forecast of {len(self):,} customers over {terms.length}{start} at "
            f"{terms.discount_rate:.1%} a year, margin {terms.margin:g}: "
            f"{in_a_sentence(total)}"
            + (f"; {terms.level:.0%} intervals of {held(total)}" if "holds" in total.attrs else "")
        )

    def __repr__(self) -> str:
        return f"{self.headline()}\n{self._source.head(5)}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.headline())}</p>{self._source.head(5).to_html(index=False)}"
