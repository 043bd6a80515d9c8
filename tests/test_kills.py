"""Writers killed at random moments: what stands at a name is always whole."""

import os
import signal
import time
import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.io.files import write_text

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need fork")


@pytest.fixture(scope="module")
def results():
    """Two models, their forecasts, and a page for each."""
    # Frames alone: a log's own connection does not survive a fork, and says so.
    rfm = pc.RFM.from_frame(pc.rfm_summary(pc.datasets.load_cdnow()).frame, "week")
    some = pc.RFM.from_frame(rfm.frame.head(700), rfm.unit)
    fits = [pc.CLVModel().fit(rfm), pc.CLVModel().fit(some)]
    forecasts = [fitted.forecast(level=None) for fitted in fits]
    for forecast in forecasts:
        forecast.frame  # noqa: B018  calculated before the fork
    return fits, forecasts


def page(forecast):
    rows = forecast.frame.to_html()
    return f"<!DOCTYPE html>\n{rows}\n<p>{len(forecast)}</p></html>"


def write(results, which, place, pages):
    fits, forecasts = results
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits[which].save(place / "model")
        forecasts[which].to_parquet(place / "f.parquet")
        forecasts[which].to_csv(place / "f.csv")
        forecasts[which].to_duckdb(place / "f.duckdb", "forecast")
        if which:
            (place / "new.duckdb").unlink(missing_ok=True)
        forecasts[which].to_duckdb(place / "new.duckdb", "forecast")
        write_text(pages[which], place / "f.html")


def assert_whole(results, place, pages):
    fits, forecasts = results
    loaded = pc.load(place / "model")
    assert loaded.purchases.params in [fitted.purchases.params for fitted in fits]
    assert len(loaded.rfm) == loaded.purchases.n_customers
    sizes = {len(forecast): forecast.frame["clv"].sum() for forecast in forecasts}
    with duckdb.connect(str(place / "f.duckdb"), read_only=True) as connection:
        table = connection.sql("SELECT * FROM forecast").df()
    tables = [pd.read_parquet(place / "f.parquet"), pd.read_csv(place / "f.csv"), table]
    if (place / "new.duckdb").exists():
        with duckdb.connect(str(place / "new.duckdb"), read_only=True) as connection:
            tables.append(connection.sql("SELECT * FROM forecast").df())
    for frame in tables:
        assert frame["clv"].sum() == pytest.approx(sizes[len(frame)], rel=1e-9)
    assert (place / "f.html").read_text(encoding="utf-8") in pages


def killed_at_random(results, place, kills, seed):
    """Losses after so many kills of a process that writes one result over the other."""
    pages = [page(forecast) for forecast in results[1]]
    write(results, 0, place, pages)
    rng = np.random.default_rng(seed)
    start = time.monotonic()
    write(results, 1, place, pages)
    span = time.monotonic() - start
    for _ in range(kills):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # other threads are idle
            writer = os.fork()
        if not writer:
            try:
                while True:
                    write(results, 1, place, pages)
                    write(results, 0, place, pages)
            finally:
                os._exit(3)
        time.sleep(rng.uniform(0.0, 2.0 * span))
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        assert os.WIFSIGNALED(status), "the writer failed by itself"
        assert_whole(results, place, pages)
    (place / "new.duckdb").unlink(missing_ok=True)
    write(results, 0, place, pages)
    left = [file.name for folder in (place, place / "model") for file in folder.iterdir()]
    assert not [name for name in left if name.startswith(".predclv-")]
    assert len(list((place / "model").iterdir())) == 2  # the manifest and the customers


def test_nothing_is_lost_when_writers_are_killed(results, tmp_path):
    killed_at_random(results, tmp_path, kills=12, seed=1)


@pytest.mark.slow
def test_nothing_is_lost_in_three_hundred_kills(results, tmp_path):
    killed_at_random(results, tmp_path, kills=300, seed=2)
