"""A fitted pool in a folder, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from predclv.baselines.last_period_nb import FittedLastPeriodNB
from predclv.engines.result import Fit
from predclv.errors import StoreError
from predclv.forecast.fitted import FittedCLV
from predclv.frozen import Frozen
from predclv.io.folders import write_folder
from predclv.pools.inner import Evidence
from predclv.summaries.files import customers_and_patterns
from predclv.summaries.rfm import RFM


@dataclass(frozen=True, slots=True)
class StoredRecipe:
    """What is left of a pool's recipe: who its members were, and how they are weighed."""

    members: Mapping[str, Any]
    weights: str | Mapping[str, float]
    origins: int

    def spend_recipe(self) -> None:
        """None: nothing is fitted anew."""


def save_pool(pool: Any, path: str | Path, customers: bool) -> None:
    """Write a fitted pool; see :meth:`FittedPool.save`."""
    members: list[dict[str, Any]] = []
    tables = customers_and_patterns(pool.rfm) if customers else {}
    shared: dict[str, Any] = {}
    for i, (name, fitted) in enumerate(pool.fits.items()):
        if isinstance(fitted, FittedCLV):
            document, own = replace(fitted, spend=pool.spend).document(customers)
            members.append({"name": name, "fit": document.pop("purchases")})
            shared = document
            for table, frame in own.items():
                if table.startswith("purchases_"):
                    tables[table.replace("purchases_", f"member{i}_", 1)] = frame
                elif table == "memory":
                    tables[f"memory{i}"] = frame
                elif table.startswith("spend_") or table == "first":
                    tables[table] = frame
        elif isinstance(fitted, FittedLastPeriodNB):
            members.append({"name": name, "last_period": fitted.document()})
        else:
            raise StoreError(
                f"Member {name!r} cannot be written to a folder: {type(fitted).__name__} is fitted "
                "anew instead. Save a pool without it."
            )
    rule = pool.recipe.weights
    content = {
        **shared,
        "members": members,
        "asked": list(pool.recipe.members),
        "weights": rule if isinstance(rule, str) else dict(rule),
        "origins": pool.recipe.origins,
        "evidence": {str(days): known.document() for days, known in pool._evidence.items()},
        "doubts": list(pool.doubts),
    }
    write_folder(path, "FittedPool", content, tables)


def loaded_pool(
    content: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> tuple[StoredRecipe, dict[str, Any], Fit | None, RFM, tuple[str, ...], dict[int, Evidence]]:
    """The fields of the pool that a folder holds.

    Raises
    ------
    StoreError
        If what it held is impossible.
    """
    fits: dict[str, Any] = {}
    spend, rfm = None, RFM.empty(content["rfm"]["unit"])
    members = list(enumerate(content["members"]))
    # Models first: a rule wants the customers, which the first of them checks.
    for i, member in sorted(members, key=lambda each: "fit" not in each[1]):
        if "fit" not in member:
            fits[member["name"]] = FittedLastPeriodNB.from_document(member["last_period"], rfm)
            continue
        document = {"purchases": member["fit"], "spend": content["spend"], "rfm": content["rfm"]}
        own = {
            name.replace(f"member{i}_", "purchases_", 1): table
            for name, table in tables.items()
            if not name.startswith(("member", "memory")) or name.startswith(f"member{i}_")
        }
        if not len(rfm):
            rfm = FittedCLV.from_document(document, own).rfm
        if f"memory{i}" in tables:
            own["memory"] = tables[f"memory{i}"]
        found = FittedCLV.from_document(document, own)
        spend = found.spend
        fits[member["name"]] = FittedCLV(found.purchases, None, found.rfm)
    if not any(isinstance(found, FittedCLV) for found in fits.values()):
        raise StoreError("A pool needs a model, and this one has none.")
    asked, rule = [str(name) for name in content["asked"]], content["weights"]
    if not set(fits) <= set(asked) or (rule not in ("crps", "equal") and set(rule) != set(asked)):
        raise StoreError("The members of the pool are not those that have weights.")
    fits = {name: fits[name] for name in asked if name in fits}
    known = {int(d): Evidence.from_document(found) for d, found in content["evidence"].items()}
    if not all(set(found.names) <= set(fits) for found in known.values()):
        raise StoreError("There is evidence of members that are not in the pool.")
    if not isinstance(rule, str):
        rule = Frozen({name: float(rule[name]) for name in asked})
    recipe = StoredRecipe(Frozen(dict.fromkeys(asked)), rule, int(content["origins"]))
    return recipe, fits, spend, rfm, tuple(map(str, content["doubts"])), known
