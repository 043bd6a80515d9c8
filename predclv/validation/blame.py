"""Errors and warnings told whose they are, where several forecasters have their turn."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from predclv.errors import PredclvError, PredclvWarning
from predclv.notices import warn


@contextmanager
def blamed(whose: str, failed: str = "") -> Iterator[None]:
    """Put ``whose`` before the errors and warnings of the package that arise within.

    Parameters
    ----------
    whose : str
        Such as ``"Forecaster 'BG/NBD'"``.
    failed : str
        Added before what an error says, such as ``" could not be fitted"``. Errors that are not
        the package's keep their kind and their words and get a note.
    """
    told: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", PredclvWarning)
            yield
    except PredclvError as error:
        raise type(error)(f"{whose}{failed}: {error}") from error
    except Exception as error:
        error.add_note(f"{whose}{failed}.")
        raise
    finally:
        for each in told:
            if issubclass(each.category, PredclvWarning):
                warn(f"{whose}: {each.message}", each.category)
            else:
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
