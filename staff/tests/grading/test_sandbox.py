"""The ladder: the strongest rung that there is, and none at all rather than a weak one unasked."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from staff.grading.intake.package import ROOT, read_package
from staff.grading.judging.core import grade_files
from staff.grading.sandbox import ladder as sandbox
from staff.grading.sandbox import users
from staff.grading.sandbox.ladder import NoSandboxError, choose_rung, require_hidden


@pytest.fixture
def nothing_but_limits(monkeypatch):
    """Make this machine look like one without bubblewrap, whose user is not root."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(os, "getuid", lambda: 1000)


@pytest.mark.usefixtures("nothing_but_limits")
def test_choose_rung_refuses_when_nothing_keeps_code_in():
    with pytest.raises(NoSandboxError, match=r"(?s)bwrap is not installed.*only root can"):
        choose_rung(allow_unsandboxed=False)


@pytest.mark.usefixtures("nothing_but_limits")
def test_choose_rung_takes_limits_alone_only_when_allowed(monkeypatch):
    monkeypatch.setattr(sandbox, "Sandbox", _Up)

    assert choose_rung(allow_unsandboxed=True).name == "limits alone"


class _Up:
    """A sandbox that comes up."""

    def __init__(self, rung, files):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_choose_rung_prefers_bubblewrap(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(sandbox, "Sandbox", _Up)

    assert choose_rung(allow_unsandboxed=True).name == "bubblewrap"


@pytest.mark.parametrize(
    ("mode", "refused"), [(0o755, True), (0o754, True), (0o751, True), (0o750, False)]
)
def test_require_hidden_names_the_folder_that_others_may_enter(mode, refused):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(mode)
        if refused:
            with pytest.raises(NoSandboxError, match=f"chmod o-rx {folder}"):
                require_hidden(Path(folder))
        else:
            require_hidden(Path(folder))


def test_read_package_takes_only_plain_files_of_the_student(hand_in, tmp_path):
    outside = tmp_path / "reference.py"
    outside.write_text("solution = 1\n")
    (hand_in / "cs682/layers.py").unlink()
    (hand_in / "cs682/layers.py").symlink_to(outside)
    (hand_in / "cs682/optim.py").write_bytes(b"#" * 2_000_000)
    (hand_in / "cs682/_arguments.py").write_text("mine = 1\n")
    (hand_in / "cs682/helper.py").write_text("mine = 1\n")
    (hand_in / "cs682/linked").symlink_to(tmp_path)
    (hand_in / "cs682/checks").mkdir()
    (hand_in / "cs682/checks/compare.py").write_text("mine = 1\n")

    files = read_package(hand_in)

    assert {"cs682/layers.py", "cs682/optim.py", "cs682/linked/reference.py"}.isdisjoint(files)
    assert not any(name.startswith("cs682/checks") for name in files)
    assert files["cs682/helper.py"] == b"mine = 1\n"
    assert b"mine" not in files["cs682/_arguments.py"]


def test_read_package_takes_no_more_than_there_is_room_for(hand_in):
    for i in range(5):
        (hand_in / f"cs682/helper_{i}.py").write_bytes(b"#" * 300_000)

    files = read_package(hand_in)

    assert [name for name in files if "helper" in name] == [
        f"cs682/helper_{i}.py" for i in range(3)
    ]
    assert "cs682/layers.py" in files


@pytest.mark.parametrize("name", ["cs682/_arguments", "cs682/layers", "cs682/training/seeds"])
def test_read_package_takes_no_folder_that_stands_before_a_module(name, hand_in):
    folder = hand_in / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("mine = 1\n")

    assert f"{name}/__init__.py" not in read_package(hand_in)


@pytest.mark.slow
def test_sandbox_tells_what_compiling_took_and_outlives_code_too_large(hand_in, rung):
    small = sandbox.Sandbox(rung, read_package(hand_in))
    parts = ", ".join(f"600 * '{i:06d}'" for i in range(40_000))  # folded: 144 MB
    (hand_in / "cs682/helper.py").write_text(f"x = [{parts}]\n")
    large = sandbox.Sandbox(rung, read_package(hand_in))
    with small, large:
        assert 0 < small.start_cpu < large.start_cpu
        order = {"functions": (), "seed": 682, "modules": {}, "taken": (), "replaced": ()}
        with large.begin({**order, "cpu": 4}):
            assert large.finish()[0] <= 0


@pytest.mark.slow
def test_sandbox_tells_how_long_a_process_has_waited_for_a_core(hand_in, rung):
    order = {"functions": (), "seed": 682, "modules": {}, "taken": (), "cpu": 4}
    order["replaced"] = ()
    with sandbox.Sandbox(rung, read_package(hand_in)) as box, box.begin(order):
        first, second = box.waited(), box.waited()
        status, cpu = box.finish()

    assert 0 <= first <= second
    assert status <= 0 <= cpu


LEFT_IN = """
import cs682.checks.run
from cs682.checks import *
from cs682.checks import check, judges
from cs682.checks.compare import compare

check("fc-1.3")
compare(judges.layers(), cs682.checks.run.CHECKS)
"""


@pytest.mark.slow
def test_an_import_of_the_checks_that_is_left_in_a_file_costs_nothing(rung):
    files = read_package(ROOT)
    files["cs682/layers.py"] += LEFT_IN.encode()

    (outcome,) = grade_files(files, seed=3, rung=rung, only=("fc-1.3",))

    assert (outcome.state, outcome.message) == ("passed", "")


@pytest.mark.skipif(os.getuid() != 0, reason="only root has users to lend")
def test_no_sandbox_takes_a_user_with_processes_or_a_name(monkeypatch):
    real = pwd.getpwuid
    with users.free_user() as first:
        busy, named = first + 1, first + 2
        monkeypatch.setattr(users, "processes_of", lambda uid: [1] if uid == busy else [])
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: real(0 if uid == named else uid))
        with users.free_user() as second:
            assert second not in (first, busy, named)


LISTING = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import numpy
tops = ["/" + name for name in os.listdir("/") if name not in ("dev", "proc", "tmp")]
folders = [d for top in tops for d, *_ in os.walk(top)]
packages = {name for d in folders if d.endswith("-packages") for name in os.listdir(d)}
print(json.dumps([sorted(packages), os.listdir("/usr")]))
"""


def test_bubblewrap_shows_shared_libraries_and_of_all_packages_numpy_alone(tmp_path):
    try:
        rung = sandbox.try_rung("bubblewrap", sandbox.Limits())
    except NoSandboxError as reason:
        pytest.skip(str(reason))
    words = rung.command(tmp_path, ["-c", LISTING, str(rung.interpreter.libraries)])

    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)

    packages, system = json.loads(done.stdout)
    assert {*packages} <= {"numpy", "numpy.libs"}
    assert {*system} <= {"lib", "lib64", "bin", "local"}
