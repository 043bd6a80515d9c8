"""Summaries as files: written with their unit, so that it cannot be forgotten."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from predclv.errors import DataError, OptionError
from predclv.io.files import write_csv, write_parquet
from predclv.io.places import place
from predclv.logs.covariate_table import CovariateTable
from predclv.money import currency_named
from predclv.samples.pattern_facts import (
    facts_of,
    number_in,
    paths_in,
    paths_of,
    patterns_in,
    patterns_of,
)
from predclv.summaries.framed import FrameSummary
from predclv.summaries.rfm import RFM

_COLUMNS = {"frequency", "recency", "T"}
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null"]  # of a number; an id may be any of these


def write_rfm(rfm: RFM, path: str | Path) -> None:
    """Write a summary as .parquet, with its unit and end in the metadata, or as .csv without.

    Raises
    ------
    OptionError
        If the path ends in neither.
    """
    suffix = Path(path).suffix.casefold()
    if suffix not in (".parquet", ".csv"):
        raise OptionError(f"A summary is written as .parquet or .csv; got {str(path)!r}.")
    if suffix == ".csv":
        write_csv(rfm.frame, path)
        return
    end = rfm.observation_end
    write_parquet(
        rfm.frame,
        path,
        {"predclv.unit": rfm.unit, "predclv.observation_end": "" if end is None else str(end)}
        | ({} if rfm.currency is None else {"predclv.currency": rfm.currency})
        | facts_of(rfm.patterns, rfm.cells().paths if rfm.patterns is not None else None),
    )


def holds_rfm(path: str | Path) -> bool:
    """Whether a file is a summary rather than a log: it has frequency, recency and T."""
    file = place(path)
    try:
        if file.suffix.casefold() == ".parquet":
            names = set(pq.read_schema(file).names)
        elif file.suffix.casefold() == ".csv":
            names = set(pd.read_csv(file, nrows=0).columns)
        else:
            return False
    except (OSError, ValueError):
        return False  # whoever reads it next says what is wrong with it
    return names >= _COLUMNS


def read_rfm(path: str | Path, unit: str | None = None) -> RFM:
    """Read a summary; the unit stands in the file, or is given for one made elsewhere.

    Raises
    ------
    DataError
        If the unit is unknown, or given and another than the file's.
    """
    file = place(path)
    if file.suffix.casefold() == ".csv":
        frame, metadata = _from_csv(file), {}
    else:
        table = pq.read_table(file)
        frame = table.to_pandas()
        metadata = {
            key.decode(): value.decode()
            for key, value in (table.schema.metadata or {}).items()
            if key.startswith(b"predclv.")
        }
    known = metadata.get("predclv.unit")
    if known is None and unit is None:
        raise DataError(
            f"{path} does not say in which unit its recency and T are. Say so: unit='week'."
        )
    if known is not None and unit is not None and known != unit:
        raise DataError(f"{path} is in {known}s, not in {unit}s. Leave the unit out.")
    end = metadata.get("predclv.observation_end")
    rfm = RFM.from_frame(
        frame,
        known or unit or "",
        currency=metadata.get("predclv.currency"),
        static_covariates=_covariates_of_csv(frame, path) if not metadata else None,
    )
    patterns = patterns_in(metadata)
    if patterns is not None:
        number = frame.set_index("customer_id")["pattern"].loc[rfm.frame["customer_id"]]
        customers = rfm.frame.assign(pattern=number_in(number.to_numpy(), patterns))
        paths = paths_in(metadata)
        if paths is not None:
            of_path = frame.set_index("customer_id")["path"].loc[rfm.frame["customer_id"]]
            customers["path"] = of_path.to_numpy()
        rfm = replace(rfm, _summary=FrameSummary(customers, rfm.unit, None, patterns, paths))
    return replace(
        rfm,
        observation_end=datetime.date.fromisoformat(end) if end else None,
    )


def _covariates_of_csv(frame: pd.DataFrame, path: str | Path) -> CovariateTable | None:
    """The covariates in a CSV file that `write_rfm` wrote: the columns after pattern."""
    names = list(map(str, frame))
    if "pattern" not in names or "customer_id" not in names:
        return None
    if "path" in names:
        raise DataError(
            f"{path} is of a summary with dynamic covariates, whose paths a CSV file does not "
            "hold. Write it as .parquet, or summarise the log again."
        )
    chosen = names[names.index("pattern") + 1 :]
    return CovariateTable(frame, columns=chosen, rare=0) if chosen else None


def _from_csv(file: Path) -> pd.DataFrame:
    """The summary of a CSV file, its ids exactly as they stand there.

    Ids are numbers only where every one of them, written again, is the same text: 17, but not 017.
    """
    names = pd.read_csv(file, nrows=0).columns
    frame = pd.read_csv(
        file,
        dtype={"customer_id": "str"},
        keep_default_na=False,
        na_values={name: _MISSING for name in names if name != "customer_id"},
    )
    if "customer_id" in frame:
        ids = frame["customer_id"]
        for kind in ("int64", "uint64", "float64"):
            try:
                numbers = ids.astype(kind)
            except (ValueError, OverflowError):
                continue
            if numbers.notna().all() and [str(number) for number in numbers] == ids.tolist():
                return frame.assign(customer_id=numbers)
    return frame


def customers_and_patterns(rfm: RFM) -> dict[str, pd.DataFrame]:
    """The tables that keep a summary: its customers, by pattern, and what patterns stand for."""
    if rfm.patterns is None:
        return {"customers": rfm.frame}
    customers = rfm.frame.drop(columns=list(rfm.patterns.names))
    paths = rfm.cells().paths
    more = {} if paths is None else {"paths": paths.frame}
    return {"customers": customers, "patterns": rfm.patterns.frame} | more


def summary_from(content: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> RFM:
    """The summary that a document and those tables keep; of nobody where there are no customers.

    Raises
    ------
    StoreError
        If customers have numbers of patterns or paths that are not there.
    """
    end, customers = content["observation_end"], tables.get("customers")
    if customers is None:
        rfm = RFM.empty(content["unit"])
    else:
        known = (patterns_of(content, tables), paths_of(tables))
        rfm = RFM.stored(customers, content["unit"], content.get("last_day"), *known)
    return replace(
        rfm,
        currency=currency_named(content.get("currency")),
        observation_end=None if end is None else datetime.date.fromisoformat(end),
    )
