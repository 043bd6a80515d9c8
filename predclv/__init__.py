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
    from predclv import baselines as baselines
    from predclv import contracts as contracts
    from predclv import errors as errors
    from predclv import historical as historical
    from predclv import mlflow as mlflow
    from predclv import plots as plots
    from predclv import units as units
    from predclv.base.customer_base import CustomerBase as CustomerBase
    from predclv.clocks.recipe import Clock as Clock
    from predclv.contracts.fitted import FittedContracts as FittedContracts
    from predclv.contracts.intake import renewals as renewals
    from predclv.contracts.opportunities import Opportunities as Opportunities
    from predclv.contracts.opportunity_intake import opportunities as opportunities
    from predclv.contracts.recipe import ContractModel as ContractModel
    from predclv.contracts.renewals import Renewals as Renewals
    from predclv.contracts.result import ContractForecast as ContractForecast
    from predclv.decisions import economics as economics
    from predclv.decisions import segments as segments
    from predclv.decisions.campaign_result import CampaignEffect as CampaignEffect
    from predclv.decisions.campaign_size import CampaignSize as CampaignSize
    from predclv.decisions.campaign_size import campaign_size as campaign_size
    from predclv.decisions.campaigns import campaign_effect as campaign_effect
    from predclv.decisions.cohort_forecast import CohortForecast as CohortForecast
    from predclv.decisions.cohort_forecast import cohort_forecast as cohort_forecast
    from predclv.decisions.drivers import Drivers as Drivers
    from predclv.decisions.drivers import drivers as drivers
    from predclv.decisions.lookalikes import Lookalike as Lookalike
    from predclv.decisions.lookalikes import lookalike as lookalike
    from predclv.engines.base import fit as fit
    from predclv.engines.result import Fit as Fit
    from predclv.forecast.fitted import FittedCLV as FittedCLV
    from predclv.forecast.result import Forecast as Forecast
    from predclv.io.pseudonyms import pseudonymise as pseudonymise
    from predclv.logs import datasets as datasets
    from predclv.logs.covariate_table import CovariateTable as CovariateTable
    from predclv.models.beta_discrete_weibull import BetaDiscreteWeibull as BetaDiscreteWeibull
    from predclv.models.bgbb import BGBB as BGBB
    from predclv.models.bgcnbd import BGCNBD as BGCNBD
    from predclv.models.bgnbd import BGNBD as BGNBD
    from predclv.models.gamma_gamma import GammaGamma as GammaGamma
    from predclv.models.mbgcnbd import MBGCNBD as MBGCNBD
    from predclv.models.mbgnbd import MBGNBD as MBGNBD
    from predclv.models.pareto_nbd import ParetoNBD as ParetoNBD
    from predclv.models.shifted_beta_geometric import ShiftedBetaGeometric as ShiftedBetaGeometric
    from predclv.pools.fitted import FittedPool as FittedPool
    from predclv.pools.pool import Pool as Pool
    from predclv.recipe import CLVModel as CLVModel
    from predclv.samples.cells import Cells as Cells
    from predclv.samples.spend import SpendCells as SpendCells
    from predclv.store import load as load
    from predclv.summaries.rfm import RFM as RFM
    from predclv.summaries.splits import HoldoutSplit as HoldoutSplit
    from predclv.summaries.splits import holdout_split as holdout_split
    from predclv.summaries.summarise import rfm_summary as rfm_summary
    from predclv.validation.backtest import Backtest as Backtest
    from predclv.validation.backtest import backtest as backtest
    from predclv.validation.comparison import compare_fits as compare_fits
    from predclv.validation.regularity import Regularity as Regularity
    from predclv.validation.regularity import regularity as regularity
    from predclv.validation.result import Validation as Validation
    from predclv.validation.validate import validate as validate
    from predclv.warehouse.settings import duckdb_settings as duckdb_settings


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
