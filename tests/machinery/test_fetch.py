from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from cs682.cifar10.fetch import Archive, DownloadError, Patience, fetch, reachable
from tests.machinery.bad_server import serving

CONTENT = np.random.default_rng(682).bytes(300_000)
HASTY = Patience(reach=5.0, connect=5.0, stall=0.8, window=0.8, min_rate=100_000.0)


@pytest.fixture
def server():
    """Give a server of `CONTENT`."""
    with serving(CONTENT) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def closed_port() -> str:
    """Return an address at which nothing listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{s.getsockname()[1]}/file"


class Download:
    """One download into a folder, with all that was reported."""

    def __init__(self, folder: Path, *urls: str, content: bytes = CONTENT) -> None:
        digest = hashlib.sha256(content).hexdigest()
        self.archive = Archive("file.tar.gz", urls, len(content), digest, 0)
        self.target = folder / "file.tar.gz"
        self.part = folder / "file.tar.gz.part"
        self.said: list[str] = []
        self.progress: list[tuple[int, int]] = []

    def run(self, patience: Patience = HASTY) -> None:
        fetch(
            self.archive,
            self.target,
            patience=patience,
            report=self.said.append,
            progress=lambda *at: self.progress.append(at),
        )

    def has(self, text: str) -> bool:
        return any(text in line for line in self.said)

    def fails(self, text: str = "no mirror delivered") -> None:
        with pytest.raises(DownloadError, match=text):
            self.run()
        assert not self.target.exists()  # nothing half-written under the name of the whole

    def succeeds(self) -> None:
        self.run()
        assert self.target.read_bytes() == CONTENT
        assert not self.part.exists()


@pytest.mark.parametrize("manner", ["good", "whole", "cut", "to/good", "to/to/cut", "416", "lie"])
def test_fetch_gets_the_file_from_one_server(server, tmp_path, manner):
    Download(tmp_path, server.url(manner)).succeeds()


def test_fetch_goes_on_where_the_connection_was_cut(server, tmp_path):
    Download(tmp_path, server.url("cut")).succeeds()

    ranges = [asked for _, asked in server.asked]
    assert ranges == ["", *(f"bytes={server.step * i}-" for i in range(1, 4))]


@pytest.mark.parametrize("manner", ["good", "whole", "416", "lie"])
def test_fetch_resumes_a_part_of_an_earlier_call(server, tmp_path, manner):
    job = Download(tmp_path, server.url(manner))
    job.part.write_bytes(CONTENT[:123_456])

    job.succeeds()

    assert server.asked[0] == (manner, "bytes=123456-")
    assert not job.has("starting again")  # nothing wrong was joined


def test_fetch_needs_no_server_byte_for_a_complete_part(server, tmp_path):
    job = Download(tmp_path, server.url("good"))
    job.part.write_bytes(CONTENT)

    job.succeeds()

    assert server.asked == []


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * len(CONTENT), CONTENT + b"x"])
def test_fetch_starts_again_when_the_part_is_of_another_file(server, tmp_path, part):
    job = Download(tmp_path, server.url("good"))
    job.part.write_bytes(part)

    job.succeeds()


@pytest.mark.parametrize(
    ("manner", "text"),
    [
        ("404", "it answers 404"),
        ("503", "it answers 503"),
        ("wrong", "wrong file (SHA-256 differs)"),
        ("short", "it offers 299999 bytes, expected 300000"),
        ("long", "more bytes than the file has"),
        ("loop", "redirects in a circle"),
        ("mute", "it does not answer"),
        ("empty", "the connection was cut"),
        ("stall", "the transfer stalled"),
        ("slow", "too slow"),
    ],
)
def test_fetch_leaves_a_bad_mirror_for_the_next(server, tmp_path, manner, text):
    job = Download(tmp_path, server.url(manner), server.url("good"))

    job.succeeds()

    assert job.has(text)


@pytest.mark.parametrize(
    "manner", ["404", "503", "wrong", "short", "long", "loop", "mute", "empty"]
)
def test_fetch_fails_when_no_mirror_is_good(server, tmp_path, manner):
    Download(tmp_path, server.url(manner), server.url(manner)).fails()


def test_fetch_does_not_insist_on_a_mirror_that_sends_nothing(server, tmp_path):
    Download(tmp_path, server.url("empty"), server.url("good")).succeeds()

    assert [manner for manner, _ in server.asked] == ["empty", "good"]


def test_fetch_keeps_what_a_slow_mirror_sent(server, tmp_path):
    Download(tmp_path, server.url("slow"), server.url("good")).succeeds()

    manner, asked = server.asked[-1]
    assert manner == "good"
    assert asked.startswith("bytes=")


@pytest.mark.slow
def test_fetch_stays_with_slow_mirrors_when_there_is_no_other(server, tmp_path):
    job = Download(tmp_path, server.url("404"), server.url("slow"))
    job.part.write_bytes(CONTENT[:240_000])

    job.succeeds()

    assert job.has("no mirror is fast")


@pytest.mark.slow
def test_fetch_finishes_from_a_server_that_stalls_each_time(server, tmp_path):
    job = Download(tmp_path, server.url("stall"))

    job.succeeds()

    assert job.has("the transfer stalled")


def test_fetch_discards_wrong_bytes_of_an_earlier_mirror(server, tmp_path):
    job = Download(tmp_path, server.url("good"))
    job.part.write_bytes(bytes(byte ^ 1 for byte in CONTENT[:150_000]))

    job.succeeds()

    assert job.has("starting again")
    assert [asked for _, asked in server.asked] == ["bytes=150000-", ""]


def test_fetch_passes_over_a_dead_mirror(server, tmp_path):
    job = Download(tmp_path, closed_port(), server.url("good"))

    job.succeeds()

    assert job.has("cannot be reached")


def test_fetch_says_that_there_is_no_network(tmp_path):
    Download(tmp_path, closed_port(), closed_port()).fails("there seems to be no network")


def test_fetch_reports_its_progress(server, tmp_path):
    job = Download(tmp_path, server.url("cut"))

    job.succeeds()

    there = [at for at, _ in job.progress]
    assert there == sorted(there)
    assert job.progress[-1] == (len(CONTENT), len(CONTENT))


def test_fetch_survives_an_interrupt_and_goes_on(server, tmp_path):
    job = Download(tmp_path, server.url("good"))

    def interrupt(there: int, _: int) -> None:
        if there >= 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(job.archive, job.target, patience=HASTY, progress=interrupt)
    assert not job.target.exists()
    kept = job.part.stat().st_size

    job.succeeds()
    assert server.asked[-1] == ("good", f"bytes={kept}-")


@pytest.fixture
def small_disk(tmp_path):
    """Give a folder on a disk of 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        done = False
    if not done:
        pytest.skip("mounting a small tmpfs needs root on Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_fetch_names_a_full_disk_and_goes_on_when_there_is_room(server, small_disk):
    job = Download(small_disk, server.url("good"))
    job.fails("No space left on device")
    kept = job.part.stat().st_size
    assert 0 < kept < len(CONTENT)

    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    job.succeeds()

    assert server.asked[-1] == ("good", f"bytes={kept}-")


@pytest.mark.skipif(os.name == "nt", reason="file size limits are for POSIX systems")
def test_fetch_names_a_refused_write(server, tmp_path):
    import resource

    job = Download(tmp_path, server.url("good"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        job.fails("cannot write .*File too large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    job.succeeds()


def test_fetch_names_a_folder_that_does_not_exist(server, tmp_path):
    Download(tmp_path / "nowhere", server.url("good")).fails("cannot write")


def test_reachable_keeps_the_order_and_drops_the_dead(server):
    urls = [server.url("b"), closed_port(), server.url("a"), "no address", "http://[bad"]

    assert reachable(urls, 2.0) == [urls[0], urls[2]]


def test_reachable_does_not_wait_for_a_name_server(monkeypatch):
    forever = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: forever.wait(20) and [])

    waiting = threading.Thread(target=reachable, args=(["http://example.invalid/"], 0.2))
    waiting.start()
    waiting.join(10)

    assert not waiting.is_alive()
    forever.set()


def test_reachable_asks_the_proxy_where_one_is_set(server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.server_port}")

    assert reachable(["http://example.invalid/file"], 2.0) == ["http://example.invalid/file"]
