"""Hand-ins that attack the grader, as data: none of them may gain a point or do harm."""

from __future__ import annotations

from staff.tests.grading.hostile import answers, differences, exits, files, resources, spying, wires
from staff.tests.grading.hostile.hostile import Hostile

HOSTILE: tuple[Hostile, ...] = tuple(
    kind
    for module in (answers, differences, exits, resources, spying, wires, files)
    for kind in module.KINDS
)

__all__ = ["HOSTILE", "Hostile"]
