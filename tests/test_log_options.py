"""Whatever takes a log takes the same options, with the same defaults, in the same order."""

import inspect
from dataclasses import fields

import pandas as pd
import pytest

import predclv as pc
from predclv.logs.options import LogOptions

TAKE_A_LOG = (
    pc.rfm_summary,
    pc.holdout_split,
    pc.backtest,
    pc.campaign_effect,
    pc.campaign_size,
    pc.historical.observed,
    pc.historical.cohorts,
    pc.opportunities,
    pc.CustomerBase.add,
)
DEFAULTS = {field.name: field.default for field in fields(LogOptions)}


@pytest.mark.parametrize("takes", TAKE_A_LOG, ids=lambda takes: takes.__qualname__)
def test_options_of_a_log_are_spelled_alike(takes):
    """`segment` is called `by` by those who have it."""
    spelled = {
        name: parameter.default
        for name, parameter in inspect.signature(takes).parameters.items()
        if name in DEFAULTS
    }
    assert {"customer_id", "date", "timezone"} <= set(spelled)
    assert spelled == {name: DEFAULTS[name] for name in spelled}
    assert list(spelled) == [name for name in DEFAULTS if name in spelled]


def test_options_that_were_said_are_told_from_defaults():
    table = pd.DataFrame({"customer_id": [1], "channel": ["web"]})
    assert LogOptions().said == []
    options = LogOptions(amount=None, refunds="drop", static_covariates=table)
    assert options.said == ["amount", "refunds", "static_covariates"]
