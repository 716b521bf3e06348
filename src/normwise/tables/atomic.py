"""Files that appear whole or not at all."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from normwise.core.errors import NormwiseError, TableError


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """A path beside `path` to write to; it is renamed to `path` at the end, and removed if anything fails.

    Args:
        path: The file to appear. A symbolic link is followed.
        overwrite: Whether a file that exists may be replaced.

    Yields:
        A path in the same folder, with the same extensions.

    Raises:
        TableError: If the file exists and `overwrite` is false, its folder does not exist, or the system
            refuses to write: a read-only folder, a full disk.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "a.txt")
        >>> with atomic_path(file) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> file.read_text(), len(list(file.parent.iterdir()))
        ('whole', 1)
    """
    given = Path(path)
    target = Path(os.path.realpath(given))
    require_writable(given, target, overwrite)
    temporary = target.with_name(f".{secrets.token_hex(8)}{''.join(target.suffixes[-2:])}")
    # A second KeyboardInterrupt may cut in before what stands below is done, and Polars brings two for one.
    remove = atexit.register(functools.partial(_remove, temporary))
    try:
        yield temporary
        require_writable(given, target, overwrite)
        os.replace(temporary, target)
    except NormwiseError:
        raise
    except OSError as error:
        raise TableError(
            f"{given} cannot be written: {error.strerror or error}. Nothing was left there."
        ) from error
    finally:
        remove()
        atexit.unregister(remove)


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def check_creatable(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Raises what `atomic_path` would, as far as it can be known before the work is done.

    Example:
        >>> check_creatable("/no such folder/a.txt")
        Traceback (most recent call last):
        ...
        normwise.core.errors.TableError: /no such folder/a.txt cannot be written: there is no folder \
/no such folder. Make it first.
    """
    given, target = Path(path), Path(os.path.realpath(path))
    require_writable(given, target, overwrite)
    probe = target.with_name(f".{secrets.token_hex(8)}")
    try:
        # What a folder's mode says is not all: a file system may be read-only, and root may write anywhere.
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        probe.unlink()
    except OSError as error:
        raise TableError(f"{given} cannot be written: {error.strerror or error}.") from error


def require_writable(given: Path, target: Path, overwrite: bool) -> None:
    """Raises a TableError if `target`, which the user gave as `given`, is not to be written."""
    if target.is_dir():
        raise TableError(f"{given} is a folder. Expected the name of a file to write.")
    if not target.parent.is_dir():
        raise TableError(f"{given} cannot be written: there is no folder {target.parent}. Make it first.")
    if target.exists() and not overwrite:
        raise TableError(
            f"{given} exists and was kept. Choose another name, or replace it: --overwrite on the command "
            "line, overwrite=True in Python."
        )
