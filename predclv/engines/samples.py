"""What each kind of model is fitted to: its cells, checked to hold something to learn from."""

from typing import Any

import numpy as np
import pandas as pd

from predclv.errors import DataError, DataWarning, FitError
from predclv.models.base import Model
from predclv.models.bgbb import BGBB
from predclv.models.retention import RetentionModel
from predclv.models.spend import SpendModel
from predclv.notices import warn
from predclv.samples.cells import Cells
from predclv.samples.renewals import OpportunityCells, RenewalCells
from predclv.samples.spend import SpendCells
from predclv.summaries.rfm import RFM

_CONTRACTS: dict[type[Model], tuple[type, str, str]] = {
    RetentionModel: (
        RenewalCells,
        "renewals",
        "pc.renewals(subscriptions) or pc.Renewals.from_cohorts(table)",
    ),
    BGBB: (OpportunityCells, "opportunities", 'pc.opportunities(log, period="year")'),
}
"""By kind of model: its cells, what they are of, and how somebody comes by them."""


def _contract_cells_for(
    model: type[Model], sample: Any, kind: type, what: str, made_by: str
) -> Any:
    """The cells of contracts or opportunities, checked to hold something to learn from."""
    cells = sample.cells() if hasattr(sample, "cells") else sample
    if not isinstance(cells, kind):
        raise DataError(
            f"{model.title} is fitted to {what}: {made_by}; got {type(sample).__name__}."
        )
    if isinstance(cells, RenewalCells):
        if not np.any((cells.renewals > 0) | (cells.ended > 0)):
            raise FitError(
                f"None of the {cells.n_customers:,} contracts has come up for renewal yet, so the "
                "data say nothing about who renews. Observe longer, or choose a shorter period."
            )
        if not np.any(cells.ended > 0):
            raise FitError(
                f"None of the {cells.n_customers:,} contracts has ended, so the data say nothing "
                "about who leaves. Were ended contracts left out of the table? Bring them in, or "
                "observe longer."
            )
    elif isinstance(cells, OpportunityCells) and not np.any(cells.frequency > 0):
        raise FitError(
            f"None of the {cells.n_customers:,} customers has taken an opportunity after the "
            "first, so the data say nothing about how often they do. Observe longer."
        )
    return cells


def cells_for(model: type[Model], rfm: Any) -> Any:
    """The cells a model's likelihood is a sum over, checked to hold something to learn from."""
    for family, found in _CONTRACTS.items():
        if issubclass(model, family):
            return _contract_cells_for(model, rfm, *found)
    if isinstance(rfm, pd.DataFrame):
        raise DataError(
            "fit wants an RFM; make one of a frame with pc.RFM.from_frame(frame, unit=...), so "
            "that its unit of time is known."
        )
    if not isinstance(rfm, (RFM, Cells, SpendCells)):
        raise DataError(f"fit wants an RFM or its cells; got {type(rfm).__name__}.")
    if issubclass(model, SpendModel):
        if isinstance(rfm, RFM) and not rfm.has_spend:
            raise DataError(
                f"{model.title} needs spend, and this summary has no monetary_value. Name the "
                f"log's amount column, or fit purchases alone: CLVModel(spend=None)."
            )
        cells = rfm.spend_cells() if isinstance(rfm, RFM) else rfm
        if not isinstance(cells, SpendCells):
            raise DataError(f"{model.title} is fitted to spend cells: rfm.spend_cells().")
        if len(cells) == 0:
            raise FitError(
                f"{model.title} learns from customers with a repeat purchase and a positive mean "
                f"spend; there are none. Observe longer, or forecast purchases alone: "
                f"CLVModel(spend=None)."
            )
        if cells.left_out:
            warn(
                f"{model.title} was fitted without {cells.left_out:,} repeat buyers whose mean "
                f"spend is zero or negative; they get a forecast all the same.",
                DataWarning,
            )
        return cells
    cells = rfm.cells() if isinstance(rfm, RFM) else rfm
    if not isinstance(cells, Cells):
        raise DataError(f"{model.title} is fitted to purchase cells: rfm.cells().")
    if not np.any(cells.frequency > 0):
        raise FitError(
            f"None of the {cells.n_customers:,} customers has bought a second time, so the data "
            f"say nothing about how often customers come back. Observe longer, include earlier "
            f"customers, or take a repeat rate from elsewhere: pc.BGNBD(r, alpha, a, b)."
        )
    return cells
