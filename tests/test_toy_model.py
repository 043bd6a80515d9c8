"""A purchase model that is one page in one file: fitted, sampled, forecast, saved and loaded."""

import dataclasses
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.special import betainc, expit, gammaln

import predclv as pc
from predclv.models.futures import Traits
from predclv.models.purchases import PurchaseModel


@dataclass(frozen=True, slots=True)
class Alike(PurchaseModel):
    """BG/NBD whose customers all leave with the same chance, `expit(leaving)`, after a purchase."""

    r: float
    alpha: float
    leaving: float

    title: ClassVar[str] = "NBD of alike leavers"
    scales: ClassVar = {"leaving": "identity"}

    def _log_odds(self, x, t_x, T):
        gone = self.leaving + (self.r + x) * np.log1p((T - t_x) / (self.alpha + t_x))
        return np.where(x > 0, gone, -np.inf)

    def log_likelihood(self, x, t_x, T):
        here = gammaln(self.r + x) - gammaln(self.r) - self.r * np.log1p(T / self.alpha)
        here = here - x * np.log(self.alpha + T) - x * np.logaddexp(0, self.leaving)
        return here + np.logaddexp(0, self._log_odds(x, t_x, T))

    def p_alive(self, x, t_x, T):
        return expit(-self._log_odds(x, t_x, T))

    def given_alive(self, x, T):
        return Alike(self.r + x, self.alpha + T, self.leaving)

    def pmf(self, n, t):
        share, stays = np.divide(t, self.alpha + np.asarray(t, float)), expit(-self.leaving)
        orders = gammaln(self.r + n) - gammaln(self.r) - gammaln(n + 1.0)
        exactly = np.exp(orders - self.r * np.log1p(t / self.alpha)) * share**n
        left = betainc(np.maximum(n, 1), self.r, share) * stays ** np.maximum(n - 1, 0)
        return stays**n * exactly + np.where(n > 0, expit(self.leaving) * left, 0.0)

    def traits(self, shape, rng):
        rate = rng.gamma(self.r, 1.0, shape) / self.alpha
        after = rng.geometric(np.broadcast_to(expit(self.leaving), shape))
        return Traits(rate, after, np.full(shape, np.inf))


TRUTH = Alike(0.8, 6.0, -1.5)
# A BG/NBD whose Beta has hardly any spread is the same model.
SAME = pc.BGNBD(TRUTH.r, TRUTH.alpha, expit(-1.5) * 1e9, expit(1.5) * 1e9)
HISTORY = (np.array([0.0, 1, 3, 8]), np.array([0.0, 4, 20, 25]), np.full(4, 30.0))


@pytest.fixture(scope="module")
def rfm():
    rng = np.random.default_rng(3)
    days = rng.integers(100, 366, 1500)
    x, t_x = TRUTH.simulate(days / 7, rng)
    frame = pd.DataFrame({"customer_id": np.arange(days.size), "frequency": x})
    frame["recency"], frame["T"] = np.minimum(np.ceil(7 * t_x), days) / 7, days / 7
    return pc.RFM.from_frame(frame, unit="week")


@pytest.fixture(scope="module")
def fit(rfm):
    return pc.fit(Alike, rfm)


def test_the_page_is_the_limit_of_bgnbd():
    np.testing.assert_allclose(
        TRUTH.log_likelihood(*HISTORY), SAME.log_likelihood(*HISTORY), rtol=1e-6
    )
    np.testing.assert_allclose(TRUTH.p_alive(*HISTORY), SAME.p_alive(*HISTORY), rtol=1e-6)


@pytest.mark.parametrize("t", [3.0, 50.0])
def test_what_the_page_does_not_state_follows_from_its_pmf(t):
    own, same = TRUTH.future(*HISTORY), SAME.future(*HISTORY)
    for name, asked in {
        "expected_purchases": (t,),
        "discounted_purchases": (t, 0.01),
        "p_active": (t,),
        "p_at_least": (3, t),
    }.items():
        found, wanted = getattr(own, name)(*asked), getattr(same, name)(*asked)
        np.testing.assert_allclose(found, wanted, rtol=1e-6, err_msg=name)
    for n, (found, wanted) in enumerate(
        zip(own.p_at_least_each(t), same.p_at_least_each(t), strict=False), 1
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-12)
        if n == 30:
            break
    endless = own.discounted_purchases(np.inf, 0.05)
    np.testing.assert_allclose(endless, same.discounted_purchases(np.inf, 0.05), rtol=1e-6)


