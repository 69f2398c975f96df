"""Check a forward pass and its way back together, and say which of the two breaks the pair.

A cache may take any form, as long as the two agree. Where they do not, the form that the docstring
promises tells whose fault it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np

from cs682.checks.compare import NUMERIC, NUMERIC_FLOOR, CheckError, compare
from cs682.checks.exercises import EXERCISES
from cs682.checks.judges.caches import has_form_of, parts_of, say_lasting, written_out
from cs682.checks.judges.orders import say_order
from cs682.checks.report import KEPT, Report, require_float64, unpack

# How a backward pass is called: what a message says of the call, what dout is multiplied with, and
# what must be wrong if the calls before gave the right values, {} being what the first call did.
_CALLS = (
    ("", 1, ""),
    (", in a second call with the same cache", 1, "the first call was right: {}"),
    (
        ", for twice that dout, after another forward pass",
        2,
        "the calls before were right: all that the way back needs belongs in the cache",
    ),
)
LATER_CALLS = tuple(call for call, _, _ in _CALLS if call)


def hint_at_gradients(names: Iterable[str], small: str) -> dict[str, str]:
    """Return the hint of a layer's gradients that are held against numeric ones.

    Parameters
    ----------
    names : iterable of str, of the gradients
    small : str, a case that can be worked out on paper

    Returns
    -------
    hints : dict of str by name
    """
    said = (
        "the numeric gradient of the layer disagrees with {}: work out one small case on paper, {}"
    )
    return {name: said.format(name, small) for name in names}


@dataclass(frozen=True)
class WayBack:
    """A backward pass, and what it must give.

    Attributes
    ----------
    name : str, of the function
    backward : function of dout and a cache
    dout : ndarray
    want : dict from the name of each result to its value for this dout, in the order returned
    where : str, the circumstances
    rtol, atol : float, as in `compare`
    hints : mapping from a result's name to a hint, or to a function of what was got that gives one
    causes : mapping from a result's name to its causes, as in `compare`
    first : names of the results that others are commonly built on, compared before those
    """

    name: str
    backward: Callable[[Any, Any], Any]
    dout: Any
    want: dict[str, Any]
    where: str = ""
    rtol: float = NUMERIC
    atol: float = NUMERIC_FLOOR
    hints: Mapping[str, str | Callable[[Any], str]] = field(default_factory=dict)
    causes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    first: tuple[str, ...] = ()

    def results(self, r: Report | None, factor: int, cache: Any) -> tuple[Any, ...]:
        """Return what the function returns for `factor` times dout, as a tuple.

        Parameters
        ----------
        r : Report that watches the call, or None
        factor : int
        cache : what the forward pass returned

        Raises
        ------
        CheckError
            If it does not return as many results as it should.
        """
        call = self.backward if r is None else lambda *a: r.watch(self.name, self.backward, *a)
        result = call(factor * self.dout, cache)
        if len(self.want) > 1:
            return unpack(self.name, result, tuple(self.want))
        if result is None:
            raise CheckError(
                f"{self.name} returned nothing; it should return {next(iter(self.want))}"
            )
        return (result,)

    def is_right(self, cache: Any) -> bool:
        """Tell whether the function gives the right values with this cache, whatever else it does.

        Parameters
        ----------
        cache : what the forward pass returned

        Raises
        ------
        NotImplementedError
            If the function is not written yet.
        """
        try:
            got = self.results(None, 1, cache)
            for (name, value), g in zip(self.want.items(), got, strict=True):
                compare(name, g, value, rtol=max(self.rtol, 1e-5), atol=max(self.atol, 1e-6))
        except NotImplementedError:
            raise
        except (
            Exception,
            SystemExit,
        ):  # the student's own, or what the comparison says of the values
            return False
        return True

    def compare(self, got: tuple[Any, ...], call: str, factor: int, why: str) -> None:
        """Compare results with what they must be.

        Parameters
        ----------
        got : tuple of ndarray
        call : str, which call it was
        factor : int, of dout
        why : str, what must be wrong if this is not the first call

        Raises
        ------
        CheckError
            If one of them differs.
        """
        if exchanged := _exchanged(got, [factor * v for v in self.want.values()], [*self.want]):
            raise CheckError(f"{self.name} {exchanged}")
        pairs = zip(self.want.items(), got, strict=True)
        for (name, value), g in sorted(pairs, key=lambda pair: pair[0][0] not in self.first):
            hint = self.hints.get(name, "")
            compare(
                name,
                g,
                factor * value,
                rtol=self.rtol,
                atol=self.atol,
                where=f"{self.where}{call}".removeprefix(", "),
                hint=why or (hint if isinstance(hint, str) else hint(g)),
                causes=({KEPT: value} if factor > 1 else {}) if why else self.causes.get(name, {}),
            )
        require_float64(dict(zip(self.want, got, strict=True)))


def _exchanged(got: tuple[Any, ...], want: list[Any], names: list[str]) -> str:
    """Say in which order right results came back, if it is not the one asked for."""

    def same(a: Any, b: Any) -> bool:
        return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-6, atol=1e-7))

    if len(want) < 2 or any(type(g) is not np.ndarray or g.dtype.kind != "f" for g in got):
        return ""
    order = range(len(want))
    if all(same(got[i], want[i]) for i in order):
        return ""
    for turned in permutations(order):
        if all(same(got[i], want[turned[i]]) for i in order):
            moved = " and ".join(names[i] for i in order if turned[i] != i)
            return f"returned {moved} exchanged: the order is {', '.join(names)}"
    return ""


def check_way_back(
    r: Report,
    way: WayBack,
    cache: Any,
    disturb: Callable[[], Any],
    documented: tuple[Any, str] | None = None,
) -> None:
    """Hold a backward pass against its values, twice, and once more after another forward pass.

    Parameters
    ----------
    r : Report
    way : WayBack
    cache : what the student's forward pass returned
    disturb : function that runs another forward pass
    documented : pair of a cache as the docstring promises it and the docstring's words for it;
        if the function is right with that one, the forward pass is to blame

    Raises
    ------
    CheckError
        If a value is wrong.
    """
    before = written_out(cache)
    for call, factor, why in _CALLS:
        if factor > 1:
            disturb()
        try:
            got = way.results(r, factor, cache)
            way.compare(got, call, factor, why.format(say_lasting(before, written_out(cache))))
        except NotImplementedError:
            raise
        except Exception:
            if why or way.is_right(cache):
                raise  # where only digits are lacking, both caches are as good
            if documented is not None and way.is_right(deepcopy(documented[0])):
                raise CheckError(_blame_forward(r, way.name, documented[1])) from None
            if said := say_order(way.is_right, cache, _forward_of(way.name)):
                raise CheckError(f"{way.name} {said}") from None
            raise


def _forward_of(backward: str) -> str:
    return backward.removesuffix("_alt").replace("_backward", "_forward")


def _blame_forward(r: Report, backward: str, form: str) -> str:
    """Say that the forward pass returned a cache that the right way back cannot read."""
    forward = _forward_of(backward)
    return _say_changed(r, backward) or (
        f"{backward} is right with the cache that the docstring promises, {form}, but not with "
        f"the one that {forward} returned: mend what {forward} returns as its cache"
    )


def _say_changed(r: Report, backward: str) -> str:
    """Say that a cache is wrong since the forward pass changed what it was given, if it did."""
    forward = _forward_of(backward)
    for text in r.advice:
        if text.startswith(f"{forward} ") and "that it was given" in text:
            r.advice.remove(text)
            return f"{text}: {backward} does, from the cache"
    return ""


def check_cache(
    r: Report,
    way: WayBack,
    cache: Any,
    documented: Any,
    form: str,
    needed: Mapping[str, Callable[[list[Any]], bool]],
) -> None:
    """Check that the way back can do with the cache of a forward pass whose values are right.

    Parameters
    ----------
    r : Report
    way : WayBack
    cache : what the student's forward pass returned
    documented : a cache as the docstring promises it, or None if it leaves the form open
    form : str, the docstring's words for it
    needed : mapping from what any cache must hold, in words, to a test of its parts

    Raises
    ------
    CheckError
        If nothing could be done with this cache.
    """
    forward = _forward_of(way.name)
    if is_none(cache):
        raise CheckError(f"the cache that {forward} returned is None: {way.name} needs {form}")
    try:
        if way.is_right(cache):
            return
    except NotImplementedError:
        _check_form(r, forward, way.name, cache, documented, form, needed)
        return
    try:
        if documented is not None and way.is_right(deepcopy(documented)):
            raise CheckError(_blame_forward(r, way.name, form))
    except NotImplementedError:  # the given lines above the stub read this one, not the other
        raise CheckError(
            f"the cache that {forward} returned is not the one that the docstring promises, "
            f"{form}: the given lines of {way.name} cannot read it"
        ) from None


def _check_form(
    r: Report,
    forward: str,
    backward: str,
    cache: Any,
    documented: Any,
    form: str,
    needed: Mapping[str, Callable[[list[Any]], bool]],
) -> None:
    """Look into a cache that nothing can be tried with, as the way back is not written yet."""
    parts = [*parts_of(cache)]
    if not any(isinstance(part, (np.ndarray, int)) for part in parts):
        return  # it stays where the student's code runs
    for name, is_there in needed.items():
        if not is_there(parts):
            raise CheckError(
                _say_changed(r, backward)
                or f"the cache that {forward} returned does not hold {name}: {backward} reads it, "
                f"and needs {form}"
            )
    is_advised = any("that it was given" in text for text in r.advice)  # which may be all there is
    if documented is not None and not is_advised and not has_form_of(cache, documented):
        r.advise(
            f"the docstring of {forward} promises {form} as its cache; {backward} has to read the "
            "one that you return"
        )


@contextmanager
def in_mode(mode: str, test: str) -> Iterator[None]:
    """Say of a call in train mode that it ran on into the test branch, if that is open.

    Parameters
    ----------
    mode : {'train', 'test'}, of the call within the block
    test : str, id of the exercise that the test branch is

    Raises
    ------
    CheckError
        If the call came to the stub of the test branch, though it was one in train mode.
    """
    try:
        yield
    except NotImplementedError as stub:
        row = EXERCISES[test]
        if mode != "train" or f"{row.notebook}, section {row.section}" not in str(stub):
            raise
        raise CheckError(
            f"in train mode {row.functions[0]} runs on into the test branch, which is open "
            f"({test}): is a return missing at the end of the train branch?"
        ) from None


def is_none(cache: Any) -> bool:
    """Tell whether a cache, here or where the student's code runs, is None.

    Parameters
    ----------
    cache : object, or the handle of one
    """
    return type(cache).__name__ == "NoneType"
