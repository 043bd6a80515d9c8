"""Which values can be the id of a customer: whole numbers, text and UUIDs."""

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, some
from predclv.logs.frames import arrow_column
from predclv.notices import counted

EXACT_IDS = 2**53
"""The largest whole number below which doubles are exact."""

_ADVICE = {
    "BLOB": "Decode them to text: .str.decode('utf-8') in pandas, decode(x) in SQL.",
    "DECIMAL": "Turn them into whole numbers or text: .astype('int64') or .astype(str) in pandas, "
    "CAST(x AS BIGINT) or CAST(x AS VARCHAR) in SQL.",
    "LIST": "Say which value of each is the id, for instance .str[0] in pandas, x[1] in SQL.",
    "STRUCT": "Say which field of each is the id, for instance .str['id'] in pandas, x.id in SQL.",
}
_ARROW = {
    "BOOLEAN": pa.types.is_boolean,
    "DECIMAL": pa.types.is_decimal,
    "LIST": pa.types.is_nested,
    "DATE": pa.types.is_date,
    "TIMESTAMP": pa.types.is_timestamp,
}


def refusal(name: str, kind: str) -> DataError:
    """The error for ids of a SQL type that cannot be used, with the conversion to write."""
    advice = _ADVICE.get(
        kind, "Turn them into text: .astype(str) in pandas, CAST(x AS VARCHAR) in SQL."
    )
    return DataError(
        f"customer_id column {name!r} has the type {kind}; ids are whole numbers, text or UUIDs. "
        f"{advice}"
    )


def usable_ids(ids: pd.Series, name: str) -> pd.Series:
    """The ids of a summary made elsewhere, whole decimal numbers as integers.

    Raises
    ------
    DataError
        If they are of a type that a log's ids could not have either.
    """
    array = arrow_column(ids, name, "customer_id")
    kind = array.type
    if isinstance(ids.dtype, pd.CategoricalDtype):
        ids = ids.astype(ids.cat.categories.dtype)
    if pa.types.is_integer(kind):
        return ids.infer_objects() if ids.dtype == object else ids
    if pa.types.is_floating(kind):
        values = ids.to_numpy(np.float64)
        is_whole = (values == np.floor(values)) & (np.abs(values) <= EXACT_IDS)
        if not is_whole.all():
            raise DataError(
                f"The ids are decimal numbers, and {counted(int((~is_whole).sum()), 'of them')} "
                f"no exact whole number (such as {some(values[~is_whole])}). Read ids as integers "
                "or as text."
            )
        return pd.Series(values.astype(np.int64), name=ids.name)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if is_text or isinstance(kind, pa.UuidType):
        return ids
    known = (sql for sql, is_kind in _ARROW.items() if is_kind(kind))
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    raise refusal(name, "BLOB" if is_bytes else next(known, str(kind).upper()))
