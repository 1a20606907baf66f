"""Many named files: what is looked up once is what looking up each finds."""

import os
import subprocess
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.files.statedirs import state_above
from fluxsecrets.ops.run.inputs import Places, has_no_link
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
            assert (real == given) == has_no_link(given)
            assert places.repository(real) == found(real)
            assert state_above(str(given), known) == state_above(str(given))

    check()


PARTS = st.sampled_from(["a", "b", "..", ".", "a b", "é", "ab"])


@given(st.lists(PARTS, max_size=4), st.booleans())
def test_a_path_is_shown_as_it_is_relative_to_the_working_directory(parts, absolute):
    here = Path("/work/tree")
    path = here.joinpath(*parts) if absolute else Path(*parts)
    expected = (here / path).relative_to(here).as_posix()
    assert Session({}, here).shown(path) == expected
