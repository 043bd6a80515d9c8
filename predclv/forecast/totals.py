"""Totals of a customer base: where they may fall."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.effects import draws_away
from predclv.engines.result import Fit
from predclv.forecast.draws import fixed_draws
from predclv.forecast.histories import Histories
from predclv.forecast.members import Member, Members
from predclv.forecast.patterns import at_free, estimate_of, model_for
from predclv.forecast.simulation import futures
from predclv.progress import progress, stage
from predclv.streams import Stream, stream

_WORK = 20_000_000  # customers x simulated futures behind the interval of a total
_MOST, _MOST_ENDLESS = 1000, 500  # a future without end takes longer
SIMULATED = 100_000
"""Bases up to here are simulated whole; of larger ones, a sample of this many."""

_FEWEST_DRAWS = 40  # of the parameters, behind the interval of a number of buyers
_EACH = 20_000  # histories up to which buyers are drawn for each
_SAMPLE_FUTURES = 20
"""Of 20,000 customers: the standard deviation of revenue is then known to 1.1%, and 2.6% is what
another sample of them would move it (CDNOW-like shops)."""
NORMAL_DRAWS = 4000
"""Draws of the total of a base too large to be simulated."""
STEP = 1e-3
"""Of log parameters, in a derivative."""


def simulated_totals(
    members: Members,
    mean: NDArray | None,
    spend: Fit | None,
    seed: int,
    futures_wanted: int | None = None,
) -> dict[str, NDArray]:
    """Totals over customers of `simulation.futures`, each of shape (futures,).

    In each future all customers share one draw of the parameters, and of the clock: what is not
    known of them does not average out over customers.
    """
    found: dict[str, list[float]] = {}
    for member, spent, rng in each_future(members, spend, seed, futures_wanted):
        future = futures(member.histories, member.model, spent, mean, member.ahead, rng)
        for name, values in future.items():
            found.setdefault(name, []).append(float(values.sum()))
    return {name: np.array(values) for name, values in found.items()}


def each_future(
    members: Members, spend: Fit | None, seed: int, wanted: int | None, how: str = ""
) -> Iterator[tuple[Member, Any, np.random.Generator]]:
    """Member and model of spend of each future to simulate, and what draws the rest of it."""
    rng = stream(seed, Stream.TOTALS)
    customers = members.histories.cell_of_customer.size
    n = wanted or futures_of(customers, members.ahead.is_endless)
    drawn = members.drawn(n, rng)
    spends = [None] * n if spend is None else fixed_draws(spend, n, rng, members.patterns)
    with progress(f"Simulating {customers:,} customers{how}", n) as step:
        for i, (member, spent) in enumerate(zip(drawn, spends, strict=True)):
            step(f"future {i + 1} of {n}")
            yield member, spent, rng


def futures_of(customers: int, endless: bool) -> int:
    """How many futures of so many customers are simulated."""
    return int(min(_WORK // customers, _MOST_ENDLESS if endless else _MOST))


def simulated_buyers(members: Members, weight: NDArray, seed: int) -> NDArray:
    """Numbers of customers who buy at least once within the horizon, shape (futures,).

    Each future has a draw of the parameters that all customers share; given it, those of one
    history who buy are binomial.

    Parameters
    ----------
    members : Members
        Of the distinct histories.
    weight : ndarray of int64, shape (n_cells,)
        Customers of each.
    """
    rng = stream(seed, Stream.BUYERS)
    draws = int(np.clip(_WORK // members.histories.n_cells, _FEWEST_DRAWS, _MOST))
    futures_per_draw = -(-_MOST // draws)
    totals = []
    for member in members.drawn(draws, rng):
        histories = member.histories
        t = member.ahead.along(histories.state_way).t
        active = np.zeros(histories.n_cells)
        for chance, living in histories.stages(member.model):
            per_state = np.broadcast_to(living.p_active(t), histories.state_x.shape)
            active += chance[0] * np.take(per_state, histories.state_of_cell)
        p = np.clip(active, 0.0, 1.0)
        if weight.size > _EACH:  # a sum over so many histories is normal
            sd = np.sqrt(np.sum(weight * p * (1.0 - p)))
            totals.append(weight @ p + sd * rng.standard_normal(futures_per_draw))
        else:
            totals.append(rng.binomial(weight, p, (futures_per_draw, p.size)).sum(axis=1))
    return np.clip(np.concatenate(totals), 0.0, float(weight.sum()))


def normal_totals(
    members: Members,
    mean: NDArray | None,
    n_customers: int,
    expected: dict[str, float],
    spend: Fit | None,
    seed: int,
) -> dict[str, NDArray]:
    """Draws of the totals of a large base, each of shape (4000,), from a sample of its customers.

    Over so many customers chance is normal: its variance is that of simulated futures of the
    sample, scaled up. To it comes what is not known of the parameters, by how the expectations of
    the sample change with them.

    Parameters
    ----------
    members : Members
        Of the sample.
    mean : ndarray, shape (n_sampled,), or None
        Past mean spend of each.
    n_customers : int
        Of the whole base.
    expected : dict
        The base's expected totals of purchases, discounted_purchases, revenue and worth, as far
        as there are such.
    """
    everybody = [np.arange(members.histories.cell_of_customer.size)]
    return normal_totals_by(members, mean, everybody, [n_customers], [expected], spend, seed)[0]


def normal_totals_by(
    members: Members,
    mean: NDArray | None,
    parts: Sequence[NDArray],
    sizes: Sequence[int],
    expected: Sequence[Mapping[str, float]],
    spend: Fit | None,
    seed: int,
) -> list[dict[str, NDArray]]:
    """The same for groups of a base, each from customers of its own among one sample.

    Parameters
    ----------
    parts : sequence of ndarray of int
        Which of the sample stand for each group.
    sizes : sequence of int
        Customers of each group.
    expected : sequence of dict
        Expected totals of each group.
    """
    rng = stream(seed, Stream.TOTALS)
    sampled = members.histories.cell_of_customer.size
    with stage(f"Simulating a sample of {sampled:,} customers"):
        spend_model = None if spend is None else estimate_of(spend, members.patterns)
        chance = _chance(members.estimate, mean, spend_model, rng)
        shifts = _parameter_shifts(members, mean, spend, parts, rng)
    totals: list[dict[str, NDArray]] = []
    for part, size, values, shift in zip(parts, sizes, expected, shifts, strict=True):
        of_part = {}
        for name, value in values.items():
            variance = float(np.mean(chance[name][part]))
            noise = np.sqrt(size * variance) * rng.standard_normal(NORMAL_DRAWS)
            of_part[name] = np.maximum(value * np.exp(shift[name]) + noise, 0.0)
        totals.append(of_part)
    return totals


def _chance(
    member: Member, mean: NDArray | None, spend: Any, rng: np.random.Generator
) -> dict[str, NDArray]:
    """Variance of each customer's future around its expectation, each (n_sampled,)."""
    middle: dict[str, NDArray] = {}
    squares: dict[str, NDArray] = {}
    for run in range(1, _SAMPLE_FUTURES + 1):
        future = futures(member.histories, member.model, spend, mean, member.ahead, rng)
        for name, values in future.items():
            off = values - middle.setdefault(name, np.zeros(values.size))
            middle[name] += off / run
            squares[name] = squares.get(name, 0.0) + off * (values - middle[name])
    return {name: values / (_SAMPLE_FUTURES - 1) for name, values in squares.items()}


