from __future__ import annotations

import os
import pickle
import struct

import numpy as np
import pytest

from cs682.cifar10.batch_pickle import load_batch
from tests.cifar_files import batch, python2_pickle


class _Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_load_batch_reads_what_python3_pickles(protocol, order):
    content = batch(682, 7)
    content[b"data"] = np.array(content[b"data"], order=order)

    got = load_batch(pickle.dumps(content, protocol))

    assert type(got[b"data"]) is np.ndarray
    np.testing.assert_array_equal(got[b"data"], content[b"data"])
    assert got[b"labels"] == content[b"labels"]
    assert got[b"filenames"] == content[b"filenames"]


@pytest.mark.parametrize(("encoding", "kind"), [("bytes", bytes), ("latin1", str)])
def test_load_batch_reads_what_python2_pickled(encoding, kind):
    content = batch(682, 7)

    got = load_batch(python2_pickle(content), encoding=encoding)

    assert {type(key) for key in got} == {kind}
    np.testing.assert_array_equal(
        got[kind(b"data", "ascii") if kind is str else b"data"], content[b"data"]
    )


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_load_batch_knows_the_array_module_of_both_numpy_generations(module):
    content = python2_pickle(batch(682, 3)).replace(b"numpy.core.multiarray", module.encode())

    assert load_batch(content)[b"data"].shape == (3, 3072)


@pytest.mark.parametrize(
    "function", [os.system, eval, exec, open, getattr, np.load, np.frombuffer, np.zeros, os.unlink]
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_load_batch_runs_nothing(tmp_path, function, protocol):
    victim = tmp_path / "victim"
    victim.write_text("here")
    argument = f"rm {victim}" if function is os.system else str(victim)
    hostile = {b"data": _Calls(function, argument), b"labels": []}

    with pytest.raises(ValueError, match=r"not a CIFAR batch: it asks for \S+, which no batch"):
        load_batch(pickle.dumps(hostile, protocol))

    assert victim.read_text() == "here"


HOSTILE = {
    "instance": (b"(S'true'\nios\nsystem\n.", "instruction"),
    "object": (b"(cos\nsystem\nS'true'\no.", "instruction"),
    "extension": (b"\x80\x02\x82\x01.", "instruction"),
    "persistent": (b"\x80\x02K\x01Q.", "instruction"),
    "protocol 5 buffer": (b"\x80\x05\x97.", "instruction"),
    "new object": (b"\x80\x02cnumpy\nndarray\n)\x81.", "instruction"),
    "attribute of an attribute": (b"\x80\x04\x8c\x05numpy\x8c\x07dtype.x\x93.", "asks for"),
    "ndarray called": (b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85\x85R.", "directly"),
    "object dtype": (b"\x80\x02cnumpy\ndtype\nU\x01O\x85R.", "dtype b'O'"),
    "dtype of fields": (b"\x80\x02cnumpy\ndtype\n](U\x01aU\x02u1\x86e\x85R.", "dtype"),
    "dtype of nothing": (b"\x80\x02cnumpy\ndtype\n)R.", "dtype None"),
    "function changed": (b"\x80\x02cnumpy\ndtype\nN}U\x05_makeK\x01s\x86b.", "change a function"),
    "codec": (b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x05\0\0\0rot13\x86R.", "encodes text"),
    "huge memo": (b"\x80\x02K\x01r" + struct.pack("<I", 2**31) + b".", "memo slots"),
    "huge string": (b"\x80\x02T" + struct.pack("<i", 2**31 - 1) + b"a.", "not a CIFAR batch"),
    "huge bytes": (b"\x80\x04\x8e" + struct.pack("<Q", 2**50) + b"a.", "not a CIFAR batch"),
    "huge frame": (b"\x80\x04\x95" + struct.pack("<Q", 2**50) + b"N.", "not a CIFAR batch"),
    "many lists": (b"\x80\x02" + b"]" * 100_000 + b".", "far more parts"),
    "deep tuples": (b"\x80\x02K\x01" + b"\x85" * 100_000 + b".", "far more parts"),
    "many numbers": (b"\x80\x02" + b"K\x01" * 1_000_001 + b".", "far more parts"),
    "unhashable key": (b"\x80\x02}]K\x01s.", "not a CIFAR batch"),
    "empty": (b"", "not a CIFAR batch"),
    "not a pickle": (b"<html>404</html>", "not a CIFAR batch"),
    "stack underflow": (b"\x80\x02R.", "not a CIFAR batch"),
}


@pytest.mark.parametrize(("content", "text"), HOSTILE.values(), ids=HOSTILE)
def test_load_batch_refuses(content, text):
    with pytest.raises(ValueError, match="not a CIFAR batch") as caught:
        load_batch(content)

    assert text in str(caught.value)


@pytest.mark.parametrize("dtype", [object, np.float32, "<u2", "S1", [("a", "u1")]])
def test_load_batch_refuses_an_array_of_other_than_bytes(dtype):
    array = np.zeros((2, 3072), dtype)

    with pytest.raises(ValueError, match="not a CIFAR batch"):
        load_batch(pickle.dumps({b"data": array}, 4))


@pytest.mark.parametrize("shape", [(7, 3073), (2**40, 2**40), (-1, -21504), (7.0, 3072), 7, ()])
def test_load_batch_refuses_a_shape_that_the_bytes_do_not_fill(shape):
    array = np.zeros((7, 3072), np.uint8)
    make, args, state = array.__reduce__()

    class Forged:
        def __reduce__(self):
            return make, args, (state[0], shape, *state[2:])

    with pytest.raises(ValueError, match="not a CIFAR batch"):
        load_batch(pickle.dumps({b"data": Forged()}, 4))


def test_load_batch_leaves_its_own_names_unchanged():
    attack = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}U\x08__name__U\x01xsb."

    with pytest.raises(ValueError, match="change a function"):
        load_batch(attack)

    assert load_batch(python2_pickle(batch(682, 2)))[b"data"].shape == (2, 3072)


def test_load_batch_keeps_a_dict_that_holds_itself():
    got = load_batch(b"\x80\x02}q\x00U\x01ah\x00s.")

    assert got[b"a"][b"a"] is got[b"a"]


def test_load_batch_names_each_cut():
    content = pickle.dumps(batch(682, 3), 4)

    for end in range(0, len(content), 97):
        with pytest.raises(ValueError, match="not a CIFAR batch"):
            load_batch(content[:end])
