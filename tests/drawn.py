"""Customers drawn from BG/NBD, in whole days, and the models of its family."""

import numpy as np
import pandas as pd

import predclv as pc

FAMILY = [pc.BGNBD, pc.MBGNBD, pc.ParetoNBD]


def simulated(n, seed, unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426):
    """A summary of customers drawn from BG/NBD, in whole days, with times told in `unit`."""
    rng = np.random.default_rng(seed)
    days = rng.integers(180, 366, n)
    x, t_x = pc.BGNBD(r, 7 * alpha, a, b).simulate(days, rng)
    frame = pd.DataFrame({"customer_id": np.arange(n), "frequency": x})
    per = pc.units.days_per(unit)
    frame["recency"], frame["T"] = np.minimum(np.ceil(t_x), days) / per, days / per
    return pc.RFM.from_frame(frame, unit=unit)
