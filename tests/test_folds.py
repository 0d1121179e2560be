"""Folds deal the same copies to the parts of the split: none is tested twice, none is trained on and tested."""

import pytest

from glassdyn import folds
from glassdyn.params import Split

SPLITS = [
    Split(train=(0, 1, 2), validation=(3,), test=(4,)),
    Split(train=(5, 0), validation=(2, 7), test=(1, 3, 8)),
    Split(train=(0, 1, 2, 3), validation=(9,), test=(4, 5)),
]


def parts(split):
    return split.train, split.validation, split.test


def most_folds(split):
    """As many as test no copy twice."""
    return sum(map(len, parts(split))) // len(split.test)


@pytest.mark.parametrize("split", SPLITS)
def test_fold_0_is_the_split(split):
    assert folds.rotate_split(split, 0) == split
    assert list(folds.tested_in(split, 1)) == list(split.test)


@pytest.mark.parametrize("split", SPLITS)
def test_every_fold_holds_all_copies_in_parts_of_the_same_sizes(split):
    for fold in range(most_folds(split)):
        rotated = folds.rotate_split(split, fold)
        assert list(map(len, parts(rotated))) == list(map(len, parts(split)))
        assert sorted(sum(parts(rotated), ())) == sorted(sum(parts(split), ()))


@pytest.mark.parametrize("split", SPLITS)
def test_no_copy_is_tested_twice(split):
    tested = folds.tested_in(split, most_folds(split))
    assert len(tested) == most_folds(split) * len(split.test)


def test_a_part_moves_along_the_ring():
    rotated = folds.rotate_split(SPLITS[0], 1)
    assert parts(rotated) == ((1, 2, 3), (4,), (0,))
    assert folds.tested_in(SPLITS[0], 5) == {4: 0, 0: 1, 1: 2, 2: 3, 3: 4}
