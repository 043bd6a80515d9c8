"""How good forecasts are, split by split: models, rules, boosting, and the package's own pool.

    uv run python benchmarks/quality.py FOLDER [--splits N] [--only LOG] [--again NAME]

FOLDER holds logs (columns customer_id, date, amount); those that are absent are left out, saying
so. CDNOW comes with lifetimes. Every log is cut at several days with 13, 26 and 52 weeks to come,
half a horizon (13 weeks at least) apart and with 26 weeks known at least; a log too short for that
once, with 4 weeks to come. Splits that stand in
results/quality.csv are not run again, so a run may be stopped and taken up; with --again one
forecaster is, on the splits that stand there. CRPS beside MBG's is printed for each split;
results/quality.png is the picture.
"""

import argparse
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import predclv as pc
from predclv.pools.auto import MEMBERS

RESULTS = Path(__file__).parent / "results" / "quality.csv"
PICTURE = RESULTS.with_suffix(".png")
LOGS = {
    "CDNOW": None,
    "grocery": "grocery.csv",
    "apparel": "apparel.csv",
    "orders": "rfm_data_orders.csv",
    "Online Retail II": "online_retail_ii.csv",
    "Ta-Feng": "ta_feng.csv",
    "CDNOW, all": "master",
}
WEEKS = (26, 13, 52)
KNOWN = 182  # days
FORECASTERS = {
    "MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None),
    "BG/NBD": pc.CLVModel(pc.BGNBD, spend=None),
    "Pareto/NBD": pc.CLVModel(pc.ParetoNBD, spend=None),
    "last period": pc.baselines.LastPeriod(),
    "past rate": pc.baselines.PastRate(),
    "boosting": pc.baselines.Boosting(),
    "em": next(iter(MEMBERS.values())),
    "auto": pc.CLVModel("auto", spend=None),
}
METRICS = ["rmse", "crps", "mae_median", "bias", "coverage"]


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("folder", type=Path)
    ask.add_argument("--splits", type=int, default=10_000, help="at most, in this run")
    ask.add_argument("--only", help="one log")
    ask.add_argument("--again", help="a forecaster to score anew")
    asked = ask.parse_args()
    found = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame()
    if asked.again:
        again(found, asked)
        return
    left = asked.splits
    for name, file in LOGS.items():
        if asked.only not in (None, name):
            continue
        log = opened(file, asked.folder)
        if log is None:
            print(f"{name}: {asked.folder / str(file)} is absent")
            continue
        for cut, weeks in splits_of(log):
            done = (
                not found.empty
                and (
                    (found["log"] == name) & (found["cut"] == str(cut)) & (found["weeks"] == weeks)
                ).any()
            )
            if done or left == 0:
                continue
            left -= 1
            rows = pd.DataFrame(scored(log, cut, weeks))
            rows.insert(0, "log", name)
            found = pd.concat([found, rows], ignore_index=True)
            RESULTS.parent.mkdir(exist_ok=True)
            found.to_csv(RESULTS, index=False, float_format="%.6g")
            print(f"{name}, {weeks} weeks after {cut}: {told(rows)}", flush=True)
    print(summary(found).to_string(float_format="{:.3f}".format))
    picture(found)


def again(found: pd.DataFrame, asked: argparse.Namespace) -> None:
    """Score one forecaster anew on the splits that stand in the table."""
    for name, own in found.groupby("log", sort=False):
        log = opened(LOGS[name], asked.folder) if asked.only in (None, name) else None
        if log is None:
            continue
        for cut, weeks in own[["cut", "weeks"]].drop_duplicates().itertuples(index=False):
            (row,) = scored(log, cut, weeks, {asked.again: FORECASTERS[asked.again]})
            here = (found["log"] == name) & (found["cut"] == cut) & (found["weeks"] == weeks)
            place = found.index[here & (found["forecaster"] == asked.again)][0]
            for column, value in row.items():
                found.loc[place, column] = str(value) if column == "cut" else value
            found.to_csv(RESULTS, index=False, float_format="%.6g")
            print(f"{name}, {weeks} weeks after {cut}: {told(found[here])}", flush=True)
    print(summary(found).to_string(float_format="{:.3f}".format))
    picture(found)


def opened(file: str | None, folder: Path) -> pd.DataFrame | None:
    if file is None or file == "master":
        return pc.datasets.load_cdnow(*([] if file is None else [file]))
    return pd.read_csv(folder / file) if (folder / file).exists() else None


