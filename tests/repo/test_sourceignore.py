import pytest

from fluxsecrets.repo.sourceignore import artifact
from fluxsecrets.repo.tree import make_tree


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
        ("# b.yaml\n\n  \n", {".github/x.yaml"}),
        ("?.yaml\n!b.yaml\n", {"a/c/d.yaml", ".github/x.yaml"}),
        ("[bx].yaml\n", {"b.yaml", "a/b.yaml", ".github/x.yaml"}),
        ("[^b].yaml\n", {"a/c/d.yaml", ".github/x.yaml"}),
        ("[!b].yaml\n", {"b.yaml", "a/b.yaml"}),
        ("[b.yaml\n", set()),
        ("a/\n!d.yaml\n", {"a/b.yaml"}),
        ("**/c/d.yaml\n", {"a/c/d.yaml"}),
        ("a/**.yaml\n", set()),
        ("**.yaml\n", {"a/b.yaml", "a/c/d.yaml", "b.yaml", ".github/x.yaml"}),
        ("a/b.yaml \r\n", {"a/b.yaml"}),
        ("/*\n!/a\n", {"b.yaml", ".sourceignore", ".github/x.yaml"}),
    ],
)
def test_patterns(tree_of, patterns, left_out):
    files = {".sourceignore": patterns, "a/b.yaml": "", "a/c/d.yaml": "", "b.yaml": "", ".github/x.yaml": ""}
    tree = tree_of(files)
    assert kept(tree) == set(files) - left_out


def test_patterns_of_a_folder_count_in_it_only(tree_of):
    tree = tree_of({"a/.sourceignore": "/x.yaml\n", "a/x.yaml": "", "a/b/x.yaml": "", "x.yaml": ""})
    assert kept(tree) == {"a/.sourceignore", "a/b/x.yaml", "x.yaml"}


def test_what_a_git_repository_says_comes_last(tree_of):
    tree = tree_of({".sourceignore": "*.yaml\n", "a.yaml": "", "b.yaml": ""})
    assert kept(tree, "!a.yaml\n") == {".sourceignore", "a.yaml"}


def test_a_first_component_at_any_depth_is_the_first_that_matches(tree_of):
    tree = tree_of({".sourceignore": "**/a/b\n", "a/b": "", "a/x/a/b": "", "x/a/b": ""})
    assert kept(tree) == {".sourceignore", "a/x/a/b"}


def test_one_pattern_brings_back_the_names_that_flux_leaves_out_by_itself(tree_of):
    tree = tree_of({"x/.sourceignore": "*.md\n", ".sops.yaml": "", "logo.png": "", ".gitignore": ""})
    assert kept(tree) == {"x/.sourceignore", ".sops.yaml", "logo.png"}


def test_links_are_dropped(tree_of):
    tree = tree_of({"a.yaml": "", "x/b.yaml": ""})
    (tree.root / "link.yaml").symlink_to("a.yaml")
    (tree.root / "folder").symlink_to("x")
    packed = artifact(make_tree(tree.root, (*tree.paths, "link.yaml", "folder")))
    assert packed.paths == ("a.yaml", "x/b.yaml")
    assert packed.locate("folder/b.yaml") is None


def test_a_folder_is_there_though_its_files_are_left_out(tree_of):
    tree = tree_of({"a/x.png": "", "b/x.yaml": "", ".sourceignore": "*.png\nb/\n"})
    assert artifact(tree).folders == {"", "a"}


def test_names_that_flux_leaves_out_by_itself(tree_of):
    tree = tree_of(
        {"a/.sops.yaml": "", "a/.goreleaser.yml": "", ".gitlab-ci.yml": "", "x/logo.png": "", "a.yaml": ""}
    )
    assert kept(tree) == {"a.yaml"}


def test_files_of_git_lfs_are_pointers(tree_of):
    tree = tree_of(
        {"a/.gitattributes": "*.yaml filter=lfs -text\n", "a/b.yaml": "a: b\n", "c.yaml": "a: b\n"}
    )
    packed = artifact(tree)
    assert packed.read("a/b.yaml").startswith(b"version https://git-lfs.github.com/spec/v1\noid sha256:")
    assert packed.read("c.yaml") == b"a: b\n"


def test_a_sparse_checkout_takes_what_begins_like_its_folders(tree_of):
    tree = tree_of({"apps/a.yaml": "", "apps-b/a.yaml": "", "infra/a.yaml": "", "a.yaml": ""})
    assert artifact(tree, "", ("./apps",)).paths == ("apps-b/a.yaml", "apps/a.yaml")
