"""Shared data: the CDNOW log, its summary at 39 weeks, and what is fitted to it, each made once."""

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# One thread of linear algebra in each process, which pytest-xdist's and a test's own inherit: where
# two processes share two cores, every step of an optimiser would wait for the other's threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Byte code is kept, in the environment's own folder, where nobody wants it beside the sources: the
# processes that tests start would each compile PyMC again (5.8 seconds of processor, 1.4 with it).
if sys.prefix != sys.base_prefix and os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(Path(sys.prefix) / "bytecode")
    sys.dont_write_bytecode = False

import numpy as np
import pandas as pd
import pytest
from handmade_logs import log_of
from spark_sessions import started

import predclv as pc

CALIBRATION_END = "1997-09-30"
SHARED = Path(__file__).parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with tests of minutes begin first, so that none is left to one process at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files go to processes whole, for fixtures are made once; those that need Spark to one."""
    from xdist.scheduler import LoadFileScheduling

    class LoadSubjectScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "Spark" if "spark" in file else file

    return LoadSubjectScheduling(config, log)


@pytest.fixture(scope="session")
def cdnow_log() -> pd.DataFrame:
    """The 1/10 sample of CDNOW: one row per purchase of 2,357 customers."""
    return pc.datasets.load_cdnow()


@pytest.fixture(scope="session")
def cdnow_split(cdnow_log: pd.DataFrame) -> pc.HoldoutSplit:
    """CDNOW in weeks, 39 to learn from and 39 held out."""
    return pc.holdout_split(cdnow_log, calibration_end=CALIBRATION_END)


@pytest.fixture(scope="session")
def cdnow(cdnow_log: pd.DataFrame) -> pc.RFM:
    """CDNOW's first 39 weeks, in weeks."""
    calibration = cdnow_log[cdnow_log["date"] <= CALIBRATION_END]
    return pc.rfm_summary(calibration, observation_end=CALIBRATION_END, unit="week")


@pytest.fixture(scope="session")
def history(cdnow: pc.RFM) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, t_x and T of the 2,357 customers, in the order of their ids."""
    frame = cdnow.frame
    return tuple(frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))


@pytest.fixture(scope="session")
def bgnbd(cdnow: pc.RFM) -> pc.Fit:
    return pc.fit(pc.BGNBD, cdnow)


@pytest.fixture(scope="session")
def mbgnbd(cdnow: pc.RFM) -> pc.Fit:
    return pc.fit(pc.MBGNBD, cdnow)


@pytest.fixture(scope="session")
def pareto(cdnow: pc.RFM) -> pc.Fit:
    return pc.fit(pc.ParetoNBD, cdnow)


@pytest.fixture(scope="session")
def gamma_gamma(cdnow: pc.RFM) -> pc.Fit:
    return pc.fit(pc.GammaGamma, cdnow)


@pytest.fixture(scope="session")
def prior_class() -> type:
    """The class of PyMC's priors."""
    from predclv.engines import pymc_model  # noqa: F401  (imports PyMC with its own noise silenced)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pymc_extras.prior import Prior
    return Prior


@pytest.fixture(scope="session")
def cdnow_master_split() -> pc.HoldoutSplit:
    """All 23,570 customers of CDNOW, in weeks, 39 and 39."""
    return pc.holdout_split(pc.datasets.load_cdnow("master"), calibration_end=CALIBRATION_END)


@pytest.fixture(scope="session")
def grocery() -> pd.DataFrame:
    """The grocery log of the R package BTYDplus, which is not part of the project."""
    path = SHARED / "grocery.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return pd.read_csv(path, usecols=["customer_id", "date"])


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """The one Spark of a process, skipped where it cannot start."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is absent")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Java is absent; Spark needs 17 or later")
    from pyspark.sql import SparkSession

    # A query over a few thousand rows is planned once and not compiled: a third of the processor's
    # time less. The Connect session of tests/test_spark.py keeps what Spark does by default.
    plans = {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    session = started(SparkSession.builder.master("local[2]"), **plans)
    yield session
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session.stop()


@pytest.fixture
def small() -> pd.DataFrame:
    """A log of six rows: three customers, one of them with two rows on one day."""
    return log_of(
        [
            (1, "2024-01-01", 10.0),
            (1, "2024-01-15", 20.0),
            (1, "2024-01-15", 5.5),
            (2, "2024-01-08", 12.25),
            (3, "2024-01-02", 7.0),
            (3, "2024-01-30", 8.0),
        ]
    )
