"""A month more: what it costs to add new orders to a base, beside counting the whole log again.

    uv run python benchmarks/base.py 10000000 1000000

Figures of every step go to benchmarks/results/base.csv: seconds, processor time in seconds, and the
most memory that the step's own process took. All steps run with memory_limit 1 GB and two threads,
on the same log. The first refresh has none before it; the second compares itself with it. Beside a
refresh stands when everybody's forecast was written; groups' intervals and what moved follow.
"""

import json
import resource
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import simulate

HERE = Path(__file__).parent
STEPS = (
    "first add", "first refresh", "recount", "recount, fit and forecast", "add", "rfm", "refresh",
)  # fmt: skip


def parts(orders: int, new: int) -> tuple[Path, Path, Path]:
    """The whole log, its beginning, and its last orders (about ``new``), by whole days."""
    import duckdb

    whole = simulate.log(orders)
    first, last = (whole.with_name(f"{whole.stem}_{part}_{new}.parquet") for part in ("old", "new"))
    if not last.exists():
        with duckdb.connect() as connection:
            connection.execute("SET memory_limit = '2GB'; SET preserve_insertion_order = false")
            days = connection.execute(
                f"SELECT CAST(date AS DATE), count(*) FROM '{whole}' GROUP BY 1 ORDER BY 1 DESC"
            ).fetchall()
            total, cut = 0, days[0][0]
            for day, number in days:
                if total >= new:
                    break
                total, cut = total + number, day
            for file, where in ((first, f"date < '{cut}'"), (last, f"date >= '{cut}'")):
                connection.execute(f"COPY (FROM '{whole}' WHERE {where}) TO '{file}'")
    return whole, first, last


def run(step: str, files: list[str], folder: str) -> dict[str, float]:
    """One step, in this process."""
    import predclv as pc
    from predclv.base import refreshes

    warnings.simplefilter("ignore")
    whole, first, last = files
    until_written: dict[str, float] = {}
    measures = refreshes.measures

    def noting(*given, **named):
        until_written["written"] = round(time.perf_counter() - began, 2)
        until_written["written_processor"] = round(time.process_time() - worked, 2)
        return measures(*given, **named)

    refreshes.measures = noting
    with pc.duckdb_settings(memory_limit="1GB", threads=2):
        base = pc.CustomerBase(folder)
        began, worked = time.perf_counter(), time.process_time()
        if step == "first add":
            base.add(first, batch="before")
        elif step == "add":
            base.add(last, batch="new")
        elif step == "recount":
            len(pc.rfm_summary(whole))
        elif step == "recount, fit and forecast":
            fitted = pc.CLVModel().fit(pc.rfm_summary(whole))
            fitted.forecast("12 months", level=0.9, seed=0).to_parquet(f"{folder}-scores.parquet")
        elif step == "rfm":
            len(base.rfm())
        else:
            base.refresh(horizon="12 months", level=0.9)
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "seconds": round(seconds, 2),
        "processor": round(processor, 2),
        "peak_gb": round(peak, 2),
        **until_written,
    }


def main(orders: int, new: int) -> None:
    files = [str(path) for path in parts(orders, new)]
    folder = simulate.FOLDER / f"base_{orders}"
    shutil.rmtree(folder, ignore_errors=True)
    rows = []
    for step in STEPS:
        done = subprocess.run(
            [sys.executable, __file__, "--step", step, *files, str(folder)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        row = {"orders": orders, "new": new, "step": step, **json.loads(done.stdout)}
        print(row, flush=True)
        rows.append(row)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e9
    print(f"the base takes {size:.2f} GB on disk")
    shutil.rmtree(folder, ignore_errors=True)
    out = HERE / "results" / "base.csv"
    earlier = pd.read_csv(out) if out.exists() else pd.DataFrame()
    if len(earlier):
        earlier = earlier[earlier["orders"] != orders]
    pd.concat([earlier, pd.DataFrame(rows)]).to_csv(out, index=False)


if __name__ == "__main__":
    if sys.argv[1] == "--step":
        print(json.dumps(run(sys.argv[2], sys.argv[3:6], sys.argv[6])))
    else:
        main(*(int(number) for number in sys.argv[1:3]))
