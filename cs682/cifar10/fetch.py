"""Fetch one known file from several mirrors, whatever the network does.

The file is known by its size and SHA-256 before the first byte arrives, so it does not matter which
server it comes from, and bytes of several servers may be joined. Until both are right it lies in a
`.part` file, from which the next attempt, or the next call, goes on.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Report = Callable[[str], None]
    Progress = Callable[[int, int], None]  # bytes there, bytes in all

_CHUNK = 1 << 16  # bytes
_MAX_ATTEMPTS = 100  # connections to one mirror that keeps cutting


class DownloadError(RuntimeError):
    """What stands in the way of the data, in words for the user."""


@dataclass(frozen=True)
class Archive:
    """A file that is wanted: its name, where it can be had, and how to know it.

    `size` and `unpacked` (its content on disk) are in bytes, `sha256` in hexadecimal digits.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str
    unpacked: int


@dataclass(frozen=True)
class Patience:
    """How long to wait for a mirror, in seconds, and the slowest rate to accept, in bytes/s."""

    reach: float = 5.0  # until a server takes a connection, all mirrors at once
    connect: float = 5.0
    stall: float = 15.0  # without a single byte
    window: float = 15.0  # over which the rate is averaged
    min_rate: float = 200_000.0


class _MirrorFailedError(Exception):
    """A mirror is of no use now; the text says why."""


class _ConnectionLostError(_MirrorFailedError):
    """The connection ended early; the mirror may go on from here."""


class _TooSlowError(_MirrorFailedError):
    """The mirror works but crawls."""


def fetch(
    archive: Archive,
    target: Path,
    *,
    patience: Patience | None = None,
    report: Report = lambda _: None,
    progress: Progress = lambda *_: None,
) -> None:
    """Download `archive` to `target`, which appears only when size and SHA-256 are right.

    Mirrors are tried in turn. One that is slow is left for the next; if none is better, the slow
    ones are used after all.

    Parameters
    ----------
    archive : Archive
    target : Path; the file to write, in a folder that exists
    patience : Patience, optional
    report : callable (text), told of each mirror and of what goes wrong
    progress : callable (bytes there, bytes in all), called with each piece that arrives

    Raises
    ------
    DownloadError
        If no mirror delivers the file, or it cannot be written.
    """
    patience = patience or Patience()
    urls = reachable(archive.urls, patience.reach)
    for url in archive.urls:
        if url not in urls:
            report(f"{_host(url)} cannot be reached")
    if not urls:
        raise DownloadError("no mirror can be reached: there seems to be no network")
    transfer = _Transfer(archive, target, patience, report, progress)
    if transfer.from_mirrors(urls, patience.min_rate):
        return
    if transfer.usable:
        report("no mirror is fast; going on with those that deliver anything")
        if transfer.from_mirrors(transfer.usable_fastest_first(), 0.0):
            return
    raise DownloadError(f"no mirror delivered {archive.name} ({transfer.kept()})")


