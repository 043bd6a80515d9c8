"""Campaigns that everybody got at once, against the clock: part ``events`` of campaigns.py.

Shops without a season are nine months old at the start and told so (``season=0``); shops with one,
of a fifth up and down, are two years and a half old, and their season is to be found.
"""

import time

import numpy as np
import pandas as pd
from campaigns import ORIGIN, SCENARIOS, Shop

import predclv as pc

LENGTH, AFTER = 4.0, 4.0  # weeks; as many after the campaign as it has are counted
SHOPS = {"no season": (39.0, 0.0, 0), "season": (130.0, 0.2, 1)}  # start, amplitude, harmonics


class Days:
    """The shop's own time at the end of each day, in weeks."""

    def __init__(self, amplitude: float, start: float, paces: tuple[float, float]) -> None:
        days = np.arange(0, 7 * 400)
        rate = np.exp(amplitude * np.sin(2 * np.pi * days / 365.2425))
        for first, pace, weeks in ((start, paces[0], LENGTH), (start + LENGTH, paces[1], 8.0)):
            rate[int(7 * first) : int(7 * (first + weeks))] *= pace
        self.ends = np.arange(0, 7 * 400 + 1) / 7
        self.until = np.concatenate([[0.0], np.cumsum(rate)]) / 7

    def when(self, shop: Shop) -> np.ndarray:
        """When each purchase comes, in weeks."""
        born = shop.born[shop.owner]
        passed = np.interp(born, self.ends, self.until) + shop.at - born
        return np.interp(passed, self.until, self.ends)


def _counts(shop: Shop, when: np.ndarray, start: float) -> dict[str, float]:
    """What customers did on average, by measure and window."""
    day = np.floor(when * 7)
    key = np.unique(np.column_stack([shop.owner, day]), axis=0, return_index=True)[1]
    is_first = np.zeros(when.size, bool)
    is_first[key] = True
    found = {}
    for name, length in (("campaign", LENGTH), ("to date", LENGTH + AFTER)):
        inside = (day >= 7 * start) & (day < 7 * (start + length))
        found[f"purchases {name}"] = (inside & is_first).sum() / shop.n
        found[f"revenue {name}"] = shop.amount[inside].sum() / shop.n
        if name == "campaign":
            found["active campaign"] = np.unique(shop.owner[inside]).size / shop.n
    return found


def _truth(kind: str, scenario: str) -> dict[str, float]:
    """What the campaign changes on average: everybody lives twice."""
    start, amplitude, _ = SHOPS[kind]
    rng, sums = np.random.default_rng(7), {}
    for _ in range(4):
        shop = Shop(250_000, rng, until=start + 30)
        for sign, paces in ((1, SCENARIOS[scenario][:2]), (-1, (1.0, 1.0))):
            for name, value in _counts(
                shop, Days(amplitude, start, paces).when(shop), start
            ).items():
                sums[name] = sums.get(name, 0.0) + sign * value / 4
    return sums


def coverage(runs: int, customers: int = 2000) -> pd.DataFrame:
    """How often intervals hold the truth, and how often an effect is called one."""
    rows = []
    for kind, (start, amplitude, harmonics) in SHOPS.items():
        for number, scenario in enumerate(SCENARIOS):
            true, began = _truth(kind, scenario), time.time()
            days = Days(amplitude, start, SCENARIOS[scenario][:2])
            for run in range(runs):
                rng = np.random.default_rng(80_000_000 + 1_000_000 * number + run)
                shop = Shop(customers * (2 if harmonics else 1), rng, until=start + 30)
                when = days.when(shop)
                seen = when < start + LENGTH + AFTER
                log = pd.DataFrame(
                    {
                        "customer_id": shop.owner[seen],
                        "date": ORIGIN + pd.to_timedelta(np.floor(when[seen] * 7), unit="D"),
                        "amount": shop.amount[seen],
                    }
                )
                day = [ORIGIN + pd.Timedelta(days=7 * w) for w in (start, start + LENGTH)]
                found = pc.campaign_effect(
                    log, None, day[0], day[1] - pd.Timedelta(days=1), assigned="everybody",
                    observation_end=day[1] + pd.Timedelta(days=27),
                    model=pc.CLVModel(clock=pc.Clock(season=harmonics)),
                )  # fmt: skip
                pace = found.pace["treated"].campaign
                for _, row in found.frame.iterrows():
                    name = f"{row['measure']} {row['window']}"
                    if name in true:
                        rows.append(
                            {
                                "shop": kind, "scenario": scenario, "measure": name,
                                "truth": true[name], "difference": row["difference"],
                                "held": row["lower"] <= true[name] <= row["upper"],
                                "alarm": row["p_value"] < 0.05,
                                "before": found.before["p_value"] < 0.05, "pace": pace,
                            }
                        )  # fmt: skip
            print(f"{kind}, {scenario}: {time.time() - began:.0f} s", flush=True)
    table = pd.DataFrame(rows).groupby(["shop", "scenario", "measure"], sort=False)
    table = table.agg(
        runs=("held", "size"), truth=("truth", "first"), mean_difference=("difference", "mean"),
        sd_difference=("difference", "std"), coverage_90=("held", "mean"),
        called_at_05=("alarm", "mean"), before_at_05=("before", "mean"), mean_pace=("pace", "mean"),
    )  # fmt: skip
    return table.reset_index()
