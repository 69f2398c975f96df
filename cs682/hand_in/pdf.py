"""Print a page to PDF with Chromium, Chrome or Edge, where one of them is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
PLACES = (  # where macOS and Windows keep them, which is not on the PATH
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
SECONDS = 90  # a page takes about two
_OPTIONS = (  # nothing that asks a question or the network
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # a page holds all it needs
)


class PrintError(RuntimeError):
    """Why there is no PDF, in words for the user."""


def find_browser() -> str | None:
    """Return the path of a browser that can print to PDF, or None.

    Returns
    -------
    path : str or None
    """
    on_path = (shutil.which(name) for name in NAMES)
    places = (place for place in PLACES if Path(place).is_file())
    return next((path for path in (*on_path, *places) if path), None)


def print_page(page: str) -> bytes:
    """Return an HTML page as PDF.

    Parameters
    ----------
    page : str, needs nothing of the network

    Returns
    -------
    content : bytes

    Raises
    ------
    PrintError
        If there is no browser, or it does not print.
    """
    browser = find_browser()
    if browser is None:
        raise PrintError("there is no Chromium, Chrome or Edge here to print with")
    with tempfile.TemporaryDirectory(prefix="cs682-print-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        options = [*_OPTIONS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}"]
        if sys.platform == "linux" and os.geteuid() == 0:
            options.append("--no-sandbox")  # root's Chromium does not start with one
        try:
            done = subprocess.run(
                [browser, *options, source.as_uri()],
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PrintError(f"{browser} did not print: {error}") from error
        if not target.is_file():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise PrintError(f"{browser} did not print (status {done.returncode}): {''.join(last)}")
        return target.read_bytes()
