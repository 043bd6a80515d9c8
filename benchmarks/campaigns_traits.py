"""Drivers and lookalikes on simulated shops: of traits whose truth is known, and of none.

Run by campaigns.py. What a trait does is to multiply the rate of purchases; spend is by chance.
"""

import numpy as np
import pandas as pd

import predclv as pc

R, ALPHA, A, B = 0.8, 10.0, 0.7, 2.5
P, Q, V = 6.25, 3.74, 15.44
WEEKS = 52.0
CHANNEL = {"friends": 2.2, "search": 1.0, "coupons": 0.5}
TRUE = ("channel", "age")


def people(n: int, rng: np.random.Generator, matters: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """Traits and what they truly multiply the rate by, of mean 1."""
    table = pd.DataFrame(
        {
            "channel": rng.choice(list(CHANNEL), n, p=[0.25, 0.5, 0.25]),
            "age": rng.integers(18, 80, n),
            "sex": rng.choice(["f", "m"], n),
            "region": rng.choice([f"region {i}" for i in range(8)], n),
            "wealth": rng.choice(["mass", "affluent", "high net worth"], n, p=[0.5, 0.25, 0.25]),
            "distance": rng.gamma(2.0, 10.0, n).round(1),
        }
    )
    times = table["channel"].map(CHANNEL).to_numpy() * np.exp(0.02 * (table["age"] - 48))
    return table, (times / times.mean()).to_numpy() if matters else np.ones(n)


def lives(times: np.ndarray, length: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Histories, purchase by purchase, in whole days, and what was spent."""
    n = times.size
    rate, leaves = times * rng.gamma(R, 1 / ALPHA, n), rng.beta(A, B, n)
    nu = rng.gamma(Q, 1 / V, n)
    x, t_x, now, spent = (np.zeros(n) for _ in range(4))
    active = np.arange(n)
    while active.size:
        now[active] += rng.exponential(1 / np.maximum(rate[active], 1e-12))
        active = active[now[active] < length[active]]
        is_new = np.floor(7 * now[active]) > np.floor(7 * t_x[active])
        spent[active] += rng.gamma(P, size=active.size) / nu[active]
        x[active] += is_new
        t_x[active] = now[active]
        active = active[rng.random(active.size) >= leaves[active]]
    mean = np.divide(spent, x, out=np.zeros(n), where=x > 0)
    return pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "frequency": x,
            "recency": np.where(x > 0, np.floor(7 * t_x) / 7, 0.0),
            "T": length,
            "monetary_value": mean,
        }
    )


def one(n: int, seed: int, matters: bool) -> dict[str, float]:
    """What the package says of a shop, beside the truth."""
    rng = np.random.default_rng(seed)
    table, times = people(n, rng, matters)
    frame = lives(times, rng.integers(140, int(7 * WEEKS), n) / 7, rng)
    frame.loc[frame["frequency"].eq(0), "recency"] = 0.0
    fitted = pc.CLVModel().fit(pc.RFM.from_frame(frame, unit="week"))
    forecast = fitted.forecast("52 weeks", discount_rate=0.0, level=None, seed=0)
    known = table.assign(customer_id=np.arange(n))
    found = pc.drivers(forecast, known)
    first = list(found.importance["trait"][: len(TRUE)])
    real = found.frame[found.frame["verdict"].str.contains("best")]
    noise = found.frame[~found.frame["trait"].isin(TRUE)] if matters else found.frame
    value = forecast.frame["clv"].to_numpy()
    like = pc.lookalike(forecast, known)
    others, their_times = people(10_000, rng, matters)
    scored = like.score(others)

    def gain(by: np.ndarray) -> float:
        best = np.argsort(-by, kind="stable")[: by.size // 5]
        return float(worth[best].mean() / worth.mean())

    # What they bring in a year in truth, the first order included: by a year of ten lives each.
    years = np.full(their_times.size, WEEKS)
    bought = np.mean([lives(their_times, years, rng)["frequency"] for _ in range(10)], axis=0)
    worth = 1.0 + bought
    bands = scored.assign(worth=worth * fitted.spend.model.mean).groupby("first_year_value")
    told = bands.agg(
        lower=("first_year_lower", "first"),
        upper=("first_year_upper", "first"),
        came=("worth", "mean"),
    )
    held = told["came"].between(told["lower"], told["upper"])
    return {
        "first_is_true": float(first[0] in TRUE),
        "true_traits_first": float(set(first) == set(TRUE)),
        "real_levels": float(len(real)),
        "any_noise_called_real": float(noise["verdict"].str.contains("best").any()),
        "noise_lift_mean": float(noise["lift"].mean()),
        "explained": found.explained,
        "explained_by_truth": float(np.corrcoef(value, times)[0, 1] ** 2) if matters else 0.0,
        "says_nothing": float(found.explained_lower <= 0),
        "ranks": float(like.ranks),
        "gain_told": float(like.gains.loc[like.gains["share"].eq(0.2), "gain"].iloc[0]),
        "gain_of_prospects": gain(scored["score"].to_numpy() + 1e-9 * rng.random(len(scored))),
        "gain_of_truth": gain(their_times + 1e-9 * rng.random(len(scored))),
        "bands": float(len(told)),
        "bands_held_90": float(held.mean()),
    }


def traits_tables(runs: int, customers: int = 6000) -> dict[str, pd.DataFrame]:
    """Means over runs, where traits matter and where they do not."""
    rows = []
    for name, matters in (("traits matter", True), ("traits mean nothing", False)):
        found = pd.DataFrame([one(customers, 100 + run, matters) for run in range(runs)])
        rows.append(pd.DataFrame({"shop": name, "runs": runs, **found.mean().to_dict()}, index=[0]))
    return {"campaigns_traits": pd.concat(rows, ignore_index=True).T.reset_index()}
