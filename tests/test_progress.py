"""A bar on a terminal for work over two seconds; nothing anywhere else."""

import contextlib
import io
import os
import sys
import termios
import time

import numpy as np
import pandas as pd
import pytest

from geopoverty import _progress
from geopoverty._progress import progress
from geopoverty.estimators.binary import logit

STEP = 0.1


@pytest.fixture
def terminal():
    """A file that is a terminal, and a function that reads what was drawn on it."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    os.set_blocking(ours, False)
    screen = os.fdopen(theirs, "w")

    def drawn():
        screen.flush()
        text = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                text += os.read(ours, 4096)
        return text.decode()

    yield screen, drawn
    screen.close()
    os.close(ours)


def test_long_work_is_shown_on_a_terminal_only(terminal, monkeypatch):
    screen, drawn = terminal
    elsewhere = io.StringIO()
    steps = [progress(range(24), "Modelling", 24) for _ in range(2)]
    # Where a bar goes is settled at its first step.
    for work, stream in zip(steps, (screen, elsewhere), strict=True):
        monkeypatch.setattr(sys, "stderr", stream)
        assert next(work) == 0
    monkeypatch.undo()
    early, start = "", time.time()
    for i in range(1, 24):
        time.sleep(STEP)
        assert [next(work) for work in steps] == [i, i]
        if time.time() - start < 1.8:
            early += drawn()
    shown = drawn()
    assert [list(work) for work in steps] == [[], []]
    assert early == ""
    assert "Modelling:" in shown
    assert "/24" in shown
    assert drawn().split("\r")[-2].strip() == ""  # in the end the line is wiped
    assert elsewhere.getvalue() == ""


def test_short_work_is_not_shown(terminal, monkeypatch):
    screen, drawn = terminal
    monkeypatch.setattr(sys, "stderr", screen)
    assert list(progress([3, 1, 2], "Modelling")) == [3, 1, 2]
    assert drawn() == ""


def test_a_loop_may_stop_early(terminal, monkeypatch):
    screen, drawn = terminal
    monkeypatch.setattr(sys, "stderr", screen)
    for step in progress(range(1000), "Modelling"):
        if step == 3:
            break
    assert step == 3
    assert drawn() == ""


def test_the_steps_may_fail(capsys):
    def steps():
        yield 1
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        list(progress(steps(), "Modelling"))
    assert capsys.readouterr().err == ""


def test_stages_are_counted_on_a_terminal(terminal, monkeypatch):
    screen, drawn = terminal
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    with _progress.stages("Estimating", 3) as advance:
        advance()
        time.sleep(STEP * 1.5)
        advance()
        shown = drawn()
    assert "Estimating:" in shown
    assert "2/3" in shown


def test_stages_are_silent_elsewhere(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    with _progress.stages("Estimating", 2) as advance:
        advance()
        time.sleep(STEP * 1.5)
        advance()
    assert capsys.readouterr() == ("", "")


def test_a_long_fit_counts_its_steps(terminal, monkeypatch):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=400), "y": rng.integers(0, 2, 400)})
    screen, drawn = terminal
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setattr(sys, "stderr", screen)
    logit("y ~ x", table)
    monkeypatch.undo()
    assert "Fitting 400 rows, step" in drawn()
