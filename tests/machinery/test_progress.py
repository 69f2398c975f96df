"""The progress bar: there when somebody watches, readable, and never in the way of log lines."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest

from cs682.training import progress as _progress
from cs682.training.progress import WIDTH, Progress, somebody_watches
from tests.small_models import Softmax, counting, make_data, quiet


class Terminal:
    """Stand in for a stream on which somebody looks."""

    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


class Streams:
    """Stand in for `sys` with a given stderr; pytest swaps the real one between its phases."""

    modules = sys.modules

    def __init__(self, stderr):
        self.stderr = stderr

    @property
    def stdout(self):
        return sys.stdout


@pytest.fixture
def terminal(monkeypatch):
    """Put a terminal in the place of stderr."""
    stream = Terminal()
    monkeypatch.setattr(_progress, "sys", Streams(stream))
    return stream


def pretend_jupyter(monkeypatch):
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def train(**options):
    solver = quiet(Softmax(), make_data(), batch_size=10, num_epochs=3, **options)
    solver.train()
    return solver


def test_nobody_watches_a_captured_stream():
    assert not somebody_watches()


def test_nobody_watches_if_there_is_no_stream(monkeypatch):
    monkeypatch.setattr(_progress, "sys", Streams(None))

    assert not somebody_watches()


@pytest.mark.usefixtures("terminal")
def test_somebody_watches_a_terminal():
    assert somebody_watches()


def test_somebody_watches_a_notebook_but_not_plain_ipython(monkeypatch):
    pretend_jupyter(monkeypatch)
    in_notebook = somebody_watches()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))

    assert in_notebook
    assert not somebody_watches()


def test_train_shows_one_finished_bar_on_a_terminal(terminal, capsys):
    solver = train(verbose=True, print_every=None)

    last = terminal.text.rstrip("\n").split("\r")[-1]
    loss, accuracy = solver.loss_history[-1], solver.val_acc_history[-1]
    assert re.fullmatch(r"epoch 3/3: 100%\|.+\| 12/12 \[00:\d\d<00:00, .*\] *", last)
    assert f"loss={loss:.3f}, val_acc={accuracy:.3f}]" in last
    assert terminal.text.endswith("\n")
    assert all(line.startswith("(Epoch") for line in capsys.readouterr().out.splitlines())


def test_train_leaves_the_bar_with_the_last_accuracy(terminal):
    counting([0, 1, 1, 0], epochs=3, progress=True).train()

    assert terminal.text.rstrip("\n ").endswith("val_acc=0.000]")


def test_train_keeps_the_bar_within_its_width(terminal, monkeypatch):
    monkeypatch.setattr(_progress.shutil, "get_terminal_size", lambda: SimpleNamespace(columns=300))
    train(progress=True)
    wide = max(map(len, re.split(r"[\r\n]", terminal.text)))
    terminal.text = ""
    monkeypatch.setattr(_progress.shutil, "get_terminal_size", lambda: SimpleNamespace(columns=70))
    train(progress=True)

    assert wide == WIDTH
    assert max(map(len, re.split(r"[\r\n]", terminal.text))) == 69  # the 70th column would wrap


def test_train_in_a_notebook_shows_the_bar_at_one_place_and_leaves_it_empty(monkeypatch, capsys):
    pretend_jupyter(monkeypatch)
    displayed, updates = [], []
    handle = SimpleNamespace(
        display=lambda data, raw: displayed.append(data["text/plain"]),
        update=lambda data, raw: updates.append(data["text/plain"]),
    )
    display = SimpleNamespace(DisplayHandle=lambda: handle)
    monkeypatch.setitem(sys.modules, "IPython.display", display)

    train(verbose=True, print_every=5)

    assert displayed == [""]  # what is saved, and what another run is compared with
    assert updates[-1] == ""
    assert re.fullmatch(r"epoch 3/3: 100%\|█+\| 12/12 \[.*, loss=.*, val_acc=.*\]", updates[-2])
    captured = capsys.readouterr()
    assert captured.err == ""
    assert all(line.startswith("(") for line in captured.out.splitlines())
    assert len(captured.out.splitlines()) == 3 + 4


@pytest.mark.filterwarnings("ignore:the loss is:RuntimeWarning")
def test_the_bar_and_the_log_show_a_huge_loss_short(terminal, capsys):
    losses = [2.0, 4.2e37, 1.2345e99]
    solver = counting([0, 1, 1, 0], 3, losses=losses, verbose=True, progress=True, print_every=1)

    solver.train()

    assert "loss=1.2e+99, val_acc=0.000]" in terminal.text
    assert "(Iteration 2 / 3) loss: 4.2e+37" in capsys.readouterr().out
    assert max(map(len, re.split(r"[\r\n]", terminal.text))) <= WIDTH


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"verbose": True}, True),
        ({"verbose": False}, False),
        ({"verbose": True, "progress": False}, False),
        ({"verbose": False, "progress": True}, True),
    ],
)
def test_train_shows_the_bar_only_if_wanted(options, shown, terminal):
    train(**options)

    assert ("epoch 3/3" in terminal.text) is shown


def test_train_shows_no_bar_in_a_pipe(capsys):
    train(verbose=True, print_every=None)

    captured = capsys.readouterr()
    assert captured.err == ""
    assert "\r" not in captured.out


def test_train_closes_the_bar_when_the_model_raises(terminal):
    solver = quiet(Softmax(), make_data(), progress=True)
    solver.model.loss = None

    with pytest.raises(TypeError):
        solver.train()

    assert terminal.text.endswith("\n")


def test_progress_counts_from_what_was_done_before(terminal):
    progress = Progress(20, 15, shown=True)
    progress.advance("epoch 4/5", {"loss": "1.0"})
    progress.close()
    progress.close()

    assert "| 16/20 [" in terminal.text.split("\r")[-1]
