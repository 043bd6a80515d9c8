"""Renewals or opportunities validated from several origins, to see what is chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from predclv.contracts.opportunities import Opportunities
from predclv.contracts.opportunity_validation import (
    OpportunityValidation,
    validated_opportunities,
)
from predclv.contracts.renewals import Renewals
from predclv.contracts.validation import ContractValidation, RenewalSplit, validated
from predclv.errors import OptionError
from predclv.units import horizon_in


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ContractBacktest:
    """Validations of renewals or opportunities from several origins.

    Attributes
    ----------
    frame : DataFrame
        The scores, by ``periods_ago`` and ``forecaster``.
    validations : mapping
        By periods ago.
    """

    frame: pd.DataFrame
    validations: Mapping[int, ContractValidation | OpportunityValidation]

    def __repr__(self) -> str:
        return self.frame.round(4).to_string()

    def _repr_html_(self) -> str:
        return self.frame.to_html(float_format="{:.4f}".format)


def backtested(
    forecasters: Any,
    renewals: Renewals | Opportunities,
    cutoffs: Any,
    horizon: Any = None,
    level: float = 0.9,
    seed: int | None = None,
) -> ContractBacktest:
    """Validate from several origins, so many periods before the end, over the same horizon.

    Parameters
    ----------
    forecasters : mapping, sequence or recipe
    renewals : Renewals or Opportunities
    cutoffs : sequence of int
        Periods before the end at which to stand.
    horizon : int or str, optional
        Periods, or text such as ``"12 months"``, to look ahead from each; by default as far as each
        origin allows.
    level, seed
        As of `validated`.

    Raises
    ------
    OptionError
        If a cutoff is no whole number, or leaves less than the horizon.
    """
    found: dict[int, ContractValidation | OpportunityValidation] = {}
    if isinstance(cutoffs, str) or not isinstance(cutoffs, Sequence):
        raise OptionError(
            "cutoffs of contracts are periods before the end, such as [24, 18, 12]; got "
            f"{cutoffs!r}."
        )
    if horizon is not None:
        horizon = round(horizon_in(horizon, renewals.period))
    for ago in cutoffs:
        if horizon is not None and ago < horizon:
            raise OptionError(f"{ago} periods ago there are fewer than {horizon} periods to come.")
        whole = renewals if horizon is None or ago == horizon else renewals.as_of(ago - horizon)
        known = whole.split(ago if horizon is None else horizon)
        if isinstance(known, RenewalSplit):
            found[int(ago)] = validated(forecasters, known, level, seed)
        else:
            found[int(ago)] = validated_opportunities(forecasters, known, level, seed)
    if not found:
        raise OptionError("cutoffs names no origin.")
    frames = {ago: one.frame for ago, one in found.items()}
    return ContractBacktest(pd.concat(frames, names=["periods_ago", "forecaster"]), found)
