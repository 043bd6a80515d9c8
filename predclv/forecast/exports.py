"""Ways out of a forecast: to files, databases, pages, and other packages' tables."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from predclv.errors import OptionError
from predclv.forecast.source import Source
from predclv.forecast.terms import Terms
from predclv.io.files import write_csv, write_parquet
from predclv.io.pages import write_page
from predclv.io.pseudonyms import named
from predclv.warehouse.duckdb_files import write_table

if TYPE_CHECKING:
    import polars


class Exports:
    """What can be done with the frame of a forecast outside the package."""

    __slots__ = ()

    terms: Terms
    _source: Source

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer."""
        raise NotImplementedError

    def to_polars(self) -> "polars.DataFrame":
        """The frame as a polars DataFrame; ids and numbers keep their types.

        Raises
        ------
        OptionError
            If polars is not installed.

        Examples
        --------
        >>> import predclv as pc
        >>> fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow()))
        >>> fitted.forecast("26 weeks", level=None).to_polars().columns[:3]
        ['customer_id', 'p_alive', 'p_active']
        """
        try:
            import polars
        except ImportError as error:
            raise OptionError(
                "to_polars needs polars, which is not installed: pip install polars. Without it, "
                "forecast.frame is a pandas DataFrame, and pyarrow.table(forecast) an Arrow table."
            ) from error
        return polars.from_arrow(self._arrow())  # type: ignore[return-value]

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The frame as a stream of Arrow's C interface, which Arrow, polars and DuckDB read."""
        return self._arrow().__arrow_c_stream__(requested_schema)

    def _arrow(self) -> Any:
        import pyarrow as pa

        return pa.Table.from_pandas(self.frame, preserve_index=False).replace_schema_metadata()

    def to_parquet(self, path: str | Path, pseudonymise: str | bytes | None = None) -> None:
        """Write the frame as Parquet, with the forecast's terms in the file's metadata.

        The customers of a log are written from where they lie, without passing through Python:
        this is the way for millions. Written under another name and then renamed: a half-written
        file is never taken for whole. Of a Spark DataFrame the executors write a folder, which is
        whole once it holds ``_SUCCESS``.

        Parameters
        ----------
        path : path-like
            A file, which is replaced; for Spark a folder that is not there yet, in any file system
            that the cluster knows, such as ``"s3a://shop/forecast"`` (as text).
        pseudonymise : str or bytes, optional
            A secret key: ids are replaced by a keyed hash; see :func:`predclv.pseudonymise`. All
            customers pass through memory then.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        terms = {f"predclv.{name}": str(value) for name, value in asdict(self.terms).items()}
        if pseudonymise is None:
            self._source.write(path, terms)
        else:
            write_parquet(named(self.frame, pseudonymise), path, terms)

    def to_csv(self, path: str | Path, pseudonymise: str | bytes | None = None) -> None:
        """Write the frame as CSV. Ids are written as they are, whatever they contain.

        ``pseudonymise`` as in :meth:`to_parquet`.

        Warns
        -----
        DataWarning
            If ids begin with a character that spreadsheets take for a formula.
        """
        write_csv(named(self.frame, pseudonymise), path)

    def to_duckdb(
        self, path: str | Path, table: str, pseudonymise: str | bytes | None = None
    ) -> None:
        """Write the frame as a table of a DuckDB database file, replacing a table of that name.

        ``pseudonymise`` as in :meth:`to_parquet`.
        """
        write_table(named(self.frame, pseudonymise), path, table)

    def to_html(
        self, path: str | Path, rows: int = 10, pseudonymise: str | bytes | None = None
    ) -> None:
        """Write a report as one self-contained HTML page: totals, lists, tiers, value.

        Parameters
        ----------
        path : path-like
            A file, which is replaced.
        rows : int
            Customers in each list: worth the most, due soon, at risk, win back.
        pseudonymise : str or bytes, optional
            As in :meth:`to_parquet`.
        """
        write_page("forecast", path, self, rows, pseudonymise)
