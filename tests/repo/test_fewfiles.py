"""Questions about one file that are answered without git have the answers that they have with it."""

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.status import StatusRequest, status
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo import fewfiles
from fluxsecrets.repo.fewfiles import tree_of_few
from fluxsecrets.repo.othertools import decrypted_by, find_listing_uses, find_uses
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.formats import Limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="git is asked on other systems")

KSOPS = "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: x}\nfiles: [%s]\n"
GENERATOR = "secretGenerator:\n  - name: x\n    files: [%s]\n"
FOLDERS = ("", "app/", "ignored/", "app/nested/", "app/linked/")
PATHS = st.builds(
    lambda folder, name: folder + name,
    st.sampled_from(FOLDERS),
    st.sampled_from(["a.yaml", "b.yaml", "kustomization.yaml", "values.txt", "x.tf"]),
)
TEXTS = st.one_of(
    st.sampled_from(["kind: ConfigMap\n", "# ksops\n", "secretGenerator: []\n", "a: ENC[\n", "\x00", ""]),
    st.builds(
        lambda form, name: form % name,
        st.sampled_from([KSOPS, GENERATOR]),
        st.sampled_from(["a.yaml", "./b.yaml", "../a.yaml", "x.json=b.yaml", "app/a.yaml", "gone.yaml"]),
    ),
)


def make(root, files, linked):
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / ".gitignore").write_text("ignored/\n", encoding="ascii")
    (root / "app/nested").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(root / "app/nested")], check=True)
    if linked:
        (root / "app/linked").symlink_to("nested")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def answer(root, paths):
    """What `status` says of files, without what differs between runs."""
    try:
        found = status(Session(os.environ, root), StatusRequest(tuple(paths)))
    except FluxsecretsError as error:
        return str(error)
    return [
        (each.path, each.state, str(each.error), each.decrypted_by and each.decrypted_by.path)
        for each in found.files
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.dictionaries(PATHS, TEXTS, min_size=1, max_size=6), st.booleans())
def test_few_files_are_answered_for_as_many(tmp_path_factory, monkeypatch, files, linked):
    root = tmp_path_factory.mktemp("few").resolve()
    make(root, files, linked)
    wanted = sorted(files)[:3]
    without_git = answer(root, wanted)
    with monkeypatch.context() as patched:
        patched.setattr(fewfiles, "MOST", 0)
        assert without_git == answer(root, wanted)
    tree = open_tree(root)
    assert decrypted_by(find_listing_uses(tree)) == decrypted_by(find_uses(tree))
    assert set(tree.paths) <= set(tree_of_few(root, Limits()).paths)


def test_git_is_not_asked_about_a_plain_file(tmp_path, monkeypatch):
    make(tmp_path, {"a.yaml": "kind: ConfigMap\n", "app/kustomization.yaml": GENERATOR % "b.yaml"}, False)

    def start(*args, **kwargs):
        raise AssertionError("a process")

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(os, "posix_spawn", start, raising=False)
    assert len(answer(tmp_path.resolve(), ["a.yaml"])) == 1


def test_many_files_are_left_to_git(tmp_path, monkeypatch):
    monkeypatch.setattr(fewfiles, "MOST", 3)
    for name in "abc":
        (tmp_path / name).touch()
    assert tree_of_few(tmp_path, Limits()).paths == ("a", "b", "c")
    (tmp_path / "d").touch()
    assert tree_of_few(tmp_path, Limits()) is None


def test_a_folder_that_cannot_be_listed_is_left_to_git(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert tree_of_few(tmp_path, Limits()) is None
