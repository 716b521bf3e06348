"""The compilation cache: where it is, when it is left alone, and that a second process starts hot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from normwise.training import compilation_cache
from normwise.training.compilation_cache import use_compilation_cache

FIT = """
import json, time, keras, numpy as np, normwise
keras.utils.set_random_seed(0)
layers = keras.layers
model = keras.Sequential([keras.Input((8,)), layers.Dense(32), layers.BatchNormalization(), layers.Dense(1)])
model.compile("adam", "mse")
x = np.ones((100, 8), "float32")
history = normwise.fit(model, x, x.sum(1), batch_size=32, epochs=2, verbose=0)
print(json.dumps({"loss": history.history["loss"], "made": [c.batch_size for c in history.compilations]}))
"""


@pytest.fixture
def settings():
    """JAX's settings as a process has them that was told nothing; put back afterwards."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield jax.config
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.usefixtures("settings")
def test_a_folder_of_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = use_compilation_cache()
    assert folder is not None
    assert folder.parent == tmp_path / "normwise"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert jax.config.jax_compilation_cache_dir == str(folder)


def test_a_folder_that_jax_was_told_stays(tmp_path, settings):
    settings.update("jax_compilation_cache_dir", str(tmp_path))
    assert use_compilation_cache() is None
    assert settings.jax_compilation_cache_dir == str(tmp_path)


def test_nothing_where_jax_is_to_keep_nothing(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings.update("jax_enable_compilation_cache", False)
    try:
        assert use_compilation_cache() is None
    finally:
        settings.update("jax_enable_compilation_cache", True)
    assert list(tmp_path.iterdir()) == []


def test_not_where_others_may_write(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = use_compilation_cache()
    settings.update("jax_compilation_cache_dir", None)
    folder.chmod(0o777)
    assert use_compilation_cache() is None
    assert settings.jax_compilation_cache_dir is None


@pytest.mark.usefixtures("settings")
def test_not_where_a_file_is_in_the_way(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "normwise").write_text("")
    assert use_compilation_cache() is None


def test_the_oldest_programs_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation_cache, "LARGEST_BYTES", 25)
    for age, name in enumerate(["newest", "middle", "oldest"]):
        (tmp_path / name).write_bytes(b"0123456789")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    compilation_cache._delete_oldest(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["middle", "newest"]


def test_a_second_process_reads_what_the_first_compiled(tmp_path):
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("JAX_COMPILATION", "JAX_PERSISTENT"))
    }
    environment |= {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}

    def run():
        done = subprocess.run(
            [sys.executable, "-c", FIT], env=environment, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout), {f: f.stat().st_mtime_ns for f in Path(tmp_path).rglob("*-cache")}

    first, programs = run()
    second, after = run()
    assert first == second
    assert sorted(first["made"]) == [4, 32]
    assert any("steps" in file.name or "whole" in file.name for file in programs)
    assert after == programs
