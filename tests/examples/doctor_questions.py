"""The scripts about the five questions, and what each of them prints."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "doctor-questions.md"
QUESTIONS = ("few_steps", "frozen_layers", "dropout", "batch_of_two", "unscaled_inputs")
NUMBER = re.compile(r"(?<![A-Z\d])\d+(?:\.\d+)?")
"""Those of codes are words."""


def script(question):
    return ROOT / "examples" / f"doctor_{question}.py"


def run(question):
    """Runs a script as from the shell; its doctor's findings are asserted within."""
    runpy.run_path(str(script(question)), run_name="__main__")


def shown(question):
    """What the page says that the script prints."""
    text = PAGE.read_text(encoding="utf-8")
    _, _, after = text.partition(f"`examples/doctor_{question}.py`")
    return re.search(r"```text\n(.*?)```", after, re.DOTALL).group(1)


def differences(printed, page):
    """How two texts differ: their words, or numbers by more than 0.1 of an accuracy or a tenth of any other.

    Training adds up in another order on another machine, and a few hundred rows tell accuracies to 0.02.
    """
    words = [NUMBER.sub("N", text).splitlines() for text in (printed, page)]
    if words[0] != words[1]:
        return [
            f"{one!r} is not {other!r}" for one, other in zip(*words, strict=False) if one != other
        ] or words
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(page), strict=True)
    return [pair for pair in pairs if abs(float(pair[0]) - float(pair[1])) > max(0.1, 0.1 * float(pair[1]))]
