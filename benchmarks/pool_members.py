"""Whether one more member would make "auto" better: BG/NBD that forgets, and Pareto/NBD.

    uv run python benchmarks/pool_members.py FOLDER [--splits N]

FOLDER and the splits are those of quality.py; of each log the latest cut with 26 and with 13 weeks
to come. results/pool_members.csv has the CRPS of "auto" and of it with each of the two, beside
MBG/NBD's, and the weight that the new one got. What stands there is not run again.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import quality

import predclv as pc
from predclv.pools.auto import MEMBERS, MEMORY, AutoMember

RESULTS = Path(__file__).parent / "results" / "pool_members.csv"
NEW = {
    "BG/NBD with memory": AutoMember(pc.BGNBD, options=MEMORY),
    "Pareto/NBD": AutoMember(pc.ParetoNBD),
}
LOGS = ("CDNOW", "grocery", "apparel", "orders", "Online Retail II", "Ta-Feng")


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("folder", type=Path)
    ask.add_argument("--splits", type=int, default=10_000, help="at most, in this run")
    asked = ask.parse_args()
    found = pd.DataFrame(columns=["log", "cut", "weeks"])
    if RESULTS.exists():
        found = pd.read_csv(RESULTS)
    left = asked.splits
    for name in LOGS:
        log = quality.opened(quality.LOGS[name], asked.folder)
        if log is None:
            print(f"{name} is absent")
            continue
        latest = {weeks: cut for cut, weeks in reversed(quality.splits_of(log))}
        for weeks, cut in latest.items():
            known = (found["log"] == name) & (found["cut"] == str(cut))
            if weeks == 52 or left == 0 or (known & (found["weeks"] == weeks)).any():
                continue
            left -= 1
            row = {"log": name, "cut": str(cut), "weeks": weeks} | scored(log, cut, weeks)
            found = pd.concat([found, pd.DataFrame([row])], ignore_index=True)
            found.to_csv(RESULTS, index=False, float_format="%.6g")
            print(found.iloc[-1].to_dict(), flush=True)
    ratios = found[[c for c in found if c.startswith("crps")]]
    print(np.exp(np.log(ratios).mean()).round(4).to_string())


def scored(log: pd.DataFrame, cut: object, weeks: int) -> dict[str, float]:
    """CRPS beside MBG/NBD's, and the new member's weight."""
    end = pd.Timestamp(str(cut)) + pd.Timedelta(days=7 * weeks)
    pools = {"auto": pc.Pool(MEMBERS)}
    pools |= {f"with {name}": pc.Pool({**MEMBERS, name: each}) for name, each in NEW.items()}
    recipes = {"MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None), **pools}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        split = pc.holdout_split(log, amount=None, calibration_end=cut, holdout_end=end.date())
        validation = pc.validate(recipes, split, seed=1)
    crps = validation.frame["crps"]
    row = {f"crps {name}": crps[name] / crps["MBG/NBD"] for name in pools}
    for name in NEW:
        row[f"weight {name}"] = validation.fits[f"with {name}"].weights[name]
    return row


if __name__ == "__main__":
    main()
