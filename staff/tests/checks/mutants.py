"""Put a student's answer in place of a function, and see what the checks say to it."""

from __future__ import annotations

import pytest

from cs682 import fast_layers, layer_utils, layers, optim
from cs682.checks import CheckError, check
from cs682.classifiers import cnn, fc_net

HOMES = (
    layers,
    fast_layers,
    layer_utils,
    optim,
    fc_net,
    cnn,
)  # modules import names from each other


def put(monkeypatch, name, answer):
    """Replace a function wherever the package looks it up, or ``Class.method``."""
    if "." in name:
        owner, method = name.split(".")
        home = cnn if hasattr(cnn, owner) else fc_net
        monkeypatch.setattr(getattr(home, owner), method, answer)
        return
    for home in HOMES:
        if name in vars(home):
            monkeypatch.setattr(home, name, answer)


def refusal(exercise):
    """Run a check that must fail, and return what it says."""
    with pytest.raises(CheckError) as caught:
        check(exercise)
    return str(caught.value)


def advice(exercise, capsys):
    """Run a check that must pass, and return its lines of advice as one text."""
    check(exercise)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"passed  {exercise}")
    return "\n".join(line for line in lines if line.startswith("  advice"))
