"""Fits of several plans: each by itself, all as one, or each as far as the others allow."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from predclv.contracts.pooled import hierarchical, pooled
from predclv.engines.base import fit
from predclv.engines.result import Fit
from predclv.errors import FitError, OptionError
from predclv.samples.renewals import RenewalCells

if TYPE_CHECKING:
    from predclv.contracts.recipe import ContractModel


def fits_of(recipe: "ContractModel", renewals: Any) -> tuple[dict[Any, Fit], pd.DataFrame | None]:
    """A fit for each plan, and how plans are spread where they are pooled.

    The only fit stands under the name None where there are no plans.
    """
    groups = renewals.groups
    options = dict(recipe.engine_options)
    if recipe.by is None or recipe.groups == "together":
        whole = renewals if recipe.covariates else renewals.together()
        one = fit(
            recipe.model, whole, engine=recipe.engine, covariates=recipe.covariates, **options
        )
        return dict.fromkeys(groups, one), None
    if recipe.groups == "pooled":
        cells = {name: renewals.group(name).cells() for name in groups}
        if len(groups) < 2:
            raise OptionError(f"There is one {recipe.by} alone, so there is nothing to pool.")
        together = renewals.together().cells()
        _assert_left(together)
        if recipe.engine == "pymc":
            return hierarchical(recipe.model, cells, together, recipe.by, **options)
        if options:
            raise OptionError(
                f"groups='pooled' by mle has no option {', '.join(map(repr, options))}."
            )
        return pooled(recipe.model, cells, together, recipe.spread)
    found = {}
    for name in groups:
        try:
            found[name] = fit(
                recipe.model, renewals.group(name), engine=recipe.engine,
                covariates=recipe.covariates, **options,
            )  # fmt: skip
        except FitError as error:
            raise FitError(
                f"{recipe.by} {name!r} cannot be fitted by itself: {error} Or let it lean on the "
                "others: groups='pooled'."
            ) from error
    return found, None


def _assert_left(cells: Any) -> None:
    """Somebody has left, whatever the plan, or taken an opportunity."""
    if isinstance(cells, RenewalCells) and not cells.ended.any():
        raise FitError(
            f"None of the {cells.n_customers:,} contracts has ended, so the data say nothing "
            "about who leaves. Were ended contracts left out of the table? Bring them in, or "
            "observe longer."
        )
