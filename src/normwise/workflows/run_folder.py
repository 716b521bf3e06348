"""The run folder: a trained network and everything that is known of it, there whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from normwise.core.errors import RecordError, RunFolderError, did_you_mean, listing
from normwise.core.records import encode
from normwise.core.run_record import RunRecord, TableSchema
from normwise.workflows.check_schema import check_schema

if TYPE_CHECKING:
    import keras

MODEL, SCHEMA, METRICS, RUN = "model.keras", "schema.json", "metrics.json", "run.json"
HISTORY, README, REPORT = "history.csv", "README.md", "report.html"
FILES = (MODEL, SCHEMA, METRICS, RUN, HISTORY, README, REPORT)


class Kind(NamedTuple):
    """What a folder is that appears whole or not at all.

    Args:
        name: What to call it.
        writer: What to call the command that writes it.
        needed: The files by which it is known.
        files: All that it may hold.
        network: That of them with the network.
    """

    name: str
    writer: str
    needed: tuple[str, ...]
    files: tuple[str, ...]
    network: str


RUN_FOLDER = Kind("run folder", "run", (SCHEMA, MODEL), FILES, MODEL)

FILE_SUFFIXES = (".keras", ".onnx")
"""Of what a folder is not called: who gives such a name wants the network alone."""


def check_writable(out: Path, overwrite: bool, kind: Kind = RUN_FOLDER) -> None:
    """Raises a RunFolderError if no folder of the kind can appear at `out`: called before the work."""
    if out.suffix in FILE_SUFFIXES and not out.is_dir():
        raise RunFolderError(
            f"{out} is the name of a file, and what is written here is a {kind.name}; expected a name "
            f'without "{out.suffix}". The network will be in it as {kind.network}.'
        )
    if os.path.lexists(out):
        if not overwrite:
            raise RunFolderError(
                f"{out} exists and is kept. Choose another --out, or give --overwrite to replace it."
            )
        _check_replaceable(out, kind)
    with run_folder(out, overwrite, keep=False):
        pass


def _check_replaceable(out: Path, kind: Kind) -> None:
    """Raises a RunFolderError unless `out` may be deleted: it is empty, or of the kind and nothing else."""
    if out.is_symlink() or not out.is_dir():
        raise RunFolderError(f"{out} is not a folder and is kept. Choose another --out.")
    found = {path.name for path in out.iterdir()}
    if found and (absent := [name for name in kind.needed if name not in found]):
        raise RunFolderError(
            f"{out} is no {kind.name} (it has no {absent[0]}) and is kept. Choose another --out."
        )
    if foreign := sorted(found - set(kind.files)):
        raise RunFolderError(
            f"{out} also holds {listing(foreign)}, which no {kind.writer} wrote, and is kept. Move it"
            " elsewhere, or choose another --out."
        )


def copy_run(run: Path, out: Path, model: keras.Model, overwrite: bool) -> None:
    """A run folder with another model, all else being that of `run`.

    Raises:
        RunFolderError: As `run_folder`.
    """
    with run_folder(out, overwrite) as folder:
        for name in FILES:
            if name != MODEL and (run / name).exists():
                shutil.copy2(run / name, folder / name)
        model.save(folder / MODEL)


@contextmanager
def run_folder(out: Path, overwrite: bool, keep: bool = True, kind: Kind = RUN_FOLDER) -> Iterator[Path]:
    """A folder beside `out` to write into: it becomes `out` when the block ends well, else it vanishes.

    Args:
        out: The run folder to be; its parents are made.
        overwrite: Whether it may replace an older one.
        keep: False only tries whether one could be written.
        kind: What it is; of another it does not take the place.

    Raises:
        RunFolderError: If the file system refuses.
    """
    # Of "." and "..", which have no name of their own; a link stays a link.
    place = Path(os.path.abspath(out))
    made = [parent for parent in place.parents if not parent.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        _remove_empty(made)
        raise RunFolderError(
            f"cannot write {out}: {error.strerror or error}. Choose another --out."
        ) from error
    try:
        yield beside
        if keep:
            _put_in_place(beside, place, overwrite, kind)
    except OSError as error:
        # A RunFolderError of the report names the hidden folder; its cause does not.
        cause = error.__cause__ if isinstance(error, RunFolderError) else error
        if not isinstance(cause, OSError):
            raise
        raise RunFolderError(
            f"cannot write {out}: {cause.strerror or cause}. Nothing was left there; free some space or"
            " choose another --out."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        _remove_empty(made)


def _remove_empty(folders: list[Path]) -> None:
    """Removes the parents that were made for a run folder which did not come to be, innermost first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _put_in_place(beside: Path, out: Path, overwrite: bool, kind: Kind) -> None:
    beside.chmod(0o755)
    if not os.path.lexists(out):
        beside.rename(out)
        return
    if not overwrite:
        raise RunFolderError(f"{out} appeared meanwhile and is kept. Choose another --out.")
    _check_replaceable(out, kind)
    older = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    kept = older / out.name
    try:
        out.rename(kept)
        beside.rename(out)
    finally:
        # Whatever happened between the two, Ctrl-C too: one of them is there.
        if kept.exists() and not os.path.lexists(out):
            kept.rename(out)
        shutil.rmtree(older, ignore_errors=True)


