"""Folders of an imported set take their places together, or not at all."""

import pytest

from glassdyn.importing.set_folders import ImportedFolders, replace_folders


def write(folders, text):
    for folder in (
        folders.snapshots,
        folders.predictions / "CAGE",
        folders.isoconfigurational / "copy00-sample00",
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a").write_text(text)


def write_and_fail(data):
    with replace_folders(data) as folders:
        write(folders, "second")
        raise ValueError("stop")


def contents(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_folders_of_the_set_are_replaced_and_others_stay(tmp_path):
    data = tmp_path / "data"
    (data / "predictions/network").mkdir(parents=True)
    (data / "predictions/network/a").write_text("ours")
    for text in ("first", "second"):
        with replace_folders(data) as folders:
            write(folders, text)
        assert contents(data) == {
            "predictions/network/a": "ours",
            "predictions/CAGE/a": text,
            "snapshots/a": text,
            "isoconfigurational/copy00-sample00/a": text,
        }
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_failure_leaves_what_was_there(tmp_path):
    data = tmp_path / "data"
    with replace_folders(data) as folders:
        write(folders, "first")
    before = contents(data)
    with pytest.raises(ValueError, match="stop"):
        write_and_fail(data)
    assert contents(data) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_folders_lie_below_the_output(tmp_path):
    assert ImportedFolders.below(tmp_path / "data") == tuple(tmp_path / path for path in ImportedFolders())
