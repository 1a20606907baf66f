"""Many named files: what is looked up once is what looking up each finds."""

import os
import subprocess
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.files.links import real_path
from fluxsecrets.files.statedirs import state_above
from fluxsecrets.ops.run.logged import root_with_settings
from fluxsecrets.ops.run.places import Places
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import find_repository

FOLDERS = ("", "outer", "outer/a", "outer/a/inner", "outer/a/inner/b", "outer/link", "outer/link/b", "gone/x")


def tree(root):
    (root / "outer/a/inner/b").mkdir(parents=True)
    (root / "outer/link").symlink_to(root / "outer/a/inner")
    for folder in ("outer", "outer/a/inner"):
        subprocess.run(["git", "init", "--quiet", root / folder], check=True)
    return root


def test_places_find_what_each_lookup_finds(tmp_path_factory):
    root = tree(tmp_path_factory.mktemp("places").resolve())
    found = cache(find_repository)

    @given(st.lists(st.sampled_from(FOLDERS), min_size=1, max_size=8), st.sampled_from(["f.yaml", "..", "g"]))
    def check(folders, name):
        places = Places(Session(os.environ, root), ())
        known: dict[str, str | None] = {}
        for folder in folders:
            given = Path(os.path.normpath(root / folder / name))
            real = places.real(str(given))
            assert real == given.resolve()
            assert places.repository(real) == found(real)
            assert state_above(str(given), known) == state_above(str(given))

    check()


PARTS = st.sampled_from(["a", "b", "..", ".", "a b", "é", "ab"])


@given(st.lists(PARTS, max_size=4), st.booleans())
def test_a_path_is_shown_as_it_is_relative_to_the_working_directory(parts, absolute):
    here = Path("/repository/tree")
    path = here.joinpath(*parts) if absolute else Path(*parts)
    expected = (here / path).relative_to(here).as_posix()
    assert Session({}, here).shown(path) == expected


STEPS = st.lists(st.sampled_from(["a", "b", "link", "loop", "up", "..", ".", "", "file", "gone"]), max_size=6)


def test_real_paths_are_those_of_the_system(tmp_path_factory):
    root = tmp_path_factory.mktemp("real")
    (root / "a/b").mkdir(parents=True)
    (root / "a/file").touch()
    (root / "link").symlink_to("a/b")
    (root / "loop").symlink_to("loop")
    (root / "a/b/up").symlink_to("../..")
    (root / "a/link").symlink_to("/gone")

    @given(st.lists(STEPS, min_size=1, max_size=5))
    def check(paths):
        known: dict[str, bool] = {}
        for steps in paths:
            path = os.path.join(root, *steps)  # noqa: PTH118 - as it was given
            assert real_path(path, known) == os.path.realpath(path)

    check()


@given(
    st.sets(st.sampled_from(["", "a", "a/b", "a/b/c", "d"])),
    st.sets(st.sampled_from(["", "a", "a/b", "d"]), max_size=2),
    st.lists(
        st.sampled_from(["", "a", "a/b", "a/b/c", "a/x/y", "d", "e/f", "a/file", "a/b/file", "d/file/x"]),
        min_size=1,
    ),
)
def test_settings_are_found_as_by_each_walk(tmp_path_factory, settings, repositories, places):
    root = tmp_path_factory.mktemp("settings")
    for folder in ("a/b/c", "d"):
        (root / folder).mkdir(parents=True)
    for folder in ("a", "a/b", "d"):
        (root / folder / "file").touch()
    for folder in settings:
        (root / folder / ".fluxsecrets.yaml").touch()
    for folder in repositories:
        (root / folder / ".git").mkdir()
    known: dict[str, tuple[str | None, bool]] = {}
    for place in places:
        path = str(root / place)
        assert root_with_settings(path, known) == root_with_settings(path) == walked(Path(path))


def walked(place):
    nearest = None
    for folder in (place, *place.parents):
        found = str(folder) if os.path.lexists(folder / ".fluxsecrets.yaml") else None
        if os.path.lexists(folder / ".git"):
            return found
        nearest = nearest or found
    return nearest
