"""Posteriors beside pymc-marketing: ``uv run --group benchmarks python benchmarks/posterior.py``.

Each case is a fresh process, timed from its start, imports and compilation included. The peer is an
extra, not a dependency: without it (or with ``--ours``) only predclv is measured. ``--large`` adds
the million customers. Writes ``benchmarks/results/posterior.csv``.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

from cases import peak_mb

START = time.perf_counter()
HERE = Path(__file__).parent
CDNOW = 0  # instead of a number of customers
# case, package, customers, seconds before giving up
OURS = (
    ("summary", "predclv", CDNOW, 300),
    ("summary", "predclv", 100_000, 300),
    ("clv", "predclv", 10_000, 600),
    ("clv", "predclv", 100_000, 600),
)
LARGE = (("summary", "predclv", 1_000_000, 600), ("clv", "predclv", 1_000_000, 1200))
PEERS = (
    ("summary", "pymc_marketing", CDNOW, 300),
    ("summary", "pymc_marketing", 100_000, 900),
    ("clv", "pymc_marketing", 10_000, 900),
)


def data(customers: int):
    """The summary to fit: CDNOW's first 39 weeks, or simulated customers."""
    import pandas as pd
    from simulate import summary

    import predclv as pc

    if customers == CDNOW:
        log = pc.datasets.load_cdnow()
        return pc.holdout_split(log, calibration_end="1997-09-30").rfm.frame
    return pd.read_parquet(summary(customers))


def summary_predclv(frame, customers: int) -> dict[str, float]:
    import predclv as pc

    rfm = pc.RFM.from_frame(frame, unit="week")
    table = pc.fit(
        pc.BGNBD, rfm, engine="pymc", draws=1000, tune=300, chains=4, seed=1, progress=False
    ).summary()
    return {"ess_bulk": table["ess_bulk"].min(), "r_hat": table["r_hat"].max()}


def summary_pymc_marketing(frame, customers: int) -> dict[str, float]:
    from pymc_marketing.clv import BetaGeoModel

    model = BetaGeoModel()
    size = (1000, 1000, 4) if customers == CDNOW else (500, 500, 2)
    model.fit(
        data=frame, nuts_sampler="nutpie", draws=size[0], tune=size[1], chains=size[2],
        random_seed=1, progressbar=False,
    )  # fmt: skip
    table = model.fit_summary()
    return {"ess_bulk": float(table["ess_bulk"].min()), "r_hat": float(table["r_hat"].max())}


def clv_predclv(frame, customers: int) -> dict[str, float]:
    import predclv as pc

    rfm = pc.RFM.from_frame(frame, unit="week")
    model = pc.CLVModel(engine="pymc", draws=1000, tune=300, chains=4, seed=1, progress=False)
    fitted = model.fit(rfm)
    start = time.perf_counter()
    frame = fitted.forecast("12 months", discount_rate=0.10, seed=1).frame
    return {"of_it_forecast": time.perf_counter() - start, "clv": frame["clv"].sum()}


def clv_pymc_marketing(frame, customers: int) -> dict[str, float]:
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    options = {"nuts_sampler": "nutpie", "random_seed": 1, "progressbar": False}
    purchases, spend = BetaGeoModel(), GammaGammaModel()
    purchases.fit(data=frame, **options)
    spend.fit(data=frame.query("frequency > 0"), **options)
    start = time.perf_counter()
    value = spend.expected_customer_lifetime_value(
        transaction_model=purchases, data=frame, future_t=12,
        discount_rate=1.10 ** (1 / 12) - 1, time_unit="W",
    )  # fmt: skip
    total = float(value.mean(("chain", "draw")).sum())
    return {"of_it_forecast": time.perf_counter() - start, "clv": total}


def alone(case: str, package: str, customers: int) -> None:
    """Run one case in this process and print its figures as JSON."""
    warnings.simplefilter("ignore")
    found = globals()[f"{case}_{package}"](data(customers), customers)
    found["seconds"] = time.perf_counter() - START
    found["peak_mb"] = peak_mb()
    print(json.dumps({name: float(value) for name, value in found.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    import pandas as pd

    cases = [*OURS, *(LARGE if options.large else ())]
    if find_spec("pymc_marketing") and not options.ours:
        cases += PEERS
    rows = []
    for case, package, customers, limit in cases:
        row = {"case": case, "package": package, "customers": customers or 2357}
        try:
            done = subprocess.run(
                [sys.executable, __file__, case, package, str(customers)],
                capture_output=True, text=True, timeout=limit,
            )  # fmt: skip
            if done.returncode:
                print(done.stderr[-1500:], file=sys.stderr)
                row["note"] = "failed"
            else:
                row |= json.loads(done.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            row["note"] = f"not done after {limit} s"
        if "ess_bulk" in row:
            row["ess_per_second"] = row["ess_bulk"] / row["seconds"]
        rows.append(row)
        print(row, flush=True)
    table = pd.DataFrame(rows)
    (HERE / "results").mkdir(exist_ok=True)
    table.to_csv(HERE / "results" / "posterior.csv", index=False)
    print(table.round(2).fillna("").to_string(index=False))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        alone(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main()
