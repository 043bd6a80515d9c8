"""What validations of contracts and of opportunities share: forecasters, and how scores show."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from predclv.errors import DataError, OptionError, PredclvError


class Scored:
    """A validation: a table of scores, and what it says in sentences.

    Of the class: ``frame``, a row per forecaster; ``split``; ``failed``, why a forecaster has no
    row, by name.
    """

    __slots__ = ()
    frame: pd.DataFrame
    split: Any
    failed: Mapping[str, str]

    def findings(self) -> list[str]:
        """What the numbers say, in sentences."""
        return [f"{name} could not forecast: {why}" for name, why in self.failed.items()]

    def __repr__(self) -> str:
        return "\n".join([repr(self.split), self.frame.round(4).to_string(), *self.findings()])

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{escape(line)}</li>" for line in self.findings())
        shown = self.frame.to_html(float_format="{:.4f}".format)
        return f"<p>{escape(repr(self.split))}</p>{shown}<ul>{told}</ul>"


def named(forecasters: Any) -> dict[str, Any]:
    """Forecasters by name, by their titles where they are not given with names.

    Raises
    ------
    OptionError
        If there is none, two have one name, or one has no ``fit``.
    """
    if not isinstance(forecasters, Mapping):
        listed = list(forecasters) if isinstance(forecasters, Sequence) else [forecasters]
        forecasters = {getattr(one, "title", type(one).__name__): one for one in listed}
        if len(forecasters) < len(listed):
            raise OptionError("Two forecasters have one name: give a mapping of names.")
    if not forecasters:
        raise OptionError("There is no forecaster: give a mapping such as {'sBG': model}.")
    foreign = [n for n, one in forecasters.items() if not hasattr(one, "fit")]
    if foreign:
        raise OptionError(f"Forecasters of renewals have a fit; these have not: {foreign}.")
    return dict(forecasters)


def fitted_to(
    forecasters: Any, known: Callable[[Any], Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Forecasters fitted to what each may know, and why others could not be, by name.

    Raises
    ------
    DataError
        If none could.
    """
    fits, failed = {}, {}
    for name, recipe in named(forecasters).items():
        try:
            fits[name] = recipe.fit(known(recipe))
        except PredclvError as error:
            failed[name] = str(error)
    if not fits:
        raise DataError(f"No forecaster can forecast: {failed}.")
    return fits, failed


def score_table(rows: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Scores by forecaster, one row each."""
    frame = pd.DataFrame(rows).T
    frame.index.name = "forecaster"
    return frame
