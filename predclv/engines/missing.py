"""An engine whose packages are not installed says which, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from predclv.errors import OptionError


@contextmanager
def needed_by(engine: str) -> Iterator[None]:
    """Name the engine where one of its packages is missing.

    Raises
    ------
    OptionError
        In place of a ``ModuleNotFoundError`` of a package that is not this one's.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "predclv"):
            raise
        raise OptionError(
            f"engine={engine!r} needs {package}, which is not installed here: pip install "
            f"{package.replace('_', '-')}. Without it engine='mle' fits the same models, with "
            "intervals from the curvature at the estimate."
        ) from error
