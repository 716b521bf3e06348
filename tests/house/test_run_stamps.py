"""What `run` does the second time, after a change, and after an interruption."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.house.machine import Machine

DEMO = ["python fit --out normwise-run --overwrite", "python why --out normwise-why.html --overwrite"]


@pytest.fixture(params=["uv", "pip"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    made = Machine(tmp_path)
    made.python("python3.12", "3.12")
    if request.param == "uv":
        made.uv()
    return made


def installs(log: list[str]) -> list[str]:
    return [line for line in log if " install " in line or line.startswith(("venv", "uv venv"))]


def test_the_first_time_installs_by_hash_then_the_project_offline(machine: Machine) -> None:
    result = machine.run("demo")
    assert result.returncode == 0, result.stderr
    made, packages, project = installs(machine.log())
    assert made.endswith(".venv")
    assert packages.endswith("--require-hashes -r requirements/run.txt")
    assert project.endswith("--no-deps --no-build-isolation .")
    assert "--offline" in project or "--no-index" in project
    assert "--editable" not in project


def test_the_second_time_installs_nothing_and_says_nothing(machine: Machine) -> None:
    machine.run("demo")
    machine.log()
    result = machine.run("demo")
    assert machine.log() == DEMO
    assert result.stderr == ""


def test_a_changed_source_is_installed_again_offline(machine: Machine) -> None:
    machine.run("demo")
    machine.log()
    (machine.project / "src" / "a file.py").write_text("x = 2\n")
    machine.run("demo")
    (again,) = installs(machine.log())
    assert again.endswith("--no-deps --no-build-isolation .")


def test_compiled_files_are_no_change(machine: Machine) -> None:
    machine.run("demo")
    machine.log()
    (machine.project / "src" / "module.pyc").write_bytes(b"\0")
    machine.run("demo")
    assert machine.log() == DEMO


def test_a_changed_lock_makes_the_environment_anew(machine: Machine) -> None:
    machine.run("demo")
    machine.log()
    with (machine.project / "requirements" / "run.txt").open("a") as lock:
        lock.write("# changed\n")
    machine.run("demo")
    assert len(installs(machine.log())) == 3


def test_a_failed_set_up_leaves_no_stamp_and_the_same_command_mends_it(machine: Machine) -> None:
    failed = machine.run("demo", FAIL="yes")
    assert failed.returncode == 1
    assert "The same command tries again." in failed.stderr
    assert not list((machine.project / ".venv").glob("*.stamp"))
    machine.log()
    assert machine.run("demo").returncode == 0
    assert len(installs(machine.log())) == 3


def test_test_adds_to_what_demo_installed(machine: Machine) -> None:
    machine.run("demo")
    machine.log()
    machine.run("test")
    (added,) = installs(machine.log())
    assert added.endswith("-r requirements/test.txt")
    machine.run("test")
    assert installs(machine.log()) == []


def test_test_all_adds_to_what_test_installed(machine: Machine) -> None:
    machine.run("test")
    machine.log()
    machine.run("test-all")
    added = installs(machine.log())
    assert added[0].endswith("-r requirements/slow.txt")
    machine.run("test-all")
    assert [line for line in installs(machine.log()) if "slow.txt" in line] == []
    machine.run("test")
    assert installs(machine.log()) == []


def test_demo_passes_its_arguments_to_fit_alone(machine: Machine) -> None:
    machine.run("demo", "--epochs", "3")
    assert machine.log()[-2:] == [f"{DEMO[0]} --epochs 3", DEMO[1]]


def test_demo_after_test_needs_nothing(machine: Machine) -> None:
    machine.run("test")
    machine.log()
    machine.run("demo")
    assert machine.log() == DEMO


def test_a_moved_folder_is_set_up_anew(machine: Machine) -> None:
    machine.run("demo")
    machine.log()
    machine.project = machine.project.rename(machine.project.with_name("moved"))
    machine.run("demo")
    assert len(installs(machine.log())) == 3


def test_a_home_that_cannot_be_written_is_no_hindrance(machine: Machine) -> None:
    machine.home.rmdir()
    machine.home.write_text("a file: no folder can be made below it, not even by root\n")
    assert machine.run("demo").returncode == 0
    log = machine.log()
    if any(line.startswith("uv ") for line in log):
        assert "no-cache=1" in log
