"""NUTS with a clock beside NUTS without: ``uv run python benchmarks/clock_nuts.py [orders]``.

The recipe of ``clock_speed.py`` on about 110,000 customers, one chain of 1,000 draws after 1,000 of
warming up; first fits, which compile, are not counted. Gradients are those of the draws kept.
Writes ``benchmarks/results/clock_nuts.csv``.
"""

import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from clock_speed import RECIPE
from simulate import log

import predclv as pc


def main(orders: int) -> None:
    warnings.simplefilter("ignore")
    rfm = pc.rfm_summary(str(log(orders)), observation_end="2024-12-31")
    rows = []
    for name, clock in (
        ("compiled", None),
        ("compiled", RECIPE),
        ("plain", None),
        ("on a clock", RECIPE),
        ("plain", None),
        ("on a clock", RECIPE),
    ):
        start = time.process_time()
        fit = pc.fit(
            pc.MBGNBD, rfm, engine="pymc", clock=clock,
            draws=1000, tune=1000, chains=1, seed=1, progress=False,
        )  # fmt: skip
        seconds = time.process_time() - start
        steps = int(fit.idata["sample_stats"]["n_steps"].sum())
        rows.append({"customers": len(rfm), "what": name, "processor": seconds, "gradients": steps})
        print(rows[-1], flush=True)
    path = Path(__file__).parent / "results" / "clock_nuts.csv"
    pd.DataFrame(rows[2:]).to_csv(path, index=False, float_format="%.3g")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 230_000)
