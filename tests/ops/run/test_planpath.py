"""`ops.planpath`: what was written down cannot lead out of its folder, on any system."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FileAccessError
from fluxsecrets.ops.run.planpath import PlanPath

OUT_ANYWHERE = (
    *("", ".", "..", "/", "/etc/passwd", "../a", "a/..", "a/../b", "a/../../b", "a//b", "./a", "a/.", "a/"),
    *("a\0b", ".git", ".git/config", ".GIT/hooks/post-checkout", "deep/.git/config", ".git./config"),
    *(".git /config", "git~1/config", ".g\u200cit/config", ".git::$INDEX_ALLOCATION/config", "sub/.gIt"),
)
OUT_ON_WINDOWS = (
    *("C:", "C:a", "C:/a", "c:\\a", "\\a", "\\\\server\\share", "//server/share", "a\\..\\b", "..\\a"),
    *("a:stream", "NUL", "nul.yaml", "COM1", "com1.txt", "LPT9", "CON ", "a.", "a ", "a/b ", "a*", "a?"),
    *("CONIN$", "COM¹", "a\x1fb", "<a", "a|b", '"a"'),
)


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("text", [*OUT_ANYWHERE, None, 1, ["a"], {}])
def test_what_leads_out_or_into_git_is_refused(text, windows):
    with pytest.raises(ValueError, match="not a path below"):
        PlanPath.parse(text, windows=windows)


@pytest.mark.parametrize("text", OUT_ON_WINDOWS)
def test_forms_of_windows_are_refused_there(text):
    with pytest.raises(ValueError, match="not a path below"):
        PlanPath.parse(text, windows=True)


@pytest.mark.parametrize("text", ["a", "a/b.yaml", ".sops.yaml", ".github/x", "a b/ü", ".gitignore", "..a"])
@pytest.mark.parametrize("windows", [False, True])
def test_usual_paths_are_taken(text, windows):
    assert str(PlanPath.parse(text, windows=windows)) == text


@given(st.text(st.sampled_from("./\\:aC \0~\u200d") | st.characters(), max_size=12))
def test_what_is_taken_stays_below_whatever_root(text):
    try:
        path = PlanPath.parse(text, windows=False)
    except ValueError:
        return
    joined = os.path.normpath(os.path.join("/root/tree", *path.parts))  # noqa: PTH118
    assert joined == f"/root/tree/{text}"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("link", ["file", "folder", "inside", "dangling"])
def test_a_link_on_the_way_is_refused(tmp_path, link):
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "real", outside):
        folder.mkdir(parents=True)
    targets = {"file": outside / "f", "folder": outside, "inside": root / "real", "dangling": tmp_path / "no"}
    (root / "a").symlink_to(targets[link])
    with pytest.raises(FileAccessError, match="is a link"):
        PlanPath.parse("a/b.yaml" if link in ("folder", "inside") else "a").below(root)
    assert PlanPath.parse("real/new/b.yaml").below(root) == root / "real/new/b.yaml"
    assert list(outside.iterdir()) == []
    assert Path(root / "a").is_symlink()