def _parameter_shifts(
    members: Members,
    mean: NDArray | None,
    spend: Fit | None,
    parts: Sequence[NDArray],
    rng: np.random.Generator,
) -> list[dict[str, NDArray]]:
    """By part how far, in logs, its expected totals lie from those at the estimate, (draws,)."""
    shifts: list[dict[str, NDArray]] = [{} for _ in parts]
    estimate = _purchases_expected(members.estimate)
    each = None if spend is None else estimate_of(spend, members.patterns)
    for fit in [members.fit] if spend is None else [members.fit, spend]:
        at, away = parameters_away(fit, rng)
        for i in range(at.size):
            ends = []
            for free in moved(at, i):
                bought, spent = estimate, each
                if fit is spend:
                    spent = at_free(fit, free, members.patterns)
                else:
                    bought = _purchases_expected(members.at(free))
                ends.append(_with_spend(bought, members.histories, mean, spent))
            for shift, part in zip(shifts, parts, strict=True):
                for name, above in ends[0].items():
                    below = ends[1][name][part].sum()
                    slope = np.log(above[part].sum() / below) / (2 * STEP)
                    shift[name] = shift.get(name, 0.0) + slope * away[:, i]
    return shifts


def parameters_away(fit: Fit, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Free parameters at the estimate, (k,), and how far draws are from them, (4000, k)."""
    return draws_away(fit, NORMAL_DRAWS, int(rng.integers(1 << 62)))


def moved(at: NDArray, i: int) -> tuple[NDArray, NDArray]:
    """Free parameters a step above and below in the i-th."""
    step = np.zeros(at.size)
    step[i] = STEP
    return at + step, at - step


def expected_totals(member: Member, mean: NDArray | None, spend: Any) -> dict[str, float]:
    """The sample's expected totals at parameters that are numbers."""
    found = _with_spend(_purchases_expected(member), member.histories, mean, spend)
    return {name: float(values.sum()) for name, values in found.items()}


def _purchases_expected(member: Member) -> dict[str, NDArray]:
    """Purchases and discounted purchases expected of each customer, each (n_sampled,)."""
    histories = member.histories.occupied()  # of a sample, a few of the base's
    found = histories.expectations(
        member.model, member.ahead, undiscounted=not member.ahead.is_endless
    )
    return {
        name.removeprefix("expected_"): values[histories.cell_of_customer]
        for name, values in found.items()
        if name.endswith("purchases")
    }


def _with_spend(
    bought: dict[str, NDArray], histories: Histories, mean: NDArray | None, spend: Any
) -> dict[str, NDArray]:
    """The same with revenue and worth, where past mean spends are known."""
    if mean is None:
        return bought
    cell = histories.cell_of_customer
    known = None if histories.pattern is None else histories.pattern[cell]
    each = model_for(spend, known).expected_spend(histories.x[cell], mean)
    each = np.where(np.isfinite(each), each, 0.0)
    names = {"purchases": "revenue", "discounted_purchases": "worth"}
    return bought | {names[name]: values * each for name, values in bought.items()}
