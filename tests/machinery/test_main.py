"""The commands of `python -m cs682`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cs682.__main__ import main
from cs682.cifar10 import download
from cs682.cifar10.files import FOLDER, find_cifar10
from cs682.cifar10.standin import RECIPE
from tests.cifar_files import archive_of, pack, write_set
from tests.machinery.bad_server import serving

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def offline(home, monkeypatch):
    """Keep the commands from the network."""
    monkeypatch.setattr(download, "CIFAR10", archive_of(Path(__file__), ("http://127.0.0.1:9/x",)))


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve a small archive in place of CIFAR-10's."""
    packed = tmp_path / "packed"
    pack(write_set(tmp_path / "original", 2), packed)
    with serving(packed.read_bytes()) as running:
        monkeypatch.setattr(download, "CIFAR10", archive_of(packed, (running.url("good"),)))
        yield running


def test_data_downloads_and_says_each_step(server, home, capsys):
    assert main(["data"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["downloading", "unpacking", "ready:"]
    assert find_cifar10() == home / "checkout" / "datasets" / FOLDER


def test_data_tries_given_mirrors_first(server, home):
    assert main(["data", "--mirror", server.url("404"), "--mirror", server.url("cut")]) == 0

    assert [manner for manner, _ in server.asked][:2] == ["404", "cut"]


def test_data_without_network_says_so_and_what_to_do(capsys):
    assert main(["data"]) == 1

    errors = capsys.readouterr().err
    assert "there seems to be no network" in errors
    assert "python -m cs682 data --stand-in" in errors


def test_data_offline_tells_a_wrong_variable_from_no_data(home, monkeypatch):
    assert main(["data", "--offline"]) == 1

    monkeypatch.setenv("CS682_DATA", str(home / "nothing"))
    assert main(["data", "--offline"]) == 2


def test_data_names_a_wrong_mirror(capsys):
    assert main(["data", "--mirror", "ftp://a"]) == 1

    assert "'ftp://a' must start with http://" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["dta"], ["data", "--seed", "1"], ["data", "--seed", "x"]])
def test_main_refuses_what_it_does_not_know(words):
    with pytest.raises(SystemExit) as caught:
        main(words)

    assert caught.value.code == 2


def test_main_ends_quietly_after_an_interrupt(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "get_data", interrupt)

    assert main(["data"]) == 130
    assert "interrupted" in capsys.readouterr().err


def fake_stand_in(dest, *, seed=682, train_size=50000, test_size=10000, progress=False):
    """Write a stand-in in no time, in place of `write_stand_in`."""
    return write_set(dest, 2, stand_in=f"seed {seed}, recipe {RECIPE}")


@pytest.fixture
def quick_stand_in(monkeypatch):
    """Make stand-ins small."""
    monkeypatch.setattr("cs682.cifar10.standin.write_stand_in", fake_stand_in)


@pytest.mark.usefixtures("quick_stand_in")
def test_data_makes_a_stand_in_and_calls_it_that(home, capsys):
    assert main(["data", "--stand-in"]) == 0

    folder = home / "checkout" / "datasets" / "stand-in" / FOLDER
    assert find_cifar10() == folder
    (line,) = capsys.readouterr().out.splitlines()
    what = f"synthetic stand-in, not real CIFAR-10 (seed 682, recipe {RECIPE})"
    assert line == f"ready: {what}, from {folder}"


@pytest.mark.usefixtures("quick_stand_in")
def test_data_makes_another_stand_in_only_for_another_seed(home, capsys):
    for seed in ("6", "6", "66", "6"):
        assert main(["data", "--stand-in", "--seed", seed, "--dest", str(home / "x")]) == 0

    starts = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert starts == ["ready", "nothing to do", "ready", "ready"]
    assert not list((home / "x").glob("*.old-*"))


@pytest.mark.usefixtures("quick_stand_in")
def test_data_never_writes_a_stand_in_over_real_data(home, capsys):
    write_set(home, 2)

    assert main(["data", "--stand-in", "--dest", str(home)]) == 1
    assert "holds real CIFAR-10" in capsys.readouterr().err


@pytest.mark.usefixtures("quick_stand_in")
def test_data_notes_that_the_variable_hides_the_stand_in(home, monkeypatch, capsys):
    monkeypatch.setenv("CS682_DATA", str(home / "elsewhere"))

    assert main(["data", "--stand-in"]) == 0
    assert "the loader looks only there" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sh") is None, reason="a script for a shell")
def test_get_datasets_works_from_any_folder(tmp_path):
    data = write_set(tmp_path / "a place", 2)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = REPOSITORY / "datasets" / "get_datasets.sh"
    environment = {**os.environ, "CS682_DATA": str(data), "PATH": path}

    done = subprocess.run(
        ["sh", str(script), "--offline"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"nothing to do: real CIFAR-10 from {data}\n"
