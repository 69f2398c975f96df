"""Forbid system calls to this process and all that come from it: sockets, and what spies on others.

A seccomp filter in classic BPF, which Linux has had since 3.5, set without any library. Namespaces
keep a student's code from the network too, but a container often has none to give.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # 32-bit words, compared with constants
_NUMBER_AT, _ARCH_AT = 0, 4  # offsets in struct seccomp_data
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_X32 = 0x40000000  # numbers from here on are another set of calls on x86_64

# socket, ptrace, process_vm_readv, process_vm_writev, perf_event_open, bpf, userfaultfd, unshare,
# setns, mount, add_key, request_key, keyctl, io_uring_setup, pidfd_getfd
_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 101, 310, 311, 298, 321, 323, 272, 308, 165, 248, 249, 250, 425, 438),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 117, 270, 271, 241, 280, 282, 97, 268, 40, 217, 218, 219, 425, 438),
    ),
}


def forbid_calls() -> bool:
    """Set the filter, which needs no privilege once new ones have been renounced.

    Returns
    -------
    done : bool, False where the machine is none that the filter is written for

    Raises
    ------
    OSError
        If the kernel refuses it.
    """
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return False
    arch, numbers = _CALLS[platform.machine()]
    steps = _program(arch, numbers)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refuses a seccomp filter")
    return True


def _program(arch: int, numbers: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Return the filter's steps: operation, steps to skip if true and if false, constant."""
    steps = [(_LOAD, 0, 0, _ARCH_AT), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _KILL)]
    steps += [(_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, len(numbers) + 1, 0, _X32)]
    for i, number in enumerate(numbers):
        steps.append((_EQUAL, len(numbers) - i, 0, number))
    return [*steps, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
