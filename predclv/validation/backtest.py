"""Backtest: the same validation from several days of the past, to see how much it is by chance."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from predclv.contracts.backtest import backtested
from predclv.contracts.opportunities import Opportunities
from predclv.contracts.renewals import Renewals
from predclv.errors import OptionError, did_you_mean
from predclv.forecast.total_interval import TotalErrors
from predclv.frozen import Frozen
from predclv.logs.log import civil_date
from predclv.logs.opening import open_log
from predclv.logs.options import LogOptions
from predclv.logs.suspicions import warn_of_broken_log
from predclv.notices import counted
from predclv.progress import progress as progress_bar
from predclv.summaries.origins import Cutoffs, log_of, origins, splits_of, whole_days
from predclv.summaries.rfm import RFM
from predclv.units import days_per, probability
from predclv.validation.ahead import table_ahead
from predclv.validation.blame import blamed
from predclv.validation.findings import findings_of
from predclv.validation.recipes import recipes_of, with_spread
from predclv.validation.result import SHOWN, Validation, foremost
from predclv.validation.validate import check_some_forecast, validated


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Backtest:
    """How right forecasters were when asked at several days of the past.

    Attributes
    ----------
    validations : mapping of date to Validation
        One per cutoff, the last day that the forecasters saw.
    level : float
        Of the intervals.

    See Also
    --------
    predclv.backtest, predclv.Validation

    Examples
    --------
    >>> import predclv as pc
    >>> log, rule = pc.datasets.load_cdnow(), {"past rate": pc.baselines.PastRate()}
    >>> found = pc.backtest(rule, log, cutoffs=["1997-09-30", "1997-11-30"], horizon="26 weeks")
    >>> found.frame["mae"].round(2).tolist()
    [0.72, 0.65]
    """

    validations: Mapping[datetime.date, Validation]
    level: float
    _frame: pd.DataFrame = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per cutoff and forecaster: the metrics, customers and new_customers.

        customers are those known at the cutoff, who were scored; new_customers joined in the
        holdout, could not be forecast and were not scored.
        """
        return self._frame.copy()

    @property
    def totals(self) -> pd.DataFrame:
        """``Validation.totals`` of every origin, with ``cutoff`` before its index."""
        tables = {cutoff: validation.totals for cutoff, validation in self.validations.items()}
        return pd.concat(tables, names=["cutoff"])

    @property
    def failed(self) -> Mapping[tuple[datetime.date, str], str]:
        """Why a forecaster could not forecast, by cutoff and name."""
        return {
            (cutoff, name): reason
            for cutoff, validation in self.validations.items()
            for name, reason in validation.failed.items()
        }

    @property
    def findings(self) -> tuple[str, ...]:
        """Sentences about the means over the origins.

        As those of a validation, and from how many origins a baseline won; whether totals go up
        and down as with a season.
        """
        return findings_of(list(self.validations.values()))

    def total_errors(self, forecaster: str | None = None) -> TotalErrors:
        """How wrong a forecaster's totals were, for ``forecast.total(unlike=...)``.

        Parameters
        ----------
        forecaster : str, optional
            Its name. Default: the only one, or the only one that is no baseline.

        Raises
        ------
        OptionError
            If there is no forecaster of that name, or several to choose from.

        Examples
        --------
        >>> import predclv as pc
        >>> log = pc.datasets.load_cdnow()
        >>> found = pc.backtest(pc.baselines.MeanRate(), log, cutoffs=3, horizon="13 weeks")
        >>> found.total_errors().frame["purchases"].round(2).tolist()
        [-0.3, -0.31, -0.54]
        """
        name = self._only(forecaster)
        rows = self._frame.xs(name, level="forecaster")
        named = {"purchases": "bias", "revenue": "spend_bias"}
        errors = {of: -np.log1p(rows[bias].where(rows[bias] > -1)) for of, bias in named.items()}
        # A forecast of something where nothing came has no bias, and is infinitely wrong.
        frame = pd.DataFrame(errors).replace([np.inf, -np.inf], np.nan)
        split = next(iter(self.validations.values())).split
        return TotalErrors(
            name, split.duration * days_per(split.unit), frame.dropna(axis="columns", how="all")
        )

    def _only(self, forecaster: str | None) -> str:
        names = [str(name) for name in self._frame.index.unique("forecaster")]
        if forecaster is not None:
            if forecaster not in names:
                raise OptionError(
                    f"There is no forecaster {forecaster!r} here, but {', '.join(names)}."
                    f"{did_you_mean(forecaster, names)}"
                )
            return forecaster
        rules = {name for v in self.validations.values() for name in v.baselines}
        models = names if len(names) == 1 else [name for name in names if name not in rules]
        if len(models) != 1:
            raise OptionError(
                f"The backtest is of {', '.join(names)}. Say whose totals to take: "
                f"unlike=backtest.total_errors({(models or names)[0]!r})."
            )
        return models[0]

    def summary(self) -> pd.DataFrame:
        """Each metric's mean over the origins and its spread.

        Returns
        -------
        DataFrame
            Index forecaster and statistic: ``mean``, ``std`` (standard deviation over origins, NaN
            with one), ``lowest``, ``highest``; columns the metrics. Origins share customers and
            overlap in what was known, so the spread understates what a new customer base would
            show.
        """
        metrics = self._frame.drop(columns=["customers", "new_customers"])
        grouped = metrics.groupby(level="forecaster", sort=False)
        statistics = {
            "mean": grouped.mean(),
            "std": grouped.std(),
            "lowest": grouped.min(),
            "highest": grouped.max(),
        }
        names = self._frame.index.unique("forecaster")
        table = pd.concat(statistics, names=["statistic"]).swaplevel()
        return table.reindex(
            pd.MultiIndex.from_product([names, statistics], names=table.index.names)
        )

    def __len__(self) -> int:
        return len(self.validations)

    def headline(self) -> str:
        """The origins in a sentence."""
        splits = [validation.split for validation in self.validations.values()]
        first, last = splits[0], splits[-1]
        new = sum(split.new_customers or 0 for split in splits)
        return (
            f"Backtest from {counted(len(self), 'origin')}, {first.calibration_end} to "
            f"{last.calibration_end}, each over {last.duration:g} {last.unit}s: "
            f"{len(first):,} to {len(last):,} customers; joined later and not scored: {new:,}"
        )

    def _short(self) -> pd.DataFrame:
        """Mean and spread of the chief metrics, as text."""
        table = self.summary()
        shown = [name for name in SHOWN if table[name].notna().any()]
        means, spreads = (table.xs(which, level="statistic")[shown] for which in ("mean", "std"))
        cells = [
            [with_spread(*pair) for pair in zip(*rows, strict=True)]
            for rows in zip(means.to_numpy(), spreads.to_numpy(), strict=True)
        ]
        return pd.DataFrame(cells, index=list(means.index), columns=shown).T

    def __repr__(self) -> str:
        return "\n".join([self.headline(), self._short().to_string(), *foremost(self.findings)])

    def _repr_html_(self) -> str:
        said = "".join(f"<li>{escape(finding)}</li>" for finding in foremost(self.findings))
        return (
            f"<p><b>{escape(self.headline())}</b><br>mean ± standard deviation over origins</p>"
            f"{self._short().T.to_html(border=0)}" + (f"<ul>{said}</ul>" * bool(said))
        )


