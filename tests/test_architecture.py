"""The arrows: who imports whom, who may import what, and what `import predclv` loads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import predclv as pc

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "predclv"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the top down: a row may import the rows below it and its own part, nothing else.
ROWS = (
    {"cli", "demo"},  # with cli_options and others: parts of one thing
    {"base", "mlflow"},
    {"store"},
    {"reports"},
    {"plots"},
    {"decisions"},
    {"recipe"},
    {"pools"},
    {"validation"},
    {"contracts"},
    {"baselines", "historical"},
    {"forecast"},
    {"engines"},
    {"likelihoods"},
    {"summaries"},
    {"logs"},
    {"warehouse"},
    {"samples"},
    {"clocks"},
    {"models"},
    {"io"},
    {"maths"},
    {"money"},
    {"units"},
    {"notices", "streams"},
    {"errors", "progress", "once", "frozen", "interrupts"},
)

# The only files that may import a package, as patterns of their path in the package.
HOMES = {
    "matplotlib": r"(plots|reports)/\w+\.py",
    "duckdb": r"warehouse/duckdb\w*\.py",
    "pyspark": r"warehouse/spark\w*\.py",
    "pymc": r"engines/pymc\w*\.py",
    "pytensor": r"engines/pymc\w*\.py",
    "nutpie": r"engines/pymc\w*\.py",
    "arviz": r"engines/pymc\w*\.py",
    "lifetimes": r"engines/lifetimes\.py|logs/datasets\.py",
    "vl_convert": r"reports/dashboard\.py",
    "typer": r"cli\w*\.py",
    "mlflow": r"mlflow\.py",
    "rich": r"demo\.py|progress\.py",
    "polars": r"forecast/exports\.py",  # the way out alone
    "sklearn": r"validation/metrics\.py|baselines/boosting\.py|decisions/trait_model\.py",
    "scoringrules": r"(?!)",  # a reference in tests alone
}
BARE = {"maths": {"numpy", "scipy"}, "models": {"numpy", "scipy"}, "errors": set()}


def name_of(file):
    return file.relative_to(PACKAGE).as_posix()


def part_of(module):
    """The part of the package that a module belongs to: predclv.logs.statements is data."""
    return module.split(".")[1] if "." in module else ""


def imported(file):
    """Every module that a file imports, wherever in it, with the line; types alone not."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for_types = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for child in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)}:{node.lineno} has a relative import"
            module = node.module or ""
            if module == "predclv":
                yield from ((f"predclv.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield module, node.lineno
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith(("import_module", "__import__"))
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value), node.lineno


def row_of(part):
    part = "cli" if part.startswith("cli_") else part
    rows = [number for number, row in enumerate(ROWS) if part in row]
    assert rows, f"predclv/{part} stands in no row of the layout"
    return rows[0]


def may_import(part, other):
    if part == other or {part.split("_")[0], other.split("_")[0]} <= {"cli", "demo"}:
        return True
    return row_of(part) < row_of(other)


def test_there_is_something_to_read():
    assert len(FILES) > 30
    assert {part_of(f"predclv.{name_of(file).split('/')[0].removesuffix('.py')}") for file in FILES}
    assert ("predclv.warehouse.duckdb", "duckdb") in [
        (f"predclv.{name_of(file).removesuffix('.py').replace('/', '.')}", module)
        for file in FILES
        for module, _ in imported(file)
    ]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_arrows_point_downwards(file):
    part = name_of(file).split("/")[0].removesuffix(".py")
    if part == "__init__":
        return  # the public names: what it loads is the next test's matter
    for module, line in imported(file):
        top, _, rest = module.partition(".")
        if top != "predclv":
            continue
        if not rest:
            assert row_of(part) == 0, f"{name_of(file)}:{line} imports predclv itself"
            continue
        other = rest.split(".")[0]
        if not (PACKAGE / other).is_dir() and not (PACKAGE / f"{other}.py").is_file():
            assert row_of(part) == 0, f"{name_of(file)}:{line} imports predclv itself"
            continue
        assert may_import(part, other), f"{name_of(file)}:{line} imports {module}, which is above"


def test_the_rule_of_arrows_can_be_broken():
    assert may_import("plots", "validation")
    assert may_import("cli", "demo")
    assert not may_import("validation", "plots")
    assert not may_import("models", "samples")
    assert not may_import("warehouse", "logs")
    assert not may_import("units", "maths")
    assert not may_import("plots", "store")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_heavy_packages_are_imported_only_in_the_file_about_them(file):
    for module, line in imported(file):
        home = HOMES.get(module.split(".")[0])
        if home is not None:
            assert re.fullmatch(home, name_of(file)), f"{name_of(file)}:{line} imports {module}"


@pytest.mark.parametrize(("part", "allowed"), BARE.items())
def test_formulas_need_numpy_and_scipy_alone(part, allowed):
    files = [file for file in FILES if name_of(file).split("/")[0].removesuffix(".py") == part]
    assert files
    for file in files:
        tops = {module.split(".")[0] for module, _ in imported(file)}
        foreign = tops - set(sys.stdlib_module_names) - {"predclv"} - allowed
        assert not foreign, f"{name_of(file)} imports {foreign}"


# What a process of its own does, step by step: what is loaded stays loaded.
STEPS = {
    "others": "import numpy, pandas",
    "package": "import predclv as pc",
    "names": "pc.errors, pc.units, pc.BGNBD, pc.GammaGamma, dir(pc)",
    "thin path": "log = pc.datasets.load_cdnow();"
    "pc.CLVModel().fit(pc.rfm_summary(log.head(500))).forecast(discount_rate=0).total()",
}


@pytest.fixture(scope="module")
def loaded():
    """The top-level modules in memory after each step."""
    show = "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    script = "import sys\n" + "\n".join(f"{step}\n{show}" for step in STEPS.values())
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    shown = done.stdout.splitlines()
    return {step: set(names.split()) for step, names in zip(STEPS, shown, strict=True)}


def test_importing_the_package_loads_nothing_but_itself(loaded):
    new = loaded["package"] - loaded["others"]
    assert new - set(sys.stdlib_module_names) == {"predclv"}


def test_errors_units_and_models_can_be_used_without_heavy_packages(loaded):
    heavy = {"matplotlib", "duckdb", "pymc", "arviz", "pytensor", "lifetimes", "typer"}
    assert not loaded["names"] & heavy


def test_the_whole_thin_path_loads_no_sampler_and_no_picture(loaded):
    heavy = {"matplotlib", "pymc", "arviz", "pytensor", "nutpie", "lifetimes", "typer"}
    assert not loaded["thin path"] & heavy


@pytest.mark.parametrize("name", [name for name in pc.__all__ if not name.startswith("__")])
def test_a_public_name_resolves_and_says_what_it_is(name):
    value = getattr(pc, name)
    assert value.__doc__
    assert name in dir(pc)


def test_the_names_that_others_build_on_are_there():
    assert {
        "rfm_summary", "RFM", "holdout_split", "fit", "Fit", "BGNBD", "GammaGamma", "CLVModel",
        "FittedCLV", "Forecast", "load", "plots", "datasets", "errors",
    } <= set(pc.__all__)  # fmt: skip


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'BGNDB'"):
        pc.BGNDB  # noqa: B018


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_is_short_and_says_what_it_is_about(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 350
    assert ast.get_docstring(ast.parse(text))


def tracked():
    """The text files of the repository, or of an unpacked source archive."""
    try:
        listed = subprocess.check_output(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, text=True, stderr=subprocess.DEVNULL,
        ).splitlines()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        listed = [
            str(path.relative_to(ROOT))
            for folder in ("predclv", "tests")
            for path in (ROOT / folder).rglob("*.*")
        ]
    suffixes = {".py", ".md", ".toml", ".yaml", ".yml", ".ipynb", ".json", ".cfg", ".txt", ""}
    return [
        ROOT / name
        for name in listed
        if Path(name).suffix in suffixes and (ROOT / name).is_file() and name != "uv.lock"
    ]


def test_no_file_names_a_machine_or_a_package_index():
    folders = "|".join(("work", "root", "home", "Users", "mnt", "tmp"))
    telling = re.compile(
        rf"(?<![\w.}}/<])/(?:{folders})/\w" + r"|index" + r"[-_]url|find" + r"-links|uv\.ind" + "ex"
        r"|https?://[^\s\"')]+/simple\b|localhost|127\.0\.0\.1"
    )
    files = tracked()
    assert len(files) > 50
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if path != Path(__file__)
        for match in telling.finditer(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found
