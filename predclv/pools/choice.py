"""What a pool's weights are, and on what evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from predclv.errors import some
from predclv.frozen import Frozen
from predclv.pools.inner import Evidence


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choice:
    """What was pooled, and why.

    Attributes
    ----------
    weights : mapping of str to float
        Of every member, summing to 1; 0.0 of those left out.
    frame : DataFrame
        Index member; columns weight, crps (relative to the first member's, the mean over the
        earlier days at which it was tried; smaller is better) and that of each such day. NaN of
        members that could not be tried; without such days weight alone.
    reason : str
        What was pooled and why, in a sentence.
    doubts : tuple of str
        Which members were left out, and what the fits warned of: what was said of several, or at
        several earlier days, once.
    """

    weights: Mapping[str, float]
    frame: pd.DataFrame
    reason: str
    doubts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Choice: {self.reason}"


def choice_of(
    evidence: Evidence, weights: Mapping[str, float], rule: str, doubts: Sequence[str]
) -> Choice:
    """The choice of these weights, in a table and a sentence.

    Parameters
    ----------
    evidence : Evidence
    weights : mapping of str to float
        Of every member.
    rule : str
        How they were found, in a few words.
    doubts : sequence of str
    """
    frame = pd.DataFrame({"weight": pd.Series(dict(weights), dtype=float)}).rename_axis("member")
    told = [f"{name} {weight:.0%}" for name, weight in weights.items() if weight > 0]
    reason = f"{', '.join(told)}; {rule}"
    known = [name for name in evidence.names if name in weights]
    if evidence.origins and known:
        at = {
            str(origin.cutoff): np.diag(losses)
            for origin, losses in zip(evidence.origins, evidence.relative(), strict=True)
        }
        scores = pd.DataFrame(at, index=list(evidence.names))
        frame["crps"] = scores.mean(axis="columns").reindex(frame.index)
        frame = frame.join(scores)
        own = np.array([weights.get(name, 0.0) for name in evidence.names])
        if len(told) > 1 and own.sum() > 0.999:
            pooled = np.einsum("oab,a,b->o", evidence.relative(), own, own)
            days = some([str(origin.cutoff) for origin in evidence.origins])
            reason += (
                f". From {days} on, {evidence.origins[0].days} days ahead, its score (CRPS, of "
                f"which less is better) would have been {pooled.mean():.3f} of that of "
                f"{evidence.names[0]}"
                + (f" ({pooled.min():.3f} to {pooled.max():.3f})" if pooled.size > 1 else "")
            )
    missing = [name for name in weights if name not in evidence.names]
    if missing:
        reason += f". Without {', '.join(missing)}: choice.doubts says why"
    return Choice(Frozen(dict(weights)), frame, f"{reason}.", tuple(doubts))
