"""Pictures as files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from predclv.errors import DataError, DataWarning, StoreError
from predclv.io.files import replacing
from predclv.notices import warn
from predclv.progress import stage


def write_pictures(folder: str | Path, pictures: Mapping[str, Callable[..., Any]]) -> list[str]:
    """Draw pictures into a folder, each a PNG file called like it; return the files' names.

    Parameters
    ----------
    folder : path-like
        Made if it is not there, in a folder that is. Files of the same names are replaced.
    pictures : mapping of str to callable
        Each draws on the Axes it is given as ``ax``.

    Raises
    ------
    StoreError
        If the folder cannot be made.

    Warns
    -----
    DataWarning
        Of each picture that cannot be drawn here (no spend, no log), with the reason.
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"No folder {str(folder)!r} can be made: {error.strerror}.") from error
    written = []
    for name, draw in pictures.items():
        with stage(f"Drawing {name}"):
            figure = Figure(figsize=(8.0, 4.4), layout="constrained")
            try:
                draw(ax=figure.subplots())
            except DataError as error:
                warn(f"{name} was not drawn: {error}", DataWarning)
                continue
            with replacing(folder / f"{name}.png") as temporary:
                figure.savefig(temporary, dpi=150, format="png")
        written.append(f"{name}.png")
    return written
