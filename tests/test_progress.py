"""Progress: what it says with and without a terminal."""

import re

import pytest

from glassdyn.jobs import progress


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_plain_lines_now_and_then(clock, capsys):
    with progress.show_progress("record", total=1000, unit="steps") as advance:
        for _ in range(10):
            clock[0] += 6.0
            advance(100)
    assert capsys.readouterr().out.splitlines() == [
        "record: 30 % of 1000 steps, 16.7 steps/s, 0:42 left",
        "record: 60 % of 1000 steps, 16.7 steps/s, 0:24 left",
        "record: 90 % of 1000 steps, 16.7 steps/s, 0:06 left",
        "record: 1000 steps in 1:00",
    ]


def test_what_was_there_already_does_not_count_for_the_rate(clock, capsys):
    with progress.show_progress("record", total=1000, unit="steps") as advance:
        advance(900)
        clock[0] += 20.0
        advance(50)
        clock[0] += 20.0
        advance(50)
    assert "record: 95 % of 1000 steps, 2.5 steps/s, 0:20 left" in capsys.readouterr().out


def test_what_is_told_stands_behind_and_changes_the_total(clock, capsys):
    with progress.show_progress("train", total=1000, unit="steps") as advance:
        advance(0)
        advance.tell("loss 0.9", total=200)
        clock[0] += 20.0
        advance(100)
        advance.tell("loss 0.8", total=400)
    assert capsys.readouterr().out.splitlines() == [
        "train: 50 % of 200 steps, 5 steps/s, 0:20 left, loss 0.9",
        "train: 100 steps in 0:20, loss 0.8",
    ]


def test_nothing_done_yet(clock, capsys):
    with progress.show_progress("record", total=10, unit="steps") as advance:
        advance(0)
        clock[0] += 20.0
        advance(0)
    assert "record: 0 % of 10 steps, just begun" in capsys.readouterr().out


def test_a_bar_in_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.show_progress("record", total=3, unit="frames") as advance:
        for _ in range(3):
            advance(1)
        advance.tell("all is well", total=3)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().out)
    assert "record" in shown
    assert "100%" in shown
    assert "frames/s" in shown
    assert "all is well" in shown


def test_long_times_and_large_numbers():
    assert progress._clock(3 * 3600 + 62) == "3:01:02"
    assert [progress._count(n) for n in (3.2, 950, 12e3, 2.7e9)] == ["3.2", "950", "12 k", "2.7 G"]
