"""Trees of states without a checkout."""

import pytest

from fluxsecrets.errors import FileAccessError, LimitError
from fluxsecrets.repo.checkout import checked_out, resolve
from fluxsecrets.repo.environments import load_environments
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.snapshot import snapshots
from fluxsecrets.repo.states import commit_state, no_state, work_tree_state
from fluxsecrets.sops.formats import Limits

FILES = {
    "clusters/staging/flux-system/gotk-sync.yaml": """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {path: ./clusters/staging, sourceRef: {kind: GitRepository, name: flux-system}}
""",
    "clusters/staging/app.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n",
    ".fluxsecrets.yaml": "secrets: [vault/*]\n",
}


def test_the_files_of_two_commits(committed, tmp_path, git):
    repository = committed({"a.yaml": "a: 1\n", "same": "s", "big": "12345678"})().repository
    (tmp_path / "a.yaml").write_text("a: 2\n")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "second")
    states = [commit_state(repository, resolve(repository, name)) for name in ("HEAD~1", "HEAD")]
    with snapshots(repository, (*states, no_state()), Limits(size=7)) as (before, after, nothing):
        assert before.paths == after.paths == ("a.yaml", "big", "same")
        assert before.read("a.yaml") == b"a: 1\n"
        assert after.read("a.yaml") == b"a: 2\n"
        assert after.read("a.yaml", head=2) == b"a:"
        assert after.size("big") == 8
        assert nothing.paths == ()
        with pytest.raises(LimitError):
            after.read("big")
        root = after.root
        assert not (root / "a.yaml").exists()
    assert not root.exists()


def test_links_lead_to_files(committed, tmp_path, git):
    repository = committed({"folder/a.txt": "a"})().repository
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "out").symlink_to("/etc/passwd")
    git(tmp_path, "add", "link", "out")
    git(tmp_path, "commit", "--quiet", "--message", "links")
    with snapshots(repository, (commit_state(repository, "HEAD"),), Limits()) as (tree,):
        assert tree.locate("link") == "folder"
        assert tree.locate("out") is None
        assert tree.size("link") is None
        with pytest.raises(FileAccessError):
            tree.read("out")


def test_environments_are_those_of_a_checkout(committed):
    repository = committed(FILES)().repository
    head = resolve(repository, "HEAD")
    with (
        snapshots(repository, (commit_state(repository, head),), Limits()) as (tree,),
        checked_out(repository, head, Limits()) as checkout,
    ):
        assert load_settings(tree) == load_settings(checkout)
        (one,), (other,) = load_environments(tree), load_environments(checkout)
        assert (one.name, one.files, one.notes) == (other.name, other.files, other.notes)


def test_the_work_tree_is_the_one_on_disk(committed, tmp_path):
    repository = committed({"a": "1"})().repository
    (tmp_path / "a").write_text("2")
    with snapshots(repository, (work_tree_state(repository),), Limits()) as (tree,):
        assert tree.root == tmp_path
        assert tree.read("a") == b"2"


def test_only_settings_and_public_keys_are_written_to_disk(committed):
    files = {**FILES, "keys/alice.pub": "age1alice\n", "keys/alice.agekey": "private", "secret.yaml": "b"}
    repository = committed(files)().repository
    with snapshots(repository, (commit_state(repository, "HEAD"),), Limits()) as (tree,):
        written = {path.relative_to(tree.root).as_posix() for path in tree.root.rglob("*") if path.is_file()}
        assert written == {".fluxsecrets.yaml", "keys/alice.pub"}
        assert tree.read("secret.yaml") == b"b"
