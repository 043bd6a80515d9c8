"""Sample: distinct histories, counted; what a likelihood is a sum over. Added, written, read."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from predclv.errors import StoreError
from predclv.frozen import Frozen
from predclv.io.files import write_parquet
from predclv.io.places import place
from predclv.samples.grouping import distinct, means, sums
from predclv.samples.patterns import Patterns


class Weighted:
    """Distinct histories and the number of customers who have each."""

    __slots__ = ()
    weight: NDArray
    extra: Mapping[str, NDArray]
    patterns: Patterns | None

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def n_customers(self) -> int:
        """The sum of the weights."""
        return int(self.weight.sum())


class Sample(Weighted):
    """Histories of purchases or spend: they can be added, written and read."""

    __slots__ = ()
    columns: ClassVar[tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that tell histories apart, without the weight."""
        return (*self.columns, *self.extra)

    def column(self, name: str) -> NDArray:
        """A column by its name, shape (n_cells,)."""
        return self.extra[name] if name in self.extra else getattr(self, name)

    def __radd__(self, other: object) -> Self:
        return self if other == 0 else NotImplemented  # where sum() begins

    def _with(self, columns: Mapping[str, NDArray], **more: Any) -> Self:
        """The same with other columns, and other facts."""
        whole: Any = self
        return replace(whole, **self._parted(columns), **more)

    @classmethod
    def _parted(cls, columns: Mapping[str, NDArray]) -> dict[str, Any]:
        """Columns as fields: those of its kind, and the extra ones."""
        kind = (*cls.columns, "weight")
        extra = Frozen({name: columns[name] for name in columns if name not in kind})
        return {name: columns[name] for name in kind} | {"extra": extra}

    def _binned(self, *bins: NDArray) -> dict[str, NDArray]:
        """Columns of those of one frequency in the same bins, at their means; sorted."""
        first, code = distinct(self.column("frequency"), *bins, *self.extra.values())
        found = {
            name: means(self.column(name), self.weight, code)
            if name in self.columns[1:]
            else self.column(name)[first]
            for name in self.names
        }
        return sorted_rows(found | {"weight": sums(self.weight, code)})

    @property
    def frame(self) -> pd.DataFrame:
        """The columns as a frame."""
        return pd.DataFrame({name: self.column(name) for name in (*self.names, "weight")})

    @property
    def facts(self) -> dict[str, str]:
        """What a file says beside the columns."""
        raise NotImplementedError

    def to_parquet(self, path: str | Path) -> None:
        """Write the cells as one Parquet file; no id is in it, so it can be shared.

        Few customers share a rare history: whoever knows one customer's purchases may find the cell
        with a weight of 1.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        write_parquet(self.frame, path, self.facts)

    @classmethod
    def _read(cls, path: str | Path) -> tuple[dict[str, NDArray], Mapping[str, str]]:
        """The columns and the facts of a file of this kind."""
        try:
            table = pq.ParquetFile(place(path)).read()
        except FileNotFoundError as error:
            raise StoreError(f"There is no file {path}.") from error
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{path} could not be read as Parquet: {error}") from error
        said = {
            key.decode(): value.decode()
            for key, value in (table.schema.metadata or {}).items()
            if key.startswith(b"predclv.")
        }
        kind = said.get("predclv.kind")
        if kind != cls.__name__ or not {*cls.columns, "weight"} <= set(table.column_names):
            raise StoreError(
                f"{path} holds {kind or 'no cells'}, not {cls.__name__}: read what "
                f"{cls.__name__}.to_parquet wrote."
            )
        kept = [name for name in table.column_names if not name.startswith("__")]
        return {name: table.column(name).to_numpy() for name in kept}, said


def merged(one: Sample, other: Sample) -> dict[str, NDArray]:
    """The columns of both, equal histories once, sorted."""
    both = {
        name: np.concatenate([one.column(name), other.column(name)])
        for name in (*one.names, "weight")
    }
    first, code = distinct(*(both[name] for name in one.names))
    columns = {name: both[name][first] for name in one.names}
    return sorted_rows(columns | {"weight": sums(both["weight"], code)})


def sorted_rows(columns: dict[str, NDArray]) -> dict[str, NDArray]:
    """The same rows sorted by the first column, then by the next."""
    order = np.lexsort(tuple(columns.values())[::-1])
    return {name: column[order] for name, column in columns.items()}
