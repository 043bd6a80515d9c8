"""Without PyMC: everything but engine="pymc" works, and that says what is missing."""

import subprocess
import sys

import pytest

BLOCK = """
import sys

MISSING = {"pymc", "pymc_extras", "pytensor", "nutpie", "arviz", "arviz_base", "arviz_stats"}


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Missing())
import predclv as pc

log = pc.datasets.load_cdnow()
"""


def without_pymc(code):
    """What a process prints in which PyMC and ArviZ are not installed."""
    command = [sys.executable, "-c", BLOCK + code]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout


def test_summaries_fits_forecasts_and_validations_need_no_pymc():
    out = without_pymc("""
split = pc.holdout_split(log, calibration_end="1997-09-30")
fitted = pc.CLVModel(clock=pc.Clock(season=0, weekday=True), purchases=pc.MBGNBD).fit(split.rfm)
total = fitted.forecast("26 weeks", seed=1).total()
print(total["purchases_lower"] < total["purchases"] < total["purchases_upper"])
check = pc.validate({"BG/NBD": pc.CLVModel(), "rate": pc.baselines.PastRate()}, split, seed=1)
print(check.frame["crps"].notna().all())
print("pymc" in sys.modules, "arviz" in sys.modules)
""")
    assert out.split() == ["True", "True", "False", "False"]


@pytest.mark.parametrize("method", ["nuts", "map"])
def test_the_engine_that_is_missing_is_named_with_what_to_do(method):
    out = without_pymc(f"""
try:
    pc.fit(pc.BGNBD, pc.rfm_summary(log), engine="pymc", method={method!r})
except pc.errors.PredclvError as error:
    print(type(error).__name__, error)
""")
    assert "engine='pymc'" in out
    assert "pip install" in out
    assert "engine='mle'" in out
