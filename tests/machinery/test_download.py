from __future__ import annotations

import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from cs682.cifar10 import download
from cs682.cifar10.download import folder_lock, get_data, with_mirrors
from cs682.cifar10.fetch import DownloadError, Patience
from cs682.cifar10.files import FILES, FOLDER, check_files, find_cifar10
from tests.cifar_files import archive_of, pack, write_set
from tests.machinery.bad_server import serving

HASTY = Patience(reach=5.0, connect=5.0, stall=0.8, window=0.8, min_rate=100_000.0)


pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Give an archive of a small data set."""
    path = tmp_path_factory.mktemp("packed") / "file.tar.gz"
    pack(write_set(tmp_path_factory.mktemp("original"), 20), path)
    return path


@pytest.fixture
def server(packed):
    """Give a server of that archive."""
    with serving(packed.read_bytes()) as running:
        yield running


def nothing_is_taken_for_data(folder: Path) -> None:
    """Check that a folder holds no data under its name, and no debris of unpacking."""
    with pytest.raises(FileNotFoundError):
        find_cifar10(folder)
    assert [path.name for path in folder.glob(".cs682-unpack-*")] == []


def test_get_data_puts_checked_data_beside_the_package(server, packed, home):
    archive = archive_of(packed, (server.url("404"), server.url("cut")))

    folder = get_data(archive=archive, patience=HASTY)

    assert folder == home / "checkout" / "datasets" / FOLDER
    check_files(folder)
    assert find_cifar10() == folder
    left = sorted(path.name for path in folder.parent.iterdir())
    assert left == [".cs682-data.lock", FOLDER]
    assert folder.stat().st_mode & 0o055 == folder.parent.stat().st_mode & 0o055


def test_get_data_does_nothing_when_data_is_there(packed, home):
    write_set(home / "cache" / "cs682", 2)
    said = []

    folder = get_data(archive=archive_of(packed), report=said.append)

    assert folder == home / "cache" / "cs682" / FOLDER
    assert said == [f"nothing to do: real CIFAR-10 from {folder}"]


@pytest.mark.parametrize("inner", ["", FOLDER])
def test_get_data_writes_to_dest(server, packed, home, inner):
    write_set(home / "cache" / "cs682", 2)
    archive = archive_of(packed, (server.url("good"),))

    folder = get_data(home / "there" / inner, archive=archive)

    assert folder == home / "there" / FOLDER
    check_files(folder)


def test_get_data_follows_the_environment(server, packed, home, monkeypatch):
    monkeypatch.setenv("CS682_DATA", str(home / "shared" / FOLDER))

    folder = get_data(archive=archive_of(packed, (server.url("good"),)))

    assert folder == home / "shared" / FOLDER == find_cifar10()


def test_get_data_replaces_the_stand_in_by_real_data(server, packed, home):
    write_set(home / "checkout" / "datasets" / "stand-in", 2, stand_in="seed 1")

    folder = get_data(archive=archive_of(packed, (server.url("good"),)))

    assert folder == home / "checkout" / "datasets" / FOLDER == find_cifar10()


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_get_data_puts_damaged_data_aside(server, packed, home, damage):
    bad = write_set(home, 2) / "data_batch_4"
    if damage == "missing":
        bad.unlink()
    else:
        bad.write_bytes(b"")
    said = []

    folder = get_data(home, archive=archive_of(packed, (server.url("good"),)), report=said.append)

    check_files(folder)
    (kept,) = home.glob(f"{FOLDER}.old-*")
    assert (kept / FOLDER / "data_batch_5").exists()
    assert any("what was there before is now" in line for line in said)


def test_get_data_uses_an_archive_placed_by_hand(packed, home):
    shutil.copy(packed, home / "cifar-10-python.tar.gz")

    folder = get_data(home, archive=archive_of(packed), offline=True)

    check_files(folder)
    assert (home / "cifar-10-python.tar.gz").exists()


def test_get_data_refuses_a_wrong_archive_placed_by_hand(packed, home):
    (home / "cifar-10-python.tar.gz").write_bytes(b"x" * packed.stat().st_size)

    with pytest.raises(DownloadError, match="is not an archive at all"):
        get_data(home, archive=archive_of(packed), offline=True)

    nothing_is_taken_for_data(home)


def test_get_data_fetches_again_over_a_wrong_archive(server, packed, home):
    (home / "cifar-10-python.tar.gz").write_bytes(b"x" * 10)

    check_files(get_data(home, archive=archive_of(packed, (server.url("good"),))))


def test_get_data_offline_says_what_to_do(server, packed, home):
    with pytest.raises(DownloadError) as caught:
        get_data(home, archive=archive_of(packed, (server.url("good"),)), offline=True)

    for words in ("--stand-in", str(home), "by hand", "www.cs.toronto.edu", "SHA-256"):
        assert words in str(caught.value)
    assert server.asked == []


def test_get_data_offline_is_content_with_the_stand_in(packed, home):
    folder = write_set(home / "checkout" / "datasets" / "stand-in", 2, stand_in="seed 1")
    said = []

    assert get_data(archive=archive_of(packed), offline=True, report=said.append) == folder
    assert "synthetic stand-in" in said[0]


@pytest.mark.parametrize("manner", ["404", "wrong", "short", "long", "empty", "mute"])
def test_get_data_leaves_nothing_after_bad_mirrors(server, packed, home, manner):
    archive = archive_of(packed, (server.url(manner),))

    with pytest.raises(DownloadError, match="no mirror delivered"):
        get_data(home, archive=archive, patience=HASTY)

    nothing_is_taken_for_data(home)


def test_get_data_asks_for_room_first(server, packed, home, monkeypatch):
    archive = archive_of(packed, (server.url("good"),))
    needed = archive.size + archive.unpacked
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, needed - 1))

    with pytest.raises(DownloadError, match=r"MB left on its disk, .* are needed"):
        get_data(home, archive=archive)

    assert server.asked == []
    nothing_is_taken_for_data(home)


@pytest.fixture
def small_disk(tmp_path, packed):
    """Give a folder on a disk with room for the archive and half of its content."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = packed.stat().st_size * 3 // 2
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        done = False
    if not done:
        pytest.skip("mounting a small tmpfs needs root on Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_get_data_survives_a_disk_that_fills_while_unpacking(
    server, packed, small_disk, monkeypatch
):
    archive = archive_of(packed, (server.url("good"),))
    monkeypatch.setattr(download, "_require_space", lambda *_: None)  # as if filled by others

    with pytest.raises(DownloadError, match="No space left on device"):
        get_data(small_disk, archive=archive)
    nothing_is_taken_for_data(small_disk)

    subprocess.run(["mount", "-o", "remount,size=10m", str(small_disk)], check=True)
    check_files(get_data(small_disk, archive=archive, offline=True))  # the archive was kept


