"""Write a file whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geopoverty.errors import InputError


def output_path(path: str | os.PathLike[str]) -> Path:
    """Check that a file may be written at `path`, before any work is done.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written, or `path` is a folder.

    Examples
    --------
    >>> output_path("atlas.html").name
    'atlas.html'
    """
    target = Path(path).expanduser()
    folder = target.parent
    # Unlike Path.is_dir, this is False for a folder below one that cannot be read.
    if not os.path.isdir(folder):
        raise InputError(
            f"The output folder must exist; '{folder}' does not. "
            "Create it first, or name another folder."
        )
    if os.path.isdir(target):
        raise InputError(
            f"The output must be a file; '{target}' is a folder. Add a file name."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"The output folder must be writable; '{folder}' is not. "
            "Change its permissions, or name another folder."
        )
    return target


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place on success.

    When the block raises, whatever stood at `path` before is untouched and the
    temporary file is gone.

    Raises
    ------
    InputError
        As `output_path`, or if the file system refuses the temporary file.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_path(target) as draft:
    ...     _ = draft.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = output_path(path)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent
        )
    except OSError as error:
        raise InputError(
            f"The output folder must be writable; '{target.parent}' is not "
            f"({error.strerror}). Name another folder."
        ) from error
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
