"""A customer's first purchase as one more that tells what they spend."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from predclv.engines.result import Fit
from predclv.models.gamma_gamma import GammaGamma
from predclv.summaries.first_spends import kept_first, with_first, with_kept_first
from predclv.summaries.rfm import RFM


@dataclass(frozen=True, slots=True)
class GammaGammaWithFirst(GammaGamma):
    """Gamma-Gamma of customers whose mean spend is of their first purchase and the repeat ones."""

    def counted(self, x: ArrayLike) -> NDArray:
        """One more than the repeat purchases."""
        return np.asarray(x, float) + 1.0

    def given(  # type: ignore[override]
        self, x: ArrayLike, mean: ArrayLike
    ) -> GammaGamma:
        """The model of the later purchases of a customer with ``x`` repeat ones."""
        return GammaGamma.given(self, self.counted(x), mean)

    @property
    def mean(self) -> NDArray:
        """Mean spend per later purchase over all customers."""
        return GammaGamma(self.p, self.q, self.v).mean


def counting_first(spend: Fit | None, rfm: RFM) -> tuple[Fit | None, RFM]:
    """A fit of spend and customers as forecasts take them: with the first purchase, if it is told.

    Raises
    ------
    DataError
        If the fit takes first purchases and the summary has no log to find them in.
    """
    if spend is None or spend.first_scale is None:
        return spend, rfm
    own = {name: getattr(spend.model, name) for name in spend.model.names()}
    return replace(spend, model=GammaGammaWithFirst(**own)), with_first(rfm, spend.first_scale)


def counted_beside(spend: Fit | None) -> int:
    """Purchases that customers' mean spends are of, beside the repeat ones: 0 or 1."""
    return 0 if spend is None else int(spend.model.counted(0.0))  # type: ignore[attr-defined]


def first_kept(spend: Fit | None, rfm: RFM) -> dict[str, pd.DataFrame]:
    """The table that keeps what first purchases add to customers' mean spends, if a fit asks."""
    if spend is None or spend.first_scale is None or not len(rfm):
        return {}
    return {"first": kept_first(rfm, spend.first_scale)}


def take_first_kept(spend: Fit | None, rfm: RFM, tables: Mapping[str, pd.DataFrame]) -> None:
    """The inverse of `first_kept`, for customers who have no log any more.

    Raises
    ------
    StoreError
        If the table is impossible.
    """
    if spend is not None and spend.first_scale is not None and "first" in tables:
        with_kept_first(rfm, spend.first_scale, tables["first"])
