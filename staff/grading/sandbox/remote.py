"""A student's functions in a worker, as a subject that checks examine like any other."""

from __future__ import annotations

import builtins
import contextlib
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cs682.checks.compare import CheckError
from cs682.checks.subject import FUNCTIONS
from staff.grading.sandbox.wire import (
    MAX_ANSWER,
    MAX_SAID,
    BadFrameError,
    Wire,
    pack,
    unpack,
    waited_for_core,
)

if TYPE_CHECKING:
    from cs682._types import Array, Labels, Options, Params


_NO_ANSWER = "the code sent something that is no answer"
_SECRET = "a further test on other sizes failed"
GONE = "the code ended its process"


class NoAnswer(BaseException):
    """The worker has gone, takes too long, or does not keep to the protocol.

    No `Exception`: a check takes those for the student's and would carry on.
    """


class OwnFault(NoAnswer):
    """The grader's own code failed, which is nobody's fault but its own."""


class TooLate(NoAnswer):
    """The worker takes too long; whether it slept or the machine is busy, the sandbox can tell."""


class StudentError(Exception):
    """What the student's code raised; its type's name, text and line come from the worker."""

    student_line = ""


@dataclass
class Budget:
    """What a hand-in may still use, over all of its exercises.

    Attributes
    ----------
    wall : float, seconds that the grader waits for it, without those that a busy machine took
    cpu : float, seconds of computing
    received : int, bytes that it may send
    """

    wall: float
    cpu: float
    received: int

    @property
    def is_spent(self) -> bool:
        """Tell whether something of it is used up."""
        return self.wall <= 0 or self.cpu <= 0 or self.received <= 0


class Opaque:
    """An object that stays in the worker; all that is known of it is the name of its type."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        """Return what messages show of it."""
        return f"<{type(self).__name__}>"


def _opaque(number: int, kind: str) -> Opaque:
    """Return what stands for an object, of a type that looks in messages like the worker's."""
    made: Opaque = type(re.sub(r"\W", "_", kind)[:40] or "object", (Opaque,), {})(number)
    return made


def _number(value: Any) -> int:
    """Return the number of an object of the worker's; nothing else that cannot cross is sent."""
    if isinstance(value, Opaque):
        return value.number
    if isinstance(value, (tuple, list, dict, int)):  # `pack` would have left it in the worker
        raise NoAnswer(f"{_NO_ANSWER}: it is too large or too deep to be handed back")
    raise OwnFault(f"a {type(value).__name__} cannot be sent to a worker")


