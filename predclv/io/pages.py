"""HTML pages of results, which know that they can be drawn but not by whom.

Whoever puts the package together says who draws which page (`predclv/__init__.py`), so that no
result imports what stands above it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_DRAWN_BY: dict[str, str] = {}


def drawn_by(kind: str, module: str) -> None:
    """Let a module's ``report`` draw the pages of one kind of result."""
    _DRAWN_BY[kind] = module


def write_page(kind: str, path: "str | Path", result: Any, *options: Any) -> None:
    """Draw the page of a result and write it, whole or not at all.

    Raises
    ------
    StoreError
        If it cannot be written; an earlier page is then as it was.
    """
    from predclv.io.files import write_text  # loads pandas, which importing the package must not

    write_text(import_module(_DRAWN_BY[kind]).report(result, *options), path)
