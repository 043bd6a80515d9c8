"""Baselines: what a manager would forecast without a model. A model must beat them to be of use.

A baseline often wins. On a mature customer base, where few join and those who buy have bought at
their rate for years, nearly all that can be known is how much each bought lately; a season that
comes back every year is in last year's numbers and in no BG/NBD; and a model that lets customers
leave for good is wrong about those who only pause. (`SamePeriodLastYear` is that season as a
rule.) On a young base, where everyone is new and most never come back, baselines carry the first
enthusiasm on for ever, and models win clearly.

They are used like :class:`predclv.CLVModel`: ``LastPeriod().fit(rfm).forecast("26 weeks")``. Most
name one number per customer and no chance around it, so their forecasts have no intervals;
`LastPeriodNB` and `Boosting` give a distribution of purchases, and may be members of a pool.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Baseline": "predclv.baselines.base",
    "Boosting": "predclv.baselines.boosting",
    "FittedBaseline": "predclv.baselines.base",
    "FittedBoosting": "predclv.baselines.boosting",
    "FittedLastPeriodNB": "predclv.baselines.last_period_nb",
    "HiatusRate": "predclv.baselines.rules_of_thumb",
    "LastPeriod": "predclv.baselines.rules_of_thumb",
    "LastPeriodNB": "predclv.baselines.last_period_nb",
    "MeanRate": "predclv.baselines.rules_of_thumb",
    "PastRate": "predclv.baselines.rules_of_thumb",
    "SamePeriodLastYear": "predclv.baselines.rules_of_thumb",
    "Textbook": "predclv.baselines.textbook",
}

__all__ = [
    "Baseline",
    "Boosting",
    "FittedBaseline",
    "FittedBoosting",
    "FittedLastPeriodNB",
    "HiatusRate",
    "LastPeriod",
    "LastPeriodNB",
    "MeanRate",
    "PastRate",
    "SamePeriodLastYear",
    "Textbook",
]

if TYPE_CHECKING:
    from predclv.baselines.base import Baseline, FittedBaseline
    from predclv.baselines.boosting import Boosting, FittedBoosting
    from predclv.baselines.last_period_nb import FittedLastPeriodNB, LastPeriodNB
    from predclv.baselines.rules_of_thumb import (
        HiatusRate,
        LastPeriod,
        MeanRate,
        PastRate,
        SamePeriodLastYear,
    )
    from predclv.baselines.textbook import Textbook


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'predclv.baselines' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
