"""Shared data: the CDNOW log, its summary at 39 weeks, and what is fitted to it, each made once."""

import os
import warnings
from pathlib import Path

# One thread of linear algebra in each process, which pytest-xdist's and a test's own inherit: where
# two processes share two cores, every step of an optimiser would wait for the other's threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pytest
from handmade_logs import log_of

import predclv as pc

CALIBRATION_END = "1997-09-30"
SHARED = Path(__file__).parents[2] / "shared" / "data"


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
