"""How often the 90% interval of a customer base's total holds what came, and how often widened.

    uv run python benchmarks/totals_coverage.py FOLDER

FOLDER holds online_retail_ii.csv and grocery.csv (columns customer_id, date, amount); those that
are absent are left out, saying so. CDNOW comes with lifetimes. Each log is cut at origins one
horizon apart, with a quarter of the log known at the first; an origin's interval is widened by the
errors of the origins before it alone, so the first has none but those that stand before all.
"""

import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd

import predclv as pc

RESULTS = Path(__file__).parent / "results" / "totals_coverage.csv"
CASES = {
    "CDNOW": (None, "amount"),
    "Online Retail II": ("online_retail_ii.csv", "amount"),
    "grocery": ("grocery.csv", None),
}
HORIZON = 91


def main(folder: Path) -> None:
    rows = []
    for name, (file, amount) in CASES.items():
        if file is not None and not (folder / file).exists():
            print(f"{name}: {folder / file} is absent")
            continue
        log = pc.datasets.load_cdnow() if file is None else pd.read_csv(folder / file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pc.errors.PredclvWarning)
            rows += [{"data": name, **row} for row in intervals(log, amount)]
    table = pd.DataFrame(rows)
    shares = table.groupby(["data", "of"], sort=False)[["plain", "widened"]].agg(["sum", "size"])
    print(table.to_string(float_format="{:.0f}".format))
    print(shares.to_string())
    RESULTS.parent.mkdir(exist_ok=True)
    table.to_csv(RESULTS, index=False, float_format="%.6g")


def intervals(log: pd.DataFrame, amount: str | None) -> list[dict[str, object]]:
    """One row per origin and total: what was forecast, what came, and who held it."""
    days = pd.to_datetime(log["date"])
    origins = int((days.max() - days.min()).days * 0.75 // HORIZON)
    found = pc.backtest(
        {"BG/NBD": pc.CLVModel()},
        log,
        amount=amount,
        cutoffs=origins,
        horizon=f"{HORIZON} days",
        seed=1,
    )
    errors, rows = found.total_errors(), []
    for at, (cutoff, validation) in enumerate(found.validations.items()):
        forecast = validation.forecasts["BG/NBD"]
        before = replace(errors, frame=errors.frame.iloc[:at])
        wide = forecast.total(unlike=before if at else 0.20)
        for of, row in validation.totals.loc["BG/NBD"].iterrows():
            lower, upper = wide[f"{of}_lower"], wide[f"{of}_upper"]
            rows.append(
                {
                    "cutoff": cutoff,
                    "of": of,
                    "forecast": row["forecast"],
                    "lower": row["lower"],
                    "upper": row["upper"],
                    "widened_lower": lower,
                    "widened_upper": upper,
                    "came": row["actual"],
                    "plain": bool(row["covered"]),
                    "widened": bool(lower <= row["actual"] <= upper),
                }
            )
    return rows


if __name__ == "__main__":
    main(Path(sys.argv[1]))