def write_records(folder: Path, record: RunRecord) -> None:
    """Writes all of the run folder's text files but the report."""
    (folder / SCHEMA).write_text(record.schema.to_json(indent=2) + "\n", encoding="utf-8")
    (folder / RUN).write_text(record.to_json() + "\n", encoding="utf-8")
    (folder / METRICS).write_text(_metrics(record), encoding="utf-8")
    (folder / README).write_text(_readme(record), encoding="utf-8")
    with (folder / HISTORY).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *record.history])
        writer.writerows(
            [i, *row] for i, row in enumerate(zip(*record.history.values(), strict=True), start=1)
        )


def read_schema(folder: Path) -> TableSchema:
    """The schema of a run folder.

    Raises:
        RunFolderError: If there is no such folder, it is no run folder, or it cannot be read.
        RecordError: If its schema is malformed, or was written by a newer normwise.
    """
    if not folder.is_dir():
        siblings = [p.name for p in folder.parent.iterdir() if p.is_dir()] if folder.parent.is_dir() else []
        hint = did_you_mean(folder.name, siblings) if siblings else "Make one with: normwise fit"
        raise RunFolderError(f"no run folder {folder}. {hint}")
    for name in (SCHEMA, MODEL):
        if not (folder / name).is_file():
            raise RunFolderError(f"{folder} is no run folder: it has no {name}. Make one with: normwise fit")
    try:
        schema = TableSchema.from_json((folder / SCHEMA).read_text(encoding="utf-8"))
        check_schema(schema)
        return schema
    except OSError as error:
        raise RunFolderError(f"{folder / SCHEMA} cannot be read: {error.strerror or error}") from error
    except (RecordError, UnicodeDecodeError) as error:
        raise RecordError(f"{folder / SCHEMA}: {error}") from error


def _metrics(record: RunRecord) -> str:
    scores = {score.model: {**score.metrics, "seconds": round(score.seconds, 3)} for score in record.scores}
    data = {"held_out_rows": record.held_out_rows, "best_epoch": record.best_epoch, "scores": scores}
    return json.dumps(encode(data), indent=2, ensure_ascii=False) + "\n"


def _readme(record: RunRecord) -> str:
    versions = "\n".join(f"- {name} {version}" for name, version in record.versions.items())
    return f"""# A normwise run

Predicts `{record.schema.target}` ({record.schema.task}). Trained on {record.rows} rows of {record.source},
seed {record.seed}.
Data SHA-256: `{record.data_hash}`

Open `{REPORT}` for what it learnt and how well; `{METRICS}` and `{HISTORY}` hold the same numbers, `{RUN}`
everything.

## Predict

    normwise predict THIS_FOLDER TABLE.csv --out predictions.csv

## In Python

    import os
    os.environ.setdefault("KERAS_BACKEND", "{record.versions["backend"]}")
    from normwise.workflows import load_run
    predictions = load_run("THIS_FOLDER").predict(table)     # pandas, Polars, NumPy, a dict of columns

The Keras model alone, scaling included, is `normwise.load_model("{MODEL}")`. It reads numbers: `{SCHEMA}`
says
which code stands for which category.

## Versions

{versions}
"""