def splits_of(log: pd.DataFrame) -> list[tuple[object, int]]:
    """Last days known, and weeks to come: three cuts a horizon at most, the latest first."""
    days = pd.to_datetime(log["date"])
    first, last = days.min(), days.max()
    cuts = []
    for weeks in WEEKS:
        for back in range(3):
            cut = last - pd.Timedelta(days=7 * weeks + back * max(91, 7 * weeks // 2))
            if (cut - first).days >= KNOWN:
                cuts.append((cut.date(), weeks))
    return cuts or [((last - pd.Timedelta(days=28)).date(), 4)]


def scored(
    log: pd.DataFrame, cut: object, weeks: int, forecasters: dict = FORECASTERS
) -> list[dict[str, object]]:
    end = pd.Timestamp(str(cut)) + pd.Timedelta(days=7 * weeks)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pc.errors.PredclvWarning)
        split = pc.holdout_split(log, amount=None, calibration_end=cut, holdout_end=end.date())
        came = int(split.frame["frequency_holdout"].sum())
        for name, recipe in forecasters.items():
            row = {"cut": cut, "weeks": weeks, "customers": len(split), "forecaster": name}
            row["known_days"] = (split.calibration_end - split.rfm.log.first_day).days
            start = time.perf_counter()
            try:
                found = pc.validate({name: recipe}, split, seed=1)
            except pc.errors.PredclvError as error:
                rows.append(row | {"failed": str(error)[:80]})
                continue
            row |= {"seconds": time.perf_counter() - start, "came": came}
            row |= {metric: found.frame[metric].iloc[0] for metric in METRICS}
            total = found.forecasts[name].total()
            row["forecast"] = total["purchases"]
            for kind in ("", "_budget"):
                if f"purchases{kind}_lower" in total:
                    low, high = (total[f"purchases{kind}_{end}"] for end in ("lower", "upper"))
                    row[f"total{kind}_held"] = float(low <= came <= high)
                    row[f"total{kind}_half_width"] = (high - low) / 2 / total["purchases"]
            if name == "auto":
                weights = found.fits[name].weights
                row["weights"] = ", ".join(f"{n} {w:.2f}" for n, w in weights.items() if w > 0)
            rows.append(row)
    return rows


def told(rows: pd.DataFrame) -> str:
    crps = rows.set_index("forecaster")["crps"]
    beside = (crps / crps["MBG/NBD"]).dropna()
    return "CRPS / MBG " + ", ".join(f"{name} {value:.3f}" for name, value in beside.items())


def relative(found: pd.DataFrame) -> pd.DataFrame:
    """CRPS beside MBG/NBD's: a row per split, a column per forecaster."""
    crps = found.pivot_table(index=["log", "weeks", "cut"], columns="forecaster", values="crps")
    return crps.div(crps["MBG/NBD"], axis="index")[[f for f in FORECASTERS if f in crps]]


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Over splits: geometric mean and worst CRPS beside MBG, other metrics, coverage of totals."""
    beside = relative(found)
    of = found.groupby("forecaster")
    table = pd.DataFrame(
        {
            "splits": beside.notna().sum(),
            "crps": np.exp(np.log(beside).mean()),
            "worst": beside.max(),
            "best": beside.min(),
        }
    )
    for metric in ("rmse", "mae_median"):
        own = found.pivot_table(index=["log", "weeks", "cut"], columns="forecaster", values=metric)
        table[metric] = np.exp(np.log(own.div(own["MBG/NBD"], axis="index")).mean())
    table["rms_log_bias"] = np.sqrt(
        (np.log1p(found["bias"]) ** 2).groupby(found["forecaster"]).mean()
    )
    for column in ("total_held", "total_budget_held", "total_budget_half_width", "seconds"):
        if column in found:
            table[column] = of[column].mean()
    return table.reindex([name for name in FORECASTERS if name in table.index])


def picture(found: pd.DataFrame) -> None:
    """A row per split, a dot per forecaster: CRPS beside MBG/NBD's."""
    beside = relative(found).sort_index(ascending=False)
    figure, ax = plt.subplots(figsize=(8, 1.5 + 0.28 * len(beside)), layout="constrained")
    shown = {"BG/NBD": "0.6", "Pareto/NBD": "0.75", "boosting": "tab:orange", "em": "tab:green",
             "auto": "tab:blue"}  # fmt: skip
    place = np.arange(len(beside))
    for name, colour in shown.items():
        if name in beside:
            ax.scatter(
                beside[name].clip(upper=1.4), place, color=colour, label=name, s=26, zorder=3
            )
    ax.axvline(1.0, color="black", linewidth=0.8)
    ax.set_yticks(place, [f"{log}, {weeks} weeks after {cut}" for log, weeks, cut in beside.index])
    ax.set_xlabel("CRPS / that of MBG/NBD (smaller is better; 1.4 and more at the edge)")
    ax.grid(axis="y", linewidth=0.4)
    figure.legend(loc="outside upper center", ncols=len(shown), frameon=False)
    figure.savefig(PICTURE, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
