"""Models of purchases fitted to the same customers, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from predclv.engines.base import fit
from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.models import class_of
from predclv.models.purchases import PurchaseModel
from predclv.summaries.rfm import RFM
from predclv.validation.tables import repeat_histogram

_EQUAL = 2.0  # difference in AIC up to which two models describe the data as well as each other
_REJECTED = 0.05


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FitComparison:
    """Fits of several models to the same customers.

    Attributes
    ----------
    frame : DataFrame
        One row per model, the best by AIC first: ``log_likelihood``, ``aic``, ``bic``, what the
        AIC lies above the best (``aic_above_best``), the goodness of fit of the histogram of repeat
        purchases (``chi_square``, ``degrees_of_freedom``, ``p_value``) and ``parameters`` in words.
    histogram : DataFrame
        Customers by number of repeat purchases: ``actual``, and expected by each model.
    fits : dict of Fit
        By the model's name in the literature, as in ``frame``.
    n_customers : int
    """

    frame: pd.DataFrame
    histogram: pd.DataFrame
    fits: dict[str, Fit]
    n_customers: int

    @property
    def best(self) -> str:
        """The model with the smallest AIC."""
        return str(self.frame.index[0])

    @property
    def note(self) -> str:
        """What the table says and what it does not."""
        near = self.frame.index[self.frame["aic_above_best"] < _EQUAL][1:].tolist()
        told = [f"{self.best} has the smallest AIC"]
        if near:
            told[0] += f"; {' and '.join(near)} within {_EQUAL:g} of it, which is no difference"
        if (self.frame["p_value"] < _REJECTED).all():
            told.append(
                f"The histogram rejects every model (p < {_REJECTED}): with many customers, here "
                f"{self.n_customers:,}, it always will, since no model is the truth"
            )
        told.append(
            "How well a model describes the past is not how well it forecasts: pc.validate and "
            "pc.backtest tell that"
        )
        return ". ".join(told) + "."

    def __repr__(self) -> str:
        return f"{self.frame.to_string()}\n{self.note}"

    def _repr_html_(self) -> str:
        shown = self.frame.rename(index={self.best: f"{self.best} *"})
        formats = {
            "log_likelihood": "{:,.2f}", "aic": "{:,.2f}", "bic": "{:,.2f}",
            "aic_above_best": "{:.2f}", "chi_square": "{:.2f}", "p_value": "{:.3g}",
        }  # fmt: skip
        table = shown.to_html(formatters={k: v.format for k, v in formats.items()})
        return f"{table}<p>* {escape(self.note)}</p>"


def compare_fits(
    rfm: RFM,
    models: Sequence[type[PurchaseModel] | str],
    engine: str = "mle",
    **options: Any,
) -> FitComparison:
    """Fit several models of purchases to a summary and set them side by side.

    Their likelihoods are densities of the same data, so they, AIC and BIC compare directly.

    Parameters
    ----------
    rfm : RFM
    models : sequence of type or str
        Such as ``[pc.BGNBD, pc.MBGNBD, pc.ParetoNBD]``, or their names as text.
    engine, **options
        As for :func:`predclv.fit`.

    Returns
    -------
    FitComparison

    Raises
    ------
    OptionError
        If there is no model, one twice, or one that is not of purchases.
    FitError, DataError
        As :func:`predclv.fit`.

    See Also
    --------
    predclv.fit : fit one model.
    predclv.validate : forecasts against what came, at one day.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> rfm = pc.rfm_summary(log[log["date"] <= "1997-09-30"], observation_end="1997-09-30")
    >>> found = pc.compare_fits(rfm, [pc.BGNBD, pc.MBGNBD, pc.ParetoNBD])
    >>> found.frame[["log_likelihood", "chi_square"]].round(2)
                log_likelihood  chi_square
    model
    MBG/NBD           -9582.14        2.95
    BG/NBD            -9582.43        4.82
    Pareto/NBD        -9594.98       11.99
    """
    if isinstance(models, str):
        models = [models]
    wanted = "compare_fits wants models of purchases: each must be a class"
    classes = [class_of(model, PurchaseModel, wanted) for model in models]
    if not classes:
        raise OptionError("compare_fits wants models, such as [pc.BGNBD, pc.ParetoNBD]; got none.")
    for model in classes:
        if classes.count(model) > 1:
            raise OptionError(f"compare_fits got {model.title} twice; name each model once.")
    fits = {model.title: fit(model, rfm, engine, **options) for model in classes}
    tables = {title: repeat_histogram(found, rfm) for title, found in fits.items()}
    rows = pd.DataFrame(
        [
            {
                "model": title,
                "log_likelihood": found.log_likelihood,
                "aic": found.aic,
                "bic": found.bic,
                **tables[title].attrs,
                "parameters": ", ".join(f"{k} {v:.4g}" for k, v in found.params.items()),
            }
            for title, found in fits.items()
        ]
    ).set_index("model")
    rows = rows.sort_values("aic", kind="stable")
    rows.insert(3, "aic_above_best", rows["aic"] - rows["aic"].iloc[0])
    order = rows.index.tolist()
    first = tables[order[0]]["actual"]
    histogram = pd.concat(
        [first, *(tables[title]["expected"].rename(title) for title in order)], axis=1
    )
    return FitComparison(
        rows, histogram, {title: fits[title] for title in order}, int(rfm.cells().weight.sum())
    )
