"""This tree beside an earlier revision of it: is anything slower, or larger, than it was?

``uv run python benchmarks/revisions.py REVISION [--largest 10000000] [--runs 5]``. The cases of
``cases.py`` in fresh processes, the two trees by turns and on the same packages; of each the least
of several runs, in seconds of the processors, which other work on the machine disturbs less than
those of the clock. Writes ``results/revisions.csv``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from simulate import log

HERE = Path(__file__).parent
SMALL = ("import", "first_fit", "first_validation")
LARGE = (
    "cells", "counted", "fit_bgnbd", "fit_mbgnbd", "fit_pareto", "fit_spend", "point", "intervals",
)  # fmt: skip
LARGEST_INTERVALS = 10**6
ENOUGH = 60  # processor seconds: such a case is told from noise by two runs


def measured(tree: Path, case: str, file: list[str]) -> dict[str, float]:
    """One fresh process that imports predclv from ``tree``."""
    told = subprocess.run(
        [sys.executable, HERE / "cases.py", case, "predclv", *file],
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(told.stdout.splitlines()[-1])


def compared(before: Path, now: Path, case: str, file: list[str], runs: int) -> dict[str, float]:
    """The least of several runs of both trees, which take turns."""
    least: dict[str, dict[str, float]] = {}
    for run in range(runs):
        for name, tree in (("before", before), ("now", now)):
            found = measured(tree, case, file)
            kept = least.setdefault(name, found)
            least[name] = {key: min(value, found[key]) for key, value in kept.items()}
        if run and least["now"]["processor_seconds"] > ENOUGH:
            break
    row = {
        f"{key}_{name}": least[name][key]
        for key in ("processor_seconds", "seconds", "peak_mb")
        for name in ("before", "now")
    }
    row["ratio"] = least["now"]["processor_seconds"] / least["before"]["processor_seconds"]
    row["memory_ratio"] = least["now"]["peak_mb"] / least["before"]["peak_mb"]
    return row


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("revision")
    ask.add_argument("--largest", type=int, default=10**7, help="orders")
    ask.add_argument("--runs", type=int, default=5)
    ask.add_argument("--only", help="cases, by commas")
    asked = ask.parse_args()
    wanted = asked.only.split(",") if asked.only else [*SMALL, *LARGE]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        git = ["git", "-C", str(HERE)]
        subprocess.run(
            [*git, "worktree", "add", "-q", "--detach", before, asked.revision], check=True
        )
        try:
            sizes = [10**n for n in range(6, 9) if 10**n <= asked.largest]
            cases = [(case, 0) for case in SMALL] + [(c, size) for size in sizes for c in LARGE]
            for case, size in cases:
                too_large = case == "intervals" and size > LARGEST_INTERVALS
                if case not in wanted or too_large:
                    continue
                file = [str(log(size))] if size else []
                runs = asked.runs if size < 10**7 else min(asked.runs, 3)
                row = {"case": case, "orders": size}
                row |= compared(before, HERE.parent, case, file, runs)
                rows.append(row)
                print(row, flush=True)
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", before], check=True)
    frame = pd.DataFrame(rows)
    frame.insert(0, "revision", asked.revision)
    frame.to_csv(HERE / "results" / "revisions.csv", index=False, float_format="%.4g")
    print(frame[["case", "orders", "ratio", "memory_ratio"]].to_string(index=False))


if __name__ == "__main__":
    main()
