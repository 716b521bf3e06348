"""The report and its record: both, whole, or neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workflows.why_records import why_record

from normwise.core.why_record import WhyRecord
from normwise.workflows import why_files
from normwise.workflows.why_files import write_why_files


def test_both_are_written(tmp_path: Path) -> None:
    write_why_files(why_record(), tmp_path / "a.html", overwrite=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.html", "a.json"]
    assert WhyRecord.from_json((tmp_path / "a.json").read_text("utf-8")).source == "t.csv"


@pytest.mark.parametrize("cut", [0, 1])
def test_ctrl_c_between_the_two_leaves_nothing(
    cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, written = Path.write_text, []

    def write_text(self: Path, *args: object, **kwargs: object) -> int:
        if len(written) == cut:
            raise KeyboardInterrupt
        written.append(self)
        return whole(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(why_files.Path, "write_text", write_text)
    with pytest.raises(KeyboardInterrupt):
        write_why_files(why_record(), tmp_path / "a.html", overwrite=False)
    assert list(tmp_path.iterdir()) == []
