"""Chunks made and read by threads are those of HDF5's own filters: plain h5py is the reference."""

import struct
import zlib

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassdyn.storage import chunk_writer
from glassdyn.storage.checksum import CHECKSUM_BYTES, fletcher32
from glassdyn.storage.chunk_reader import ChunkError, ChunkReader
from glassdyn.storage.chunk_writer import max_chunk_bytes, write_chunks
from glassdyn.storage.h5md import BLOCK, LAYOUT, WIDTH
from glassdyn.storage.trajectory import open_trajectory

SHAPES = [(BLOCK, 2 * WIDTH + 9), (BLOCK, WIDTH), (5, WIDTH + 1), (1, 5), (17, 1)]


def create(file, name, frames, particles, **filters):
    chunks = BLOCK, min(WIDTH, particles), 3
    layout = LAYOUT | filters
    return file.create_dataset(
        name, (frames, particles, 3), "<f4", chunks=chunks, maxshape=(None, particles, 3), **layout
    )


def caged(frames, particles, spread=20.0):
    rng = np.random.default_rng(5)
    sites = rng.uniform(0, spread, (particles, 3))
    return (sites + rng.normal(0, 0.1, (frames, particles, 3))).astype(np.float32)


def read(dataset, frames, particles):
    shape = len(range(dataset.shape[0])[frames]), len(range(dataset.shape[1])[particles]), 3
    positions = np.full(shape, np.nan, np.float32)
    ChunkReader(dataset).read(frames, particles, positions)
    return positions


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "chunks.h5", "w") as file:
        yield file


@pytest.mark.parametrize(("frames", "particles"), SHAPES)
@pytest.mark.parametrize("spread", [0.0, 1e-3, 20.0, 100.0, 1e30])
def test_h5py_reads_what_was_written(file, frames, particles, spread):
    block = caged(frames, particles, spread)
    dataset = create(file, "value", frames, particles)
    write_chunks(dataset, block)
    np.testing.assert_array_equal(dataset[:], block)


@pytest.mark.parametrize(
    "values", [np.zeros, np.ones, lambda shape: np.random.default_rng(0).bytes(4 * np.prod(shape))]
)
def test_zeros_and_noise_in_all_bytes_survive(file, values):
    shape = BLOCK, WIDTH, 3
    block = values(shape)
    block = np.frombuffer(block, np.float32) if isinstance(block, bytes) else block.astype(np.float32)
    dataset = create(file, "value", BLOCK, WIDTH)
    write_chunks(dataset, block.reshape(shape))
    bits = np.dtype(np.uint32)
    np.testing.assert_array_equal(dataset[:].view(bits), block.reshape(shape).view(bits))
    positions = read(dataset, slice(None), slice(None))
    np.testing.assert_array_equal(positions.view(bits), block.reshape(shape).view(bits))


def test_a_chunk_is_a_zlib_stream_of_shuffled_bytes_and_a_checksum(file):
    block = caged(BLOCK, WIDTH)
    dataset = create(file, "value", BLOCK, WIDTH)
    write_chunks(dataset, block)
    mask, chunk = dataset.id.read_direct_chunk((0, 0, 0))
    assert mask == 0
    shuffled = block.view(np.uint8).reshape(-1, 4).T.tobytes()
    assert zlib.decompress(chunk[:-CHECKSUM_BYTES]) == shuffled
    assert len(chunk) <= max_chunk_bytes(block.size)
    assert len(chunk) < 1.05 * len(zlib.compress(shuffled, 1))


@pytest.mark.parametrize("cores", [1, 2, 7])
def test_bytes_do_not_depend_on_the_number_of_threads(tmp_path, monkeypatch, cores):
    paths = tmp_path / "one.h5", tmp_path / "some.h5"
    for path, threads in zip(paths, (1, cores), strict=True):
        monkeypatch.setattr(chunk_writer, "cores", lambda threads=threads: threads)
        with h5py.File(path, "w") as file:
            write_chunks(create(file, "value", 100, 40 * WIDTH + 3), caged(100, 40 * WIDTH + 3))
    assert paths[0].read_bytes() == paths[1].read_bytes()


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_window_is_read_as_h5py_reads_it(tmp_path_factory, data):
    frames, particles = 2 * BLOCK + 9, WIDTH + 40
    block = caged(frames, particles)
    path = tmp_path_factory.mktemp("chunks") / "window.h5"
    filters = data.draw(st.sampled_from([{}, {"fletcher32": False}, {"compression_opts": 4}]))
    with h5py.File(path, "w") as file:
        dataset = create(file, "value", frames, particles, **filters)
        dataset[:] = block
        window = [
            slice(*sorted(data.draw(st.tuples(st.integers(0, size), st.integers(0, size)))))
            for size in (frames, particles)
        ]
        np.testing.assert_array_equal(read(dataset, *window), block[tuple(window)])
        particles = len(range(particles)[window[1]])
        tracks = np.full((particles, 3, frames), np.nan, np.float32)
        ChunkReader(dataset).read_tracks(window[1], tracks)
        np.testing.assert_array_equal(tracks, block[:, window[1]].transpose(1, 2, 0))


