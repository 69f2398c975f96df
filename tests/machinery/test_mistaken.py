"""A file or folder that is not the data is called what it is."""

from __future__ import annotations

import io
import tarfile

import pytest

from cs682.cifar10 import files, mistaken


def packed(name: str, mode: str = "w:gz", size: int = 10) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:
        member = tarfile.TarInfo(name)
        member.size = size
        tar.addfile(member, io.BytesIO(bytes(size)))
    return stream.getvalue()


RIGHT = packed("cifar-10-batches-py/batches.meta", size=1000)
CONTENTS = {
    "is a web page": b"\n<!DOCTYPE html><html><body>Sign in</body></html>",
    "is empty": b"",
    f"is cut short: it has 60 of {len(RIGHT)} bytes": RIGHT[:60],
    "is not the archive: its size or its SHA-256 differs": RIGHT + b"more",
    "is CIFAR-10 in the binary version": packed("cifar-10-batches-bin/data_batch_1.bin"),
    "is CIFAR-10 in the version for Matlab": packed("cifar-10-batches-mat/data_batch_1.mat"),
    "is CIFAR-100, another data set": packed("cifar-100-python/train"),
    "is a tar file that was unzipped": packed("cifar-10-batches-py/batches.meta", "w:"),
    "is a zip file": b"PK\x03\x04 and so on",
    "is not an archive at all": b"\x80\x02}q\x01",
}


@pytest.mark.parametrize("words", CONTENTS)
def test_a_wrong_archive_is_called_what_it_is(tmp_path, words):
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(CONTENTS[words])

    assert mistaken.describe_archive(path, len(RIGHT)).startswith(words)


def test_a_folder_of_that_name_is_a_folder(tmp_path):
    assert mistaken.describe_archive(tmp_path, 1) == "is a folder, not the archive"


PLACES = {
    "cifar-10-batches-py 2/": "rename it to cifar-10-batches-py",
    "copy of cifar-10-batches-py/": "rename it to cifar-10-batches-py",
    "cifar-10-batches-bin/": "is CIFAR-10 in the binary version",
    "cifar-100-python/": "is CIFAR-100",
    "cifar-10-python.tar": "unpack it here",
    "cifar-10-binary.tar.gz": "what is needed is the Python version",
    "cifar-10-python (1).tar.gz": "rename it to cifar-10-python.tar.gz",
    "cifar-10-python.tar.gz.crdownload": "its download has not ended",
}


@pytest.mark.parametrize("name", PLACES)
def test_what_lies_there_is_named_where_no_data_is_found(tmp_path, monkeypatch, name):
    place = tmp_path / name
    place.mkdir() if name.endswith("/") else place.write_bytes(b"x")

    with pytest.raises(FileNotFoundError, match="no CIFAR-10 data found") as caught:
        files.find_cifar10(tmp_path)

    (line,) = [line for line in str(caught.value).splitlines() if str(place) in line]
    assert PLACES[name] in line


def test_what_belongs_there_is_not_remarked_on(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"")
    (tmp_path / "get_datasets.sh").write_text("")
    (tmp_path / "stand-in").mkdir()

    assert list(mistaken.find_lookalikes(tmp_path)) == []
    assert list(mistaken.find_lookalikes(tmp_path / "nowhere")) == []
