"""A folder of results is replaced whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from geopoverty._checks import first
from geopoverty.errors import InputError

MANIFEST = "manifest.json"
MADE_BY = "geopoverty run"


def check_target(target: Path, inputs: Iterable[Path]) -> None:
    """Check that results may be written to a folder, before any work is done.

    Parameters
    ----------
    target : Path
        It will be replaced whole.
    inputs : iterable of Path
        Files that must not lie in it: the study and what it reads.

    Raises
    ------
    InputError
        If the folder around it does not exist or cannot be written, `target` is a
        file, or it holds anything but the results of an earlier run.
    """
    _restore(target)
    around = target.parent
    if not os.path.isdir(around):
        raise InputError(
            f"The output's folder must exist; '{around}' does not. Create it first, "
            "or name another folder."
        )
    if not os.access(around, os.W_OK | os.X_OK):
        raise InputError(
            f"The output's folder must be writable; '{around}' is not. Change its "
            "permissions, or name another folder."
        )
    held = [p for p in inputs if p.is_relative_to(target)]
    if held:
        raise InputError(
            f"The output '{target}' is replaced whole and must not hold the study or "
            f"its inputs; it holds {first(p.name for p in held)}. Name a folder of "
            "its own, such as out = 'results'."
        )
    if target.exists():
        _check_ours(target)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that takes its place on success.

    When the block raises, what stood at `target` is untouched and the temporary
    folder is gone.

    Raises
    ------
    InputError
        If the file system refuses, as when the disk is full.

    Examples
    --------
    >>> target = Path(tempfile.mkdtemp()) / "results"
    >>> with whole_folder(target) as draft:
    ...     _ = (draft / "note.txt").write_text("whole")
    >>> (target / "note.txt").read_text()
    'whole'
    """
    _restore(target)
    draft = None
    try:
        name = tempfile.mkdtemp(
            prefix=f".{target.name}.", suffix=".draft", dir=target.parent
        )
        draft = Path(name)
        yield draft
        draft.chmod(0o777 & ~_umask())
        _swap(draft, target)
    except OSError as error:
        raise InputError(
            f"The results could not be written to '{target}' ({error.strerror or error}"
            "). What stood there before is unchanged. Free some space or name another "
            "folder, and run again."
        ) from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _check_ours(target: Path) -> None:
    """Refuse to replace a folder that holds what no run has written."""
    if not target.is_dir():
        raise InputError(
            f"The output must be a folder; '{target}' is a file. Name a folder."
        )
    files = {
        p.relative_to(target).as_posix() for p in target.rglob("*") if not p.is_dir()
    }
    foreign = sorted(files - _written(target))
    if foreign:
        raise InputError(
            f"The output '{target}' is replaced whole, but {len(foreign)} files in it "
            f"were not written by an earlier run ({first(foreign)}). Move them away, "
            "or name another folder."
        )


def _written(target: Path) -> set[str]:
    """Return the files that the manifest of an earlier run lists."""
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    ours = isinstance(manifest, dict) and manifest.get("made_by") == MADE_BY
    outputs = manifest.get("outputs") if ours else None
    return {*outputs, MANIFEST} if isinstance(outputs, dict) else set()


def _previous(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


def _restore(target: Path) -> None:
    """Put right what a run that was killed between two renames left behind."""
    previous = _previous(target)
    if not previous.is_dir():
        return
    if target.exists():
        shutil.rmtree(previous, ignore_errors=True)
    else:
        previous.rename(target)


def _swap(draft: Path, target: Path) -> None:
    previous = _previous(target)
    if not target.exists():
        draft.rename(target)
        return
    target.rename(previous)
    try:
        draft.rename(target)
    except BaseException:
        if not target.exists():
            previous.rename(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
