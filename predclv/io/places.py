"""Where files go: what a path means, and a place beside it where they are made before they move in.

A file is made in a hidden folder ``.predclv-...`` beside its target and moved over it in one step,
so a reader never meets half a file and a failure leaves what was there before. The writer holds the
operating system's lock (flock) on that folder. A lock ends with its process, however that ends: a
folder that nobody locks was left by a writer that was killed, and the next writer removes it.
"""

import contextlib
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from predclv.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows: no locks of folders, so nothing of others is ever removed
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".predclv-"
_PATIENCE = 60.0  # seconds to wait for another writer; a model of ten million takes some ten


def place(path: str | os.PathLike[str], follow: bool = True) -> Path:
    """The absolute path that somebody means: ``~`` is their home, a symbolic link its target.

    Parameters
    ----------
    path : path-like
    follow : bool
        Whether a link is followed to what it names.

    Raises
    ------
    StoreError
        If it is no path: empty, a number, the home of nobody, a link to itself.

    Examples
    --------
    >>> place("~/model", follow=False) == Path.home() / "model"
    True
    """
    try:
        text = os.fsdecode(path)
        if not text.strip() or "\0" in text:
            raise ValueError("it is empty" if not text.strip() else "it holds a null character")
        named = Path(text).expanduser().absolute()
        found = named.resolve() if follow else named
        if follow and found.is_symlink():
            raise ValueError("it is a symbolic link that leads back to itself")
        return found
    except PermissionError:
        return named  # what may not be looked at is an error where it is opened
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        raise StoreError(f"{path!r} is no path of a file or folder: {error}.") from error


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A place for a file that moves to its target if all goes well, and else is removed.

    Where the target is a symbolic link, the file that it names is replaced. Permissions of an
    earlier file stay.

    Raises
    ------
    StoreError
        If the folder is missing or read-only, the disk is full, or no file can stand there.
    """
    target = place(path)
    with explained(target):
        assert_parent(target)
        if target.is_dir():
            raise StoreError(f"{target} is a folder; name a file.")
        if target.exists() and not target.is_file():
            raise StoreError(f"{target} is no ordinary file, so it cannot be replaced by one.")
        with workshop(target.parent) as folder:
            made = folder / target.name
            yield made
            if target.exists():
                shutil.copymode(target, made)
            move(made, target)


@contextlib.contextmanager
def workshop(parent: Path) -> Iterator[Path]:
    """A hidden folder of one's own in ``parent``, gone afterwards, and so is what was left there.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    _remove_abandoned(parent)
    while True:
        folder = parent / f"{_PREFIX}{uuid.uuid4().hex}"
        folder.mkdir(mode=0o700)
        try:
            lock = _lock(folder)
        except FileNotFoundError:
            continue  # taken for abandoned before it was locked
        if lock is None or _is_at(folder, lock):
            break
        os.close(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold a folder against other writers; says whether it was made anew.

    Without locks (Windows, some network file systems) writers are not kept apart.

    Raises
    ------
    StoreError
        If another writer holds it for a minute.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            folder.mkdir()
            is_new = True
        except FileExistsError:
            is_new = False
        try:
            lock = _lock(folder, until)
        except FileNotFoundError:
            continue  # another writer made it, and removed it on failing
        if lock is None or _is_at(folder, lock):
            break
        os.close(lock)
    try:
        yield is_new
    finally:
        if lock is not None:
            os.close(lock)


def move(made: Path, target: Path) -> None:
    """Put a finished file in its place in one step, its content on the disk beforehand."""
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(made, target)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating system's error over writing into a StoreError with path and reason."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error}. Is the disk full, or the folder read-only? "
            "Nothing was left behind; what stood there before is as it was."
        ) from error


def assert_parent(path: Path) -> None:
    """There is a folder to write into.

    Raises
    ------
    StoreError
        If not.
    """
    try:
        is_there = path.parent.is_dir()
    except OSError as error:
        raise StoreError(f"{path} could not be written: {error.strerror}.") from error
    if not is_there:
        raise StoreError(f"There is no folder {path.parent} to write {path.name} into.")


def is_workshop(name: str) -> bool:
    """Whether something of that name is a writer's own hidden folder."""
    return name.startswith(_PREFIX) and len(name) == len(_PREFIX) + 32


def _remove_abandoned(parent: Path) -> None:
    """Remove what killed writers left; what is locked has a living one."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        found = [e for e in entries if is_workshop(e.name) and e.is_dir(follow_symlinks=False)]
        for entry in found:
            with contextlib.suppress(OSError, StoreError):
                lock = _lock(Path(entry.path), until=0.0)
                if lock is not None:
                    shutil.rmtree(entry.path, ignore_errors=True)
                    os.close(lock)


def _lock(folder: Path, until: float = float("inf")) -> int | None:
    """The lock as a descriptor to close, None where folders have no locks."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(descriptor)
                raise StoreError(
                    f"Another process is writing to {folder} and did not finish within "
                    f"{_PATIENCE:.0f} seconds. Try again, or choose another name."
                ) from None
            time.sleep(0.02)
        except OSError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise


def _is_at(folder: Path, lock: int) -> bool:
    """Whether the locked folder still stands at its name."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    held = os.fstat(lock)
    is_same = (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)
    return is_same and stat.S_ISDIR(found.st_mode)
