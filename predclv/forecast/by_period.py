"""A forecast by periods of its horizon: expectations and simulated totals of the base."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.members import Member, Members
from predclv.forecast.patterns import at_free, estimate_of
from predclv.forecast.simulation import drawn_purchases
from predclv.forecast.source import SUMS, Source
from predclv.forecast.totals import (
    NORMAL_DRAWS,
    STEP,
    each_future,
    expected_totals,
    moved,
    parameters_away,
)
from predclv.progress import stage
from predclv.streams import Stream, stream

_SAMPLE_FUTURES = 60


def sums_by_period(source: Source, shares: NDArray) -> dict[str, NDArray]:
    """Expected totals of each period, each of shape (periods,).

    Parameters
    ----------
    source : Source
    shares : ndarray, shape (periods,)
        Of the horizon, at the periods' ends; the last is 1.
    """
    ends = [dict((source if share == 1.0 else source.until(share)).sums()) for share in shares]
    return {
        name: np.diff([float(end[column]) for end in ends], prepend=0.0)
        for name, column in SUMS.items()
        if column in ends[-1]
    }


def simulated_by_period(
    members: Members,
    mean: NDArray | None,
    spend: Fit | None,
    seed: int,
    shares: NDArray,
    futures_wanted: int | None = None,
) -> dict[str, NDArray]:
    """Totals of each period in each future of `totals.simulated_totals`, (futures, periods).

    The draws are the same, purchase by purchase: the periods of a future add up to its total.
    """
    found: dict[str, list[NDArray]] = {}
    for member, spent, rng in each_future(members, spend, seed, futures_wanted, " by period"):
        for name, (_, period, values) in _future(member, spent, mean, shares, rng).items():
            found.setdefault(name, []).append(np.bincount(period, values, shares.size))
    return {name: np.array(values) for name, values in found.items()}


def _future(
    member: Member,
    spend: Any,
    mean: NDArray | None,
    shares: NDArray,
    rng: np.random.Generator,
) -> dict[str, tuple[NDArray, NDArray, NDArray]]:
    """Whose each purchase of a future is, in which period, and what it adds to each total."""
    ahead = member.ahead
    owner, when, discount, value = drawn_purchases(
        member.histories, member.model, spend, mean, ahead, rng
    )
    assert when is not None
    way = member.histories.way
    own = ahead.along(None if way is None else way[member.histories.cell_of_customer[owner]])
    period = own.period_of(when, shares)
    adds = {"purchases": np.ones(owner.size), "discounted_purchases": discount}
    if value is not None:
        adds |= {"revenue": value, "worth": value * discount}
    return {name: (owner, period, values) for name, values in adds.items()}


def normal_by_period(
    members: Members,
    mean: NDArray | None,
    n_customers: int,
    expected: dict[str, NDArray],
    spend: Fit | None,
    seed: int,
    shares: NDArray,
) -> dict[str, NDArray]:
    """Draws of the totals of each period of a large base, (4000, periods), from a sample.

    As `totals.normal_totals`: chance is normal, with the covariance over periods of a customer's
    simulated futures; the parameters shift purchases of each period, and what they spend, by how
    the sample's expectations change with them. Shifts of discounts within a period are left out.

    Parameters
    ----------
    members : Members
        Of the sample.
    expected : dict
        The base's expected totals of each period, shape (periods,) each; clv is without margin.
    """
    rng = stream(seed, Stream.TOTALS)
    sampled = members.histories.cell_of_customer.size
    with stage(f"Simulating a sample of {sampled:,} customers by period"):
        spend_model = None if spend is None else estimate_of(spend, members.patterns)
        chance = _covariances(members.estimate, mean, spend_model, shares, rng)
        of_purchases, of_spend = _shifts(members, mean, spend, shares, rng)
    totals = {}
    for name, values in expected.items():
        shift = of_purchases + (of_spend[:, None] if name in ("revenue", "worth") else 0.0)
        noise = rng.multivariate_normal(
            np.zeros(shares.size), n_customers * chance[name], NORMAL_DRAWS, method="eigh"
        )
        totals[name] = np.maximum(values * np.exp(shift) + noise, 0.0)
    return totals


def _covariances(
    member: Member, mean: NDArray | None, spend: Any, shares: NDArray, rng: Any
) -> dict[str, NDArray]:
    """Covariance of one customer's periods, averaged over customers, (periods, periods) each."""
    n, periods = member.histories.cell_of_customer.size, shares.size
    sums: dict[str, NDArray] = {}
    squares: dict[str, NDArray] = {}
    for _ in range(_SAMPLE_FUTURES):
        for name, (owner, period, values) in _future(member, spend, mean, shares, rng).items():
            run = np.bincount(owner * periods + period, values, n * periods).reshape(n, periods)
            sums[name] = sums.get(name, 0.0) + run
            squares[name] = squares.get(name, 0.0) + run.T @ run
    return {
        name: (squares[name] - sums[name].T @ sums[name] / _SAMPLE_FUTURES)
        / ((_SAMPLE_FUTURES - 1) * n)
        for name in sums
    }


def _shifts(
    members: Members, mean: NDArray | None, spend: Fit | None, shares: NDArray, rng: Any
) -> tuple[NDArray, NDArray]:
    """How far, in logs, drawn parameters shift purchases (draws, periods) and spend (draws,)."""
    at, away = parameters_away(members.fit, rng)
    of_purchases = np.zeros((NORMAL_DRAWS, shares.size))
    for i in range(at.size):
        above, below = (_expected(members.at(m), shares) for m in moved(at, i))
        of_purchases += np.outer(away[:, i], (np.log(above) - np.log(below)) / (2 * STEP))
    of_spend = np.zeros(NORMAL_DRAWS)
    if spend is not None:
        at, away = parameters_away(spend, rng)
        for i in range(at.size):
            above, below = (
                np.log(
                    expected_totals(members.estimate, mean, at_free(spend, m, members.patterns))[
                        "revenue"
                    ]
                )
                for m in moved(at, i)
            )
            of_spend += away[:, i] * (above - below) / (2 * STEP)
    return of_purchases, of_spend


def _expected(member: Member, shares: NDArray) -> NDArray:
    """The sample's expected purchases in each period, shape (periods,)."""
    histories = member.histories
    weight = np.bincount(histories.cell_of_customer, minlength=histories.n_cells)
    ends = np.zeros(shares.size)
    for cells, piece in histories.parts(1):
        times = member.ahead.along(piece.state_way).times_at(shares)
        for chance, living in piece.stages(member.model):
            for k, t in enumerate(times):
                ends[k] += weight[cells] @ piece.averaged(chance, living.expected_purchases(t))
    return np.array([later - sooner for sooner, later in pairwise([0.0, *ends])])