def test_get_data_names_a_folder_that_it_may_not_write(packed, home):
    (home / "file").write_text("in the way")

    with pytest.raises(DownloadError, match="cannot write"):
        get_data(home / "file" / "below", archive=archive_of(packed))


def evil_archive(path: Path, good: Path) -> None:
    """Write an archive with the seven files and members that reach outside."""
    with tarfile.open(path, "w:gz") as tar:
        for name in FILES:
            tar.add(good / name, arcname=f"{FOLDER}/{name}")
        for name in ("../outside", "/tmp/cs682-outside", f"{FOLDER}/../outside", f"{FOLDER}/extra"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
        link = tarfile.TarInfo(f"{FOLDER}/data_batch_1")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)


def test_get_data_unpacks_the_seven_files_and_nothing_else(home):
    good = write_set(home / "good", 2)
    packed = home / "dest" / "cifar-10-python.tar.gz"
    packed.parent.mkdir()
    evil_archive(packed, good)

    folder = get_data(packed.parent, archive=archive_of(packed), offline=True)

    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert not list(home.rglob("outside"))
    assert not Path("/tmp/cs682-outside").exists()


@pytest.mark.parametrize(
    "content",
    [b"no archive", gzip.compress(b"no tar", mtime=0), b""],
    ids=["text", "no tar", "empty"],
)
def test_get_data_refuses_an_archive_of_something_else(home, content):
    packed = home / "cifar-10-python.tar.gz"
    packed.write_bytes(content)

    with pytest.raises(DownloadError, match="does not hold CIFAR-10"):
        get_data(home, archive=archive_of(packed), offline=True)

    nothing_is_taken_for_data(home)


