"""Pictures of results: every function takes a result and an optional Axes, and returns the Axes.

Nothing here changes Matplotlib's settings, and every number shown is computed below this layer.
`parameter_densities` has a panel per parameter and returns an array of Axes, `compare` a page of
pictures and returns the Figure.
"""

from predclv.plots.calibration import calibration
from predclv.plots.campaigns import campaign_effect, campaign_parts, campaign_size
from predclv.plots.clock import clock
from predclv.plots.cohorts import cohort_curves, cohort_heatmap
from predclv.plots.compare import compare
from predclv.plots.contracts import (
    contract_calibration,
    retention_by_age,
    survival_by_cohort,
    value_by_age,
)
from predclv.plots.drivers import (
    at_stake,
    driver_dependence,
    driver_lifts,
    lookalike_gains,
    newcomer_budget,
)
from predclv.plots.effects import effects
from predclv.plots.fit import frequency_recency, repeat_histogram
from predclv.plots.gains import gains
from predclv.plots.history import customer_history
from predclv.plots.holdout import holdout_by_frequency, holdout_by_recency
from predclv.plots.interpurchase import interpurchase_times
from predclv.plots.parameters import parameter_densities
from predclv.plots.probability import coverage_curve, pit_histogram
from predclv.plots.regularity import regularity
from predclv.plots.schedule import schedule
from predclv.plots.segments import clv_to_cac, tier_migration, tier_profile
from predclv.plots.timings import timings
from predclv.plots.tracking import tracking
from predclv.plots.value import clv_distribution

__all__ = [
    "at_stake",
    "calibration",
    "campaign_effect",
    "campaign_parts",
    "campaign_size",
    "clock",
    "clv_distribution",
    "clv_to_cac",
    "cohort_curves",
    "cohort_heatmap",
    "compare",
    "contract_calibration",
    "coverage_curve",
    "customer_history",
    "driver_dependence",
    "driver_lifts",
    "effects",
    "frequency_recency",
    "gains",
    "holdout_by_frequency",
    "holdout_by_recency",
    "interpurchase_times",
    "lookalike_gains",
    "newcomer_budget",
    "parameter_densities",
    "pit_histogram",
    "regularity",
    "repeat_histogram",
    "retention_by_age",
    "schedule",
    "survival_by_cohort",
    "tier_migration",
    "tier_profile",
    "timings",
    "tracking",
    "value_by_age",
]
