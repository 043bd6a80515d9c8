"""What a pooled forecast is made from: the exact mixture of its members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.forecast.counts import bracket, in_classes
from predclv.forecast.customers import CellForecast, take_curves
from predclv.forecast.draws import drawn
from predclv.forecast.first_purchases import counted_beside
from predclv.forecast.outlook import Outlook
from predclv.forecast.revenue import log_quantile_curves, scale_of
from predclv.forecast.scoring import ScoreTable
from predclv.forecast.source import SUMS, Source
from predclv.forecast.spend import expected_spend
from predclv.forecast.spend_draws import SPEND_DRAWS
from predclv.forecast.terms import Terms
from predclv.forecast.total_interval import Budget, TotalErrors
from predclv.forecast.totals import NORMAL_DRAWS, SIMULATED, futures_of
from predclv.io.files import write_parquet
from predclv.once import FieldsAlone, once
from predclv.pools.mixture import JointCounts, MixtureCounts, codes, joined
from predclv.pools.rule_totals import rule_buyers, rule_totals
from predclv.progress import stage
from predclv.samples.grouping import distinct
from predclv.streams import Stream, stream
from predclv.summaries.rfm import RFM

_EXPECTED = ("p_alive", "p_active", "expected_purchases", "discounted_purchases")


def futures_of_member(weight: float, customers: int) -> int:
    """How many futures of a member are simulated: which of them is right, all customers share."""
    all_of_them = futures_of(customers, False) if customers <= SIMULATED else NORMAL_DRAWS
    return max(1, round(weight * all_of_them))


class Part(NamedTuple):
    """A member of the mixture and its weight."""

    weight: float
    source: Any


@dataclass(frozen=True, eq=False, repr=False)
class Pooled(FieldsAlone):
    """The mixture of what several members say of the same customers over the same horizon.

    Attributes
    ----------
    rfm : RFM
        The customers.
    parts : tuple of Part
        Weights that sum to 1, and what each member's forecast is made from.
    spend : Fit or None
        One for all members.
    terms : Terms
    seed : int
    errors : TotalErrors or None
        How wrong the pool's totals were at earlier origins.
    """

    rfm: RFM
    parts: tuple[Part, ...]
    spend: Fit | None
    terms: Terms
    seed: int
    errors: TotalErrors | None = None

    def __len__(self) -> int:
        return len(self.rfm)

    @property
    def leading(self) -> Outlook:
        """The first model's, which stands for the pool where one model is asked for."""
        found = next(p.source for p in self.parts if isinstance(p.source, Outlook))
        return replace(found, spend=self.spend)

    @property
    def _weights(self) -> NDArray:
        return np.array([part.weight for part in self.parts])

    @property
    def _futures(self) -> list[int]:
        return [futures_of_member(part.weight, len(self)) for part in self.parts]

    @once
    def _joined(self) -> tuple[JointCounts | None, NDArray, NDArray]:
        """Customers whom no member tells apart: their counts, one of each, and who is which."""
        frequency = self.rfm.frame["frequency"].to_numpy(np.float64)
        if self.terms.level is not None:
            return joined(self._weights, [part.source.counts() for part in self.parts], frequency)
        first, place = distinct(frequency, *(_codes(part.source) for part in self.parts))
        return None, first, place

    @once
    def cells(self) -> CellForecast:
        """The forecast of everybody whom some member tells apart."""
        _, first, _ = self._joined
        with stage(f"Forecasting {first.size:,} histories by {len(self.parts)} members"):
            return self._forecast_cells(first)

    def _forecast_cells(self, first: NDArray) -> CellForecast:
        columns = self._expected(first)
        scale = None
        if self.spend is not None:
            frequency = self.rfm.frame["frequency"].to_numpy(np.float64)[first]
            rng = stream(self.seed, Stream.EXPECTATIONS)
            columns |= expected_spend(self.spend, frequency, rng)
        if self.terms.level is not None:
            bounds = self._bounds(self.terms.level)
            if self.spend is not None:
                scale = take_curves(columns, bounds, endless=False)
            columns |= bounds
        beside = counted_beside(self.spend)
        return CellForecast(pd.DataFrame(columns), scale, self.terms.margin, False, beside)

    def _expected(self, first: NDArray) -> dict[str, NDArray]:
        """The mixture's expectations; p_alive by those members who have a word on it."""
        found: dict[str, NDArray] = {}
        stated = dict.fromkeys(_EXPECTED, 0.0)
        for weight, source in self.parts:
            rows = source.rows(first)
            for name in _EXPECTED:
                if name in rows:
                    found[name] = found.get(name, 0.0) + weight * rows[name].to_numpy(np.float64)
                    stated[name] += weight
        # Weights sum to 1 but for rounding, by which what all state need not be divided.
        return {
            name: v if stated[name] > 1 - 1e-9 else v / stated[name] for name, v in found.items()
        }

    def _bounds(self, level: float) -> dict[str, NDArray]:
        """Bounds of purchases, and curves of the bounds of revenue."""
        joint, first, _ = self._joined
        assert joint is not None
        ends = {"lower": 0.5 * (1.0 - level), "upper": 0.5 * (1.0 + level)}
        brackets = {side: np.empty((first.size, 2), np.int64) for side in ends}
        found: dict[str, NDArray] = {}
        spend: Any = None
        if self.spend is not None:
            spend = drawn(self.spend, SPEND_DRAWS, stream(self.seed, Stream.BOUNDS))
            found["scale"] = np.array(scale_of(spend))
            found |= {f"revenue_{side}": np.empty((3, first.size)) for side in ends}
        for group in joint.by_frequency():
            for rows, tails in group:
                for side, probability in ends.items():
                    brackets[side][rows] = bracket(tails, probability)
            if spend is not None:
                curves = log_quantile_curves(
                    *in_classes([tails for _, tails in group]),
                    float(joint.frequency[group[0][0][0]]),
                    spend,
                    tuple(1.0 - probability for probability in ends.values()),
                )
                places = np.concatenate([rows for rows, _ in group])
                for side, curve in zip(ends, curves, strict=True):
                    found[f"revenue_{side}"][:, places] = curve
        quantiles = {s: joint.quantile(brackets[s], p) for s, p in ends.items()}
        return {f"purchases_{side}": n for side, n in quantiles.items()} | found

    @once
    def frame(self) -> pd.DataFrame:
        """The forecast of every customer: the columns of ``Forecast.frame``."""
        return self._of(self.rfm.frame, self._joined[2])

    def _of(self, customers: pd.DataFrame, place: NDArray) -> pd.DataFrame:
        return self.cells.frame_of(customers.reset_index(drop=True), place)

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``."""
        return self.rows(np.arange(min(rows, len(self))))

    def rows(self, places: NDArray) -> pd.DataFrame:
        """Rows of the frame at these places."""
        return self._of(self.rfm.frame.iloc[places], self._joined[2][places])

    def customer_ids(self) -> pd.Series:
        """Of the customers, in the order of the frame."""
        return self.rfm.frame["customer_id"]

    def sums(self) -> Mapping[str, float]:
        """The sums over customers of the columns that add up."""
        return self._sums

    @once
    def _sums(self) -> dict[str, float]:
        names = ("p_active", *SUMS.values())
        return {name: float(self.frame[name].sum()) for name in names if name in self.frame}

    def until(self, share: float) -> "Pooled":
        """The same members over the first share of the horizon, without intervals."""
        assert self.terms.horizon is not None
        parts = tuple(part._replace(source=part.source.until(share)) for part in self.parts)
        terms = replace(self.terms.without_level(), horizon=self.terms.horizon * share)
        found = replace(self, parts=parts, terms=terms)
        found.__dict__["_joined"] = (None, *self._joined[1:])
        return found

    def counts(self) -> MixtureCounts:
        """The distribution of each customer's purchases."""
        joint, _, place = self._joined
        if joint is None:
            joint, _, place = joined(
                self._weights,
                [part.source.counts() for part in self.parts],
                self.rfm.frame["frequency"].to_numpy(np.float64),
            )
        return MixtureCounts(joint, place)

    @once
    def _totals_of_members(self) -> list[Mapping[str, NDArray]]:
        rng = stream(self.seed, Stream.GROUPS)
        found: list[Mapping[str, NDArray]] = []
        for (_, source), n in zip(self.parts, self._futures, strict=True):
            if isinstance(source, Outlook):
                totals = source.totals()
            else:
                totals = rule_totals(source, self.spend, self.rfm.frame, self.terms.margin, n, rng)
            found.append({name: values[:n] for name, values in totals.items()})
        return found

    def totals(self) -> Mapping[str, NDArray]:
        """Simulated totals of the base, each (futures,): as many by each member as its weight."""
        return _together(self._totals_of_members)

    def budget(self) -> Budget | None:
        """Totals simulated around the pooled one, and how wrong that was at earlier origins.

        How far members lie apart is in the errors' spread, so each is simulated around the pool.
        """
        if self.errors is None:
            return None
        sums = self.sums()
        around = [
            {name: v * (sums[SUMS[name]] / max(v.mean(), 1e-300)) for name, v in totals.items()}
            for totals in self._totals_of_members
        ]
        own = [part.source.sums()["expected_purchases"] for part in self.parts]
        logs = np.log(np.maximum(own, 1e-300))
        spread = float(np.sqrt(self._weights @ (logs - self._weights @ logs) ** 2))
        spreads = dict.fromkeys(self.errors.frame.columns, spread)
        return Budget(_together(around), replace(self.errors, spread=spreads))

    def buyers(self) -> NDArray:
        """Simulated numbers of customers who buy, (futures,)."""
        rng = stream(self.seed, Stream.BUYERS_OF_POOL)
        found = []
        for (_, source), n in zip(self.parts, self._futures, strict=True):
            known = source.buyers()
            if known is None:
                known = rule_buyers(source, n, rng)
            found.append(known[rng.choice(known.size, n, replace=n > known.size)])
        return np.concatenate(found)

    def totals_by(self, shares: NDArray) -> Mapping[str, NDArray]:
        """Simulated totals by period, each (futures, periods)."""
        rng = stream(self.seed, Stream.GROUPS)
        found = []
        for (_, source), n in zip(self.parts, self._futures, strict=True):
            if isinstance(source, Outlook):
                totals = source.totals_by(shares)
            else:
                totals = rule_totals(
                    source, self.spend, self.rfm.frame, self.terms.margin, n, rng, shares
                )
            found.append({name: values[:n] for name, values in totals.items()})
        return _together(found)

    def table(self) -> ScoreTable:
        """The forecast of every history, where histories are all that members look at.

        Raises
        ------
        OptionError
            If a member looks at customers' own days.
        """
        cells = self.rfm.cells()
        own = cells.places(self.rfm.frame)
        place = self._joined[2]
        of_cell = np.zeros(len(self.rfm.keyed_cells()), np.int64)
        of_cell[own] = place
        by_history = all(isinstance(part.source, Outlook) for part in self.parts)
        if not by_history or np.any(of_cell[own] != place):
            raise OptionError(
                "A member of this pool looks at each customer's own days, so the forecast is no "
                "table of histories. Write the customers themselves: forecast.to_parquet(path), "
                "or pool fewer members."
            )
        frame = self.cells.frame.iloc[of_cell].reset_index(drop=True)
        return ScoreTable(
            pd.concat([self.rfm.keyed_cells(), frame], axis="columns"),
            self.rfm.cell_keys,
            self.cells.expressions(),
            self.terms,
        )

    def write(self, path: str | Path, metadata: Mapping[str, str]) -> None:
        """Write ``frame`` as Parquet, through memory."""
        write_parquet(self.frame, path, metadata)


def _together(each: Sequence[Mapping[str, NDArray]]) -> dict[str, NDArray]:
    names = [name for name in each[0] if all(name in totals for totals in each)]
    return {name: np.concatenate([totals[name] for totals in each]) for name in names}


def _codes(source: Source) -> NDArray:
    """Whom a member does not tell apart, without its distribution where that costs."""
    return source.history_of_customer if isinstance(source, Outlook) else codes(source.counts())
