"""Examples of pictures are run without a screen and leave no figure open; not in the wheel."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_figure_is_left() -> Iterator[None]:
    import matplotlib as mpl

    mpl.use("Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
