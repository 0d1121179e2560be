"""Checkpoints of TensorFlow: tensors come back as they were written, and damage is noticed."""

import numpy as np
import pytest

import tensorflow_checkpoints
from glassdyn.importing import tensor_bundle
from glassdyn.importing.protocol_buffers import read_varint
from glassdyn.importing.source import ImportingError
from glassdyn.importing.tensor_bundle import read_tensors
from tensorflow_checkpoints import block, crc32c, varint, write_checkpoint

GENERATOR = np.random.default_rng(0)
TENSORS = {
    f"Graph/module_{number}/{part}": GENERATOR.normal(size=shape).astype(np.float32)
    for number in range(17)
    for part, shape in (("w", (3, number + 1)), ("w/Adam", (3, number + 1)), ("b", (5,)))
} | {
    "power": np.float32(0.5).reshape(()),
    "steps": np.arange(3),
    "double": GENERATOR.normal(size=(2, 2, 2)),
    "empty": np.empty((0, 4), np.float32),
    "counts": np.arange(4, dtype=np.int32),
}


@pytest.fixture
def checkpoint(tmp_path):
    return write_checkpoint(tmp_path / "a.ckpt", TENSORS)


def index_of(checkpoint):
    return checkpoint.with_name(f"{checkpoint.name}.index")


def refused(checkpoint, reason):
    with pytest.raises(ImportingError, match=reason):
        read_tensors(index_of(checkpoint))


def test_tensors_come_back(checkpoint):
    tensors = read_tensors(index_of(checkpoint))
    assert set(tensors) == set(TENSORS)
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], array, strict=True)


def test_the_checksum_is_that_of_its_definition():
    assert tensor_bundle.crc32c(b"123456789") == 0xE3069283  # RFC 3720
    for length in (0, 1, 7, 100):
        data = GENERATOR.bytes(length)
        assert tensor_bundle.crc32c(data) == crc32c(data)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**64 - 1])
def test_integers_of_seven_bits_a_byte(value):
    data = b"x" + varint(value) + b"y"
    assert read_varint(data, 1, "") == (value, len(data) - 1)
    with pytest.raises(ImportingError, match="an integer ends"):
        read_varint(varint(value)[:-1], 0, "")


def test_an_integer_that_does_not_end_is_refused():
    for data in (b"\xff" * 20, varint(2**64), varint(2**69)):
        with pytest.raises(ImportingError, match="an integer ends"):
            read_varint(data, 0, "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": (2, 2, 3)}, "fills its bytes"),
        ({"shape": (2**40, 2**40)}, "fills its bytes"),
        ({"offset": 10**6}, "fills its bytes"),
        ({"offset": 2**63}, "fills its bytes"),
        ({"size": 8}, "fills its bytes"),
        ({"checksum": 0}, "its checksum differs"),
        ({"dtype": 1}, "fills its bytes"),
        ({"shape": (8, *[1] * 100)}, "a shape of NumPy: got 101 dimensions"),
        ({"shape": (0, 2**63), "size": 0, "checksum": 0xA282EAD8}, "a shape of NumPy"),
    ],
)
def test_what_the_index_states_is_compared_with_the_data(tmp_path, changes, reason):
    refused(write_checkpoint(tmp_path / "a.ckpt", TENSORS, changes={"double": changes}), reason)


def test_bytes_that_tensors_share_are_refused(tmp_path):
    """Memory is taken for each of them."""
    tensors = {name: np.zeros(1000) for name in "abc"}
    changes = {name: {"offset": 0, "shape": (2000,), "size": 16000} for name in "abc"}
    refused(write_checkpoint(tmp_path / "a.ckpt", tensors, changes=changes), "got 48000 of 24000")


def test_blocks_that_are_read_twice_are_refused(tmp_path, monkeypatch):
    def repeat(entries, interval=16):
        """The block that lists the blocks lists the first again."""
        return block([*entries, entries[0]] if interval == 1 else entries, interval)

    monkeypatch.setattr(tensorflow_checkpoints, "block", repeat)
    refused(write_checkpoint(tmp_path / "a.ckpt", TENSORS), "contradict themselves")


def test_long_names_and_many_are_refused(tmp_path, monkeypatch):
    """They share what they begin with, and so are longer together than the index."""
    refused(write_checkpoint(tmp_path / "a.ckpt", {"a" * 1025: np.zeros(3)}), "contradict themselves")
    monkeypatch.setattr(tensor_bundle, "MAX_TENSORS", 10)
    refused(write_checkpoint(tmp_path / "a.ckpt", TENSORS), "at most 10 tensors")


def test_tensors_of_other_types_are_left_out(tmp_path):
    tensors = read_tensors(
        index_of(write_checkpoint(tmp_path / "a", TENSORS, changes={"double": {"dtype": 7}}))
    )
    assert set(tensors) == set(TENSORS) - {"double"}


def test_kinds_that_are_not_read_are_refused(tmp_path):
    refused(write_checkpoint(tmp_path / "a.ckpt", TENSORS, shards=2), "one data file")
    refused(write_checkpoint(tmp_path / "a.ckpt", TENSORS, compression=1), "not compressed")


def test_every_byte_of_the_index_counts(checkpoint):
    """A change is noticed, or it is in what nobody reads: the empty block of meta data, and the rest of the footer."""
    path = index_of(checkpoint)
    whole = path.read_bytes()
    for length in (0, 10, 47, 48, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(checkpoint, "truncated|damaged|ends")
    unread = 0
    for place in GENERATOR.integers(0, len(whole), 150):
        changed = bytearray(whole)
        changed[place] ^= 1 << GENERATOR.integers(8)
        path.write_bytes(changed)
        try:
            tensors = read_tensors(path)
        except ImportingError:
            continue
        unread += 1
        assert set(tensors) == set(TENSORS)
    assert unread < 15


def test_damaged_and_absent_data(checkpoint):
    data = checkpoint.with_name("a.ckpt.data-00000-of-00001")
    whole = data.read_bytes()
    data.write_bytes(whole[:-4])
    refused(checkpoint, "fills its bytes")
    data.write_bytes(whole[:-4] + b"\1" * 4)
    refused(checkpoint, "its checksum differs")
    data.unlink()
    refused(checkpoint, "an index and data: .*No such file")
    index_of(checkpoint).unlink()
    refused(checkpoint, "an index and data: .*No such file")
