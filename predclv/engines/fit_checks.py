"""What a saved fit may hold, checked before anything of it is calculated with or shown."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.documents import clock_of
from predclv.clocks.recall import Recall
from predclv.errors import PredclvError, StoreError
from predclv.likelihoods.effects import Effects
from predclv.models.base import Model, Space
from predclv.units import DAYS

_DRAWN = ("bootstrap", "nuts", "advi")  # methods whose fit rests on replicates


def assert_document(document: Mapping[str, Any], names: tuple[str, ...], methods: Any) -> None:
    """A fit's document holds values of the right kind.

    Parameters
    ----------
    document : mapping
        What `Fit.document` gives.
    names : tuple of str
        The model's parameters.
    methods : collection of str
        The methods that are known.

    Raises
    ------
    StoreError
        If not; the message names the entry.
    """
    covariance = np.array(document["log_covariance"], dtype=float)
    checks = document["checks"]
    for entry, is_right in (
        ("params", _are_numbers(document["params"]) and set(document["params"]) == set(names)),
        ("engine", isinstance(document["engine"], str)),
        ("unit", isinstance(document["unit"], str) and document["unit"] in DAYS),
        ("n_customers", _is_number(document["n_customers"]) and document["n_customers"] >= 0),
        ("log_likelihood", _is_number(document["log_likelihood"])),
        ("converged", isinstance(document["converged"], bool)),
        (
            "log_covariance",
            covariance.shape == (len(names), len(names))
            and bool(np.isfinite(covariance).all() and (np.diag(covariance) >= 0).all()),
        ),
        ("undetermined", _are_texts(document["undetermined"])),
        ("limits", _are_texts(document["limits"])),
        (
            "checks",
            isinstance(checks, Mapping)
            and all(isinstance(v, Real) and not isinstance(v, bool) for v in checks.values()),
        ),
        ("first_scale", _is_number(scale := document.get("first_scale", 1.0)) and scale > 0),
        ("method", document.get("method", "asymptotic") in methods),
    ):
        if not is_right:
            raise StoreError(f"The fit's {entry} is impossible: {document.get(entry)!r:.200}.")


def read_clock(document: Mapping[str, Any]) -> Steady | Calendar | None:
    """The clock of a saved fit.

    Raises
    ------
    StoreError
        If it is none.
    """
    unit = document["unit"]
    if unit and unit not in DAYS:
        raise StoreError(f"The fit's unit is impossible: {unit!r:.200}.")
    try:
        return clock_of(document.get("clock"), unit)
    except (ValueError, PredclvError) as error:
        raise StoreError(f"The fit's clock is impossible: {error}.") from error


def read_recall(document: Mapping[str, Any]) -> Recall | None:
    """How a saved fit reads the past.

    Raises
    ------
    StoreError
        If that is impossible, or says other than the parameters.
    """
    said = document.get("recall")
    if said is None:
        return None
    try:
        found = Recall.of_document(said, document["unit"])
    except (ValueError, AttributeError) as error:
        raise StoreError(f"The fit's recall is impossible: {error}.") from error
    if any(document["params"].get(name) != value for name, value in found.params.items()):
        raise StoreError("The fit's recall and its parameters differ.")
    return found


def read_effects(document: Mapping[str, Any]) -> Effects | None:
    """The effects of covariates of a saved fit, all 0.

    Raises
    ------
    StoreError
        If they are none.
    """
    found = document.get("covariates")
    if found is None:
        return None
    try:
        return Effects.from_document(found)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise StoreError(f"The fit's covariates are impossible: {error!r}.") from error


def space_of(
    model: type[Model],
    clock: Steady | Calendar | None,
    recall: Recall | None,
    covariates: Effects | None,
) -> Space:
    """A fit's free parameters: of the model, of the clock, of the recall, of covariates."""
    space = model.space().and_numbers(clock.names if isinstance(clock, Calendar) else ())
    if recall is not None:
        space = space.and_more(recall.space)
    return space.and_numbers(() if covariates is None else covariates.names)


def replicates_table(replicates: NDArray, names: list[str]) -> pd.DataFrame:
    """Replicates, shape (chains, draws, k), as a table with columns chain, draw and parameters."""
    chains, draws, size = replicates.shape
    columns = {
        "chain": np.repeat(np.arange(chains), draws),
        "draw": np.tile(np.arange(draws), chains),
        **dict(zip(names, replicates.reshape(-1, size).T, strict=True)),
    }
    return pd.DataFrame(columns)


def replicates_of(frame: pd.DataFrame | None, space: Space, method: str) -> NDArray | None:
    """The replicates of a saved fit, shape (chains, draws, k), each finite, positive where it must.

    Raises
    ------
    StoreError
        If they are missing where the method has them, or impossible.
    """
    if frame is None:
        if method in _DRAWN:
            raise StoreError(f"The fit is by {method}, but its replicates are missing.")
        return None
    values = frame.sort_values(["chain", "draw"])[list(space.names)].to_numpy(float)
    if not len(values) or not space.holds(values):
        raise StoreError("The fit's replicates must be positive and finite; some are not.")
    per_chain = frame["chain"].value_counts()
    if per_chain.nunique() != 1 or frame.duplicated(["chain", "draw"]).any():
        raise StoreError("The fit's replicates are not the same number of draws in every chain.")
    return values.reshape(len(per_chain), -1, values.shape[1])


def _is_number(value: object) -> bool:
    return (
        isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(float(value)))
    )


def _are_numbers(values: object) -> bool:
    return isinstance(values, Mapping) and all(map(_is_number, values.values()))


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
