"""Warnings that point at the caller's line, however deep in the package they arise."""

import contextlib
import functools
import warnings
from collections.abc import Sequence
from pathlib import Path

from predclv.errors import PredclvWarning

_PACKAGE = str(Path(__file__).resolve().parent)
# Who calls the package for the package; a whole path would not count as a prefix of itself.
_BETWEEN = tuple(str(Path(str(each.__file__)).with_suffix("")) for each in (contextlib, functools))


def warn(message: str | PredclvWarning, category: type[PredclvWarning] | None = None) -> None:
    """Give a warning at the first line outside the package."""
    warnings.warn(message, category, skip_file_prefixes=(_PACKAGE, *_BETWEEN))


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    Examples
    --------
    >>> listed(["A", "B", "C"])
    'A, B and C'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(2500, "day"), counted(2, "day of", "days of")
    ('1 row', '2,500 days', '2 days of')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