@pytest.mark.parametrize("content", [None, b"", b"not a batch"])
def test_get_data_refuses_an_archive_with_a_bad_batch(home, content):
    good = write_set(home / "good", 2)
    with tarfile.open(home / "cifar-10-python.tar.gz", "w:gz") as tar:
        for name in FILES:
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            data = content if name == "data_batch_3" else (good / name).read_bytes()
            if data is not None:
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    archive = archive_of(home / "cifar-10-python.tar.gz")

    with pytest.raises(DownloadError, match=r"does not hold CIFAR-10: .*data_batch_3"):
        get_data(home, archive=archive, offline=True)

    nothing_is_taken_for_data(home)


def test_get_data_removes_what_a_killed_process_left(server, packed, home):
    debris = home / ".cs682-unpack-dead" / FOLDER
    debris.mkdir(parents=True)
    (debris / "data_batch_1").write_bytes(b"half")

    get_data(home, archive=archive_of(packed, (server.url("good"),)))

    assert not debris.parent.exists()


def test_with_mirrors_puts_them_first(packed):
    archive = with_mirrors(["http://a/x.tgz", "https://b/c/"], archive_of(packed, ("http://d/",)))

    assert archive.urls == ("http://a/x.tgz", "https://b/c/cifar-10-python.tar.gz", "http://d/")
    with pytest.raises(ValueError, match="'ftp://a' must start with"):
        with_mirrors(["ftp://a"], archive)


def test_folder_lock_makes_a_second_one_wait(tmp_path):
    said, order = [], []

    def second() -> None:
        with folder_lock(tmp_path, said.append):
            order.append("second")

    with folder_lock(tmp_path, said.append):
        thread = threading.Thread(target=second)
        thread.start()
        while not said:
            time.sleep(0.01)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]
    assert said == ["another process is bringing the data; waiting for it"]


PROGRAM = """
import sys
from cs682 import __main__
from cs682.cifar10 import files as data_files
from cs682.cifar10 import download
from cs682.cifar10.fetch import Archive
download.CIFAR10 = Archive(*eval(sys.argv[1]))
sys.exit(__main__.main(["data", *sys.argv[2:]]))
"""


def start(packed: Path, url: str, dest: Path) -> subprocess.Popen[str]:
    """Start `python -m cs682 data --dest DEST` for a small archive."""
    archive = archive_of(packed, (url,))
    fields = (archive.name, archive.urls, archive.size, archive.sha256, archive.unpacked)
    command = [sys.executable, "-c", PROGRAM, repr(fields), "--dest", str(dest)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, cwd=Path(__file__).parents[2], **pipes)


def wait_for(path: Path, size: int) -> None:
    """Wait until a file has more than `size` bytes."""
    end = time.monotonic() + 60
    while not path.exists() or path.stat().st_size <= size:
        assert time.monotonic() < end, f"{path} does not grow"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_stopped_process_leaves_a_part_that_the_next_goes_on_with(
    server, packed, home, sign, status
):
    part = home / "cifar-10-python.tar.gz.part"
    process = start(packed, server.url("stall"), home)
    wait_for(part, 1000)

    process.send_signal(sign)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == status
    assert "Traceback" not in errors
    nothing_is_taken_for_data(home)
    kept = part.stat().st_size
    check_files(get_data(home, archive=archive_of(packed, (server.url("good"),))))
    assert server.asked[-1] == ("good", f"bytes={kept}-")


@pytest.mark.slow
def test_two_processes_at_once_fetch_once(server, packed, home):
    first = start(packed, server.url("wait"), home)
    wait_for(home / "cifar-10-python.tar.gz.part", 1000)
    second = start(packed, server.url("wait"), home)
    waiting = second.stdout.readline()
    server.go_on.set()

    (out_1, _), (out_2, _) = first.communicate(timeout=120), second.communicate(timeout=120)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "waiting for it" in waiting
    assert "ready: real CIFAR-10" in out_1
    assert "ready: real CIFAR-10" in out_2
    assert "downloading" not in out_2
    check_files(home / FOLDER)
