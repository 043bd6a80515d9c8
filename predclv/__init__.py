"""predclv: from a log of purchases to a forecast for every customer.

::

    log ──rfm_summary──▶ RFM ──CLVModel.fit──▶ FittedCLV ──forecast──▶ Forecast ──▶ tables, pictures

>>> import predclv as pc
>>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
>>> forecast = pc.CLVModel().fit(rfm).forecast("52 weeks", discount_rate=0.10, seed=1)
>>> forecast.top(1)[["customer_id", "p_alive", "clv"]].round(2).to_dict("list")
{'customer_id': [1981], 'p_alive': [0.96], 'clv': [943.22]}

=================  ====================================================================
a log, counted     rfm_summary, RFM; as cells: Cells, SpendCells; in bounds:
                   duckdb_settings; what is known of customers: CovariateTable; without
                   names: pseudonymise; to try: datasets
a forecast         CLVModel, FittedCLV, Forecast; of several models: Pool, FittedPool;
                   read again: load, in a registry: mlflow; by cohort: cohort_forecast,
                   CohortForecast
was it right?      holdout_split, HoldoutSplit, validate, Validation; at several days:
                   backtest, Backtest; rules without a model: baselines
one model          fit, Fit, compare_fits; of purchases: BGNBD, MBGNBD, ParetoNBD; of
                   regular buyers: BGCNBD, MBGCNBD, regularity, Regularity; of spend:
                   GammaGamma; days that differ: Clock
contracts          renewals, Renewals, opportunities, Opportunities, ContractModel,
                   FittedContracts, ContractForecast, contracts; models:
                   ShiftedBetaGeometric, BetaDiscreteWeibull, BGBB
month by month     CustomerBase
decisions          tiers and lists: segments; value against cost: economics; why, and who
                   else: drivers, Drivers, lookalike, Lookalike; campaigns:
                   campaign_effect, CampaignEffect, campaign_size, CampaignSize
the textbook       historical
pictures           plots
what went wrong    errors; units of time: units
=================  ====================================================================

Names are loaded on first use: importing predclv loads no SciPy, PyMC, Matplotlib or DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from predclv.io.pages import drawn_by
from predclv.models import MODELS, RECIPES

__version__ = "0.2.0"

_HOME = {
    "rfm_summary": "predclv.summaries.summarise",
    "RFM": "predclv.summaries.rfm",
    "Cells": "predclv.samples.cells",
    "SpendCells": "predclv.samples.spend",
    "CovariateTable": "predclv.logs.covariate_table",
    "duckdb_settings": "predclv.warehouse.settings",
    "pseudonymise": "predclv.io.pseudonyms",
    "holdout_split": "predclv.summaries.splits",
    "HoldoutSplit": "predclv.summaries.splits",
    **MODELS,
    "fit": "predclv.engines.base",
    "Fit": "predclv.engines.result",
    "Clock": "predclv.clocks.recipe",
    "CLVModel": "predclv.recipe",
    "Pool": "predclv.pools.pool",
    "FittedPool": "predclv.pools.fitted",
    "FittedCLV": "predclv.forecast.fitted",
    "Forecast": "predclv.forecast.result",
    "renewals": "predclv.contracts.intake",
    "Renewals": "predclv.contracts.renewals",
    "opportunities": "predclv.contracts.opportunity_intake",
    "Opportunities": "predclv.contracts.opportunities",
    "ContractModel": "predclv.contracts.recipe",
    "FittedContracts": "predclv.contracts.fitted",
    "ContractForecast": "predclv.contracts.result",
    "validate": "predclv.validation.validate",
    "Validation": "predclv.validation.result",
    "backtest": "predclv.validation.backtest",
    "Backtest": "predclv.validation.backtest",
    "regularity": "predclv.validation.regularity",
    "Regularity": "predclv.validation.regularity",
    "compare_fits": "predclv.validation.comparison",
    "cohort_forecast": "predclv.decisions.cohort_forecast",
    "CohortForecast": "predclv.decisions.cohort_forecast",
    "campaign_effect": "predclv.decisions.campaigns",
    "CampaignEffect": "predclv.decisions.campaign_result",
    "campaign_size": "predclv.decisions.campaign_size",
    "CampaignSize": "predclv.decisions.campaign_size",
    "drivers": "predclv.decisions.drivers",
    "Drivers": "predclv.decisions.drivers",
    "lookalike": "predclv.decisions.lookalikes",
    "Lookalike": "predclv.decisions.lookalikes",
    "load": "predclv.store",
    "CustomerBase": "predclv.base.customer_base",
}
_MODULES = {
    "baselines": "predclv.baselines",
    "contracts": "predclv.contracts",
    "datasets": "predclv.logs.datasets",
    "economics": "predclv.decisions.economics",
    "errors": "predclv.errors",
    "historical": "predclv.historical",
    "mlflow": "predclv.mlflow",
    "plots": "predclv.plots",
    "segments": "predclv.decisions.segments",
    "units": "predclv.units",
}

__all__ = [*_HOME, *_MODULES, "__version__"]

if TYPE_CHECKING:
    from predclv import baselines, contracts, errors, historical, mlflow, plots, units
    from predclv.base.customer_base import CustomerBase
    from predclv.clocks.recipe import Clock
    from predclv.contracts.fitted import FittedContracts
    from predclv.contracts.intake import renewals
    from predclv.contracts.opportunities import Opportunities
    from predclv.contracts.opportunity_intake import opportunities
    from predclv.contracts.recipe import ContractModel
    from predclv.contracts.renewals import Renewals
    from predclv.contracts.result import ContractForecast
    from predclv.decisions import economics, segments
    from predclv.decisions.campaign_result import CampaignEffect
    from predclv.decisions.campaign_size import CampaignSize, campaign_size
    from predclv.decisions.campaigns import campaign_effect
    from predclv.decisions.cohort_forecast import CohortForecast, cohort_forecast
    from predclv.decisions.drivers import Drivers, drivers
    from predclv.decisions.lookalikes import Lookalike, lookalike
    from predclv.engines.base import fit
    from predclv.engines.result import Fit
    from predclv.forecast.fitted import FittedCLV
    from predclv.forecast.result import Forecast
    from predclv.io.pseudonyms import pseudonymise
    from predclv.logs import datasets
    from predclv.logs.covariate_table import CovariateTable
    from predclv.models.beta_discrete_weibull import BetaDiscreteWeibull
    from predclv.models.bgbb import BGBB
    from predclv.models.bgcnbd import BGCNBD
    from predclv.models.bgnbd import BGNBD
    from predclv.models.gamma_gamma import GammaGamma
    from predclv.models.mbgcnbd import MBGCNBD
    from predclv.models.mbgnbd import MBGNBD
    from predclv.models.pareto_nbd import ParetoNBD
    from predclv.models.shifted_beta_geometric import ShiftedBetaGeometric
    from predclv.pools.fitted import FittedPool
    from predclv.pools.pool import Pool
    from predclv.recipe import CLVModel
    from predclv.samples.cells import Cells
    from predclv.samples.spend import SpendCells
    from predclv.store import load
    from predclv.summaries.rfm import RFM
    from predclv.summaries.splits import HoldoutSplit, holdout_split
    from predclv.summaries.summarise import rfm_summary
    from predclv.validation.backtest import Backtest, backtest
    from predclv.validation.comparison import compare_fits
    from predclv.validation.regularity import Regularity, regularity
    from predclv.validation.result import Validation
    from predclv.validation.validate import validate
    from predclv.warehouse.settings import duckdb_settings


RECIPES["purchases"] = "predclv.recipe"
drawn_by("validation", "predclv.reports.validation")
drawn_by("forecast", "predclv.reports.forecast")
drawn_by("contracts", "predclv.reports.contracts")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = import_module(_MODULES[name])
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'predclv' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