def backtest(
    forecasters: Any,
    transactions: Any,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    *,
    cutoffs: Cutoffs,
    horizon: str | float | datetime.timedelta | np.timedelta64,
    until: str | datetime.date | None = None,
    unit: str = "week",
    refunds: str = "net",
    timezone: str | None = None,
    currency: str | None = None,
    static_covariates: Any = None,
    dynamic_covariates: Any = None,
    level: float = 0.9,
    seed: int | None = None,
    discount_rate: float = 0.10,
    margin: float = 1.0,
    errors: Literal["row", "raise"] = "row",
    progress: bool | None = None,
    covariates_ahead: Any = False,
) -> Backtest:
    """Validate from several origins: at each, fit on what was known then and forecast on from it.

    One holdout is one draw of chance, of a season, of a campaign. A forecaster that is better from
    every origin is better; one that is better on average may not be. Customers are scored from
    the first cutoff by which they have bought; those who join in a holdout are counted, not
    scored, for nobody could forecast them. The log is read and checked once.

    Parameters
    ----------
    forecasters
        Recipes, as in :func:`predclv.validate`; nothing fitted, for it would know the future.
    transactions : log or RFM
        As in :func:`predclv.rfm_summary`; or an RFM made from a log, whose unit is taken and
        beyond whose ``observation_end`` nothing is looked at.
    customer_id, date, amount, unit, refunds, timezone, currency
        As in :func:`predclv.rfm_summary`; of no use with an RFM.
    static_covariates, dynamic_covariates
        As in :func:`predclv.rfm_summary`, counted anew at every cutoff; an RFM brings its own.
    cutoffs : int or list of dates
        The last days known, inclusive; or how many, one horizon apart, so that the last holdout
        ends with the log and no two overlap.
    horizon : str, timedelta or number
        Length of each holdout, taken to the nearest whole day.
    until : date, optional
        Nothing after this day is looked at. Default: the log's last day.
    level, seed, discount_rate, margin, errors, progress, covariates_ahead
        As in :func:`predclv.validate`.

    Returns
    -------
    Backtest

    Raises
    ------
    OptionError
        If a cutoff has no customers before it, or less than the horizon after it.
    DataError
        If the log cannot be used, or an RFM has none.
    PredclvError
        What a forecaster raises, with its name and the cutoff: of ``errors="raise"``, or if all
        fail from every origin.

    Warns
    -----
    DataWarning
        As :func:`predclv.rfm_summary`, once for the log and not once for every cutoff.

    See Also
    --------
    predclv.validate : forecasts against what came, at one day.
    predclv.Backtest : validations from several days.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> found = pc.backtest(pc.baselines.MeanRate(), log, cutoffs=3, horizon="13 weeks")
    >>> found.frame[["bias", "customers", "new_customers"]].round(2)
                           bias  customers  new_customers
    cutoff     forecaster
    1997-09-30 mean rate   0.34       2357              0
    1997-12-30 mean rate   0.37       2357              0
    1998-03-31 mean rate   0.72       2357              0
    """
    level = probability(level, "level")
    named, end = recipes_of(forecasters), None if until is None else civil_date(until, "until")
    if isinstance(transactions, Renewals | Opportunities):  # a table of its own
        return cast(Any, backtested(forecasters, transactions, cutoffs, horizon, level, seed))
    if isinstance(transactions, RFM):
        log, unit, observed = log_of(transactions)
        end = observed if end is None else min(end, observed)
    else:
        days_per(unit)
        options = LogOptions(
            customer_id=customer_id,
            date=date,
            amount=amount,
            refunds=refunds,
            timezone=timezone,
            currency=currency,
            static_covariates=static_covariates,
            dynamic_covariates=dynamic_covariates,
        )
        log = open_log(transactions, options, end)
    days = whole_days(horizon, unit)
    chosen = origins(log, cutoffs, days, end)
    if not isinstance(transactions, RFM):  # whose maker was warned
        warn_of_broken_log(log, min(end or log.last_day, log.last_day), "until", tells=True)
    terms = {"discount_rate": discount_rate, "margin": margin, "level": level, "seed": seed}
    validations: dict[datetime.date, Validation] = {}
    with progress_bar("Backtesting", len(chosen) * len(named), progress) as step:
        for split in splits_of(log, chosen, days, unit):
            assert split.calibration_end is not None

            def named_step(name: str, cutoff: datetime.date = split.calibration_end) -> None:
                step(f"{cutoff}, {name}")

            with blamed(f"At cutoff {split.calibration_end}"):
                validations[split.calibration_end] = validated(
                    named,
                    split,
                    terms,
                    errors=errors,
                    progress=named_step,
                    ahead=table_ahead(covariates_ahead, split),
                )
    check_some_forecast(list(validations.values()))
    return _assembled(validations, level)


def _assembled(validations: dict[datetime.date, Validation], level: float) -> Backtest:
    tables = {}
    for cutoff, validation in validations.items():
        own = {"customers": len(validation.split), "new_customers": validation.split.new_customers}
        tables[cutoff] = validation.frame.assign(**own)
    frame = pd.concat(tables, names=["cutoff"])
    return Backtest(Frozen(validations), level, frame)
