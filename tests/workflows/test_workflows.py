"""The room's public names."""

import importlib
import types

import pytest

from normwise import workflows


@pytest.mark.parametrize("name", workflows.__all__)
def test_a_name_is_what_it_says_however_its_file_is_imported(name):
    importlib.import_module(f"normwise.workflows.{workflows._HOMES[name]}")
    for _ in range(2):
        assert not isinstance(getattr(workflows, name), types.ModuleType)
        assert getattr(workflows, name).__name__ == name


def test_there_are_no_others():
    assert set(workflows._HOMES) == set(workflows.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fit_tabel'"):
        workflows.fit_tabel  # noqa: B018
