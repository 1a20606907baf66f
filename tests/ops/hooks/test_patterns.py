"""Patterns of gitattributes: few lines, which match all encrypted files and no other, as git itself says."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsecrets.ops.hooks.attributes import patterns_of, with_block, without_block
from fluxsecrets.ops.hooks.patterns import choose
from fluxsecrets.repo.git import find_repository
from fluxsecrets.repo.git.attributes import attributes_of


@pytest.mark.parametrize(
    ("wanted", "others", "lines"),
    [
        (["a/db.sops.yaml", "b/web.sops.yaml"], [".sops.yaml", "a/app.yaml"], ["?*.sops.yaml"]),
        (["a/db.enc.env"], [".env"], ["*.enc.env"]),
        (["a/secrets.yaml", "b/secrets.yaml"], ["c/app.yaml"], ["secrets.yaml"]),
        (["a/db-secret.yaml", "b/web-secret.yaml"], ["c/app.yaml"], ["*-secret.yaml"]),
        (
            ["a/db-secret.yaml", "b/web-secret.yaml"],
            ["c/x-secret.yaml"],
            ["db-secret.yaml", "web-secret.yaml"],
        ),
        (["s/a.yaml", "s/b.yaml", "s/t/c.yaml"], ["app.yaml"], ["/s/**"]),
        (["a/values.yaml", "b/values.yaml"], ["c/app.yaml"], ["values.yaml"]),
        (["a/b/db.yaml"], ["a/b/app.yaml"], ["/a/b/db.yaml"]),
        (["a/x.yaml", "b/y.yaml"], [], ["/a/x.yaml", "/b/y.yaml"]),  # never *.yaml
        (["a/one-db.yaml", "b/two-db.yaml"], ["c"], ["/a/one-db.yaml", "/b/two-db.yaml"]),  # by chance
        ([], ["a"], []),
    ],
)
def test_few_lines_that_match_nothing_else(wanted, others, lines):
    assert list(choose(wanted, others)) == lines


def test_lines_that_are_still_right_stay():
    assert choose(["a/db.yaml"], ["b.yaml"], ["/a/**"]) == ("/a/**",)
    assert choose(["a/db.yaml"], ["a/x.yaml"], ["/a/**"]) == ("/a/db.yaml",)
    assert choose(["a/db.yaml", "a/x.yaml"], [], ["/a/db.yaml", "/gone.yaml"]) == ("/a/**",)


def test_in_a_sparse_checkout_lines_for_files_that_are_not_there_stay():
    assert choose([], ["a"], ["/gone.yaml"]) == ()
    assert choose([], ["a"], ["/gone.yaml"], unseen=True) == ("/gone.yaml",)
    assert choose([], ["gone.yaml"], ["/gone.yaml"], unseen=True) == ()


_NAMES = st.text(st.sampled_from('ab.-_ "\\*?[]!#\tä\x7fs\n'), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return find_repository(folder)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(_PATHS, st.booleans(), max_size=12), st.sampled_from(["", "* text\n", "\ufeff# c\r\n"])
)
def test_git_matches_exactly_these_files(repository, files, before):
    wanted = [path for path, is_wanted in files.items() if is_wanted]
    others = [path for path, is_wanted in files.items() if not is_wanted]
    lines = choose(wanted, others)
    text = with_block(before, lines)
    assert patterns_of(text) == lines
    assert without_block(text) == before
    (repository.root / ".gitattributes").write_bytes(text.encode())
    found = attributes_of(repository, list(files), ("merge",))
    assert {path: found[path]["merge"] == "fluxsecrets" for path in files} == files


def test_a_damaged_block_takes_nothing_with_it():
    text = "# >>> fluxsecrets\n*.png binary\n# >>> fluxsecrets\na merge=fluxsecrets\n# <<< fluxsecrets\n"
    assert without_block(text) == "# >>> fluxsecrets\n*.png binary\n"


def test_a_conflict_in_the_block_ends_with_the_next_installation():
    lines = "<<<<<<< ours\n/a merge=fluxsecrets\n=======\n/b merge=fluxsecrets\n>>>>>>> theirs\n"
    text = f"# >>> fluxsecrets\n{lines}# <<< fluxsecrets\n* text\n"
    assert patterns_of(text) == ("/a", "/b")
    assert without_block(text) == "* text\n"


def test_many_files_take_little_time_and_few_lines():
    wanted = [f"apps/a{number}/overlays/{env}/secrets.yaml" for number in range(2_000) for env in ("s", "p")]
    wanted += [f"old/{number}/values-{number}.yaml" for number in range(2_000)]
    others = [f"apps/a{number}/base/deployment.yaml" for number in range(14_000)]
    assert choose(wanted, others) == ("secrets.yaml", "/old/**")
