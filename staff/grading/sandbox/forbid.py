"""Leave a process nothing but computing, reading files, and the sockets that it already has.

A seccomp filter in classic BPF, which Linux has had since 3.5, set without any library. It lists
what is allowed, so what nobody has thought of is refused. A process under it can start no other
process or thread, send no signal, and make no file, memory file system or kernel object: whatever
it uses ends with it, and the limits of one process are limits of all that its code does.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # on 32-bit words
_NUMBER_AT, _ARCH_AT = 0, 4  # offsets in struct seccomp_data
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_X32 = 0x40000000  # numbers from here on are another set of calls on x86_64

# read, close, fstat, lseek, mmap, mprotect, munmap, brk, rt_sigaction, rt_sigprocmask,
# rt_sigreturn, pread64, readv, preadv, sched_yield, mremap, madvise, write, writev, dup, and
# nanosleep, clock_nanosleep, clock_gettime, clock_getres, gettimeofday, getpid, gettid, getppid,
# getuid, geteuid, getgid, getegid, sendto, recvfrom, sendmsg, recvmsg, getsockname, getsockopt,
# ppoll, exit, exit_group, uname, sysinfo, times, getrusage, getrlimit, getcwd, getdents64,
# readlinkat, faccessat, faccessat2, newfstatat, statx, sigaltstack, futex, sched_getaffinity,
# getrandom, membarrier, rseq
_FREE = {
    "x86_64": (
        *(0, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 295, 24, 25, 28, 1, 20, 32, 35, 230),
        *(228, 229, 96, 39, 186, 110, 102, 107, 104, 108, 44, 45, 46, 47, 51, 55, 271, 60, 231),
        *(63, 99, 100, 98, 97, 79, 217, 267, 269, 439, 262, 332, 131, 202, 204, 318, 324, 334),
        *(4, 6, 7, 21, 33, 89, 201),  # stat, lstat, poll, access, dup2, readlink, time
        *(23, 270),  # select and pselect6, by which Python 3.10 sleeps
    ),
    "aarch64": (
        *(63, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 67, 65, 69, 124, 216, 233, 64, 66),
        *(23, 101, 115, 113, 114, 169, 172, 178, 173, 174, 175, 176, 177, 206, 207, 211, 212),
        *(204, 209, 73, 93, 94, 160, 179, 153, 165, 163, 17, 61, 78, 48, 439, 79, 291, 132, 98),
        *(123, 278, 283, 293, 24, 72),  # the last are dup3 and pselect6
    ),
}
_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_WRITES = 0o1103  # O_WRONLY, O_RDWR, O_CREAT and O_TRUNC, the same on both machines
_FCNTL = (0, 1, 2, 3, 4, 1030)  # copies and flags; none that lets the kernel send signals
_IOCTL = (0x5401, 0x5413, 0x5421, 0x541B, 0x5451)  # is it a terminal, how wide; flags
_OPENAT, _OPEN = {"x86_64": 257, "aarch64": 56}, {"x86_64": 2}
_PICKY = {"x86_64": {72: _FCNTL, 16: _IOCTL}, "aarch64": {25: _FCNTL, 29: _IOCTL}}
_LIMITS_OF = {"x86_64": 302, "aarch64": 261}  # prlimit64: its own alone, and none set

Step = tuple[int, int, int, int]  # operation, steps to skip if true and if false, constant


def has_filter() -> bool:
    """Tell whether this machine is one that the filter is written for."""
    return sys.platform == "linux" and platform.machine() in _ARCHES


def forbid_calls() -> None:
    """Set the filter, which needs no privilege once new ones have been renounced.

    Raises
    ------
    OSError
        If the kernel refuses it.
    """
    steps = _program(platform.machine())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel refuses a seccomp filter")


def _program(machine: str) -> list[Step]:
    """Return the filter's steps."""
    steps: list[Step] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, _ARCHES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32),
        _refuse(errno.EPERM),
    ]
    readers = [(_OPENAT[machine], 2), *((n, 1) for m, n in _OPEN.items() if m == machine)]
    for number, position in readers:
        checks = [(_ANY_BIT, 0, 1, _WRITES), _refuse(errno.EROFS), (_RETURN, 0, 0, _ALLOW)]
        steps += _by_argument(number, position, checks)
    for number, allowed in _PICKY[machine].items():
        steps += _by_argument(number, 1, _one_of(allowed))
    steps += _by_argument(_LIMITS_OF[machine], 0, _if_it_reads_limits())
    return [*steps, *_one_of(_FREE[machine])]


def _by_argument(number: int, position: int, checks: list[Step]) -> list[Step]:
    """Return steps that judge one call by the low half of an argument."""
    load = (_LOAD, 0, 0, _argument(position))
    return [(_EQUAL, 0, len(checks) + 1, number), load, *checks]


def _argument(position: int) -> int:
    """Return where the low half of an argument is in struct seccomp_data."""
    return 16 + 8 * position


def _if_it_reads_limits() -> list[Step]:
    """Return steps that allow prlimit64 for itself if it gives no new limit, a pointer.

    Who could lower a limit of its own could be killed by it, and look like one whom the machine
    had no memory for.
    """
    is_zero = [(_EQUAL, 1, 0, 0), _refuse(errno.EPERM)]
    halves = [[(_LOAD, 0, 0, _argument(2) + half), *is_zero] for half in (0, 4)]
    return [*is_zero, *halves[0], *halves[1], (_RETURN, 0, 0, _ALLOW)]


def _one_of(allowed: tuple[int, ...]) -> list[Step]:
    """Return steps that allow the call if the word at hand is one of these, else refuse it."""
    count = len(allowed)
    steps = [(_EQUAL, count - i, 0, word) for i, word in enumerate(allowed)]
    return [*steps, _refuse(errno.EPERM), (_RETURN, 0, 0, _ALLOW)]


def _refuse(number: int) -> Step:
    """Return the step that lets the call fail with an error number."""
    return (_RETURN, 0, 0, _REFUSE | number)