class _Transfer:
    """One file on its way: the mirrors tried so far and the `.part` file that they fill."""

    def __init__(
        self, archive: Archive, target: Path, patience: Patience, report: Report, progress: Progress
    ) -> None:
        self.archive = archive
        self.target = target
        self.part = target.with_name(target.name + ".part")
        self.patience = patience
        self.report = report
        self.progress = progress
        self.usable: dict[str, float] = {}  # mirror -> rate (bytes/s); those that sent something

    def usable_fastest_first(self) -> list[str]:
        return sorted(self.usable, key=lambda url: -self.usable[url])

    def kept(self) -> str:
        """Say how much a next attempt need not fetch again."""
        return f"{_megabytes(_size(self.part))} of {_megabytes(self.archive.size)} are kept"

    def from_mirrors(self, urls: Iterable[str], min_rate: float) -> bool:
        """Try `urls` in turn; tell whether the file is complete, checked and in place."""
        for url in urls:
            self.report(f"downloading {self.archive.name} from {_host(url)}")
            try:
                self._from_mirror(url, min_rate)
            except _MirrorFailedError as error:
                self.report(f"{_host(url)}: {error}")
            else:
                self.part.replace(self.target)
                return True
        return False

    def _from_mirror(self, url: str, min_rate: float) -> None:
        """Fill the part file from one mirror, reconnecting for as long as that helps."""
        best = _size(self.part)
        resumed = best > 0
        for _ in range(_MAX_ATTEMPTS):
            if _size(self.part) == self.archive.size:
                if self._is_right():
                    return
                self.part.unlink()
                if not resumed:
                    raise _MirrorFailedError("it sent a wrong file (SHA-256 differs); discarded")
                self.report("the joined parts are wrong (SHA-256 differs); starting again")
                best, resumed = 0, False
            start = time.monotonic()
            try:
                self._receive(url, min_rate)
            except _ConnectionLostError as error:
                gained, seconds = _size(self.part) - best, time.monotonic() - start
                too_slow = seconds >= self.patience.window and gained < min_rate * seconds
                if gained <= 0 or too_slow:
                    raise
                best += gained
                self.report(f"{_host(url)}: {error} at {_megabytes(best)}; going on from there")
        raise _MirrorFailedError(f"it cut the connection {_MAX_ATTEMPTS} times")

    def _is_right(self) -> bool:
        import pooch

        return str(pooch.file_hash(str(self.part), alg="sha256")) == self.archive.sha256

    def _receive(self, url: str, min_rate: float) -> None:
        """Append what one connection brings; return when the file has its full size."""
        if _size(self.part) > self.archive.size:
            self.part.unlink()
        response, offset = self._connect(url, _size(self.part))
        with response, self._opened("ab" if offset else "wb") as file:
            for chunk in self._pieces(url, response, min_rate):
                offset += len(chunk)
                if offset > self.archive.size:
                    raise _MirrorFailedError("it sent more bytes than the file has")
                self._write(file, chunk)
                self.progress(offset, self.archive.size)
        if offset < self.archive.size:
            raise _ConnectionLostError("the connection was cut")

    def _connect(self, url: str, offset: int) -> tuple[requests.Response, int]:
        """Ask for the rest of the file, or all of it; return the answer and where it starts."""
        response = self._get(url, offset)
        if offset and response.status_code == 206 and self._is_rest(response, offset):
            return response, offset
        if offset and response.status_code in (206, 416):
            response.close()
            response = self._get(url, 0)
        if response.status_code != 200:
            response.close()
            raise _MirrorFailedError(f"it answers {response.status_code} {response.reason}")
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length) != self.archive.size:
            response.close()
            raise _MirrorFailedError(f"it offers {length} bytes, expected {self.archive.size}")
        return response, 0

    def _get(self, url: str, offset: int) -> requests.Response:
        headers = {"Accept-Encoding": "identity"}  # the bytes as they are stored
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            timeout = (self.patience.connect, self.patience.stall)
            return requests.get(url, headers=headers, stream=True, timeout=timeout)
        except requests.RequestException as error:
            raise _MirrorFailedError(_reason(error)) from error

    def _is_rest(self, response: requests.Response, offset: int) -> bool:
        """Tell whether a partial answer is the part that was asked for, of a file of this size."""
        span = response.headers.get("Content-Range", "")
        wanted = f"bytes {offset}-{self.archive.size - 1}/"
        return span in (f"{wanted}{self.archive.size}", f"{wanted}*")

    def _pieces(self, url: str, response: requests.Response, min_rate: float) -> Iterator[bytes]:
        """Yield what arrives, as it arrives; raise if it comes too slowly or not at all."""
        start, received = time.monotonic(), 0
        while chunk := _read(response):
            yield chunk
            received += len(chunk)
            seconds = time.monotonic() - start
            if seconds < self.patience.window:
                self.usable.setdefault(url, 0.0)
                continue
            self.usable[url] = received / seconds
            if self.usable[url] < min_rate:
                raise _TooSlowError(f"too slow ({self.usable[url] / 1e3:.0f} kB/s)")
            start, received = time.monotonic(), 0

    def _opened(self, mode: str) -> io.FileIO:
        try:
            return io.FileIO(self.part, mode)
        except OSError as error:
            raise DownloadError(f"cannot write {self.part}: {error.strerror}") from error

    def _write(self, file: io.FileIO, chunk: bytes) -> None:
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[file.write(rest) :]  # a nearly full disk takes a part of it
        except OSError as error:
            text = f"cannot write {self.part}: {error.strerror} ({self.kept()})"
            raise DownloadError(text) from error


def reachable(urls: Iterable[str], seconds: float) -> list[str]:
    """Return those of `urls` whose server, or the proxy before it, takes a connection.

    All are tried at once, and a name server that never answers is not waited for: that is how the
    lack of a network is noticed in a few seconds.

    Parameters
    ----------
    urls : iterable of str
    seconds : float; the longest time to wait, in seconds

    Returns
    -------
    urls : list of str, in the given order
    """
    urls = list(urls)
    answered: set[str] = set()

    def try_one(url: str) -> None:
        try:
            socket.create_connection(_address(url), timeout=seconds).close()
        except (OSError, ValueError):
            return  # not reachable: that is the answer
        answered.add(url)

    threads = [threading.Thread(target=try_one, args=(url,), daemon=True) for url in urls]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [url for url in urls if url in answered]


def _address(url: str) -> tuple[str, int]:
    """Return host and port to connect to for `url`: the proxy's, where one is set."""
    proxies: Any = requests.utils.get_environ_proxies(url)
    proxy = requests.utils.select_proxy(url, proxies)
    parts = urlsplit((proxy if "://" in proxy else f"http://{proxy}") if proxy else url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _read(response: requests.Response) -> bytes:
    """Return the bytes that have arrived, at least one; none at the end."""
    raw: Any = response.raw
    read = getattr(raw, "read1", raw.read)  # urllib3 1 lacks read1
    try:
        return bytes(read(_CHUNK, decode_content=False))
    except urllib3.exceptions.ReadTimeoutError as error:
        raise _ConnectionLostError("the transfer stalled") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _ConnectionLostError("the connection was cut") from error


def _reason(error: requests.RequestException) -> str:
    """Return a short text for what `requests` could not do."""
    known = (
        (requests.exceptions.ProxyError, "the proxy refuses"),
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.exceptions.ConnectTimeout, "it does not take connections"),
        (requests.exceptions.Timeout, "it does not answer"),
        (requests.exceptions.TooManyRedirects, "it redirects in a circle"),
        (requests.exceptions.ConnectionError, "the connection failed"),
    )
    for kind, text in known:
        if isinstance(error, kind):
            return text
    return str(error) or type(error).__name__


def _size(path: Path) -> int:
    """Return the size of a file in bytes, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _host(url: str) -> str:
    return urlsplit(url).netloc or url
