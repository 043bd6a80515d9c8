"""A known clock found again: ``uv run python benchmarks/clock_recovery.py [shops] [customers]``.

Simulates shops whose MBG/NBD customers buy by a clock with season, trend, weekdays and two events,
on whole days as a log has them. Model and clock are fitted together by L-BFGS on NumPy alone, with
slopes through the clock; the likelihood's curvature gives 90% intervals, and the table counts how
often they hold the truth. Beside them stands what the model finds on a steady clock.

A log counts several purchases on a day as one, which no model of this kind knows: busy days lose
most, so effects come out about 2% small. So the table has two halves, with such purchases as one
and as many: the first is what a log shows, the second whether the clock is right. Writes
``benchmarks/results/clock_recovery.csv``.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

import predclv as pc
from predclv.clocks.calendar import Calendar
from predclv.clocks.recipe import Clock
from predclv.clocks.terms import as_reported
from predclv.samples.exposures import CalendarExposure

FIRST, LAST = 18_262, 19_144  # 2020-01-01 to 2022-06-01: two and a half years
TRUTH = pc.MBGNBD(r=0.8, alpha=12.0, a=0.6, b=3.0)
EVENTS = pd.DataFrame(
    {
        "name": ["sale", "sale", "sale", "Black Friday", "Black Friday"],
        "start": ["2020-07-01", "2021-01-02", "2021-07-01", "2020-11-27", "2021-11-26"],
        "end": ["2020-07-14", "2021-01-16", "2021-07-14", "2020-11-30", "2021-11-29"],
    }
)
RECIPE = Clock(season=1, trend="damped", weekday=True, events=EVENTS)
EFFECTS = np.array([0.3, -0.4, 0.25, 0.1, 0.1, 0.1, 0.15, 0.25, -0.3, -0.4, 0.5, 1.0])


@dataclass(frozen=True)
class Shop:
    """Customers in whole days, and repeat purchases per day."""

    x: NDArray
    recency: NDArray
    age: NDArray
    weight: NDArray
    exposure: CalendarExposure


def shop(
    truth: pc.MBGNBD,
    clock: Calendar,
    customers: int,
    same_day_is_one: bool,
    rng: np.random.Generator,
) -> Shop:
    """Customers who come on any day but the last 30, and buy by the clock until they leave."""
    n_days = clock.n_days
    until = clock.elapsed(FIRST, np.arange(FIRST, LAST + 1))
    born = rng.integers(0, n_days - 30, customers)
    traits = truth.traits((customers,), rng)
    time, latest, x = until[born], born.copy(), np.zeros(customers)
    purchases = np.zeros(n_days)
    here, bought = np.arange(customers), 0
    while here.size:
        here = here[bought < traits.leaves_after[here]]
        bought += 1
        time[here] += rng.exponential(size=here.size) / traits.rate[here]
        here = here[time[here] <= until[-1]]
        day = np.searchsorted(until, time[here])
        new = day > latest[here] if same_day_is_one else day > 0
        latest[here] = day
        x[here[new]] += 1
        np.add.at(purchases, day[new] - 1, 1)
    cells, weight = np.unique(
        np.column_stack([x, latest - born, n_days - born]).astype(np.int64),
        axis=0,
        return_counts=True,
    )
    x, recency, age = cells.T
    exposure = CalendarExposure.of(recency, age, LAST, FIRST, purchases, clock.unit)
    return Shop(x.astype(float), recency, age, weight.astype(float), exposure)


Objective = Callable[[NDArray], tuple[float, NDArray]]


def objective(clock: Calendar, data: Shop) -> Objective:
    """Minus the log-likelihood and log prior per customer, and slopes, at log r, ..., effects."""
    customers, spread = data.weight.sum(), clock.spread

    def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
        parameters, effects = np.exp(free[:4]), free[4:]
        log_rate = clock.observed_log_rate(effects)
        rate = np.exp(log_rate)
        found = pc.MBGNBD(*parameters.tolist()).slopes(
            data.x, *data.exposure.elapsed(rate), data.weight
        )
        purchases = data.exposure.purchases
        by_log_rate = rate * data.exposure.pulled(found.by_t_x, found.by_T) + purchases
        by_effect = clock.slopes(by_log_rate, log_rate) - effects / spread**2
        value = found.value + purchases @ log_rate - 0.5 * np.sum((effects / spread) ** 2)
        slope = np.concatenate([found.by_parameter * parameters, by_effect])
        return -value / customers, -slope / customers

    return value_and_slope


def fitted(clock: Calendar, data: Shop) -> tuple[NDArray, NDArray, float, int]:
    """Free parameters and effects as reported, their covariance, the maximum, and evaluations."""
    function = objective(clock, data)
    start = np.concatenate([np.log([1.0, 10.0, 1.0, 3.0]), np.zeros(len(clock.names))])
    found = minimize(
        function, start, jac=True, method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-8, "maxiter": 2_000, "maxcor": 30},
    )  # fmt: skip
    steps = 1e-4 * np.eye(start.size)
    curvature = np.array(
        [(function(found.x + step)[1] - function(found.x - step)[1]) / 2e-4 for step in steps]
    )
    customers = data.weight.sum()
    covariance = np.linalg.inv((curvature + curvature.T) / 2 * customers)
    report = np.eye(start.size)
    report[4:, 4:] = as_reported(clock.terms)
    return report @ found.x, report @ covariance @ report.T, -found.fun * customers, found.nfev


def recovered(shops: int, customers: int, same_day_is_one: bool, seed: int = 20261) -> pd.DataFrame:
    """How often the 90% intervals hold the truth, one row per parameter and effect."""
    rng = np.random.default_rng(seed)
    clock = RECIPE.calendar("week", FIRST, LAST)
    steady = Clock(season=0).calendar("week", FIRST, LAST)
    names = (*pc.MBGNBD.names(), *clock.names)
    true = np.concatenate([np.log([TRUTH.r, TRUTH.alpha, TRUTH.a, TRUTH.b]), EFFECTS])
    estimates, errors, without, gains = [], [], [], []
    seconds, evaluations = 0.0, 0
    for _ in range(shops):
        data = shop(TRUTH, clock.at(EFFECTS), customers, same_day_is_one, rng)
        began = perf_counter()
        estimate, covariance, value, n = fitted(clock, data)
        seconds, evaluations = seconds + perf_counter() - began, evaluations + n
        plain, _, plain_value, _ = fitted(steady, data)
        estimates.append(estimate)
        errors.append(np.sqrt(np.diag(covariance)))
        without.append(np.concatenate([plain, np.full(len(clock.names), np.nan)]))
        gains.append(value - plain_value)
    z = (np.array(estimates) - true) / np.array(errors)
    return pd.DataFrame(
        {
            "parameter": [f"log {name}" if i < 4 else name for i, name in enumerate(names)],
            "truth": true,
            "mean_estimate": np.mean(estimates, axis=0),
            "mean_standard_error": np.mean(errors, axis=0),
            "covered": np.mean(np.abs(z) < 1.6449, axis=0),
            "mean_on_steady_clock": np.mean(without, axis=0),
            "same_day_is_one": same_day_is_one,
            "shops": shops,
            "customers": customers,
            "log_likelihood_gained": np.mean(gains),
            "seconds_per_fit": seconds / shops,
            "evaluations_per_fit": evaluations / shops,
        }
    )


def main() -> None:
    shops = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    customers = int(sys.argv[2]) if len(sys.argv) > 2 else 4_000
    tables = [recovered(shops, customers, same_day_is_one) for same_day_is_one in (True, False)]
    table = pd.concat(tables, ignore_index=True).round(5)
    table.to_csv(Path(__file__).parent / "results" / "clock_recovery.csv", index=False)
    for half in tables:
        print(half.iloc[:, :6].round(4).to_string(index=False))
        print(half.iloc[0, 6:].to_string())
        print("covered, all together:", round(half["covered"].mean(), 4), end="\n\n")


if __name__ == "__main__":
    main()
