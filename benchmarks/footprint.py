"""What an installation weighs and how long its import takes, beside its peers.

``uv run python benchmarks/footprint.py``. Each package goes into an environment of its own, ours
also without what only ``engine="pymc"`` needs. Megabytes are those of the environment without
compiled Python files, the import is the least of seven fresh processes, in seconds of the
processor. Writes ``results/footprint.csv``.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
BAYESIAN = ("pymc", "pymc-extras", "arviz", "nutpie")
RUNS = 7
# What is installed, what of it is taken out again, and what a first call imports.
INSTALLED = {
    "predclv": (["{wheel}"], (), "import predclv"),
    "predclv, with PyMC loaded": (["{wheel}"], (), "import predclv, pymc"),
    "predclv without PyMC": (["{wheel}"], BAYESIAN, "import predclv"),
    "lifetimes": (["lifetimes==0.11.3", "setuptools"], (), "import lifetimes"),
    "pymc-marketing": (["pymc-marketing"], (), "from pymc_marketing import clv"),
}


def environment(folder: Path, packages: list[str], without: tuple[str, ...]) -> Path:
    """Its interpreter; ``without`` and what nothing else needs are left out."""
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    pip = ["uv", "pip", "install", "-q", "--link-mode", "copy", "--python", python]
    if not without:
        subprocess.run([*pip, *packages], check=True)
        return python
    wheel = Path(packages[0])
    asked = subprocess.run(
        [sys.executable, "-c", _REQUIRED, wheel], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    kept = [line for line in asked if line.split("<")[0].split(">")[0].strip() not in without]
    subprocess.run([*pip, *kept], check=True)
    subprocess.run([*pip, "--no-deps", wheel], check=True)
    return python


_REQUIRED = """
import email, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    told = email.message_from_bytes(wheel.read(name))
print(*(line for line in told.get_all("Requires-Dist") if "extra ==" not in line), sep="\\n")
"""


def weight(folder: Path) -> float:
    """Megabytes of an environment."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc") / 1e6


def import_seconds(python: Path, statement: str) -> float:
    code = (
        f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    )
    alone = os.environ | {"PYTHONPATH": ""}
    told = [
        subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, env=alone)
        for _ in range(RUNS)
    ]
    return min(float(run.stdout.splitlines()[-1]) for run in told)


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        built = Path(scratch) / "dist"
        subprocess.run(["uv", "build", "-q", "--wheel", "-o", built, HERE.parent], check=True)
        wheel = str(next(built.glob("*.whl")))
        for number, (name, (packages, without, statement)) in enumerate(INSTALLED.items()):
            folder = Path(scratch) / str(number)
            row: dict[str, object] = {"installed": name}
            try:
                names = [package.format(wheel=wheel) for package in packages]
                python = environment(folder, names, without)
                row |= {"mb": weight(folder), "import_seconds": import_seconds(python, statement)}
            except subprocess.CalledProcessError as error:
                row["failed"] = str(error.stderr or error)[-200:]
            rows.append(row)
            print(row, flush=True)
            subprocess.run(["rm", "-r", "-f", folder], check=True)
    frame = pd.DataFrame(rows)
    frame.to_csv(HERE / "results" / "footprint.csv", index=False, float_format="%.3g")


if __name__ == "__main__":
    main()
