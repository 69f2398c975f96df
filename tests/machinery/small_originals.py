"""A release that remembers the stubs of a few exercises, for tests of what puts them back."""

from __future__ import annotations

import json

from cs682.setup.assignment import GIVEN
from cs682.setup.reset import ORIGINALS

FILE, BOOK = "cs682/layers.py", "notebooks/FullyConnectedNets.ipynb"
STUB = (
    '@given\ndef affine_forward(\n    x,\n):\n    """Do."""\n    # TODO(fc-1.1)\n    raise Open\n'
)
METHOD = "    def _forward(self):\n        # TODO(fc-2.2)\n        raise Open\n"
PART = {"file": FILE, "function": "batchnorm_forward", "after": '    if mode == "train":'}
PIECES = {
    "fc-1.1": [{"file": FILE, "function": "affine_forward", "text": STUB}],
    "fc-2.2": [{"file": FILE, "function": "TwoLayerNet._forward", "text": METHOD}],
    "bn-1.1": [{**PART, "text": "        # TODO(bn-1.1)\n        raise One\n"}],
    "bn-1.2": [{**PART, "text": "    # TODO(bn-1.2)\n    raise Two\n"}],
    "fc-5.1": [
        {"file": BOOK, "cell": "recipe", "text": "# TODO(fc-5.1)\nraise Open"},
        {"file": BOOK, "cell": "train", "text": "raise Open"},
    ],
}
ANSWER = STUB.replace("    # TODO(fc-1.1)\n    raise Open", '    s = "é"\n\n    return s  # mine')
AROUND = "import numpy\n\n\n{}\n\n# --- next\nLIMIT = 1\n\n\ndef other():\n    pass\n"


def write_release(root):
    """Write a release of one file, in which an exercise is answered, and room for a notebook."""
    for path in (FILE, BOOK, ORIGINALS):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / ORIGINALS).write_text(json.dumps(PIECES), encoding="utf-8")
    (root / FILE).write_text(AROUND.format(ANSWER), encoding="utf-8")
    said = {"texts": {FILE: AROUND.format("")}, "hashes": {}, "version": "1.0.0"}
    (root / GIVEN).write_text(json.dumps(said), encoding="utf-8")


def read(root):
    """Give the text of the file, its ends of line as they are."""
    return (root / FILE).read_bytes().decode()


def kept(root):
    """Give the texts that were kept, the oldest first."""
    return [path.read_text(encoding="utf-8") for path in sorted((root / "kept").glob("*"))]
