"""Contracts: from a table of subscriptions or of yearly givers to what they are worth.

`ConstantChurn`, `LastCohort` and `KaplanMeier` are the baselines that a model of renewals is
validated against; `EverybodyAlike`, `OwnShare` and `AsLastPeriod` those of opportunities.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ConstantChurn": "baselines",
    "KaplanMeier": "baselines",
    "LastCohort": "baselines",
    "AsLastPeriod": "opportunity_baselines",
    "EverybodyAlike": "opportunity_baselines",
    "OwnShare": "opportunity_baselines",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'predclv.contracts' has no attribute {name!r}")
    return getattr(import_module(f"predclv.contracts.{_HOMES[name]}"), name)
