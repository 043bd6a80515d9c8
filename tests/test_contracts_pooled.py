"""Plans sampled together: the hierarchy finds what empirical Bayes finds, and its spread too."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::predclv.errors.SamplingWarning")
def test_the_hierarchy_agrees_with_empirical_bayes():
    rng, parts = np.random.default_rng(3), []
    for plan, (a, b, n) in {"a": (1, 5, 3000), "b": (0.8, 4, 900), "c": (1.0, 9, 30)}.items():
        made, _ = pc.ShiftedBetaGeometric(a, b).simulate(np.full(n, 8.0), rng)
        left = [int((made >= age).sum()) for age in range(9)]
        parts.append(pd.DataFrame({"plan": plan, "age": range(9), "customers": left}))
    renewals = pc.Renewals.from_cohorts(pd.concat(parts), cohort=None, by="plan")
    bayes = pc.ContractModel(by="plan", groups="pooled").fit(renewals)
    sampled = pc.ContractModel(
        by="plan", groups="pooled", engine="pymc", seed=1, draws=400, tune=600, chains=2
    ).fit(renewals)
    assert set(sampled.fits) == {"a", "b", "c"}
    for plan, found in sampled.fits.items():
        free = np.log(found.replicates).reshape(-1, 2)
        off = free.mean(axis=0) - np.log(list(bayes.fit_of(plan).params.values()))
        # A posterior's mean lies within one of its standard deviations of the mode given spreads.
        assert (np.abs(off) < free.std(axis=0)).all()
        assert found.method == "nuts"
    # That spreads are not known makes the small plan less certain.
    wide = np.log(sampled.fit_of("c").replicates).reshape(-1, 2).std(axis=0)
    assert (wide > np.sqrt(np.diag(bayes.fit_of("c").log_covariance))).all()
    total = sampled.forecast("5 years", seed=1).total()
    assert total["purchases_lower"] < total["purchases"] < total["purchases_upper"]
    with pytest.raises(pc.errors.OptionError, match="has no option 'bootstrap'"):
        pc.ContractModel(by="plan", groups="pooled", engine="pymc", bootstrap=3).fit(renewals)
