"""Numbers far from all that a fit has seen: an effect that was learnt there is stretched."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from predclv.engines.result import Fit
from predclv.errors import AssumptionWarning, DataError
from predclv.notices import warn
from predclv.samples.patterns import Patterns

# How far outside, in widths of what was seen, is told of, and refused: where an effect that doubles
# over all that was seen makes a million times as much.
_TOLD, _REFUSED = 0.5, 20.0


def tell_what_is_stretched(
    fits: Sequence[Fit | None], values: Patterns | Mapping[str, ArrayLike]
) -> None:
    """Warn where numbers lie far outside of what fits have seen.

    Parameters
    ----------
    fits : sequence of Fit or None
    values : Patterns, or mapping of str to array_like
        What customers have, by covariate.

    Raises
    ------
    DataError
        If some lie so far outside that they must be in another unit.

    Warns
    -----
    AssumptionWarning
    """
    seen = {
        name: ends
        for fit in fits
        if fit is not None and fit.covariates is not None
        for name, ends in fit.covariates.seen.items()
    }
    given = (
        {str(n): values.frame[n] for n in values.frame} if isinstance(values, Patterns) else values
    )
    told, farthest = [], 0.0
    for name, (low, high) in seen.items():
        if name in given:
            own = np.asarray(given[name], float)
            under, over = low - float(own.min()), float(own.max()) - high
            away = max(under, over) / (high - low)
            if away > _TOLD:
                at = own.max() if over > under else own.min()
                told.append(
                    f"{name} comes to {at:,.6g}, and the fit has seen {low:,.6g} to {high:,.6g}"
                )
                farthest = max(farthest, away)
    if farthest > _REFUSED:
        raise DataError(f"{'; '.join(told)}: no effect holds that far. Is it in another unit here?")
    if told:
        warn(f"{'; '.join(told)}: its effect is taken to go on beyond.", AssumptionWarning)
