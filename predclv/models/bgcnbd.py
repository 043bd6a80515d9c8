"""BG/CNBD-k: BG/NBD whose customers buy more regularly than by chance."""

from dataclasses import dataclass
from typing import Any, ClassVar

from predclv.models.base import Parameter
from predclv.models.bgnbd import BGNBD
from predclv.models.purchases import PurchaseModel
from predclv.models.regular import RegularModel, bound_named


@dataclass(frozen=True, slots=True, repr=False)
class BGCNBD(RegularModel):
    """Beta-geometric / condensed NBD model of regular repeat purchases.

    As :class:`BGNBD`, but the times between a customer's purchases are Erlang-k rather than
    exponential: the larger k, the more alike they are. ``k = 1`` is BG/NBD. Each purchase is the
    k-th of events that come at random at a rate ``lambda ~ Gamma(r, rate=alpha)``, of *events*, so
    the average customer buys ``r / (k alpha)`` times per unit of time while alive.

    Forecasts are exact: a living customer is in one of k stages, with known chances, and the future
    is the mixture. They depend on recency too, not on (x, T) alone.

    Parameters
    ----------
    k : int
        Events per purchase, 1 to 20. Not fitted: it is given, or chosen by likelihood where
        ``fit`` is told none.
    r, alpha : float or array
        Shape and rate of the rate of events. ``alpha`` is a time, in the unit of ``t_x`` and ``T``.
    a, b : float or array
        The average chance of leaving after a repeat purchase is ``a / (a + b)``.

    See Also
    --------
    predclv.MBGCNBD : MBG/NBD of regular buyers.
    predclv.BGNBD : may leave after a repeat purchase.
    predclv.regularity : how regular purchases are.

    Notes
    -----
    Likelihoods of different k compare where the log behind a summary is there to count the times
    between purchases; ``fit.loo()`` is without them, and compares fits of one k alone. The k that
    is likeliest need not forecast best: put it beside k = 1 by :func:`predclv.validate`.

    References
    ----------
    Platzer, M. & Reutterer, T. (2016). Ticking away the moments: timing regularity helps to better
    predict customer activity. Marketing Science 35(5), 779-799.
    Reutterer, T., Platzer, M. & Schroeder, N. (2021). Leveraging purchase regularity for predicting
    customer behavior the easy way. International Journal of Research in Marketing 38(1), 194-215.

    Examples
    --------
    >>> m = BGCNBD(k=3, r=0.5, alpha=2.0, a=0.3, b=0.6)
    >>> round(float(m.log_likelihood(x=3, t_x=12, T=14, log_gaps=3)), 5)
    -10.425
    >>> round(float(m.pmf(2, 10)), 5)
    0.05669
    """

    k: int
    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    title: ClassVar[str] = "BG/CNBD-k"
    family: ClassVar[str] = "BG/CNBD"
    kernel: ClassVar[str] = "predclv.likelihoods.kernels_cnbd"
    compile_from: ClassVar[float] = 200_000
    chances_before: ClassVar[int] = 0
    at_random: ClassVar[type[PurchaseModel]] = BGNBD


def __getattr__(name: str) -> Any:
    """The classes bound to one k, by name: what unpickling asks for."""
    return bound_named(BGCNBD, name)
