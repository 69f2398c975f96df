"""What the published figures were drawn with, whatever a student's own code draws with."""

from __future__ import annotations

import numpy as np

from cs682.layers import dropout_forward


def keeps_as_published():
    """Tell whether dropout keeps what the course's does; one may also draw in another way."""
    out, _ = dropout_forward(np.ones((2, 3)), {"mode": "train", "p": 0.5, "seed": 9})
    return bool(np.array_equal(out, [[2, 0, 2], [2, 2, 2]]))
