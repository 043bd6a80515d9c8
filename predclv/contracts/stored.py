"""Fitted contracts as a document and tables, for files, and back."""

import datetime
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from predclv.contracts.intake import KeptSubscribers
from predclv.contracts.opportunities import STATE, Opportunities, Takers
from predclv.contracts.recipe import ContractModel
from predclv.contracts.renewals import Renewals
from predclv.engines.result import Fit
from predclv.errors import StoreError
from predclv.samples.pattern_facts import number_in
from predclv.samples.patterns import Patterns

if TYPE_CHECKING:
    from predclv.contracts.fitted import FittedContracts


def document_of(
    fitted: "FittedContracts", customers: bool
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """What a folder holds of fitted contracts."""
    recipe, sample = fitted.recipe, fitted.renewals
    price = recipe.price
    content = {
        "recipe": {
            "model": recipe.model.__name__,
            "price": list(map(list, price.items())) if isinstance(price, Mapping) else price,
            "by": recipe.by, "groups": recipe.groups, "spread": recipe.spread,
            "engine": recipe.engine,
            "covariates": None if recipe.covariates is None else _listed(recipe.covariates),
            "engine_options": {k: v for k, v in recipe.engine_options.items() if _is_plain(v)},
        },
        "sample": {
            "kind": type(sample).__name__, "period": sample.period, "by": sample.by,
            "observation_end": str(sample.observation_end) if sample.observation_end else None,
            "n_returned": getattr(sample, "n_returned", 0),
            "patterns": None if sample.patterns is None else sample.patterns.document(),
        },
        "plans": [_plain(plan) for plan in fitted.fits],
        "fits": [found.document() for found in fitted.fits.values()],
    }  # fmt: skip
    tables = {"histories": sample.histories}
    for i, found in enumerate(fitted.fits.values()):
        tables |= {f"{name}-{i}": table for name, table in found.tables().items()}
    if fitted.pool is not None:
        tables["pool"] = fitted.pool.reset_index()
    if customers and sample.subscribers is not None:
        tables["subscribers"] = sample.subscribers.frame()
    return content, tables


def contracts_from(
    content: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> "FittedContracts":
    """The inverse of `document_of`.

    Raises
    ------
    StoreError
        If what the folder held is impossible.
    """
    from predclv.contracts.fitted import FittedContracts

    said = content["recipe"]
    price = said["price"]
    recipe = ContractModel(
        said["model"], price=dict(map(tuple, price)) if isinstance(price, list) else price,
        covariates=_asked(said.get("covariates")), by=said["by"], groups=said["groups"],
        spread=said["spread"], engine=said["engine"],
        **said["engine_options"],
    )  # fmt: skip
    fits = {}
    for i, (plan, document) in enumerate(zip(content["plans"], content["fits"], strict=True)):
        own = {"replicates": tables[f"replicates-{i}"]} if f"replicates-{i}" in tables else {}
        fits[plan] = Fit.from_document(document, own)
        if type(fits[plan].model) is not recipe.model:
            raise StoreError(f"The fit of {plan!r} is of another model than the recipe's.")
    sample = _sample(content["sample"], tables)
    if set(map(str, sample.groups)) != set(map(str, fits)):
        raise StoreError("The fits are of other plans than the contracts.")
    prices = None
    if recipe.price is not None:
        of = recipe.price
        prices = {plan: of[plan] if isinstance(of, Mapping) else of for plan in fits}
    if recipe.groups == "together":
        one = next(iter(fits.values()))
        fits = dict.fromkeys(fits, one)
    pool = tables["pool"].set_index("parameter") if "pool" in tables else None
    return FittedContracts(recipe, fits, prices, sample, pool)


def _sample(said: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Any:
    histories = tables["histories"]
    numbers = [n for n in ("renewals", "contracts", *STATE, "customers") if n in histories]
    if (histories[numbers] < 0).any(axis=None) or not len(histories):
        raise StoreError("The histories of a saved fit cannot be negative or none.")
    end = said["observation_end"]
    day = None if end is None else datetime.date.fromisoformat(end)
    who = tables.get("subscribers")
    patterns = None
    if said.get("patterns") is not None:
        patterns = Patterns.from_document(said["patterns"])
        number_in(histories["pattern"].to_numpy(), patterns)
    if said["kind"] == "Opportunities":
        takers = None if who is None else Takers(who)
        return Opportunities(histories, said["period"], day, takers, said["by"], patterns)
    kept = None if who is None else KeptSubscribers(who, said["by"])
    return Renewals(
        histories, said["period"], said["by"], day, int(said["n_returned"]), kept, patterns
    )


def _listed(covariates: Mapping[Any, Any]) -> list[list[Any]]:
    """Covariates as JSON keeps them: what they act on, and the terms."""
    found: list[list[Any]] = []
    for key, terms in covariates.items():
        acts_on = [key] if isinstance(key, str) else list(key)
        if not isinstance(terms, str):
            terms = [[term] if isinstance(term, str) else list(term) for term in terms]
        found.append([acts_on, terms])
    return found


def _asked(listed: list[list[Any]] | None) -> dict[Any, Any] | None:
    """The inverse of `_listed`."""
    if listed is None:
        return None
    return {
        tuple(key): terms if isinstance(terms, str) else list(map(tuple, terms))
        for key, terms in listed
    }


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _plain(plan: Any) -> Any:
    """A plan's name as JSON keeps it."""
    return plan.item() if isinstance(plan, np.generic) else plan
