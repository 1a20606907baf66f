"""What the tests keep from run to run."""

import os

from copies import take_over

NAMES = {"*.hs": 10, "*.txt": 1}


def test_the_newest_large_files_are_taken_over_once(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for number, name in enumerate(("a.hs", "b.hs", "c.hs", "note.txt", "other", "small.hs")):
        (source / name).write_text("x" if name == "small.hs" else "x" * 10)
        os.utime(source / name, (number, number))
    (target / "old.hs").write_text("x" * 10)
    os.utime(target / "old.hs", (0, 0))
    take_over(source, target, NAMES, most=2)
    assert sorted(path.name for path in target.iterdir()) == ["b.hs", "c.hs", "note.txt"]
    before = {path.name: path.stat().st_ino for path in target.iterdir()}
    take_over(source, target, NAMES, most=2)
    assert {path.name: path.stat().st_ino for path in target.iterdir()} == before
