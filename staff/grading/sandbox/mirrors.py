"""The grader's copies of objects that live in a worker, kept up to date in place.

A check may hold an array that a student's function returned and look at it again after the next
call. So an object that crosses gets a number on both sides, and what the student's code changes
later is changed here as well, in the very object that the check holds. Whatever the check has
dropped is forgotten on both sides.
"""

from __future__ import annotations

import re
import weakref
from functools import lru_cache
from typing import Any

import numpy as np

from staff.grading.sandbox.wire import BadFrameError, Packer

_MOST = 100_000  # objects of one exercise


class Opaque:
    """An object that stays in the worker; all that is known of it is the name of its type.

    Parameters
    ----------
    number : int
    """

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number = number


@lru_cache(maxsize=256)
def _opaque_type(name: str) -> type[Opaque]:
    """Return a type whose objects look in messages like the worker's."""
    return type(re.sub(r"\W", "_", name)[:40] or "object", (Opaque,), {})


class Mirrors:
    """Objects that both sides know by number; those that arise here have odd numbers."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}  # by id(), while the object lives
        self._objects: dict[int, Any] = {}  # lists and dicts themselves, others by weak reference
        self._released: list[int] = []
        self._next = 1

    def packer(self) -> Packer:
        """Return a packer for the arguments of one call."""
        return _ArgumentPacker(self._number_of)

    def _number_of(self, value: Any) -> int:
        """Return the number of an argument, a new one if it has none."""
        if id(value) not in self._numbers:
            self._keep(self._next, value)
            self._next += 2
        return self._numbers[id(value)]

    def _keep(self, number: int, value: Any) -> None:
        """Know an object under a number for as long as a check holds it."""
        if (key := id(value)) in self._numbers:
            raise BadFrameError("one object under two numbers")
        self._numbers[key] = number
        if type(value) in (list, dict):
            self._objects[number] = value
            return

        def forget(_: Any) -> None:
            del self._numbers[key], self._objects[number]
            self._released.append(number)

        self._objects[number] = weakref.ref(value, forget)

    def take_released(self) -> list[int]:
        """Return the numbers that the worker may forget.

        Returns
        -------
        numbers : list of int
        """
        released, self._released = self._released, []
        return released

    def _find(self, number: int) -> Any:
        """Return the object of a number, or None if it is to be made."""
        have = self._objects.get(number)
        have = have() if isinstance(have, weakref.ref) else have
        if have is None and (number % 2 or len(self._objects) > _MOST):
            raise BadFrameError(f"an object of number {number}, which is not known")
        return have

    def array(self, number: int, value: Any) -> Any:
        """Return the array of this number, with this value; number 0 means a new one each time.

        Parameters
        ----------
        number : int
        value : ndarray, or None if it has not changed

        Returns
        -------
        array : ndarray
        """
        have = self._find(number) if number else None
        if have is None and value is None:
            raise BadFrameError("an array of no value")
        if have is None:
            if number:
                self._keep(number, value)
            return value
        if type(have) is not np.ndarray:
            raise BadFrameError(f"an array under the number of a {type(have).__name__}")
        if value is not None:
            _overwrite(have, value)
        return have

    def sequence(self, number: int, items: list[Any]) -> list[Any]:
        """Return the list of this number with these items.

        Parameters
        ----------
        number : int
        items : list

        Returns
        -------
        items : list
        """
        have: list[Any] = self._of_type(number, list, items)
        have[:] = items
        return have

    def mapping(self, number: int, items: dict[Any, Any]) -> dict[Any, Any]:
        """Return the dict of this number with these items.

        Parameters
        ----------
        number : int
        items : dict

        Returns
        -------
        items : dict
        """
        have: dict[Any, Any] = self._of_type(number, dict, items)
        if have is not items:
            have.clear()
            have.update(items)
        return have

    def _of_type(self, number: int, kind: type, value: Any) -> Any:
        """Return the list or dict of this number, or the new one."""
        have = self._find(number) if number else None
        if have is None:
            if number:
                self._keep(number, value)
            return value
        if type(have) is not kind:
            raise BadFrameError(f"a {kind.__name__} under the number of a {type(have).__name__}")
        return have

    def handle(self, number: int, kind: str) -> Opaque:
        """Return what stands for an object that stays in the worker.

        Parameters
        ----------
        number : int
        kind : str, name of its type

        Returns
        -------
        handle : Opaque
        """
        have = self._find(number) if number else None
        if have is None:
            have = _opaque_type(kind)(number)
            if number:
                self._keep(number, have)
        if not isinstance(have, Opaque):
            raise BadFrameError(f"a handle under the number of a {type(have).__name__}")
        return have


class _ArgumentPacker(Packer):
    """Packs arguments; objects of the worker go back to it by number."""

    def handle(self, value: Any) -> Any:
        """Return the tree of a handle; nothing else that cannot cross is an argument."""
        if not isinstance(value, Opaque):
            raise TypeError(f"a {type(value).__name__} cannot be sent to a worker")
        return ["h", value.number, ""]


def _overwrite(have: Any, value: Any) -> None:
    """Give an array the value that its original has in the worker."""
    if have.dtype != value.dtype:
        raise BadFrameError("an array whose type has changed")
    if have.shape != value.shape:
        have.resize(value.shape, refcheck=False)
    np.copyto(have, value)
