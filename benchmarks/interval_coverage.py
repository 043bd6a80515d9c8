"""Do intervals hold what they promise? ``uv run python benchmarks/interval_coverage.py``.

Share of customers whose actual purchases and revenue fall within the 50% and 90% intervals, and the
distance of the randomised PIT of purchases from uniform (Kolmogorov-Smirnov), on customers
simulated from the models and on the holdouts of real logs: CDNOW, and those in a folder of logs
given as an argument (customer_id, date, amount; skipped where absent).
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from simulate import PURCHASES, SPEND

import predclv as pc


def pit_distance(model: pc.BGNBD, frame: pd.DataFrame, horizon: float, seed: int = 1) -> float:
    """Distance of the randomised probability integral transform of purchases from uniform."""
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    actual = frame["frequency_holdout"].to_numpy()
    u = np.random.default_rng(seed).random(actual.size)
    pit = np.zeros(actual.size)
    for n in range(int(actual.max()) + 1):
        rows = actual >= n
        p = model.pmf_after(n, horizon, x[rows], t_x[rows], T[rows])
        pit[rows] += np.where(actual[rows] == n, u[rows] * p, p)
    return float(np.max(np.abs(np.sort(pit) - (np.arange(pit.size) + 0.5) / pit.size)))


def row(name: str, fitted: pc.FittedCLV, frame: pd.DataFrame, horizon: float) -> dict[str, object]:
    """One line of the table: coverage of both levels, and the PIT."""
    found: dict[str, object] = {"data": name, "customers": len(frame)}
    for level in (0.5, 0.9):
        forecast = fitted.forecast(horizon, discount_rate=0.0, level=level, seed=1).frame
        for what, actual in (("purchases", "frequency_holdout"), ("revenue", "spend_holdout")):
            if f"{what}_lower" in forecast:
                within = frame[actual].between(
                    forecast[f"{what}_lower"] - 0.005, forecast[f"{what}_upper"] + 0.005
                )
                found[f"{what} {level:.0%}"] = f"{within.mean():.1%}"
    found["PIT distance"] = round(pit_distance(fitted.purchases.model, frame, horizon), 4)
    return found


def simulated(customers: int = 50_000, horizon: float = 52.0) -> tuple[pc.RFM, pd.DataFrame]:
    """Customers of known truth, their summary, and what they do in the next ``horizon`` weeks."""
    rng = np.random.default_rng(11)
    T = rng.integers(189, 273, customers) / 7
    owner, when = PURCHASES.paths(T + horizon, rng).times(rng)
    nu = rng.gamma(SPEND.q, size=customers) / SPEND.v
    value = rng.gamma(SPEND.p, size=owner.size) / nu[owner]
    past = when <= T[owner]
    x = np.bincount(owner[past], minlength=customers)
    t_x = np.zeros(customers)
    np.maximum.at(t_x, owner[past], when[past])
    spent = np.bincount(owner[past], weights=value[past], minlength=customers)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(customers),
            "frequency": x,
            "recency": t_x,
            "T": T,
            "monetary_value": spent / np.maximum(x, 1),
        }
    )
    rfm = pc.RFM.from_frame(frame, unit="week")
    came = rfm.frame.assign(
        frequency_holdout=np.bincount(owner[~past], minlength=customers),
        spend_holdout=np.bincount(owner[~past], weights=value[~past], minlength=customers),
    )
    return rfm, came


def main() -> None:
    warnings.simplefilter("ignore", pc.errors.PredclvWarning)
    rfm, came = simulated()
    rows = [row("simulated, 52 weeks", pc.CLVModel().fit(rfm), came, 52.0)]
    splits = {"CDNOW, 39 + 39 weeks": (pc.datasets.load_cdnow(), "1997-09-30", "amount")}
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for file, end, amount in (
        ("online_retail_ii.csv", "2010-12-09", "amount"),
        ("online_retail_ii_with_returns.csv", "2010-12-09", "amount"),
        ("grocery.csv", "2006-12-31", None),
    ):
        if folder is None or not (folder / file).exists():
            print(f"skipped {file}: give its folder as the argument")
            continue
        splits[f"{file}, after {end}"] = (folder / file, end, amount)
    for name, (log, end, amount) in splits.items():
        split = pc.holdout_split(log, amount=amount, calibration_end=end)
        rows.append(row(name, pc.CLVModel().fit(split.rfm), split.frame, split.duration))
    print(pd.DataFrame(rows).fillna("").to_string(index=False))


if __name__ == "__main__":
    main()
