"""A progress bar where somebody is watching: a terminal or a notebook, and nowhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(
    text: str, steps: int, shown: bool | Callable[[str], None] | None = None
) -> Iterator[Callable[[str], None]]:
    """A bar for some steps of work, gone when they are done.

    Parameters
    ----------
    text : str
        What is being done.
    steps : int
    shown : bool or callable, optional
        Default: in a terminal or a notebook. A callable takes the bar's place.

    Yields
    ------
    callable
        To be called before each step with what it is about.
    """
    if callable(shown):
        yield shown
        return
    if not (_watched() if shown is None else shown):
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # Standard error, so that what a program prints stays clean; a notebook finds its own place.
    console = Console(stderr=not _in_notebook())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(text, total=steps)
        begun = 0

        def step(what: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=f"{text}: {what}")
            begun += 1

        yield step


def _watched() -> bool:
    return _in_notebook() or sys.stderr.isatty()


def _in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
