"""Choosing a model of purchases by how well it would have forecast, within what is known."""

import datetime
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from predclv.engines.base import fit
from predclv.errors import FitError, OptionError, PredclvWarning
from predclv.forecast.choice import Choice
from predclv.forecast.histories import Histories
from predclv.models import MODELS, class_named
from predclv.models.purchases import PurchaseModel
from predclv.summaries.origins import origins, splits_of
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit

_ORIGINS = 2
_LONGEST, _SHARE = 182, 4  # days of each holdout: half a year, or a quarter of a shorter log


def choose(rfm: RFM) -> Choice:
    """Pick a model of purchases by a rolling-origin backtest inside what ``rfm`` knows.

    Its log is cut twice, half a year (or a quarter of a shorter log) apart; every model is fitted
    by maximum likelihood to what was known at the cut and scored by the probability that it gave
    to each customer's purchases until the next.

    Raises
    ------
    OptionError
        If the summary was not made from a log, or its log is too short to be cut.
    FitError
        If no model could be fitted.
    """
    if rfm.log is None or rfm.observation_end is None:
        raise OptionError(
            "purchases='auto' cuts the log to try the models out, and this summary has none: make "
            "it with pc.rfm_summary(log), or name a model, such as purchases=pc.BGNBD."
        )
    span = (rfm.observation_end - rfm.log.first_day).days
    days = min(_LONGEST, span // _SHARE)
    if days < 7:
        raise OptionError(
            f"purchases='auto' needs a log of four weeks or more to try the models out; this one "
            f"has {span} days. Name a model, such as purchases=pc.BGNBD."
        )
    cutoffs = origins(rfm.log, _ORIGINS, days, rfm.observation_end)
    losses: dict[str, dict[datetime.date, np.ndarray]] = {}
    doubts: dict[str, None] = {}
    for split in splits_of(rfm.log, cutoffs, days, rfm.unit):
        for name in _candidates():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", PredclvWarning)
                found = _losses(class_named(name), split)
            title = class_named(name).title
            doubts |= {
                f"{title} at {split.calibration_end}: {warning.message}": None for warning in caught
            }
            if isinstance(found, FitError):
                doubts[f"{title} at {split.calibration_end}: {found}"] = None
            elif split.calibration_end is not None:
                losses.setdefault(name, {})[split.calibration_end] = found
    whole = {name: at for name, at in losses.items() if len(at) == len(cutoffs)}
    if not whole:
        raise FitError(
            "purchases='auto' could fit no model at the days it tried "
            f"({', '.join(map(str, cutoffs))}). Name one, such as purchases=pc.BGNBD. "
            + " ".join(doubts)
        )
    return _choice(whole, days, tuple(doubts))


def _candidates() -> list[str]:
    known = ((name, class_named(name)) for name in MODELS)
    # Those whose likelihood has to choose something first forecast worse by themselves.
    return [name for name, kind in known if issubclass(kind, PurchaseModel) and not kind.fixed]


def _losses(model: type[PurchaseModel], split: HoldoutSplit) -> np.ndarray | FitError:
    """``-log P(actual purchases)`` of each customer, shape (n,), or why there is no fit."""
    try:
        fitted: Any = fit(model, split.rfm).model
    except FitError as error:
        return error
    frame = split.frame
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    histories = Histories.of(x, t_x, T)
    cell = histories.cell_of_customer
    n = frame["frequency_holdout"].to_numpy(float)
    mass = fitted.pmf_after(
        n, split.duration, histories.x[cell], histories.t_x[cell], histories.T[cell]
    )
    return -np.log(np.maximum(mass, 1e-300))


def _choice(
    losses: Mapping[str, Mapping[datetime.date, np.ndarray]], days: int, doubts: tuple[str, ...]
) -> Choice:
    """The model of the smallest mean loss, and how far the others are behind."""
    pooled = {name: np.concatenate(list(at.values())) for name, at in losses.items()}
    ranked = sorted(pooled, key=lambda name: pooled[name].mean())
    best = ranked[0]
    rows = []
    for name in ranked:
        behind = pooled[name] - pooled[best]
        rows.append(
            {
                "model": name,
                "log_score": pooled[name].mean(),
                "difference": behind.mean(),
                "std_error": behind.std() / np.sqrt(behind.size),
                **{str(day): loss.mean() for day, loss in losses[name].items()},
            }
        )
    frame = pd.DataFrame(rows).set_index("model")
    titles = {name: class_named(name).title for name in ranked}
    reason = (
        f"{titles[best]}, whose forecasts of {len(losses[best])} stretches of {days} days within "
        f"the data had the best log score, {frame['log_score'].iloc[0]:.4f} per customer"
    )
    if len(ranked) > 1:
        runner, second = titles[ranked[1]], frame.iloc[1]
        reason += (
            f"; {runner} had {second['log_score']:.4f}, worse by {second['difference']:.4f} "
            f"(standard error {second['std_error']:.4f})"
        )
        if second["difference"] < 2 * second["std_error"]:
            reason += ", which is as good as equal"
    return Choice(best, frame, reason + ".", doubts)
