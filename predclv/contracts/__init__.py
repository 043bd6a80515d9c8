"""Contracts: from a table of subscriptions or of yearly givers to what they are worth.

`ConstantChurn`, `LastCohort` and `KaplanMeier` are the baselines that a model of renewals is
validated against.
"""

from importlib import import_module
from typing import Any

__all__ = ["ConstantChurn", "KaplanMeier", "LastCohort"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'predclv.contracts' has no attribute {name!r}")
    return getattr(import_module("predclv.contracts.baselines"), name)
