"""Campaigns, drivers and lookalikes on simulated shops whose truth is known.

    uv run python benchmarks/campaigns.py [campaigns] [redealt] [events] [traits] [RUNS]

Customers are simulated purchase by purchase, not by the package. A campaign makes the clock of the
treated run faster; where purchases are only brought forward, it runs slower afterwards by as much.
What it truly changes is the mean over a large population, in which everybody lives twice, once
treated and once not, with the same chance.
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import predclv as pc
from predclv.decisions import campaigns as of_campaigns
from predclv.decisions.adjusted import adjusted_difference
from predclv.decisions.campaign_numbers import Numbers, days_of, fitted_before, numbers_of
from predclv.decisions.campaign_remaining import Histories
from predclv.historical.intake import opened
from predclv.logs.options import LogOptions
from predclv.summaries.summarise import summary_of

RESULTS = Path(__file__).parent / "results"
R, ALPHA, A, B = 0.2426, 4.4136, 0.7929, 2.4259  # CDNOW's, in weeks
P, Q, V = 6.25, 3.74, 15.44
JOINING, START, LENGTH, AFTER, AHEAD = 12.0, 39.0, 4.0, 12.0, 52.0
ORIGIN = pd.Timestamp("2023-01-01")
SCENARIOS = {  # pace in the campaign, pace after it, weeks of that
    "no effect": (1.0, 1.0, 8.0),
    "purchases won": (1.8, 1.0, 8.0),
    "brought forward": (1.8, 0.6, 8.0),
}


class Shop:
    """Customers and all that they would ever buy, on their own clock."""

    def __init__(self, customers: int, rng: np.random.Generator, until: float = 170.0) -> None:
        self.n = customers
        self.born = rng.integers(0, int(7 * JOINING), customers) / 7
        rate, leaves = rng.gamma(R, 1 / ALPHA, customers), rng.beta(A, B, customers)
        self.nu = rng.gamma(Q, 1 / V, customers)
        owner, times = [np.arange(customers)], [np.zeros(customers)]
        now, active = np.zeros(customers), np.arange(customers)
        while active.size:
            now[active] += rng.exponential(1 / np.maximum(rate[active], 1e-12))
            active = active[now[active] + self.born[active] < until]
            owner.append(active.copy())
            times.append(now[active].copy())
            active = active[rng.random(active.size) >= leaves[active]]
        self.owner, clock = np.concatenate(owner), np.concatenate(times)
        self.at = self.born[self.owner] + clock
        self.amount = rng.gamma(P, size=self.owner.size) / self.nu[self.owner]
        self.amount = np.round(self.amount + 0.005, 2)

    def calendar(self, campaign: float, after: float, weeks: float, length: float) -> np.ndarray:
        """When each purchase comes, in weeks, if this customer is treated."""
        days = np.cumsum([START, length, weeks, 1e4])
        clock = np.cumsum([START, campaign * length, after * weeks, 1e4])
        return np.interp(self.at, np.r_[0.0, clock], np.r_[0.0, days])


def outcomes(shop: Shop, when: np.ndarray, length: float, after: float) -> dict[str, np.ndarray]:
    """What each customer does: {measure: (n,)}."""
    n, end, last = shop.n, START + length, START + length + after
    day = np.floor(when * 7)
    _, first = np.unique(np.column_stack([shop.owner, day]), axis=0, return_index=True)
    is_first = np.zeros(when.size, bool)
    is_first[first] = True  # purchases of one day are one purchase

    def added(mask, weight):
        return np.bincount(shop.owner[mask], weight[mask], n)

    inside = (day >= START * 7) & (day < end * 7)
    to_date = (day >= START * 7) & (day < last * 7)
    ahead = (when >= last) & (when < last + AHEAD)
    purchases = added(inside & is_first, np.ones(when.size))
    expected_amount = (P / shop.nu)[shop.owner]
    worth = expected_amount * 1.1 ** (-(when - last) * 7 / 365.25)
    so_far = added(to_date, shop.amount)
    remaining = added(ahead, worth)
    return {
        "purchases campaign": purchases,
        "revenue campaign": added(inside, shop.amount),
        "active campaign": (purchases > 0).astype(float),
        "purchases to date": added(to_date & is_first, np.ones(when.size)),
        "revenue to date": so_far,
        "value remaining": remaining,
        "value in all": so_far + remaining,
    }


def truth(scenario: str, length: float, after: float, seed: int = 7) -> dict[str, float]:
    """What the campaign changes on average: everybody lives twice."""
    sums: dict[str, float] = {}
    rng = np.random.default_rng(seed)
    for _ in range(4):
        shop = Shop(250_000, rng)
        control = outcomes(shop, shop.at, length, after)
        treated = outcomes(shop, shop.calendar(*SCENARIOS[scenario], length), length, after)
        for name, value in treated.items():
            sums[name] = sums.get(name, 0.0) + float((value - control[name]).mean()) / 4
    return sums


def campaign(
    scenario: str, customers: int, seed: int, length: float = LENGTH, after: float = AFTER, **more
):
    """A log and groups drawn by lot, and what the package says of them."""
    rng = np.random.default_rng(seed)
    shop = Shop(customers, rng)
    is_treated = rng.random(customers) < 0.5
    when = np.where(is_treated[shop.owner], shop.calendar(*SCENARIOS[scenario], length), shop.at)
    seen = when < START + length + after
    log = pd.DataFrame(
        {
            "customer_id": shop.owner[seen],
            "date": ORIGIN + pd.to_timedelta(np.floor(when[seen] * 7), unit="D"),
            "amount": shop.amount[seen],
        }
    )
    day = {
        name: ORIGIN + pd.Timedelta(days=round(7 * weeks) - less)
        for name, weeks, less in (
            ("start", START, 0), ("end", START + length, 1), ("seen", START + length + after, 1),
        )
    }  # fmt: skip
    return pc.campaign_effect(
        log,
        pd.Series(np.where(is_treated, "treated", "control"), index=range(customers)),
        day["start"],
        day["end"],
        observation_end=day["seen"],
        **more,
    )


def coverage(runs: int, customers: int = 2000) -> pd.DataFrame:
    """How often intervals hold the truth, and how often an effect is called one."""
    rows = []
    for number, scenario in enumerate(SCENARIOS):
        true = truth(scenario, LENGTH, AFTER)
        began = time.time()
        for run in range(runs):
            found = campaign(scenario, customers, 1_000_000 * (number + 1) + run)
            for _, row in found.frame.iterrows():
                name = f"{row['measure']} {row['window']}"
                if name in true:
                    rows.append(
                        {
                            "scenario": scenario,
                            "measure": name,
                            "truth": true[name],
                            "difference": row["difference"],
                            "held": row["lower"] <= true[name] <= row["upper"],
                            "plain_held": row["plain_lower"] <= true[name] <= row["plain_upper"],
                            "alarm_05": row["p_value"] < 0.05,
                            "variance_ratio": row["variance_ratio"],
                            "width": row["upper"] - row["lower"],
                        }
                    )
        print(f"{scenario}: {time.time() - began:.0f} s", flush=True)
    table = pd.DataFrame(rows)
    table = table.groupby(["scenario", "measure"], sort=False).agg(
        runs=("held", "size"),
        truth=("truth", "first"),
        mean_difference=("difference", "mean"),
        coverage_90=("held", "mean"),
        coverage_90_plain=("plain_held", "mean"),
        called_at_05=("alarm_05", "mean"),
        variance_ratio=("variance_ratio", "mean"),
        width=("width", "mean"),
    )
    return table.reset_index()


SHOPS = {"no effect": 80, "purchases won": 30, "brought forward": 30}
"""Shops whose lots are drawn anew; more where false alarms are counted."""


def redealt(
    deals: int = 25, customers: int = 2000, scenarios: tuple = tuple(SCENARIOS)
) -> pd.DataFrame:
    """The same over many more runs: everybody's two lives are known, and the lot is drawn anew.

    Forecast and log are made once per shop, so a run costs a fifth of `coverage`'s. The truth
    is that of the large population; of ``deals`` runs of a shop, those without effect are
    independent given the shop. ``error`` is the standard error of the coverage, from shop to shop.
    """
    rows = []
    for number, scenario in enumerate(SCENARIOS):
        if scenario not in scenarios:
            continue
        true, began = truth(scenario, LENGTH, AFTER), time.time()
        for run in range(SHOPS[scenario]):
            rng = np.random.default_rng(70_000_000 + 1_000_000 * number + run)
            for found in _lives(Shop(customers, rng), scenario, deals, rng):
                for name, one in found.items():
                    if name in true:
                        low, high = one.bounds(0.9)
                        off = abs(one.difference - true[name]) / max(one.error, 1e-300)
                        rows.append(
                            {
                                "scenario": scenario, "measure": name, "truth": true[name],
                                "shop": run, "difference": one.difference,
                                "held": low <= true[name] <= high,
                                "alarm": one.p_value < 0.05, "off": off**2,
                            }
                        )  # fmt: skip
        print(f"{scenario}: {time.time() - began:.0f} s", flush=True)
    rows, by = pd.DataFrame(rows), ["scenario", "measure"]
    table = rows.groupby(by, sort=False).agg(
        runs=("held", "size"), truth=("truth", "first"), mean_difference=("difference", "mean"),
        coverage_90=("held", "mean"), called_at_05=("alarm", "mean"),
        mean_square_of_t=("off", "mean"),
    )  # fmt: skip
    of_shops = rows.groupby([*by, "shop"], sort=False)["held"].mean().groupby(level=by, sort=False)
    table.insert(4, "error", of_shops.std() / np.sqrt(of_shops.size()))
    return table.reset_index()


def _lives(shop: Shop, scenario: str, deals: int, rng: np.random.Generator):
    """What the package says of each deal: {measure: Adjusted}."""
    lives, unit = [], "week"
    for when in (shop.at, shop.calendar(*SCENARIOS[scenario], LENGTH)):
        seen = when < START + LENGTH + AFTER
        lives.append(
            pd.DataFrame(
                {
                    "customer_id": shop.owner[seen],
                    "date": ORIGIN + pd.to_timedelta(np.floor(when[seen] * 7), unit="D"),
                    "amount": shop.amount[seen],
                }
            )
        )
    spans = ((START, 0), (START + LENGTH, 1), (START + LENGTH + AFTER, 1))
    start, end, last = (
        (ORIGIN + pd.Timedelta(days=round(7 * weeks) - less)).date() for weeks, less in spans
    )
    numbers = []
    for life in lives:
        log, observed = opened(life, LogOptions(), last)
        days = days_of(log, observed, start, end)
        rfm, _ = summary_of(log, days.before, unit)
        fitted = fitted_before(None, rfm, True)
        numbers.append(numbers_of(log, rfm, fitted, days, np.arange(len(rfm))))
    ahead = of_campaigns._ahead(fitted, rfm, numbers[0], days, "52 weeks", 0.1, 1.0)
    for _ in range(deals):
        lot = rng.random(len(rfm)) < 0.5
        frame = numbers[1].frame.where(pd.Series(lot), numbers[0].frame, axis="index")
        histories = Histories(
            *(np.where(lot, b, a) for a, b in zip(*(n.histories[:6] for n in numbers), strict=True))
        )
        mixed = Numbers(frame, numbers[0].forecast, histories, numbers[0].lengths)
        worth = of_campaigns._worth(mixed, 1.0, True)
        still, _ = of_campaigns._remaining(fitted, rfm, mixed, worth, lot, days, "52 weeks", 0.1)
        columns = of_campaigns._columns(mixed, still, ahead, 1.0, days, True)
        yield {" ".join(key): adjusted_difference(y, lot, z) for key, (y, z) in columns.items()}


def cuped(runs: int = 20, customers: int = 2000) -> pd.DataFrame:
    """The variance ratio over 26 weeks, and the same by an ordinary regression.

    Beside it the ceiling: by a forecast with the parameters that the shop was made with, which is
    the best that purchases before the start can tell; and that of CDNOW's own 26 weeks.
    """
    rows, true = [], pc.BGNBD(R, ALPHA, A, B)
    for run in range(runs):
        found = campaign("no effect", customers, 5_000_000 + run, length=26.0, after=0.0)
        for _, row in found.frame.iterrows():
            rows.append({"of": f"{row['measure']} {row['window']}", "ratio": row["variance_ratio"]})
        shop = Shop(customers, np.random.default_rng(5_000_000 + run))
        before = shop.at < START
        log = pd.DataFrame({"customer_id": shop.owner, "day": np.floor(shop.at * 7)})[before]
        days = log.drop_duplicates().groupby("customer_id")["day"]
        first, last = days.min(), days.max()
        x, born = (days.size() - 1).to_numpy(float), first.to_numpy()
        t_x, T = (last.to_numpy() - born) / 7, (7 * START - 1 - born) / 7
        came = outcomes(shop, shop.at, 26.0, 0.0)["purchases campaign"][first.index]
        best = np.corrcoef(came, true.expected_purchases_after(26.0, x, t_x, T))[0, 1]
        rows.append({"of": "purchases campaign, truth's own forecast", "ratio": 1 - best**2})
    log = pc.datasets.load_cdnow()
    for start, end in (("1997-10-01", "1998-03-31"), ("1997-12-31", "1998-06-30")):
        lot = {i: "treated" if i * 7919 % 2 else "control" for i in range(1, 2358)}
        found = pc.campaign_effect(log, lot, start, end, observation_end=end)
        for name in ("purchases", "revenue"):
            ratio = found.row(name)["variance_ratio"]
            rows.append({"of": f"{name}, CDNOW from {start}", "ratio": ratio})
    rng = np.random.default_rng(1)
    z, lot = rng.gamma(0.5, size=500), rng.random(500) < 0.4
    y = rng.poisson(z).astype(float)
    ours = adjusted_difference(y, lot, z).difference
    design = np.column_stack([np.ones(500), lot, z])
    theirs = np.linalg.solve(design.T @ design, design.T @ y)[1]
    print(f"CUPED {ours:.15g}, regression on group and covariate {theirs:.15g}")
    return pd.DataFrame(rows).groupby("of", sort=False)["ratio"].describe().reset_index()


def main(what: set[str], runs: int) -> None:
    RESULTS.mkdir(exist_ok=True)
    warnings.simplefilter("ignore", pc.errors.PredclvWarning)
    if "campaigns" in what:
        for name, table in (("cuped", cuped()), ("campaigns", coverage(runs))):
            print(table.to_string(float_format="{:.4g}".format), flush=True)
            table.to_csv(RESULTS / f"{name}.csv", index=False, float_format="%.5g")
    if "redealt" in what:
        table = redealt()
        print(table.to_string(float_format="{:.4g}".format), flush=True)
        table.to_csv(RESULTS / "campaigns_redealt.csv", index=False, float_format="%.5g")
    if "events" in what:
        from campaigns_events import coverage as of_events  # beside this file

        table = of_events(max(runs // 5, 2))
        print(table.to_string(float_format="{:.4g}".format), flush=True)
        table.to_csv(RESULTS / "campaigns_events.csv", index=False, float_format="%.5g")
    if "traits" in what:
        from campaigns_traits import traits_tables  # beside this file

        for name, table in traits_tables(max(runs // 25, 5)).items():
            print(table.to_string(float_format="{:.4g}".format), flush=True)
            table.to_csv(RESULTS / f"{name}.csv", index=False, float_format="%.5g")


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.isdigit()]
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(set(words) or {"campaigns", "traits"}, numbers[0] if numbers else 500)
