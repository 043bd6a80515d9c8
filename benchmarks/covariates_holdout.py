"""Do covariates forecast better? ``uv run python benchmarks/covariates_holdout.py``.

The clothing retailer that CLVTools prints (../shared/data, where it is there) with gender and
channel, and the week of its high season, and a simulated shop whose customers differ by channel and
buy twice as fast on the days of a mailing: each with a holdout, with and without what is known.
What changes is carried on, or told of the days ahead. Writes
``benchmarks/results/covariates_holdout.csv``: CRPS and bias of customers' purchases, how many came
on average, and how many customers 90% intervals held.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from covariates_changing import START, shop

import predclv as pc

DATA = Path(__file__).parents[2] / "shared" / "data"
KINDS = (pc.BGNBD, pc.MBGNBD, pc.ParetoNBD)


def season(log: pd.DataFrame) -> pd.DataFrame:
    """The weeks of high season as what holds of every customer from when."""
    weeks = pd.read_csv(DATA / "apparel_season.csv", parse_dates=["week_start"])
    weeks = weeks[weeks["high_season"].diff().fillna(1) != 0]
    each = weeks.rename(columns={"week_start": "date", "high_season": "season"})
    return pd.DataFrame({"customer_id": log["customer_id"].unique()}).merge(each, how="cross")


def rows(of: str, split: pc.HoldoutSplit, static: list[str], changing: str) -> list[dict[str, Any]]:
    """The scores of each model without covariates, with static ones, and with changing ones."""
    found = []
    known = {"rate": static, "leaving": static}
    for kind in KINDS:
        recipes = {"none": (None, False), "static": (known, False)}
        if kind is not pc.ParetoNBD:
            with_changing = {"rate": [*static, changing], "leaving": static}
            recipes |= {"carried on": (with_changing, False), "told": (with_changing, True)}
        for name, (covariates, ahead) in recipes.items():
            recipe = pc.CLVModel(kind, spend=None, covariates=covariates)
            frame = pc.validate({"it": recipe}, split, seed=1, covariates_ahead=ahead).frame
            score = frame.loc["it"]
            found.append(
                {
                    "log": of,
                    "model": kind.title,
                    "covariates": name,
                    "customers": len(split.rfm),
                    "crps": float(score["crps"]),
                    "bias": float(score["bias"]),
                    "came": float(split.frame["frequency_holdout"].mean()),
                    "coverage_90": float(score["coverage"]),
                }
            )
            print(found[-1], flush=True)
    return found


def main() -> None:
    """Validate and write."""
    warnings.simplefilter("ignore")
    made = shop(pc.MBGNBD, 3000, np.random.default_rng(61), days=910)
    split = pc.holdout_split(
        made["log"], amount=None, calibration_end=(START + pd.Timedelta("730D")).date(),
        static_covariates=made["channels"], dynamic_covariates=made["mailings"],
    )  # fmt: skip
    found = rows("simulated", split, ["channel"], "mailed")
    if (DATA / "apparel.csv").exists():
        log = pd.read_csv(DATA / "apparel.csv", parse_dates=["date"])
        for end, until in (("2006-12-31", "2007-12-31"), ("2007-12-31", "2008-12-31")):
            split = pc.holdout_split(
                log, amount=None, calibration_end=end, holdout_end=until,
                static_covariates=DATA / "apparel_static.csv", dynamic_covariates=season(log),
            )  # fmt: skip
            found += rows(f"apparel to {end}", split, ["gender", "channel"], "season")
    results = Path(__file__).parent / "results" / "covariates_holdout.csv"
    pd.DataFrame(found).round(4).to_csv(results, index=False)


if __name__ == "__main__":
    main()
