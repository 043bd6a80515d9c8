"""Compiled likelihoods: one pass over the cells per evaluation, for many cells and for samplers.

A model names the module with its kernel (``Model.kernel``), which is imported when it is wanted;
a model without one does with its own ``objective``, in the same shape. A kernel is the compiled
form of that objective, which is the formula; a test holds the two together to 1e-10. Compiled code
is kept on disk beside its file (or in ``NUMBA_CACHE_DIR``), so that only the first use on a machine
waits for the compiler.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from predclv.interrupts import uninterrupted
from predclv.models.base import Columns, Model, Objective


@dataclass(frozen=True, slots=True)
class Kernel:
    """A likelihood as a function of arrays, and how cells are laid out for it.

    Attributes
    ----------
    function : callable
        Free parameters (k,) and the laid-out arrays to the value followed by the slope, (k + 1,).
    layout : callable
        Columns of cells to the arrays by name.
    """

    function: Callable[..., NDArray]
    layout: Callable[[Columns], dict[str, NDArray]]

    def of(self, cells: Columns) -> Objective:
        """The likelihood of these cells."""
        data = tuple(self.layout(cells).values())

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            both = self.function(free, *data)
            return both[0], both[1:]

        return value_and_slope


def kernel_of(model: type[Model]) -> Kernel:
    """The model's compiled kernel, or its ``objective`` in the shape of one."""
    if model.kernel:
        with uninterrupted():
            home = import_module(model.kernel)
        # One function for a family of models lays each of them out in its own way.
        return home.kernel_for(model) if hasattr(home, "kernel_for") else home.KERNEL
    return Kernel(partial(_plain, model), partial(as_they_are, model))


def _plain(model: type[Model], free: NDArray, *columns: NDArray) -> NDArray:
    value, slope = model.objective(columns)(np.asarray(free))
    return np.append(value, slope)


def as_they_are(model: type[Model], columns: Columns) -> dict[str, NDArray]:
    """Columns by name, as cells have them."""
    return dict(zip((*model.columns, "weight"), columns, strict=True))


def moving_kernel_of(model: type[Model]) -> Callable[..., Objective] | None:
    """The model's compiled form for times that change, as on a clock; None where it has none."""
    if not model.kernel:
        return None
    with uninterrupted():
        return getattr(import_module(model.kernel), "MOVING", None)
