"""The folders that are looked at for what a work tree has at its top."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.files.statedirs import STATE_NAME, state_above, upwards


@given(st.lists(st.sampled_from(["a", "b c", "ü"]), max_size=6))
def test_upwards_is_what_path_objects_say(parts):
    path = Path(Path.cwd().anchor, *parts)
    assert list(upwards(str(path))) == [str(each) for each in (path, *path.parents)]


def test_what_was_asked_for_is_not_looked_up_again(tmp_path):
    (tmp_path / ".git").mkdir()
    known = {}
    found = str(tmp_path / ".git" / STATE_NAME)
    assert state_above(str(tmp_path / "a" / "b"), known) == found
    assert known == dict.fromkeys(map(str, (tmp_path / "a" / "b", tmp_path / "a", tmp_path)), found)
    (tmp_path / ".git").rmdir()
    assert state_above(str(tmp_path / "a" / "c"), known) == found
    assert state_above(str(tmp_path)) != found
