"""How much of the machine DuckDB may take: memory, threads, and where it puts what does not fit."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields
from pathlib import Path

from predclv.errors import OptionError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B|%)", re.IGNORECASE)
_EVERYDAY = 4.0  # GB


@dataclass(frozen=True, slots=True)
class DuckDBSettings:
    """What a summary's private DuckDB is opened with; None leaves it to DuckDB.

    Attributes
    ----------
    memory_limit : str or None
        Such as ``"4GB"`` or ``"50%"``; None is 4 GB, or a sixth of the machine's memory where that
        is more. A summary of 100 million orders takes no longer with it than with 8 GB. Only where
        the temporary folder has no room for the rest is it 80% of the memory.
    threads : int or None
        DuckDB takes all cores.
    temp_directory : str or None
        The folder in which a folder for what does not fit into memory is made; the system's
        temporary folder by default.
    """

    memory_limit: str | None = None
    threads: int | None = None
    temp_directory: str | None = None

    @property
    def config(self) -> dict[str, str | int]:
        """As DuckDB's own options, without the temporary folder."""
        said = {"memory_limit": self.memory_limit, "threads": self.threads}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def spill_folder(self) -> str:
        """The folder that is to hold what does not fit into memory."""
        return self.temp_directory or tempfile.gettempdir()


_CURRENT: ContextVar[DuckDBSettings | None] = ContextVar("predclv_duckdb_settings", default=None)


def everyday_limit(most: str) -> str:
    """The memory limit where none is said, of what DuckDB would take of the machine.

    Examples
    --------
    >>> everyday_limit("18.8 GiB"), everyday_limit("200.0 GiB"), everyday_limit("1.5 GiB")
    ('4.0GB', '42.9GB', '1.6GB')
    """
    found = _SIZE.fullmatch(most.strip())
    if found is None:  # such as "512 bytes"
        return most
    number, unit = float(found[1]), found[2].upper()
    gigabytes = number * (1024 if "I" in unit else 1000) ** ("KMGT".index(unit[0]) + 1) / 1e9
    return f"{min(gigabytes, max(_EVERYDAY, gigabytes / 5)):.1f}GB"


@contextlib.contextmanager
def duckdb_settings(
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_directory: str | os.PathLike[str] | None = None,
) -> Iterator[DuckDBSettings]:
    """Summaries made inside the ``with``, and all that is asked of them, keep to these limits.

    A summary keeps the settings that it was made with, also after the ``with``. What does not fit
    into the memory is put on disk: slower, never wrong. The environment variables
    ``PREDCLV_MEMORY_LIMIT``, ``PREDCLV_THREADS`` and ``PREDCLV_TEMP_DIRECTORY`` say the same for a
    whole process, and yield to this.

    Parameters
    ----------
    memory_limit : str, optional
        Such as ``"1GB"`` or ``"50%"``. It bounds what DuckDB holds; Python, the Parquet reader and
        the cells come on top, some 0.3 GB.
    threads : int, optional
        Each needs memory of its own: with a small limit take few.
    temp_directory : path-like, optional
        An existing folder on a disk with room for about the size of the log.

    Yields
    ------
    DuckDBSettings
        What is in force: these, around them those of an outer ``with``, then the environment's.

    Raises
    ------
    OptionError
        If a limit means nothing or the folder is missing.

    See Also
    --------
    predclv.rfm_summary : a log to one row per customer.

    Examples
    --------
    >>> with duckdb_settings(memory_limit="1GB", threads=2) as settings:
    ...     settings.memory_limit
    '1GB'
    """
    folder = None if temp_directory is None else os.fspath(temp_directory)
    asked = checked(DuckDBSettings(memory_limit, threads, folder))
    token = _CURRENT.set(_over(asked, current_settings()))
    try:
        yield current_settings()
    finally:
        _CURRENT.reset(token)


def current_settings() -> DuckDBSettings:
    """What is in force: of the innermost `duckdb_settings`, else of the environment."""
    return _CURRENT.get() or from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> DuckDBSettings:
    """What the variables PREDCLV_MEMORY_LIMIT, PREDCLV_THREADS and PREDCLV_TEMP_DIRECTORY say.

    Examples
    --------
    >>> from_environment({"PREDCLV_THREADS": "2"}).threads
    2
    """
    said = {
        part.name: environment.get(f"PREDCLV_{part.name.upper()}") or None
        for part in fields(DuckDBSettings)
    }
    threads = said["threads"]
    try:
        number = None if threads is None else int(threads)
    except ValueError as error:
        raise OptionError(f"PREDCLV_THREADS must be a whole number; it is {threads!r}.") from error
    return checked(DuckDBSettings(said["memory_limit"], number, said["temp_directory"]))


def checked(settings: DuckDBSettings) -> DuckDBSettings:
    """The same settings, if they mean something.

    Raises
    ------
    OptionError
        If not.
    """
    limit, threads, folder = settings.memory_limit, settings.threads, settings.temp_directory
    if limit is not None and not (isinstance(limit, str) and _SIZE.fullmatch(limit.strip())):
        raise OptionError(f"memory_limit must be a size such as '4GB' or '50%'; got {limit!r}.")
    if threads is not None and (
        isinstance(threads, bool) or not isinstance(threads, int) or threads < 1
    ):
        raise OptionError(f"threads must be a whole number from 1 on; got {threads!r}.")
    if folder is not None and not Path(folder).is_dir():
        raise OptionError(f"There is no folder {folder} for temp_directory.")
    return settings


def _over(inner: DuckDBSettings, outer: DuckDBSettings) -> DuckDBSettings:
    """What ``inner`` says, and where it says nothing, ``outer``."""
    return DuckDBSettings(
        *(
            getattr(outer if getattr(inner, part.name) is None else inner, part.name)
            for part in fields(DuckDBSettings)
        )
    )
