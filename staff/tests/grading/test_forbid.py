"""A worker may compute, read files and use the sockets that it has: nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from staff.bank.answer import ROOT
from staff.grading.sandbox.forbid import has_filter

PROGRAM = """
import ctypes, json, mmap, os, resource, signal, socket, sys, tempfile, threading
import numpy as np
from staff.grading.sandbox.forbid import forbid_calls
ours, theirs = socket.socketpair()
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
forbid_calls()
def call(number, *args):
    if libc.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), "")
def attempts():
    yield "file", lambda: open("/tmp/x-of-a-worker", "w")
    yield "old file", lambda: open("/dev/null", "r+")
    yield "file that is emptied", lambda: os.open("/dev/null", os.O_TRUNC)
    yield "folder", lambda: os.mkdir("/tmp/x-of-a-worker")
    yield "link", lambda: os.symlink("/", "/tmp/x-of-a-worker")
    yield "fifo", lambda: os.mkfifo("/tmp/x-of-a-worker")
    yield "removal", lambda: os.unlink("/tmp/x-of-a-worker")
    yield "rights", lambda: os.chmod("/tmp", 0o777)
    yield "process", os.fork
    yield "program", lambda: os.execv("/bin/true", ["true"])
    yield "thread", lambda: threading.Thread(target=print).start()
    yield "signal", lambda: os.kill(os.getppid(), 0)
    yield "session", os.setsid
    yield "socket", socket.socket
    yield "socket pair", socket.socketpair
    yield "name of a socket", lambda: ours.bind("\\0x-of-a-worker")
    yield "pipe", os.pipe
    yield "memory file", lambda: os.memfd_create("x")
    yield "limits of others", lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU)
    for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        low = (10**12, 10**12)
        yield f"limit {limit} of its own", lambda: resource.setrlimit(limit, low)
        yield f"limit {limit} by prlimit", lambda: resource.prlimit(0, limit, low)
    yield "priority", lambda: os.nice(1)
    yield "another user", lambda: os.setuid(0)
    yield "owner of signals", lambda: __import__("fcntl").fcntl(ours, 8, os.getppid())
    if os.uname().machine == "x86_64":
        yield "shared memory", lambda: call(29, 1, 4096, 0o1600)
        yield "semaphores", lambda: call(64, 1, 1, 0o1600)
        yield "message queue", lambda: call(68, 1, 0o1600)
        yield "POSIX queue", lambda: call(240, b"x", 0o102, 0o600, None)
        yield "debugger", lambda: call(101, 16, os.getppid(), 0, 0)
        yield "keyring", lambda: call(248, b"user", b"x", b"x", 1, -3)
        yield "io_uring", lambda: call(425, 1, None)
found = {}
for name, attempt in attempts():
    try: attempt(); found[name] = "allowed"
    except (OSError, RuntimeError, ValueError): found[name] = "refused"
ours.send(b"1"); theirs.recv(1); open("/etc/hostname").read()
np.linalg.svd(np.random.rand(50, 50)); __import__("time").sleep(0.001); __import__("decimal")
print(json.dumps(found))
"""


@pytest.mark.skipif(not has_filter(), reason="no filter for this machine")
def test_filter_leaves_computing_and_reading_and_nothing_else():
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", PROGRAM]

    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    found = json.loads(done.stdout)
    assert len(found) > 20
    assert {*found.values()} == {"refused"}, found
