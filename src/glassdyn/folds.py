"""Rotated splits: the same copies, dealt to training, validation and test anew, so that more of them are tested."""

from glassdyn.params import Split

__all__ = ["rotate_split", "tested_in"]


def rotate_split(split: Split, fold: int) -> Split:
    """The split of a fold: a part holds as many copies as before, moved along the ring of all of them.

    The ring is train, validation, test in this order. Fold f moves every part by f n_test places along it, so that
    fold 0 is the split itself and folds whose test parts do not lap each other test no copy twice.

    Args:
        split: of fold 0.
        fold: f, from 0.
    """
    ring = (*split.train, *split.validation, *split.test)
    moved = fold * len(split.test) % len(ring)
    rotated = ring[moved:] + ring[:moved]
    first, second = len(split.train), len(split.train) + len(split.validation)
    return Split(train=rotated[:first], validation=rotated[first:second], test=rotated[second:])


def tested_in(split: Split, folds: int) -> dict[int, int]:
    """Copy -> the one of the first `folds` folds that tests it, in the order of the folds."""
    return {copy: fold for fold in range(folds) for copy in rotate_split(split, fold).test}
