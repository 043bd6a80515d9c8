"""JSON that every reader accepts and that gives back the same floats, NaN and infinity included."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_FLOAT = "__float__"
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_json(document: Any) -> str:
    """Strict JSON; NaN and the infinities, which it has not, become ``{"__float__": "nan"}``.

    Raises
    ------
    TypeError, ValueError
        If the document holds what JSON cannot hold.

    Examples
    --------
    >>> from_json(to_json({"r": 0.1 + 0.2, "limit": -math.inf}))
    {'r': 0.30000000000000004, 'limit': -inf}
    """
    return json.dumps(_plain(document), indent=2, allow_nan=False, ensure_ascii=False)


def from_json(text: str) -> Any:
    """Read what `to_json` made.

    Raises
    ------
    ValueError
        If it is no JSON, writes a number that JSON has not, or is nested too deeply.
    """
    try:
        return json.loads(text, object_hook=_float_or_object, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _plain(value: Any) -> Any:
    """The same in JSON's own types."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(content) for key, content in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(content) for content in value]
    return value


def _float_or_object(value: dict[str, Any]) -> Any:
    if value.keys() != {_FLOAT}:
        return value
    name = value[_FLOAT]
    if not isinstance(name, str) or name not in _NOT_FINITE:
        raise ValueError(f"{name!r} is no float that has a name")
    return _NOT_FINITE[name]


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
