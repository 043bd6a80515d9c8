"""Customers drawn and made by hand to be forecast, and forecasts without intervals."""

import warnings

import numpy as np
import pandas as pd

import predclv as pc

PURCHASES = ["customer_id", "p_alive", "p_active", "expected_purchases", "discounted_purchases"]
SPEND = ["expected_spend", "expected_revenue", "clv"]


def simulated(n=200, seed=7, purchases=None, spend=None, T=40.0):
    """A summary of customers drawn from the models, in weeks, as a frame."""
    rng = np.random.default_rng(seed)
    x, t_x = (purchases or pc.BGNBD(0.6, 5.0, 0.8, 2.4)).simulate(np.full(n, T), rng)
    g = spend or pc.GammaGamma(6.0, 4.0, 15.0)
    nu = rng.gamma(g.q, 1.0, n) / g.v
    total = rng.gamma(g.p * np.maximum(x, 1), 1.0) / nu
    mean = np.where(x > 0, total / np.maximum(x, 1), 0.0)
    return pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "frequency": x,
            "recency": t_x,
            "T": T,
            "monetary_value": mean,
        }
    )


def calibration():
    """CDNOW's log up to the end of the calibration period."""
    log = pc.datasets.load_cdnow()
    return log[log["date"] <= "1997-09-30"]


def quietly(function, *arguments, **options):
    """The answer without its warnings, where they are another test's matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def point(fitted, **options):
    """A forecast without intervals: most of these tests are not about them."""
    return fitted.forecast(level=None, **options)


def numbers(forecast):
    return forecast.frame.drop(columns="customer_id").to_numpy(float)


def steady(n=40, seed=1):
    """Customers who all buy at one rate and never leave: nothing for BG/NBD to tell apart."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(8.0, n) + 1
    return pd.DataFrame(
        {
            "customer_id": range(n),
            "frequency": x,
            "recency": 40.0 * x / (x + 0.5),
            "T": 40.0,
            "monetary_value": rng.gamma(5.0, 6.0, n),
        }
    )
