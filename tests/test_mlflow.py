"""A fit that MLflow keeps forecasts the same there as here; nothing of it is pickled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import predclv as pc
from predclv.errors import DataError, OptionError

SCRIPT = """
import pathlib
import mlflow
import predclv as pc

mlflow.set_tracking_uri((pathlib.Path.cwd() / "runs").as_uri())
fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow(), unit="week"))
forecast = fitted.forecast("26 weeks", discount_rate=0.10, margin=0.3, seed=1)
with mlflow.start_run() as run:
    info = pc.mlflow.log(fitted, forecast)
served = mlflow.pyfunc.load_model(info.model_uri).predict(fitted.rfm.frame)
print(abs(served["clv"] - forecast.frame["clv"]).max() < 1e-9, len(served))
data = mlflow.get_run(run.info.run_id).data
print(data.params["purchases"], data.params["horizon"], round(data.metrics["total_purchases"]))
"""


def test_a_logged_fit_forecasts_the_same(tmp_path):
    pytest.importorskip("mlflow", reason="predclv[mlflow] is not installed")
    settings = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=os.environ | settings,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True 2357", "BG/NBD 26.0 1043"]
    kept = {path.suffix for path in Path(tmp_path).rglob("*") if path.is_file()}
    assert ".parquet" in kept or ".json" in kept
    assert not kept & {".pkl", ".pickle"}


def test_what_is_no_fit_is_refused():
    with pytest.raises(DataError, match="fitted CLVModel"):
        pc.mlflow.log(pc.CLVModel())


def test_a_missing_mlflow_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow().head(2000)))
    with pytest.raises(OptionError, match=r"pip install predclv\[mlflow\]"):
        pc.mlflow.log(fitted)
