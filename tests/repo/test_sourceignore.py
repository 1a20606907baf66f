import pytest

from fluxsecrets.repo.sourceignore import artifact


def kept(tree, extra=""):
    return set(artifact(tree, extra).paths)


@pytest.mark.parametrize(
    ("patterns", "left_out"),
    [
        ("b.yaml\n", {"a/b.yaml", "b.yaml"}),
        ("/b.yaml\n", {"b.yaml"}),
        ("a/\n", {"a/b.yaml", "a/c/d.yaml"}),
        ("a\n", {"a/b.yaml", "a/c/d.yaml"}),
        ("a/*.yaml\n", {"a/b.yaml"}),
        ("a/**/d.yaml\n", {"a/c/d.yaml"}),
        ("**/d.yaml\n", {"a/c/d.yaml"}),
        ("# b.yaml\n\n  \n", set()),
        ("?.yaml\n!b.yaml\n", {"a/c/d.yaml"}),
        ("[bx].yaml\n", {"b.yaml", "a/b.yaml"}),
        ("[!b].yaml\n", {"a/c/d.yaml"}),
        ("/*\n!/a\n", {"b.yaml", ".sourceignore"}),
        ("!.github/\n", None),
    ],
)
def test_patterns(tree_of, patterns, left_out):
    files = {".sourceignore": patterns, "a/b.yaml": "", "a/c/d.yaml": "", "b.yaml": "", ".github/x.yaml": ""}
    tree = tree_of(files)
    assert kept(tree) == set(files) - (set() if left_out is None else left_out | {".github/x.yaml"})


def test_patterns_of_a_folder_count_in_it_only(tree_of):
    tree = tree_of({"a/.sourceignore": "/x.yaml\n", "a/x.yaml": "", "a/b/x.yaml": "", "x.yaml": ""})
    assert kept(tree) == {"a/.sourceignore", "a/b/x.yaml", "x.yaml"}


def test_what_a_git_repository_says_comes_last(tree_of):
    tree = tree_of({".sourceignore": "*.yaml\n", "a.yaml": "", "b.yaml": ""})
    assert kept(tree, "!a.yaml\n") == {".sourceignore", "a.yaml"}


def test_names_that_flux_leaves_out_by_itself(tree_of):
    tree = tree_of(
        {"a/.sops.yaml": "", "a/.goreleaser.yml": "", ".gitlab-ci.yml": "", "x/logo.png": "", "a.yaml": ""}
    )
    assert kept(tree) == {"a.yaml"}
