"""From what a table says of customers to patterns: levels counted, rare ones gathered, bins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import (
    DataError,
    DataWarning,
    OptionError,
    ScaleWarning,
    did_you_mean,
    plainly,
    some,
)
from predclv.notices import counted, warn
from predclv.samples.design import OTHER
from predclv.samples.pattern_checks import follows_from
from predclv.samples.patterns import Patterns

RARE_SHARE, RARE_CUSTOMERS = 0.01, 100
"""A level is rare if it has fewer than this share of customers, and fewer than so many."""

MANY_PATTERNS = 5_000
"""From so many on, and a tenth of the customers, a warning says what patterns cost."""

_FEW = 5  # customers of whom each may well have a level to himself


@dataclass(frozen=True, slots=True, eq=False)
class CodingRules:
    """How columns become covariates; see `predclv.CovariateTable`."""

    rare: float | None = None
    bins: Mapping[str, int | list[float]] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def least(self, customers: int) -> float:
        """How many customers a level needs so as not to be rare."""
        if self.rare is None:
            return min(RARE_SHARE * customers, RARE_CUSTOMERS)
        return self.rare if self.rare >= 1 else self.rare * customers


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """The patterns among rows, and which of them each row is.

    Attributes
    ----------
    patterns : Patterns
    place : ndarray of int64, shape (n_rows,)
    counts : mapping
        customers_in_rare_levels.
    """

    patterns: Patterns
    place: NDArray
    counts: Mapping[str, int]


def coded(
    rows: pd.DataFrame,
    customers: NDArray,
    weight: NDArray,
    rules: CodingRules,
    what: str,
    tells: bool = True,
    n: int | None = None,
) -> Coded:
    """Number the patterns among rows of values.

    Parameters
    ----------
    rows : DataFrame, shape (n_rows, n_covariates)
        Distinct values, none missing: float64, or text where a column has levels.
    customers : ndarray of int64, shape (n_rows,)
        Customers who have them.
    weight : ndarray of int64, shape (n_rows,)
        What makes a level common: customers, or the days that they spent in it.
    rules : CodingRules
    what : str
        The table, for messages.
    tells : bool
        Whether to warn.
    n : int, optional
        Customers, where the same one is in several rows. Default: the sum of ``customers``.

    Raises
    ------
    DataError
        If a column identifies customers, or has a level that the rules do not know.
    """
    columns: dict[str, NDArray] = {}
    levels: dict[str, tuple[str, ...]] = {}
    n, in_rare = int(customers.sum()) if n is None else n, 0
    for name in map(str, rows):
        values = rows[name].to_numpy()
        is_number = pd.api.types.is_float_dtype(rows[name].dtype)
        if name in rules.bins:
            values = _binned(name, values, weight, rules.bins[name], is_number)
            is_number = values.dtype != object
        if not is_number:
            values, levels[name], gathered = _levelled(
                name, values, customers, weight, rules, what, tells, n
            )
            in_rare += gathered
        elif name in rules.levels:
            raise DataError(f"Column {name!r} of {what} holds numbers, and levels are wanted.")
        columns[name] = values
    frame = pd.DataFrame(columns)
    patterns, place = numbered(frame, levels)
    if tells:
        _warn_of_patterns(patterns, n, what)
    return Coded(patterns, place, {"customers_in_rare_levels": in_rare} if in_rare else {})


def numbered(
    frame: pd.DataFrame, levels: Mapping[str, tuple[str, ...]]
) -> tuple[Patterns, NDArray]:
    """Distinct rows in the order of their values, and the place of each row among them."""
    if not len(frame):
        return Patterns(frame, levels), np.empty(0, np.int64)
    names = list(frame)
    frame = frame.astype(dict.fromkeys(levels, "str"))
    code = frame.groupby(names, sort=True).ngroup().to_numpy(np.int64)
    distinct = frame.assign(__code=code).drop_duplicates("__code").sort_values("__code")
    return Patterns(distinct[names].reset_index(drop=True), levels), code


def ordered(values: NDArray, weight: NDArray) -> tuple[str, ...]:
    """Levels, the commonest first, equally common ones by name; what was gathered comes last."""
    of_level = pd.Series(weight).groupby(values).sum()
    found = sorted(of_level.index, key=lambda level: (level == OTHER, -of_level[level], level))
    return tuple(map(str, found))


def _levelled(
    name: str,
    values: NDArray,
    customers: NDArray,
    weight: NDArray,
    rules: CodingRules,
    what: str,
    tells: bool,
    n: int,
) -> tuple[NDArray, tuple[str, ...], int]:
    """Values with rare levels gathered, the levels, and customers in what was gathered."""
    of_level = pd.Series(customers).groupby(values).sum()
    if name in rules.levels:
        known = rules.levels[name]
        strange = sorted(set(of_level.index) - set(known))
        if strange and OTHER not in known:
            raise DataError(
                f"Column {name!r} of {what} has {counted(len(strange), 'level')} that is not among "
                f"those given ({some(map(repr, strange))}); they are {some(map(repr, known), 20)}. "
                f"Correct the table, or add {OTHER!r} to the levels for what is in none."
            )
        gathered = np.isin(values.astype(object), strange)
        return np.where(gathered, OTHER, values), known, int(customers[gathered].sum())
    if len(of_level) >= n > _FEW:
        raise DataError(
            f"Column {name!r} of {what} identifies customers: it has {len(of_level):,} levels for "
            f"{counted(n, 'customer')} (such as {some(map(repr, of_level.index), 3)}). Nothing can "
            "be learnt from it: leave it out with pc.CovariateTable(table, columns=[...])."
        )
    rare = of_level.index[of_level < rules.least(n)]
    gathered = np.isin(values.astype(object), list(rare))
    if len(rare) and tells:
        inside = of_level[rare].sort_values(ascending=False, kind="stable")
        warn(
            f"{counted(len(rare), 'level')} of column {name!r} of {what} "
            f"{'is' if len(rare) == 1 else 'are'} rare, with fewer than {rules.least(n):,.4g} of "
            f"{n:,} customers each, and {'was' if len(rare) == 1 else 'were'} taken together as "
            f"{OTHER!r}, {counted(int(inside.sum()), 'customer')}: "
            f"{some((f'{level!r} ({size:,})' for level, size in inside.items()), 5)}. Say "
            "pc.CovariateTable(table, rare=...) for another limit; rare=0 keeps all.",
            DataWarning,
        )
    values = np.where(gathered, OTHER, values)
    return values, ordered(values, weight), int(customers[gathered].sum())


def _binned(
    name: str, values: NDArray, weight: NDArray, bins: int | list[float], is_number: bool
) -> NDArray:
    """Numbers as the means of equally many customers, or as levels between limits."""
    if not is_number:
        raise OptionError(f"bins: column {name!r} holds text; only numbers are put into bins.")
    if not isinstance(bins, int):
        limits = [float(limit) for limit in bins]
        labels = [
            f"below {limits[0]:g}",
            *(f"{low:g} to {high:g}" for low, high in pairwise(limits)),
            f"{limits[-1]:g} or more",
        ]
        return np.array(labels, object)[np.searchsorted(limits, values, side="right")]
    distinct, code = np.unique(values, return_inverse=True)
    mass = np.bincount(code, weight, distinct.size)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    group = np.minimum((middle * bins).astype(np.int64), bins - 1)
    size = np.bincount(group, mass, bins)
    mean = np.bincount(group, mass * distinct, bins) / np.where(size > 0, size, 1.0)
    return mean[group][code]


def _warn_of_patterns(patterns: Patterns, customers: int, what: str) -> None:
    """Say what a fit cannot use, and what many patterns cost."""
    if not len(patterns):
        return
    constant = [name for name in patterns.names if patterns.frame[name].nunique() < 2]
    if constant:
        value = patterns.frame[constant[0]].iloc[0]
        warn(
            f"Column {some(map(repr, constant))} of {what} is the same for all "
            f"{counted(customers, 'customer')} ({plainly(value)}): no effect of it can be found. "
            "A fit that is asked for one fails.",
            DataWarning,
        )
    for name, others in follows_from(patterns, leave_out=constant).items():
        warn(
            f"Column {name!r} of {what} follows from {some(map(repr, others))}: whoever knows "
            "these knows it, so their effects cannot be told apart. Use one of them.",
            DataWarning,
        )
    if len(patterns) > max(MANY_PATTERNS, customers / 10):
        many = {name: patterns.frame[name].nunique() for name in patterns.names}
        worst = max(many, key=lambda name: many[name])
        advice = (
            f"pc.CovariateTable(table, bins={{{worst!r}: 20}})"
            if worst not in patterns.levels
            else f"fewer levels of {worst!r}"
        )
        warn(
            f"{what} makes {len(patterns):,} patterns of {counted(customers, 'customer')}, column "
            f"{worst!r} alone having {many[worst]:,} values. Histories are counted pattern by "
            "pattern, so that nearly every customer is a history of his own, and a fit takes as "
            f"long as without counting. Try {advice}.",
            ScaleWarning,
        )


def checked_rules(rare: object, bins: object, levels: object, columns: list[str]) -> CodingRules:
    """Rules whose values mean something.

    Raises
    ------
    OptionError
        If one means nothing, or is of a column that is not there.
    """
    for option, given in (("bins", bins), ("levels", levels)):
        if given is not None and not isinstance(given, Mapping):
            raise OptionError(f"{option} must be a mapping by column; got {given!r}.")
        for name in given or {}:
            if name not in columns:
                raise OptionError(
                    f"{option}: there is no column {name!r}; there are {some(columns, 20)}."
                    f"{did_you_mean(name, columns)}"
                )
    if rare is not None and (
        isinstance(rare, bool) or not isinstance(rare, int | float) or not 0 <= rare < np.inf
    ):
        raise OptionError(
            f"rare must be a share below 1, such as 0.01, or a number of customers; got {rare!r}."
        )
    return CodingRules(
        None if rare is None else float(rare),
        {name: _checked_bins(name, given) for name, given in dict(bins or {}).items()},  # type: ignore[call-overload]
        {name: tuple(map(str, given)) for name, given in dict(levels or {}).items()},  # type: ignore[call-overload]
    )


def _checked_bins(name: str, bins: object) -> int | list[float]:
    if isinstance(bins, int) and not isinstance(bins, bool) and bins > 1:
        return bins
    if not isinstance(bins, int | float | str | bytes) and bins is not None:
        try:
            limits = [float(limit) for limit in bins]  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            limits = []
        if limits and all(low < high for low, high in pairwise(limits)):
            return limits
    raise OptionError(
        f"bins[{name!r}] must be a whole number from 2 on, of bins with equally many customers, or "
        f"rising limits such as [25, 40, 60]; got {bins!r}."
    )
