"""Say what a file or folder is that lies where CIFAR-10 was looked for and is not it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

_HEAD = 4096  # bytes that are looked at
_VERSIONS = {
    "cifar-10-batches-bin": "CIFAR-10 in the binary version, for C programs",
    "cifar-10-batches-mat": "CIFAR-10 in the version for Matlab",
    "cifar-100": "CIFAR-100, another data set",
}
_WANTED = "the Python version, cifar-10-python.tar.gz"
_HTML = re.compile(rb"\s*(<!doctype|<html|<head|<\?xml)", re.IGNORECASE)
_COPY = re.compile(r"cifar-10-batches-py\W.*|.*\Wcifar-10-batches-py")
_ARCHIVE = re.compile(r"cifar-10.*\.(gz|tar|tgz|zip|part|partial|crdownload|download)")


def describe_archive(path: Path, size: int) -> str:
    """Say what a file is that has the archive's name and not its content.

    Parameters
    ----------
    path : Path
    size : int, bytes of the right archive

    Returns
    -------
    text : str, to follow the file's name
    """
    if path.is_dir():
        return "is a folder, not the archive"
    found = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return "is empty"
    if _HTML.match(head):
        return "is a web page, not the archive: its address led to a sign-in or an error"
    if head.startswith(b"PK"):
        return f"is a zip file; what is needed is {_WANTED}"
    if head[257:262] == b"ustar":
        return f"is a tar file that was unzipped on its way; what is needed is {_WANTED}"
    if not head.startswith(b"\x1f\x8b"):
        return "is not an archive at all"
    if version := _version(head):
        return f"is {version}; what is needed is {_WANTED}"
    if found < size:
        return f"is cut short: it has {found:,} of {size:,} bytes"
    return "is not the archive: its size or its SHA-256 differs, so it is damaged or another one"


def find_lookalikes(folder: Path) -> Iterator[str]:
    """Look for what somebody may have taken for the data.

    Parameters
    ----------
    folder : Path, where the data was looked for

    Yields
    ------
    text : str, a place and what to do with it
    """
    if not folder.is_dir():
        return
    for place in sorted(folder.iterdir()):
        name = place.name
        if name in _VERSIONS or name.startswith("cifar-100"):
            version = _VERSIONS.get(name, _VERSIONS["cifar-100"])
            yield f"{place} is {version}; what is needed is {_WANTED}"
        elif place.is_dir() and _COPY.fullmatch(name):
            yield f"{place} is not looked at: rename it to cifar-10-batches-py"
        elif place.is_file() and _ARCHIVE.fullmatch(name) and name != "cifar-10-python.tar.gz":
            yield f"{place} is not looked at: {_advice(name)}"


def _advice(name: str) -> str:
    """Say what to do with a file that is nearly named like the archive."""
    if "binary" in name or "matlab" in name or "100" in name:
        return f"what is needed is {_WANTED}"
    if name.endswith((".part", ".partial", ".crdownload", ".download")):
        return "its download has not ended"
    if name.endswith((".gz", ".tgz")):
        return "if it is CIFAR-10, rename it to cifar-10-python.tar.gz"
    return "unpack it here, so that there is a folder cifar-10-batches-py"


def _version(head: bytes) -> str:
    """Return which other data set a gzipped tar file holds, by its first member."""
    try:
        name = zlib.decompressobj(31).decompress(head, 512)[:100].decode("ascii", "replace")
    except zlib.error:
        return ""
    return next((text for start, text in _VERSIONS.items() if name.startswith(start)), "")
