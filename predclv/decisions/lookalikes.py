"""Lookalikes: what people without purchases would be worth, by what is known of them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from predclv.decisions.as_html import as_html
from predclv.decisions.inputs import forecast_frame
from predclv.decisions.lookalike_gains import gains_of
from predclv.decisions.newcomers import Newcomers, newcomers_of
from predclv.decisions.trait_model import Learnt, learnt
from predclv.decisions.traits import Traits, traits_of, warn_of_leakage
from predclv.errors import DataError, OptionError, did_you_mean, some
from predclv.forecast.result import Forecast
from predclv.logs.frames import as_pandas
from predclv.notices import counted
from predclv.streams import generator
from predclv.units import probability

_FEWEST = 200
_PER_BAND = 100


class _Bands(NamedTuple):
    """Customers in the order of their scores, in bands: edges, and what they were worth."""

    edges: NDArray
    multiple: NDArray
    lower: NDArray
    upper: NDArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Lookalike:
    """Scores people by what customers like them were worth.

    Attributes
    ----------
    gains : DataFrame
        The ranking, of customers whom the model did not see: ``share`` (of customers, the best
        scored first), ``captured`` (of what all brought), ``gain`` (captured over share; 1 is a
        random order), ``gain_lower``, ``gain_upper`` (over customers), ``random_upper`` (what a
        random order stays below at the level).
    bands : DataFrame
        Customers in bands by score, the best first; one band where the score ranks nobody:
        customers, multiple (what they brought over what an average customer brings in their time),
        lower, upper, first_year_value, lifetime_value.
    level : float
    counts : dict
        without_traits, strangers.
    leakage : list of str

    See Also
    --------
    predclv.lookalike : who among strangers resembles them.
    predclv.plots.lookalike_gains : what the best scored brought.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> forecast = fitted.forecast("52 weeks", seed=1)
    >>> people = rfm.frame[["customer_id"]].assign(wave=rfm.frame["T"] // 4)
    >>> alike = pc.lookalike(forecast, people)
    >>> print(alike.headline())
    The best fifth by score brought 21% of what all brought (1.04 times a random fifth, 0.93
    to 1.18), of customers not seen: no better than chance. These traits do not say who
    resembles whom.
    """

    gains: pd.DataFrame
    bands: pd.DataFrame
    level: float
    counts: dict[str, int]
    leakage: list[str]
    _traits: Traits
    _learnt: Learnt
    _newcomers: Newcomers
    _edges: _Bands

    @property
    def ranks(self) -> bool:
        """Whether the best fifth by score bring more than a random fifth, beyond chance."""
        return _ranks(self.gains)

    def score(self, prospects: Any) -> pd.DataFrame:
        """What people without purchases are worth if they become customers.

        Parameters
        ----------
        prospects : DataFrame
            The traits that were learnt from, one row per person; a column prospect_id or
            customer_id names them, or else the index.

        Returns
        -------
        DataFrame
            In the order given: prospect_id, score (as a multiple of the average customer; its
            order is what was learnt), first_year_value, first_year_lower, first_year_upper,
            lifetime_value, lifetime_lower, lifetime_upper: discounted, from their first order on,
            that included. They are those of customers with such a score, and the intervals are of
            the mean of such customers: a single person varies far more. Where the forecast is by
            fits with covariates, and prospects have them: ``model_first_year`` and
            ``model_lifetime``, a second opinion: what these fits expect of such a newcomer, NaN for
            a level that they have not seen. ``unseen``: number of their traits with a category that
            no customer has, or without a value where every customer has one.

        Raises
        ------
        DataError
            If a trait is missing, or there is nobody to score.

        Warns
        -----
        DataWarning
            If people have categories never seen, which count as (other), or lack a value that every
            customer has.
        """
        table = as_pandas(prospects, "prospects")
        names = list(self._traits.levels)
        missing = [name for name in names if name not in table]
        if missing:
            raise DataError(
                f"prospects has no column {some(map(repr, missing))}; it has "
                f"{some(table.columns, 20)}.{did_you_mean(missing[0], table.columns)}"
            )
        if table.empty:
            raise DataError("There is nobody in prospects.")
        named = [name for name in ("prospect_id", "customer_id") if name in table]
        ids = table[named[0]] if named else pd.Series(table.index)
        plain = table[names].reset_index(drop=True)
        unseen = self._traits.unseen(plain).sum(axis=1).to_numpy()
        score = self._learnt.of_others(self._traits.again(plain))
        band = np.searchsorted(self._edges.edges, score, side="right")
        found = {"prospect_id": ids.to_numpy(), "score": score}
        for word, worth in (
            ("first_year", self._newcomers.first_year),
            ("lifetime", self._newcomers.lifetime),
        ):
            found[f"{word}_value"] = worth * self._edges.multiple[band]
            found[f"{word}_lower"] = worth * self._edges.lower[band]
            found[f"{word}_upper"] = worth * self._edges.upper[band]
        second = self._newcomers.second
        values = None if second is None else second.values(table.reset_index(drop=True))
        if values is not None:
            found |= dict(zip(("model_first_year", "model_lifetime"), values, strict=True))
        return pd.DataFrame(found | {"unseen": unseen})

    def list(
        self, prospects: Any, size: int | None = None, cut: float | None = None
    ) -> pd.DataFrame:
        """The people to approach, the best first: so many, or those worth more than a cut.

        Parameters
        ----------
        prospects : DataFrame
            As in `score`.
        size : int, optional
            How many.
        cut : float, optional
            The lowest lifetime value, such as what acquiring them costs; the lower bound must
            reach it, for a hope is no reason.

        Raises
        ------
        OptionError
            If neither or both are given, or make no sense.
        """
        if (size is None) == (cut is None):
            raise OptionError("Say how many people to list, size=, or from which value on, cut=.")
        scored = self.score(prospects)
        scored = scored.sort_values("score", ascending=False, kind="stable", ignore_index=True)
        if size is not None:
            if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
                raise OptionError(f"size must be a whole number from 1 up; got {size!r}.")
            return scored.head(int(size))
        if isinstance(cut, bool) or not isinstance(cut, (int, float, np.number)):
            raise OptionError(f"cut must be a number; got {cut!r}.")
        return scored[scored["lifetime_lower"] >= cut].reset_index(drop=True)

    def headline(self) -> str:
        """How well the ranking works, in a sentence."""
        row = self.gains[self.gains["share"].eq(0.2)].iloc[0]
        told = (
            f"The best fifth by score brought {row['captured']:.0%} of what all brought "
            f"({row['gain']:.2f} times a random fifth, {row['gain_lower']:.2f} to "
            f"{row['gain_upper']:.2f}), of customers not seen"
        )
        if not self.ranks:
            return f"{told}: no better than chance. These traits do not say who resembles whom."
        return f"{told}."

    def __repr__(self) -> str:
        return f"{self.headline()}\n{self.bands.round(3).to_string(index=False)}"

    def _repr_html_(self) -> str:
        return as_html(self.headline(), self.bands, self.gains, float_format="{:,.3g}".format)


def lookalike(
    forecast: Forecast,
    traits: Any,
    level: float = 0.9,
    leakage: str = "warn",
    seed: int | None = 0,
) -> Lookalike:
    """Learn from customers what people like them are worth, to score people without purchases.

    What a customer brought so far is held against what the model expects of an average newcomer in
    the same time; that multiple is learnt from traits (boosted trees), on some customers and
    checked on others. A person is then worth what a newcomer is worth, times the multiple of the
    customers with a score like theirs. What was brought is a fact and not a forecast, so nothing is
    drawn towards the mean.

    Parameters
    ----------
    forecast : Forecast
        Of customers by a fitted model: its margin, discount rate and customers are used.
    traits : DataFrame
        customer_id and what is known of customers and prospects alike.
    level : float
        Of the intervals.
    leakage : str
        ``"warn"`` names traits that look made from purchases; ``"ignore"``.
    seed : int or None
        Of the folds.

    Returns
    -------
    Lookalike

    Raises
    ------
    DataError
        If the forecast is a frame or by a rule, or has fewer than 200 customers, or traits cannot
        be used.

    See Also
    --------
    predclv.Lookalike : scores people without purchases.
    predclv.drivers : what the best customers have in common.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> known = pd.DataFrame({"customer_id": range(1, 2358)})
    >>> known["sign"] = ["abc"[i % 3] for i in range(1, 2358)]
    >>> found = lookalike(fitted.forecast("1 year", level=None), known)
    >>> found.ranks
    False
    """
    level = probability(level, "level")
    frame = forecast_frame(forecast, "lookalike")
    if leakage not in ("warn", "ignore"):
        raise OptionError(f"leakage must be one of warn, ignore; got {leakage!r}.")
    if len(frame) < _FEWEST:
        raise DataError(
            f"The forecast has {counted(len(frame), 'customer')}; to learn who resembles whom "
            f"takes at least {_FEWEST}."
        )
    newcomers = newcomers_of(forecast)
    found = traits_of(traits, frame["customer_id"])
    suspects = [] if leakage == "ignore" else warn_of_leakage(found, frame)
    ratio = newcomers.brought / newcomers.expected
    model = learnt(found, ratio, newcomers.expected, seed)
    rng = generator(seed)
    gains = gains_of(model.predicted, newcomers, level, rng)
    bands = _in_bands(model.predicted, newcomers, level, ranks=_ranks(gains))
    place = np.searchsorted(bands.edges, model.predicted, side="right")
    table = pd.DataFrame(
        {
            "customers": np.bincount(place, minlength=bands.multiple.size),
            "multiple": bands.multiple,
            "lower": bands.lower,
            "upper": bands.upper,
            "first_year_value": bands.multiple * newcomers.first_year,
            "lifetime_value": bands.multiple * newcomers.lifetime,
        }
    )[::-1].reset_index(drop=True)
    return Lookalike(gains, table, level, found.counts, suspects, found, model, newcomers, bands)


def _ranks(gains: pd.DataFrame) -> bool:
    row = gains[gains["share"].eq(0.2)].iloc[0]
    return bool(row["gain"] > row["random_upper"] and row["gain_lower"] > 1.0)


def _in_bands(score: NDArray, newcomers: Newcomers, level: float, ranks: bool) -> _Bands:
    """What customers brought by score, in bands of equal size, none of fewer than 100.

    Neighbours are made one where the higher score brought less: a score that rises is worth no
    less. Where the score ranks nobody beyond chance there is one band, for all.
    """
    several = int(np.clip(score.size // _PER_BAND, 2, 10)) if ranks else 1
    edges = np.unique(np.quantile(score, np.arange(1, several) / several))
    edges = edges[edges > score.min()]
    while True:
        place = np.searchsorted(edges, score, side="right")
        brought = np.bincount(place, newcomers.brought, edges.size + 1)
        multiple = brought / np.bincount(place, newcomers.expected, edges.size + 1)
        falls = np.flatnonzero(np.diff(multiple) <= 0)
        if not falls.size:
            break
        edges = np.delete(edges, falls[0])
    lower, upper = np.empty(multiple.size), np.empty(multiple.size)
    for band, mean in enumerate(multiple):
        y, e = newcomers.brought[place == band], newcomers.expected[place == band]
        error = np.sqrt(y.size * (y - mean * e).var(ddof=1)) / e.sum() if y.size > 1 else np.inf
        reach = float(stdtrit(max(y.size - 1, 1), 0.5 + 0.5 * level)) * error
        lower[band], upper[band] = max(mean - reach, 0.0), mean + reach
    return _Bands(edges, multiple, lower, upper)