class RemoteSubject:
    """The functions and networks of one worker.

    Parameters
    ----------
    wall : float, seconds that all calls together may take
    budget : Budget, of the hand-in, from which they are taken
    waited : callable, returns the seconds that the worker has waited for a core so far: those, and
        the grader's own, are nobody's fault and are not counted
    """

    def __init__(
        self,
        end: socket.socket,
        wall: float,
        budget: Budget,
        waited: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._wire = Wire(end, budget.received, MAX_ANSWER)
        self._wire.extend = lambda: self.give_back() + self._give_back_own()
        self._left, self._budget = wall, budget
        self._waited, self._given_back, self._own = waited, 0.0, 0.0
        self.trace = ""
        self.saw_single = False  # whether a number of Python's own is what was raised for last
        self.advice: tuple[str, ...] = ()
        self.is_secret = False  # what it is asked: no text that the code makes of it goes on

    def __getattr__(self, name: str) -> Any:
        """Return the student's function of this name; AttributeError if there is no such one."""
        if name not in FUNCTIONS:
            raise AttributeError(name)
        hide = 1 if name.endswith("_forward") else None
        return lambda *args: self._call(name, args, hide=hide)

    def net(self, kind: str, *args: Any, **kwargs: Any) -> Any:
        """Build a 'TwoLayerNet' or a 'FullyConnectedNet' and return a handle to it."""
        return self._call("net", (kind, *args), kwargs, hide=0)

    def get_params(self, net: Any) -> Params:
        """Return a copy of the network's parameters by name."""
        params: Params = self._call("get_params", (net,))
        return params

    def set_params(self, net: Any, params: Params) -> None:
        """Replace parameters of the network by copies of these."""
        self._call("set_params", (net, params))

    def set_reg(self, net: Any, reg: float) -> None:
        """Set the strength of the L2 penalty."""
        self._call("set_reg", (net, reg))

    def loss(self, net: Any, X: Array, y: Labels | None = None) -> Any:
        """Return scores, or with labels the pair (loss, gradients by name).

        Parameters
        ----------
        X : ndarray of float, shape (N, d_1, ..., d_k)
        y : ndarray of int, shape (N,), or None
        """
        return self._call("loss", (net, X, y))

    def layers_asked_for(self, net: Any, X: Array) -> list[int]:
        """Return the hidden layers whose options a forward pass of the network takes."""
        asked: list[int] = self._call("layers_asked_for", (net, X))
        return asked

    def restore(self, net: Any, params: Params, norms: list[Options]) -> None:
        """Give the network parameters, and options to each of its normalizations."""
        self._call("restore", (net, params, norms))

    def require_lasting_results(self) -> None:
        """Raise CheckError if a result has changed since it was returned."""
        self._call("require_lasting_results", ())

    @property
    def has_spent(self) -> bool:
        """Tell whether its time is over, or it has sent all that it may."""
        return self._left <= 0 or self._budget.wall <= 0 or self._budget.received <= 0

    def give_back(self) -> float:
        """Count no time in which the worker waited for a core; return how much is new of it."""
        with contextlib.suppress(OSError):  # a damaged sandbox: whoever ends it finds that out
            given, self._given_back = self._given_back, self._waited()
            return self._add(self._given_back - given)
        return 0.0

    def _give_back_own(self) -> float:
        """Do the same for the time in which the grader itself waited, in this call."""
        before, self._own = self._own, waited_for_core()
        return self._add(self._own - before)

    def _add(self, seconds: float) -> float:
        """Add to the time that is left; return it."""
        self._left += seconds
        self._budget.wall += seconds
        return seconds

    def _call(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None = None,
        *,
        hide: int | None = None,
    ) -> Any:
        """Return what a method of the worker's subject returns, or raise what it raised.

        Items of the result from index `hide` on stay in the worker, 0 meaning the whole result.
        """
        arrays: list[Any] = []
        options = [i for i, v in enumerate(args) if name in FUNCTIONS and type(v) is dict]
        message = {
            "do": name,
            "args": [pack(v, arrays, _number) for v in args],
            "kwargs": pack(kwargs or {}, arrays, _number),
            "options": options,
            "hide": hide,
        }
        begin, self._own = time.monotonic(), waited_for_core()
        self._wire.deadline = begin + min(self._left, self._budget.wall)
        try:
            self._wire.send(message, arrays)
            reply, arrays = self._wire.receive()
            self._give_back_own()
            return self._read(reply, arrays, [args[i] for i in options])
        except BadFrameError as error:
            said = "" if self.is_secret else f": {error}"  # it may quote what was sent
            raise NoAnswer(f"{_NO_ANSWER}{said}") from None
        except TimeoutError:
            raise TooLate("the time limit was reached") from None
        except (EOFError, OSError):
            raise NoAnswer(GONE) from None
        finally:
            self._add(begin - time.monotonic())
            self._budget.received = self._wire.left

    def _read(self, reply: dict[str, Any], arrays: list[Any], given: list[dict[Any, Any]]) -> Any:
        """Return the result or raise what was raised; note facts, hand over what options hold now.

        A dict of options is an argument that a function may have to write into, so what it holds
        after the call is part of the answer. It belongs to the check that made it for this call.
        """
        options = unpack(["l", reply.get("options")], arrays, _opaque)
        advice = unpack(["t", reply.get("advice")], arrays, _opaque)
        if len(options) != len(given) or any(type(v) is not dict for v in options):
            raise BadFrameError("other options than were given")
        if len(advice) > 50 or any(type(text) is not str for text in advice):
            raise BadFrameError("advice that is no text, or too much")
        if not self.is_secret:
            self.advice = advice
        for own, now in zip(given, options, strict=True):
            own.clear()
            own.update(now)
        if "raised" in reply:
            raise self._error(reply["raised"])
        return unpack(reply.get("result"), arrays, _opaque)

    def _error(self, said: Any) -> BaseException:
        """Return an exception for what the worker says that the student's code raised."""
        if type(said) is not dict or any(type(v) is not str for v in said.values()):
            raise BadFrameError("an exception that is not described by texts")
        names = ("kind", "type", "text", "line", "trace")
        parts = {name: said.get(name, "")[-MAX_SAID:] for name in names}
        self.trace = parts["trace"]
        if self.is_secret:
            is_known = isinstance(vars(builtins).get(parts["type"]), type)
            parts |= {"text": _SECRET, "line": "  in your code"}
            parts["type"] = parts["type"] if is_known else "Exception"
        self.saw_single = parts["kind"] == "single"
        if parts["kind"] in ("check", "single"):
            return CheckError(parts["text"])
        known = {"open": NotImplementedError, "exit": SystemExit}
        name = re.sub(r"\W", "_", parts["type"])[:60] or "object"
        kind: Any = known.get(parts["kind"]) or type(name, (StudentError,), {})
        error: BaseException = kind(parts["text"])
        error.student_line = parts["line"]  # type: ignore[attr-defined]  # read by the checks
        return error
