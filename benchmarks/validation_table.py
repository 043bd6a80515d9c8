"""Models against baselines on real logs: the same table for each, printed and written as CSV.

    uv run python benchmarks/validation_table.py FOLDER

FOLDER holds online_retail_ii.csv, online_retail_ii_with_returns.csv and grocery.csv (columns
customer_id, date, amount); those that are absent are left out, saying so. CDNOW comes with
lifetimes.
"""

import sys
import warnings
from pathlib import Path

import pandas as pd

import predclv as pc

RESULTS = Path(__file__).parent / "results" / "validation.csv"
MODELS = [getattr(pc, name) for name in ("BGNBD", "MBGNBD", "ParetoNBD") if name in pc.__all__]
CASES = {
    "CDNOW": (None, "1997-09-30", "amount"),
    "Online Retail II": ("online_retail_ii.csv", "2010-12-09", "amount"),
    "Online Retail II with returns": ("online_retail_ii_with_returns.csv", "2010-12-09", "amount"),
    "grocery": ("grocery.csv", "2006-12-31", None),
}


def main(folder: Path) -> None:
    tables = {}
    for name, (file, calibration_end, amount) in CASES.items():
        if file is not None and not (folder / file).exists():
            print(f"{name}: {folder / file} is absent")
            continue
        log = pc.datasets.load_cdnow() if file is None else pd.read_csv(folder / file)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            split = pc.holdout_split(log, amount=amount, calibration_end=calibration_end)
            found = pc.validate(forecasters(), split, seed=1)
        print(f"\n{name}: {split}")
        print(found.frame.T.to_string(float_format="{:.4f}".format, na_rep="-"))
        for said in [*found.findings, *dict.fromkeys(str(each.message) for each in told)]:
            print(f"- {said}")
        tables[name] = found.frame.assign(customers=len(split), new_customers=split.new_customers)
    RESULTS.parent.mkdir(exist_ok=True)
    pd.concat(tables, names=["data"]).to_csv(RESULTS, float_format="%.6g")


def forecasters() -> dict[str, object]:
    """Every model there is, and every baseline."""
    rules = [pc.baselines.LastPeriod(), pc.baselines.PastRate()]
    rules += [pc.baselines.HiatusRate(), pc.baselines.MeanRate()]
    models = {model.title: pc.CLVModel(purchases=model) for model in MODELS}
    return models | {rule.title: rule for rule in rules}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
