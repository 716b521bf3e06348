"""The five questions: the doctor names the cause, the remedy helps, and the page says what is printed."""

import re

import pytest
from tests.examples.doctor_questions import QUESTIONS, differences, run, script, shown

ACCURACY = re.compile(r"(?:accuracy[^:]*|accuracy on new rows|:) (\d\.\d\d)$", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_it_prints_is_on_the_page_and_the_last_number_is_the_better_one(question, capsys):
    run(question)
    printed = capsys.readouterr().out
    assert differences(printed, shown(question)) == []
    accuracies = [float(number) for number in ACCURACY.findall(printed)]
    assert len(accuracies) >= 2
    # The last line is the mended network on new rows, the line before the doctor's the ailing one.
    ailing = float(re.search(r"(\d\.\d\d)\nthe doctor", printed).group(1))
    assert accuracies[-1] > ailing + 0.1


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_script_is_short(question):
    assert len(script(question).read_text(encoding="utf-8").splitlines()) < 80


def test_differences_would_be_seen():
    page = shown("few_steps")
    assert differences(page, page) == []
    assert differences(page.replace("0.18", "0.48"), page) == [("0.48", "0.18")]
    assert differences(page.replace("NRM403", "NRM401"), page) != []
    assert differences(page.replace("stale", "fresh"), page) != []
