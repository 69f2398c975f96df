"""Ask a running JupyterLab for its page and for the notebooks."""

from __future__ import annotations

import json
import sys
from urllib.request import urlopen


def main(url: str) -> None:
    """Raise unless the server at `url` offers the workspace with the notebooks."""
    if not url:
        raise SystemExit("JupyterLab did not start")
    with urlopen(f"{url}lab/workspaces/assignment", timeout=30) as page:
        page.read()
    with urlopen(f"{url}lab/api/workspaces/assignment", timeout=30) as answer:
        entries = json.load(answer)["data"]
    opened = [name for name in entries if name.startswith("notebook:")]
    for name in opened:
        path = name.partition(":")[2]
        with urlopen(f"{url}api/contents/{path}?content=0", timeout=30) as answer:
            print(json.load(answer)["path"])  # noqa: T201 - this is a command line
    if len(opened) != 4:
        raise SystemExit(f"the workspace opens {opened}, expected four notebooks")


if __name__ == "__main__":
    main(sys.argv[1])