def test_it_is_fitted_by_maximum_likelihood_without_slopes_starts_or_coordinates(fit):
    assert fit.converged
    assert not fit.limits
    summary = fit.summary(0.99)
    for name, value in dataclasses.asdict(TRUTH).items():
        assert summary.loc[name, "lower"] < value < summary.loc[name, "upper"]
    assert fit.params["leaving"] < 0
    # The real-valued parameter's interval is symmetric around the estimate, a positive one's is not
    row = summary.loc["leaving"]
    assert row["upper"] - row["estimate"] == pytest.approx(row["estimate"] - row["lower"])
    assert row["std_error"] == pytest.approx(np.sqrt(fit.log_covariance[2, 2]))
    draws = fit.draws(4000, seed=1)
    assert np.std(draws["leaving"]) == pytest.approx(row["std_error"], rel=0.05)
    assert np.mean(draws["leaving"]) == pytest.approx(row["estimate"], abs=0.1 * row["std_error"])


def test_an_earlier_fit_is_a_start(rfm, fit):
    assert pc.fit(Alike, rfm, start=fit).params == pytest.approx(fit.params, rel=1e-7)


def test_it_is_bootstrapped(rfm, fit):
    boot = pc.fit(Alike, rfm, bootstrap=10, seed=1)
    assert boot.replicates.shape == (1, 10, 3)
    assert (boot.replicates[..., 2] < 0).all()
    spread = boot.summary()["std_error"] / fit.summary()["std_error"]
    assert spread.between(0.4, 2.5).all()  # ten draws


@pytest.mark.parametrize("method", ["map", "nuts"])
def test_it_has_a_posterior(rfm, fit, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pc.errors.SamplingWarning)  # so few draws are doubted
        found = pc.fit(
            Alike, rfm, "pymc", method=method, seed=1, draws=150, tune=200, chains=2, progress=False
        )
    # 1,500 customers outweigh the weak priors; 300 draws know a mean to a tenth of its error.
    off = found.summary()["estimate"] - fit.summary()["estimate"]
    assert (off.abs() < 0.4 * fit.summary()["std_error"]).all()
    built = found.pymc_model
    place = {built.rvs_to_values[built[name]].name: np.asarray(0.3) for name in found.params}
    expected, _ = found.source.density(np.full(3, 0.3))
    assert float(built.compile_logp(mode="FAST_COMPILE")(place)) == pytest.approx(expected)


def test_a_prior_of_the_wrong_kind_is_refused_by_name(rfm):
    from predclv.models.base import LogNormalPrior, NormalPrior

    with pytest.raises(pc.errors.OptionError, match=r"prior of leaving must be a NormalPrior"):
        pc.fit(Alike, rfm, "pymc", method="map", priors={"leaving": LogNormalPrior(1, 1)})
    tight = {"leaving": NormalPrior(1.0, 1e-4)}
    told = pc.fit(Alike, rfm, "pymc", method="map", priors=tight)
    assert told.params["leaving"] == pytest.approx(1.0, abs=1e-3)


def test_it_is_forecast_saved_and_loaded(rfm, fit, tmp_path):
    fitted = pc.CLVModel(purchases=Alike, spend=None).fit(rfm)
    forecast = fitted.forecast(horizon="20 weeks", discount_rate=0.1, seed=1)
    frame = forecast.frame
    history = [rfm.frame[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    expected = fit.model.expected_purchases_after(20.0, *history)
    np.testing.assert_allclose(frame["expected_purchases"], expected, rtol=1e-8)
    assert (frame["purchases_lower"] <= frame["purchases_upper"]).all()
    assert np.isfinite(forecast.total().to_numpy(float)).all()
    fitted.save(tmp_path / "toy")
    loaded = pc.load(tmp_path / "toy")
    assert isinstance(loaded.purchases.model, Alike)
    assert loaded.purchases.params == fitted.purchases.params
    again = loaded.forecast(horizon="20 weeks", discount_rate=0.1, seed=1, rfm=rfm)
    pd.testing.assert_frame_equal(again.frame, frame)
