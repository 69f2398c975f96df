"""The address of the course: a release is fetched from it, and it is asked for news."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest
import requests

from cs682.setup import new_release, news
from cs682.setup import update as module
from cs682.setup.new_release import UpdateError
from cs682.setup.update import undo, update
from tests.machinery.small_releases import LAYERS, release, zip_of


@pytest.fixture
def server(monkeypatch):
    """Serve files by name on loopback; those that are an Event keep the asker waiting."""
    files = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            data = files.get(self.path[1:])
            if isinstance(data, Event):
                data.wait(30)
            self.send_response(200 if isinstance(data, bytes) else 404)
            self.end_headers()
            self.wfile.write(data if isinstance(data, bytes) else b"")

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(new_release, "SCHEME", "http://")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for place in (module, news):
        monkeypatch.setattr(place, "address_of_updates", lambda: address)
    yield address, files
    server.shutdown()
    server.server_close()


def test_release_is_fetched_from_the_address_of_the_course(begun, server, tmp_path):
    _, files = server
    new = release("1.1.0", **{"solver.py": "b\n"})
    zip_of(tmp_path / "new.zip", new)
    files |= {"a2-1.1.0.zip": (tmp_path / "new.zip").read_bytes()}
    files |= {"MANIFEST.json": new["MANIFEST.json"]}

    assert "the assignment is 1.1.0 now" in update("", begun)

    assert (begun / "solver.py").read_bytes() == b"b\n"
    with pytest.raises(UpdateError, match=r"nothing newer: 1\.1\.0 is the newest release"):
        update("", begun)
    (begun / LAYERS).unlink()
    assert f"Gone, and back as given out: {LAYERS}" in update("", begun)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("{}none.zip", r"none\.zip cannot be reached \(404\); nothing was changed"),
        ("http://127.0.0.1:9/a.zip", r"a\.zip cannot be reached \(is there a network\?\)"),
        ("{}long.zip", "was given up: it has more than"),
    ],
)
def test_address_of_no_use_is_one_sentence(begun, server, monkeypatch, address, said):
    server[1]["long.zip"] = b"x" * 200
    monkeypatch.setattr(new_release, "LARGEST_ZIP", 100)

    with pytest.raises(UpdateError, match=said):
        update(address.format(server[0]), begun)

    assert not (begun / "kept").exists()


def refuse_certificate(*_, **__):
    said = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    raise requests.exceptions.SSLError(
        f"Max retries (Caused by SSLError(1, '{said} (_ssl.c:1006)'))"
    )


def test_certificate_that_is_not_trusted_is_the_reason_named(begun, monkeypatch):
    monkeypatch.setattr(requests, "get", refuse_certificate)

    with pytest.raises(UpdateError) as caught:
        update("https://course.example/a.zip", begun)

    assert str(caught.value) == (
        "https://course.example/a.zip cannot be reached (certificate verify failed: self-signed "
        "certificate; for a course's own certificate, set REQUESTS_CA_BUNDLE to its file); "
        "nothing was changed"
    )


def test_server_that_speaks_no_tls_is_not_told_of_certificates(begun, server, monkeypatch):
    monkeypatch.setattr(new_release, "SCHEME", "https://")
    with pytest.raises(UpdateError, match=r"cannot be reached \([a-z ]+\)") as caught:
        update(server[0].replace("http:", "https:"), begun)

    assert "network?" not in str(caught.value)


def test_bundle_of_certificates_that_is_not_there_is_named(begun, monkeypatch, server):
    monkeypatch.setattr(new_release, "SCHEME", "https://")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")

    with pytest.raises(UpdateError, match=r"cannot be reached \(.*/nowhere\.pem\)"):
        update(server[0].replace("http:", "https:"), begun)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a.zip", "ftp://127.0.0.1/a.zip"])
def test_only_https_is_asked(begun, address):
    with pytest.raises(UpdateError, match="is no address that begins with https://"):
        update(address, begun)


def test_course_that_has_said_no_address_is_not_asked(begun):
    assert news.ask_for_news(begun)() == ""
    with pytest.raises(UpdateError, match="this release notes none"):
        update("", begun)


def test_news_are_told_once(begun, server):
    server[1]["MANIFEST.json"] = release("1.1.0")["MANIFEST.json"]

    first, second = (news.ask_for_news(begun)() for _ in range(2))

    assert first.startswith("Release 1.1.0 of the assignment is out. `python -m cs682 update`")
    assert second == ""
    server[1]["MANIFEST.json"] = release("1.2.0")["MANIFEST.json"]
    assert "1.2.0" in news.ask_for_news(begun)()


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"<html>",
        b"{}",
        release("1.0.0")["MANIFEST.json"],
        release("9", name="b")["MANIFEST.json"],
    ],
)
def test_no_news_are_no_word(begun, server, data, capfd):
    server[1]["MANIFEST.json"] = data

    assert news.ask_for_news(begun)() == ""
    assert capfd.readouterr() == ("", "")


def test_nobody_waits_for_a_server_that_does_not_answer(begun, server, monkeypatch):
    answer = server[1]["MANIFEST.json"] = Event()
    monkeypatch.setattr(news, "SECONDS", 0.05)

    told = news.ask_for_news(begun)()

    assert told == ""
    assert not answer.is_set()
    answer.set()


def test_undone_update_is_news_again(begun, take, server):
    server[1]["MANIFEST.json"] = release("1.1.0")["MANIFEST.json"]
    assert news.ask_for_news(begun)()
    take()
    undo(begun)

    assert "1.1.0" in news.ask_for_news(begun)()
