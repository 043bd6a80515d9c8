"""Writers of a base killed at random moments: it is as before or as after, never between."""

import os
import signal
import time
import warnings

import numpy as np
import pytest

import predclv as pc

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need fork"),
    pytest.mark.filterwarnings("ignore"),
]


def parts():
    log = pc.datasets.load_cdnow()
    return log[log["date"] <= "1997-09-30"], log[log["date"] > "1997-09-30"]


def write(folder, rows, until):
    """What a child does until it is killed: add, refresh, take out, over and over."""
    warnings.simplefilter("ignore")
    base = pc.CustomerBase(folder)
    while time.monotonic() < until:
        base.add(rows, batch="later", replace=True)
        base.refresh(horizon="8 weeks", level=None)
        base.remove("later")


def killed(folder, rows, after):
    child = os.fork()
    if child == 0:
        try:
            write(folder, rows, time.monotonic() + 30)
        finally:
            os._exit(1)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)  # otherwise it failed by itself


def assert_whole(folder, wanted):
    """The base is one of two; its refreshes are there, and nothing of a killed one is used."""
    base = pc.CustomerBase(folder, wait=5.0)
    names = tuple(base.batches()["batch"])
    assert base.rfm().frame.equals(wanted[names])
    history = base.history()
    kept = base._refreshes()
    assert len(history["date"].unique()) == len(kept)
    for one in kept:
        assert one.fitted().purchases.converged
    assert len(base.table()) == 2357
    base.movement()
    return names, len(kept)


def kill_many(folder, kills, seed):
    first, later = parts()
    base = pc.CustomerBase(folder)
    base.add(first, batch="first")
    wanted = {("first",): base.rfm().frame}
    base.refresh(horizon="8 weeks", level=None)
    log = pc.datasets.load_cdnow()
    wanted["first", "later"] = pc.rfm_summary(log).frame
    rng = np.random.default_rng(seed)
    return [
        (killed(folder, later, rng.uniform(0.05, 3.0)), assert_whole(folder, wanted))[1]
        for _ in range(kills)
    ]


@pytest.mark.slow
def test_a_base_is_whole_wherever_its_writer_is_killed(tmp_path):
    seen = kill_many(tmp_path / "base", int(os.environ.get("PREDCLV_KILLS", "6")), seed=1)
    assert len(seen) > 0
