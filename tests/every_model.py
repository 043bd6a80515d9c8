"""Every model, and the customers to ask about: what identities are tried on."""

import numpy as np
import pytest

import predclv as pc
from predclv.models.purchases import PurchaseModel

# Rows per model: the CDNOW fit, and corners.
PURCHASE_MODELS = [
    pytest.param(pc.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), id="BG/NBD"),
    pytest.param(pc.BGNBD(r=2.0, alpha=9.0, a=1.0, b=0.5), id="BG/NBD, a = 1"),
    pytest.param(pc.BGNBD(r=0.7, alpha=3.0, a=0.2, b=0.3), id="BG/NBD, a + b < 1"),
    pytest.param(pc.BGNBD(r=5.0, alpha=40.0, a=3.0, b=30.0), id="BG/NBD, few leave"),
    pytest.param(pc.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614), id="MBG/NBD"),
    pytest.param(pc.MBGNBD(r=2.0, alpha=9.0, a=1.0, b=0.5), id="MBG/NBD, a = 1"),
    pytest.param(pc.ParetoNBD(r=0.553, alpha=10.58, s=0.606, beta=11.67), id="Pareto/NBD"),
    pytest.param(pc.ParetoNBD(r=2.0, alpha=9.0, s=1.0, beta=40.0), id="Pareto/NBD, s = 1"),
    pytest.param(pc.ParetoNBD(r=0.7, alpha=60.0, s=0.2, beta=1.5), id="Pareto/NBD, small beta"),
]
SPEND_MODELS = [
    pytest.param(pc.GammaGamma(p=6.25, q=3.74, v=15.44), id="Gamma-Gamma"),
    pytest.param(pc.GammaGamma(p=0.8, q=2.5, v=30.0), id="Gamma-Gamma, uneven spend"),
]
every_purchase_model = pytest.mark.parametrize("model", PURCHASE_MODELS)
every_spend_model = pytest.mark.parametrize("model", SPEND_MODELS)
every_model = pytest.mark.parametrize("model", [*PURCHASE_MODELS, *SPEND_MODELS])

# Customers to ask about: never back, once, often, just now, long ago.
X = np.array([0.0, 1.0, 2.0, 7.0, 3.0, 25.0])
T_X = np.array([0.0, 5.0, 30.43, 29.43, 38.0, 20.0])
T = np.array([38.86, 38.86, 38.86, 38.86, 38.0, 39.0])
HISTORY = (X, T_X, T)
HORIZON = 26.0


def parameters(model) -> dict[str, float]:
    return {name: getattr(model, name) for name in model.names()}


def cells(model, n: int, seed: int):
    """Arrays that a model's objective is a sum over, simulated from it."""
    rng = np.random.default_rng(seed)
    if isinstance(model, PurchaseModel):
        length = rng.integers(189, 273, n) / 7
        x, t_x = model.simulate(length, rng)
        return x.astype(float), np.round(7 * t_x) / 7, length, np.ones(n)
    x = 1.0 + rng.poisson(2.0, n)
    rate = rng.gamma(model.q, 1.0, n) / model.v
    return x, rng.gamma(model.p * x) / rate / x, np.ones(n)
