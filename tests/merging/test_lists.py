"""What changed in a list, within bounds."""

from fluxsecrets.merging.lists import Hunk, hunks, merge_lists, spliced


def test_each_change_is_told():
    assert hunks([1, 2, 3, 4], [1, 5, 3, 4, 6]) == [Hunk(1, 2, 1, 2), Hunk(4, 4, 4, 5)]


def test_types_count():
    assert hunks([1, "1", True, 1.0], ["1", 1, 1.0, True])
    assert not hunks([float("nan"), {"a": [1]}], [float("nan"), {"a": [1]}])


def test_long_lists_of_the_same_items_are_one_change():
    old = ["x"] * 2000

    assert hunks(old, ["y", *old[:-1], "z"]) == [Hunk(0, 2000, 0, 2001)]
    assert hunks(old, [*old, "z"]) == [Hunk(2000, 2000, 2000, 2001)]


def test_what_both_changed_alike_is_taken_once():
    base, ours, theirs = [1, 2, 3, 4, 5], [0, 1, 7, 3, 4, 5], [1, 7, 3, 4, 8]

    changes = merge_lists(base, ours, theirs)

    assert spliced(ours, theirs, changes) == [0, 1, 7, 3, 4, 8]
