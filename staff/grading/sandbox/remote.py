"""A student's functions in a worker, as a subject that checks examine like any other."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cs682.checks.compare import CheckError
from cs682.checks.subject import FUNCTIONS
from staff.grading.sandbox.mirrors import Mirrors
from staff.grading.sandbox.wire import BadFrameError, Wire, unpack

if TYPE_CHECKING:
    from cs682._types import Array, Labels, Params

_MOST_QUESTIONS = 20_000


class NoAnswer(BaseException):
    """The worker has gone, takes too long, or does not keep to the protocol.

    No `Exception`: a check takes those for the student's and would carry on.
    """


class StudentError(Exception):
    """What the student's code raised; its type's name, text and line come from the worker."""

    student_line = ""


class RemoteSubject:
    """The functions and networks of one worker.

    Parameters
    ----------
    end : socket to the worker
    wall : float, seconds that all calls together may take
    answer : function of a name and arguments that computes what a stand-in asks for; by default
        nothing may be asked
    """

    def __init__(
        self,
        end: socket.socket,
        wall: float,
        answer: Callable[[str, Any, list[Any]], tuple[dict[str, Any], list[Any]]] | None = None,
    ) -> None:
        self._wire, self._mirrors = Wire(end), Mirrors()
        self._left, self._questions = wall, _MOST_QUESTIONS
        self._answer = answer
        self.trace = ""

    def __getattr__(self, name: str) -> Any:
        """Return the student's function of this name; AttributeError if there is no such one."""
        if name not in FUNCTIONS:
            raise AttributeError(name)
        hide = 1 if name.endswith("_forward") else None
        return lambda *args: self._call(name, args, hide=hide, keep=True)

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
        net : handle from `net`
        X : ndarray of float, shape (N, d_1, ..., d_k)
        y : ndarray of int, shape (N,), or None
        """
        return self._call("loss", (net, X, y))

    def restore(self, net: Any, params: Params, running: list[Params]) -> None:
        """Give the network trained parameters, and running statistics to each normalization."""
        self._call("restore", (net, params, running))

    def _call(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None = None,
        *,
        hide: int | None = None,
        keep: bool = False,
    ) -> Any:
        """Return what a method of the worker's subject returns, or raise what it raised.

        Items of the result from index `hide` on stay in the worker, 0 meaning the whole result.
        With `keep`, what is returned follows later changes of the original.
        """
        packer = self._mirrors.packer()
        message = {
            "do": name,
            "args": packer.pack((args, kwargs or {})),
            "hide": hide,
            "keep": keep,
            "release": self._mirrors.take_released(),
        }
        begin = time.monotonic()
        self._wire.deadline = begin + self._left
        try:
            reply, arrays = self._exchange(message, packer.arrays)
            return self._read(reply, arrays)
        except BadFrameError as error:
            raise NoAnswer(f"the code sent something that is no answer: {error}") from None
        except TimeoutError:
            raise NoAnswer("the time limit was reached") from None
        except (EOFError, OSError):
            raise NoAnswer("the code ended its process") from None
        finally:
            self._left -= time.monotonic() - begin

    def _exchange(self, message: dict[str, Any], arrays: list[Any]) -> tuple[Any, list[Any]]:
        """Send a call, answer questions that arise, and return the reply."""
        self._wire.send(message, arrays)
        reply, arrays = self._wire.receive()
        while "ask" in reply:
            self._questions -= 1
            if self._answer is None or self._questions < 0:
                raise BadFrameError("a question that may not be asked")
            self._wire.send(*self._answer(reply["ask"], reply.get("args"), arrays))
            reply, arrays = self._wire.receive()
        return reply, arrays

    def _read(self, reply: dict[str, Any], arrays: list[Any]) -> Any:
        """Apply what has changed, and return the result or raise what was raised."""
        changes = reply.get("changes")
        if type(changes) is not list or any(type(c) is not list or len(c) != 2 for c in changes):
            raise BadFrameError("a reply without a list of changes")
        held = [unpack(tree, arrays, self._mirrors) for _, tree in changes]
        if "raised" in reply:
            raise self._error(reply["raised"])
        result = unpack(reply.get("result"), arrays, self._mirrors)
        del held  # until here: the result may refer to what has changed
        return result

    def _error(self, said: Any) -> BaseException:
        """Return an exception for what the worker says that the student's code raised."""
        if type(said) is not dict or any(type(v) is not str for v in said.values()):
            raise BadFrameError("an exception that is not described by texts")
        parts = {name: said.get(name, "") for name in ("kind", "type", "text", "line", "trace")}
        self.trace = parts["trace"]
        if parts["kind"] == "check":
            return CheckError(parts["text"])
        known = {"open": NotImplementedError, "exit": SystemExit}
        name = re.sub(r"\W", "_", parts["type"])[:60] or "object"
        kind: Any = known.get(parts["kind"]) or type(name, (StudentError,), {})
        error: BaseException = kind(parts["text"])
        error.student_line = parts["line"]  # type: ignore[attr-defined]  # read by the checks
        return error
