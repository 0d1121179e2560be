"""Files are there whole or not at all, whoever writes them."""

import os

import h5py
import numpy as np
import pytest

from glassdyn.jobs.atomic import atomic_write, publish
from glassdyn.storage.hdf5 import large_file, require_group, small_file

WRITERS = [small_file, lambda path: large_file(path, 2**20)]


def refuse(*_):
    raise OSError("Invalid cross-device link")


class TestReplacing:
    def test_the_new_one_takes_the_place(self, tmp_path):
        (tmp_path / "x.txt").write_text("old")
        with atomic_write(tmp_path / "x.txt") as beside:
            beside.write_text("new")
            assert (tmp_path / "x.txt").read_text() == "old"
            assert beside.suffix == ".txt"
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"x.txt": "new"}

    def test_an_error_changes_nothing(self, tmp_path):
        (tmp_path / "x.txt").write_text("old")
        with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / "x.txt") as beside:
            beside.write_text(str(1 / 0))
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"x.txt": "old"}


@pytest.mark.parametrize("linking", [os.link, refuse])
def test_publish(tmp_path, monkeypatch, linking):
    monkeypatch.setattr(os, "link", linking)
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "x").write_text("x")
    publish(source, tmp_path / "some" / "where")
    publish(source, tmp_path / "some" / "where")
    assert (tmp_path / "some" / "where" / "folder" / "x").read_text() == "x"
    linked = (source / "folder" / "x").samefile(tmp_path / "some" / "where" / "folder" / "x")
    assert linked == (linking is not refuse)


@pytest.mark.parametrize("create", WRITERS, ids=["small", "large"])
class TestHdf5:
    def fill(self, create, path):
        with create(path) as file:
            require_group(file, "a/b").create_dataset("x", data=np.arange(1000), track_times=False)

    def test_bytes_depend_on_the_content_alone(self, tmp_path, create):
        for name in ("one", "other"):
            self.fill(create, tmp_path / name)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
        assert (tmp_path / "one").stat().st_size < 20000
        with h5py.File(tmp_path / "one") as file:
            np.testing.assert_array_equal(file["a/b/x"], np.arange(1000))

    def test_an_error_leaves_nothing(self, tmp_path, create):
        with pytest.raises(ZeroDivisionError), create(tmp_path / "x") as file:
            file["x"] = 1 / 0
        assert not list(tmp_path.iterdir())
