"""What it costs to judge a batch that is added to a base, as a ratio to adding it unjudged.

    uv run python benchmarks/base_doubts.py 1000000 200000

The same batch goes in and out again, in turns judged and not, in one process; medians of processor
time go to benchmarks/results/base_doubts.csv.
"""

import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import predclv as pc
from predclv.base import batches

OUT = Path(__file__).parent / "results" / "base_doubts.csv"
TURNS = 10


def log(orders: int, first: str, days: int, customers: int, lines: int = 1) -> pd.DataFrame:
    """Orders of a shop, each of so many lines."""
    rng = np.random.default_rng(orders)
    frame = pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, orders),
            "date": pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, days, orders), "D"),
        }
    )
    frame = frame.loc[frame.index.repeat(lines)]
    return frame.assign(amount=np.round(30 * np.exp(0.6 * rng.standard_normal(len(frame))), 2))


def processor(base: pc.CustomerBase, rows: pd.DataFrame) -> dict[bool, float]:
    """Median processor time of adding a batch, judged and not."""
    judging = {name: getattr(batches, name) for name in ("warn_of_doubts", "warn_of_stranded")}
    took: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(2 * TURNS):
        judged = turn % 2 == 0
        for name, function in judging.items():
            setattr(batches, name, function if judged else lambda *_: None)
        began = time.process_time()
        base.add(rows, batch="new")
        took[judged].append(time.process_time() - began)
        base.remove("new")
    return {judged: statistics.median(found) for judged, found in took.items()}


def main(before: int, new: int) -> None:
    warnings.simplefilter("ignore")
    rows = []
    with tempfile.TemporaryDirectory() as folder, pc.duckdb_settings(threads=2, memory_limit="2GB"):
        base = pc.CustomerBase(Path(folder) / "base")
        base.add(log(before, "2023-01-01", 1000, before // 2), batch="before")
        for what, lines in {"orders of one line": 1, "orders of five lines": 5}.items():
            batch = log(new // lines, "2025-09-27", 30, before // 2, lines)
            took = processor(base, batch)
            row = {"before": before, "rows": new, "what": what}
            row |= {"judged": round(took[True], 3), "unjudged": round(took[False], 3)}
            row |= {"ratio": round(took[True] / took[False], 3)}
            print(row, flush=True)
            rows.append(row)
    earlier = pd.read_csv(OUT) if OUT.exists() else pd.DataFrame(columns=["before", "rows"])
    others = earlier[(earlier["before"] != before) | (earlier["rows"] != new)]
    pd.concat([others, pd.DataFrame(rows)] if len(others) else [pd.DataFrame(rows)]).to_csv(
        OUT, index=False
    )


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:3]))
