"""Somebody else's code, checked strictly against the package: every public name has its type."""

import os
import subprocess
import sys

import predclv as pc

USER = """
import pandas as pd

import predclv as pc

log = pd.DataFrame({"customer_id": [1], "date": ["2024-01-01"], "amount": [1.0]})
rfm: pc.RFM = pc.rfm_summary(log, unit="week")
split: pc.HoldoutSplit = pc.holdout_split(log, calibration_end="2024-01-01")
fit: pc.Fit = pc.fit(pc.BGNBD, rfm)
recipe = pc.CLVModel(pc.MBGNBD, clock=pc.Clock(season=1))
forecast: pc.Forecast = recipe.fit(rfm).forecast(horizon="52 weeks")
tables: list[pd.DataFrame] = [forecast.frame, forecast.schedule("month"), split.frame]
validation: pc.Validation = pc.validate({"BG/NBD": recipe}, split)
tested: pc.Backtest = pc.backtest(recipe, log, cutoffs=2, horizon="4 weeks")
pooled: pc.FittedPool = pc.Pool({"MBG/NBD": recipe}).fit(rfm)
base: pd.DataFrame = pc.CustomerBase("base").history()
contracts: pc.FittedContracts = pc.ContractModel(pc.ShiftedBetaGeometric).fit(pc.renewals(log))
pc.plots.tracking(validation).set_title("what came")
"""


def told(tmp_path, code):
    """What mypy says of a file somewhere else, in strict mode."""
    (tmp_path / "user.py").write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-color-output", "user.py"]
    command += ["--cache-dir", os.devnull]  # nobody reads it again
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout


def test_every_public_name_is_exported_with_its_type(tmp_path):
    wrong = "\nnumber: int = pc.rfm_summary(log)\n"
    names = "".join(f"pc.{name}\n" for name in sorted(pc.__all__))
    lines = told(tmp_path, USER + names + wrong).splitlines()
    assert len(lines) == 2, lines
    assert 'expression has type "RFM", variable has type "int"' in lines[0]