def test_what_threads_write_threads_read(file):
    for frames, particles in SHAPES:
        block = caged(frames, particles)
        dataset = create(file, f"value{frames}-{particles}", frames, particles)
        write_chunks(dataset, block)
        np.testing.assert_array_equal(read(dataset, slice(None), slice(None)), block)


@pytest.mark.parametrize(
    "filters",
    [
        {"shuffle": False},
        {"compression": None, "compression_opts": None},
        {"compression": "lzf", "compression_opts": None},
    ],
)
def test_other_filters_are_left_to_hdf5(file, filters):
    with pytest.raises(ChunkError, match="filters"):
        ChunkReader(create(file, "value", 3, 4, **filters))


@pytest.mark.parametrize("kind", ["<f8", ">f4"])
def test_other_numbers_are_left_to_hdf5(file, kind):
    layout = {"chunks": (1, 4, 3), "dtype": kind, **LAYOUT}
    with pytest.raises(ChunkError, match="filters"):
        ChunkReader(file.create_dataset("value", (3, 4, 3), **layout))


@pytest.mark.parametrize("place", [0, 1, 2, 5, 1000, 70000, -12, -5, -1])
def test_a_flipped_bit_of_a_chunk_is_seen(file, place):
    dataset = create(file, "value", BLOCK, WIDTH)
    write_chunks(dataset, caged(BLOCK, WIDTH))
    _, chunk = dataset.id.read_direct_chunk((0, 0, 0))
    damaged = bytearray(chunk)
    damaged[place] ^= 4
    dataset.id.write_direct_chunk((0, 0, 0), bytes(damaged))
    with pytest.raises(ChunkError):
        read(dataset, slice(None), slice(None))


@pytest.mark.parametrize("length", [1, 5, 6, 7, 9, 10, 100])
@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_chunk_cut_short_is_seen(file, length, has_checksum):
    dataset = create(file, "value", BLOCK, WIDTH, fletcher32=has_checksum)
    dataset[:] = caged(BLOCK, WIDTH)
    _, chunk = dataset.id.read_direct_chunk((0, 0, 0))
    dataset.id.write_direct_chunk((0, 0, 0), chunk[:length])
    with pytest.raises(ChunkError):
        read(dataset, slice(None), slice(None))


def test_a_chunk_that_was_never_written_is_left_to_hdf5(file):
    dataset = create(file, "value", BLOCK, WIDTH)
    with pytest.raises(ChunkError):
        read(dataset, slice(None), slice(None))


def test_a_chunk_without_one_of_the_filters_is_left_to_hdf5(file):
    dataset = create(file, "value", BLOCK, WIDTH)
    dataset.id.write_direct_chunk((0, 0, 0), caged(BLOCK, WIDTH).tobytes(), filter_mask=7)
    with pytest.raises(ChunkError):
        read(dataset, slice(None), slice(None))


def fletcher_word_by_word(content):
    """The sums, word by word and modulo 2^16 - 1, with 2^16 - 1 in place of 0 unless all words are 0."""
    padded = content + b"\0" * (len(content) % 2)
    plain = weighted = 0
    for (word,) in struct.iter_unpack(">H", padded):
        plain += word
        weighted += plain
    first, second = (total and (total - 1) % 65535 + 1 for total in (plain, weighted))
    return second << 16 | first


@settings(deadline=None)
@given(st.binary(max_size=2000) | st.integers(0, 3000).map(lambda length: b"\xff" * length))
def test_the_checksum_is_fletcher_s(content):
    assert fletcher32(np.frombuffer(content, np.uint8)) == fletcher_word_by_word(content)


def test_a_trajectory_with_other_filters_is_read_alike(tmp_path):
    block = caged(9, 7)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.create_group("h5md").attrs["version"] = [1, 1]
        group = file.create_group("particles/all")
        group["species"] = np.zeros(7, np.uint8)
        group["box/edges"] = [20.0] * 3
        group["position/value"], group["position/step"] = block, np.arange(9)
        group["position/time"] = np.arange(9.0)
    with open_trajectory(tmp_path / "t.h5") as trajectory:
        np.testing.assert_array_equal(trajectory.window(2, 5), block[2:5])
        memory = np.empty(1000, np.float32)
        tracks = trajectory.tracks(1, 4, memory)
        np.testing.assert_array_equal(tracks, block[:, 1:4].transpose(1, 2, 0))
        assert np.shares_memory(tracks, memory)
