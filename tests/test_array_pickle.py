"""Pickles of arrays are read; what could do anything else is refused before it does."""

import os
import pickle
import struct

import numpy as np
import pytest

from array_pickles import contents, dump
from glassdyn.importing.array_pickle import load_arrays
from glassdyn.importing.source import ImportingError


@pytest.mark.parametrize("protocol", [3, 4])
def test_it_reads_what_pickle_reads(tmp_path, protocol):
    value = contents(1) | {
        "scalar": np.float64(3.5),
        "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "big": np.arange(3, dtype=">f4"),
        "empty": np.empty((0, 3)),
        "flags": np.array([True, False]),
        "tuple": (1, "a", None, b"b"),
    }
    loaded = load_arrays(dump(tmp_path / "a.pickle", value, protocol))
    assert list(loaded) == list(value)
    for key, entry in value.items():
        if isinstance(entry, np.ndarray):
            assert type(loaded[key]) is np.ndarray
            np.testing.assert_array_equal(loaded[key], entry, strict=True)
    assert loaded["scalar"] == 3.5
    assert loaded["metadata"] == value["metadata"]
    assert loaded["tuple"] == list(value["tuple"])
    np.testing.assert_array_equal(
        loaded["trajectory_target_positions"][3][2], value["trajectory_target_positions"][3][2]
    )


class Malicious:
    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize(
    "value",
    [
        Malicious(os.system, "touch touched"),
        Malicious(eval, "open('touched', 'w')"),
        Malicious(np.fromfile, "/etc/passwd"),
        Malicious(np.ndarray, (3,)),
        np.array([Malicious(os.system, "touch touched")], dtype=object),
        np.array(["words"]),
        np.zeros(3, dtype=[("a", float)]),
        np.zeros(3, dtype="datetime64[s]"),
        {1: 2}.keys,
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_of_a_file_is_called(tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImportingError, match="damaged or no pickle of arrays"):
        load_arrays(dump(tmp_path / "a.pickle", {"a": value}))
    assert not (tmp_path / "touched").exists()


def test_what_is_no_map_of_names_is_refused(tmp_path):
    for value in ([1], np.zeros(3), {1: 2}):
        with pytest.raises(ImportingError, match="a map with names"):
            load_arrays(dump(tmp_path / "a.pickle", value))


def test_damaged_files_are_refused(tmp_path):
    path = dump(tmp_path / "a.pickle", contents(1))
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ImportingError, match="damaged"):
            load_arrays(path)
    for _ in range(200):
        changed = bytearray(whole)
        for place in generator.integers(0, 2000, 3):
            changed[place] = generator.integers(256)
        path.write_bytes(changed)
        try:
            load_arrays(path)
        except ImportingError:
            continue
    with pytest.raises(ImportingError, match="No such file"):
        load_arrays(tmp_path / "absent")


def test_small_files_take_little_memory(tmp_path):
    """A place in the memo, and a shape."""
    path = tmp_path / "a.pickle"
    path.write_bytes(b"\x80\x03}r" + struct.pack("<I", 2**31 - 1) + b".")
    with pytest.raises(ImportingError, match="remembers value"):
        load_arrays(path)
    array = pickle.dumps({"a": np.zeros(3)}, protocol=3)
    path.write_bytes(array.replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85"))
    with pytest.raises(ImportingError, match="bytes of its shape"):
        load_arrays(path)


def test_lists_that_name_the_same_values_again_and_again_are_refused(tmp_path):
    """Whoever makes an array of them would take memory for each."""
    doubled, cycle, wide = [0], [], {}
    for _ in range(60):
        doubled = [doubled, doubled]
    cycle.append(cycle)
    wide["a"] = wide
    for value in (doubled, cycle, wide, [np.zeros(1000)] * 100):
        with pytest.raises(ImportingError, match="again and again"):
            load_arrays(dump(tmp_path / "a.pickle", {"a": value}))
    shared = [np.zeros(1000)]
    loaded = load_arrays(dump(tmp_path / "a.pickle", {"a": shared, "b": shared}))
    assert loaded["a"] is loaded["b"]


def test_a_pickle_changes_nothing_of_this_program(tmp_path):
    """BUILD with a tuple sets attributes of what stands before it, here of the function in the place of ndarray."""
    path = tmp_path / "a.pickle"
    path.write_bytes(b"\x80\x02cnumpy\ndtype\nN}X\x08\x00\x00\x00__init__K\x01s\x86b0}.")
    assert load_arrays(path) == {}
    assert load_arrays(dump(path, contents(1)))["box"].shape == (3,)


def test_published_samples(reference_data):
    loaded = load_arrays(reference_data / "deepmind/test_small.pickle")
    assert loaded["positions"].shape == (20, 3)
    assert len(loaded["trajectory_target_positions"]) == 10
    assert loaded["metadata"]["fluid"] == "Kob Andersen"
