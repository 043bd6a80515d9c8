"""Customer lifetime value as the textbooks have it: formulas, what a log shows, cohorts.

Names are loaded on first use, so that a formula needs no database.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "simple_clv": "predclv.historical.formulas",
    "subscription_clv": "predclv.historical.subscriptions",
    "project_clv": "predclv.historical.formulas",
    "discounted_clv": "predclv.historical.formulas",
    "break_even_retention": "predclv.historical.subscriptions",
    "expected_lifespan": "predclv.historical.subscriptions",
    "hybrid_clv": "predclv.historical.streams",
    "Stream": "predclv.historical.streams",
    "HybridCLV": "predclv.historical.streams",
    "observed": "predclv.historical.observation",
    "cohorts": "predclv.historical.cohort_tables",
    "Cohorts": "predclv.historical.cohort_result",
}

__all__ = [
    "Cohorts",
    "HybridCLV",
    "Stream",
    "break_even_retention",
    "cohorts",
    "discounted_clv",
    "expected_lifespan",
    "hybrid_clv",
    "observed",
    "project_clv",
    "simple_clv",
    "subscription_clv",
]

if TYPE_CHECKING:
    from predclv.historical.cohort_result import Cohorts
    from predclv.historical.cohort_tables import cohorts
    from predclv.historical.formulas import discounted_clv, project_clv, simple_clv
    from predclv.historical.observation import observed
    from predclv.historical.streams import HybridCLV, Stream, hybrid_clv
    from predclv.historical.subscriptions import (
        break_even_retention,
        expected_lifespan,
        subscription_clv,
    )


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'predclv.historical' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
