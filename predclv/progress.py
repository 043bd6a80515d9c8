"""What is going on, for whoever watches: a line in a terminal or a notebook, and nowhere else.

There is one line at a time. What begins while another thing is going on adds its words to it; what
another thread does waits for its turn on the screen.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from threading import Lock, RLock, Timer
from typing import Any, Protocol

_PATIENCE = 0.5  # seconds: what takes less is not worth a line
_TURN = 0.1  # seconds after which a line looks again whether the screen is free
_SCREEN = Lock()


@contextmanager
def stage(text: str) -> Iterator[None]:
    """A line that says what is being done and for how long, gone when it is done.

    Parameters
    ----------
    text : str
        What is being done, such as ``"Adding up customers"``.
    """
    line = _LINE.get()
    if line is not None:
        with line.saying(text):
            yield
    elif not _watched():
        yield
    else:
        with _shown(_Line(text, None)):
            yield


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
        Default: in a terminal or a notebook. A callable takes the bar's place. False shows nothing,
        of what is done within either.

    Yields
    ------
    callable
        To be called before each step with what it is about.
    """
    if callable(shown):
        yield shown
    elif shown is False:
        token = _LINE.set(_Silence())
        try:
            yield lambda step: None
        finally:
            _LINE.reset(token)
    elif (outer := _LINE.get()) is not None:
        with outer.saying(text) as say:
            yield say
    elif not (_watched() if shown is None else shown):
        yield lambda step: None
    else:
        with _shown(_Line(text, steps)) as line:
            yield line.step


class _Display(Protocol):
    def update(self, text: str, done: int) -> None:
        """Show this text, and so many steps as done."""

    def close(self) -> None:
        """Leave nothing behind."""


class _Line:
    """What is being done, from the outermost word to the innermost; shown once it takes a while."""

    def __init__(self, text: str, steps: int | None) -> None:
        self._texts = [[text]]  # threads may share a line, so each takes back its own words alone
        self._steps = steps
        self._begun = 0
        self._display: _Display | None = None
        self._is_over = False
        self._lock = RLock()
        self._wait(_PATIENCE)

    def _wait(self, seconds: float) -> None:
        self._timer = Timer(seconds, self._appear)
        self._timer.daemon = True
        self._timer.start()

    def step(self, what: str) -> None:
        """The next step begins."""
        with self._changed():
            self._texts[1:] = [[what]]
            self._begun += 1

    @contextmanager
    def saying(self, text: str) -> Iterator[Callable[[str], None]]:
        """These words as well, for as long as something lasts; a call replaces them."""
        words = [text[:1].lower() + text[1:]]

        def say(text: str) -> None:
            with self._changed():
                words[0] = text

        with self._changed():
            self._texts.append(words)
        try:
            yield say
        finally:
            with self._changed():
                self._texts = [others for others in self._texts if others is not words]

    def close(self) -> None:
        """It is done."""
        with self._lock:
            self._is_over = True
            self._timer.cancel()
            if self._display is not None:
                try:
                    self._display.close()
                finally:
                    _SCREEN.release()

    def _appear(self) -> None:
        with self._lock:
            if self._is_over:
                return
            if not _SCREEN.acquire(blocking=False):
                self._wait(_TURN)
                return
            kind = _InNotebook if _in_notebook() else _InTerminal
            try:
                self._display = kind(self.text, self._steps)
            except BaseException:
                _SCREEN.release()
                raise
            self._display.update(self.text, self._done)

    @contextmanager
    def _changed(self) -> Iterator[None]:
        with self._lock:
            yield
            if self._display is not None and not self._is_over:
                self._display.update(self.text, self._done)

    @property
    def text(self) -> str:
        """All words, the innermost last."""
        return ": ".join(words[0] for words in self._texts)

    @property
    def _done(self) -> int:
        return max(self._begun - 1, 0)


class _Silence:
    """What somebody who wants no line has in its place."""

    @contextmanager
    def saying(self, text: str) -> Iterator[Callable[[str], None]]:
        """Nothing."""
        yield lambda text: None


_LINE: ContextVar[_Line | _Silence | None] = ContextVar("predclv_line", default=None)


@contextmanager
def _shown(line: _Line) -> Iterator[_Line]:
    token = _LINE.set(line)
    try:
        yield line
    finally:
        _LINE.reset(token)
        line.close()


class _InTerminal:
    """A bar on standard error, so that what a program prints stays clean."""

    def __init__(self, text: str, steps: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        count = () if steps is None else (MofNCompleteColumn(),)
        columns: tuple[Any, ...] = (TextColumn("{task.description}", markup=False), BarColumn())
        console = Console(stderr=True)
        self._bar = Progress(*columns, *count, Elapsed(), console=console, transient=True)
        self._task = self._bar.add_task(text, total=steps)
        self._bar.start()

    def update(self, text: str, done: int) -> None:
        """Show this text, and so many steps as done."""
        self._bar.update(self._task, description=text, completed=done)

    def close(self) -> None:
        """Leave nothing behind."""
        self._bar.stop()


class _InNotebook:
    """A line of text below the cell; needs no widgets."""

    def __init__(self, text: str, steps: int | None) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._steps = steps
        self._since = time.strftime("%H:%M:%S")
        self._handle = display(HTML(escape(text)), display_id=True)

    def update(self, text: str, done: int) -> None:
        """Show this text, and so many steps as done."""
        count = "" if self._steps is None else f" {done} of {self._steps} done"
        since = f"<small>since {self._since}</small>"
        self._handle.update(self._html(f"{escape(text)} …{count} {since}"))

    def close(self) -> None:
        """Leave nothing behind."""
        self._handle.update(self._html(""))


def _watched() -> bool:
    return _in_notebook() or sys.stderr.isatty()


def _in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
