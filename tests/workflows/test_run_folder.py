"""The run folder: whole or not at all, and nothing of others is ever deleted."""

import os
from pathlib import Path

import pytest

from normwise.core.errors import RecordError, RunFolderError
from normwise.workflows.run_folder import FILES, MODEL, SCHEMA, check_writable, read_schema, run_folder


def make(out, text="new", overwrite=False):
    with run_folder(out, overwrite) as folder:
        for name in FILES:
            (folder / name).write_text(text)


def contents(folder):
    """Path to text, of every file below; folders without files too."""
    return {
        str(p.relative_to(folder)): p.read_text() if p.is_file() else None for p in sorted(folder.rglob("*"))
    }


@pytest.fixture
def older(tmp_path):
    make(tmp_path / "run", "old")
    return tmp_path / "run"


def test_it_appears_whole_and_alone(tmp_path):
    out = tmp_path / "deep" / "er" / "run"
    with run_folder(out, overwrite=False) as folder:
        (folder / MODEL).write_text("m")
        assert not out.exists()
    assert contents(tmp_path / "deep") == {"er": None, "er/run": None, f"er/run/{MODEL}": "m"}
    assert out.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["run.keras", "run.onnx"])
def test_the_name_of_a_file_is_refused(tmp_path, name):
    out = tmp_path / name
    with pytest.raises(RunFolderError) as caught:
        check_writable(out, overwrite=False)
    assert str(caught.value) == (
        f"{out} is the name of a file, and what is written here is a run folder; expected a name without "
        f'"{out.suffix}". The network will be in it as model.keras.'
    )
    out.mkdir()
    check_writable(out, overwrite=True)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_failure_leaves_nothing_not_even_parents(tmp_path, error):
    def fail():
        with run_folder(tmp_path / "deep" / "er" / "run", overwrite=False) as folder:
            (folder / MODEL).write_text("m")
            raise error(28, "No space left on device")

    with pytest.raises(RunFolderError if error is OSError else error):
        fail()
    assert contents(tmp_path) == {}


def test_a_report_that_cannot_be_written_is_told_without_the_hidden_folder(tmp_path):
    def fail():
        with run_folder(tmp_path / "run", overwrite=False) as folder:
            try:
                raise OSError(28, "No space left on device")
            except OSError as error:
                raise RunFolderError(f"the report cannot be written to {folder}") from error

    with pytest.raises(RunFolderError) as caught:
        fail()
    assert str(caught.value).startswith(f"cannot write {tmp_path / 'run'}: No space left on device. Nothing")
    assert "the report cannot be written" in str(caught.value.__cause__)


def test_a_full_disk_is_told_with_the_path(tmp_path):
    def fail():
        with run_folder(tmp_path / "run", overwrite=False):
            raise OSError(28, "No space left on device")

    with pytest.raises(RunFolderError, match=r"cannot write .*run: No space left on device. Nothing"):
        fail()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_keeps_the_older_run(older, error):
    before = contents(older.parent)

    def fail():
        with run_folder(older, overwrite=True) as folder:
            (folder / MODEL).write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert contents(older.parent) == before


def test_an_existing_run_is_kept(older):
    before = contents(older.parent)
    with pytest.raises(RunFolderError, match=f"{older} exists and is kept.*--overwrite"):
        check_writable(older, overwrite=False)
    with pytest.raises(RunFolderError, match=f"{older} appeared meanwhile and is kept"):
        make(older)
    assert contents(older.parent) == before


def test_overwrite_replaces_it(older):
    check_writable(older, overwrite=True)
    assert contents(older)[MODEL] == "old"
    make(older, overwrite=True)
    assert contents(older) == dict.fromkeys(sorted(FILES), "new")
    assert os.listdir(older.parent) == ["run"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_the_older_run_comes_back_if_the_new_one_cannot_take_its_place(older, error, monkeypatch):
    rename = Path.rename

    def refuse(self, target):
        if Path(target) == older and not self.parent.name.startswith(".run-old"):
            raise error
        return rename(self, target)

    before = contents(older.parent)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RunFolderError if isinstance(error, OSError) else KeyboardInterrupt):
        make(older, overwrite=True)
    assert contents(older.parent) == before


class TestFoldersOfOthers:
    def refused(self, out, message):
        before = contents(out.parent)
        with pytest.raises(RunFolderError, match=message):
            check_writable(out, overwrite=True)
        with pytest.raises(RunFolderError, match=message):
            make(out, overwrite=True)
        assert contents(out.parent) == before

    def test_a_folder_without_a_run(self, tmp_path):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.tex").write_text("x")
        self.refused(tmp_path / "run", "run is no run folder .* and is kept")

    def test_a_schema_alone_is_no_run(self, tmp_path):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / SCHEMA).write_text("{}")
        self.refused(tmp_path / "run", f"run is no run folder .it has no {MODEL}")

    def test_a_run_with_other_files_in_it(self, older):
        (older / "predictions.csv").write_text("x")
        self.refused(older, 'also holds "predictions.csv", which no run wrote')

    def test_a_file(self, tmp_path):
        (tmp_path / "run").write_text("x")
        self.refused(tmp_path / "run", "run is not a folder and is kept")

    @pytest.mark.parametrize("dangling", [True, False])
    def test_a_symlink(self, tmp_path, older, dangling):
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "nowhere" if dangling else older)
        self.refused(link, "link is not a folder and is kept")
        assert link.is_symlink()

    def test_an_empty_folder_is_free_with_overwrite(self, tmp_path):
        (tmp_path / "run").mkdir()
        check_writable(tmp_path / "run", overwrite=True)
        make(tmp_path / "run", overwrite=True)
        assert set(contents(tmp_path / "run")) == set(FILES)


def test_checking_leaves_no_trace(tmp_path):
    check_writable(tmp_path / "a" / "b", overwrite=False)
    assert contents(tmp_path) == {}


def test_the_folder_that_one_stands_in(older, monkeypatch):
    monkeypatch.chdir(older)
    check_writable(Path(), overwrite=True)
    make(Path(), overwrite=True)
    assert contents(older)[MODEL] == "new"


def test_a_file_where_a_parent_should_be(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunFolderError, match=r"cannot write .*file/run: Not a directory|File exists"):
        check_writable(tmp_path / "file" / "run", overwrite=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_parent(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RunFolderError, match=r"cannot write .*run: Permission denied. Choose another --out"):
        check_writable(tmp_path / "run", overwrite=False)


class TestReadSchema:
    def test_no_such_folder(self, older):
        with pytest.raises(RunFolderError, match=f'no run folder {older}s. Did you mean "run"'):
            read_schema(older.with_name("runs"))

    @pytest.mark.parametrize("name", [SCHEMA, MODEL])
    def test_no_run_folder(self, older, name):
        (older / name).unlink()
        with pytest.raises(RunFolderError, match=f"{older} is no run folder: it has no {name}"):
            read_schema(older)

    @pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b'{"record": "Other", "version": 1}'])
    def test_a_malformed_schema_is_named(self, older, text):
        (older / SCHEMA).write_bytes(text)
        with pytest.raises(RecordError, match=str(older / SCHEMA)):
            read_schema(older)
