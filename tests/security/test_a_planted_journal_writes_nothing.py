"""A journal that came with a repository is never followed, wherever it lies and whatever it names."""

import hmac
import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from tests.conftest import run_git as git

from fluxsecrets.errors import FileAccessError, FluxsecretsError
from fluxsecrets.files.statedirs import user_state_folder
from fluxsecrets.ops.run import journalfile, settling
from fluxsecrets.ops.run.journal import Ended, Way, apply, end, pending
from fluxsecrets.ops.run.journalbox import Box
from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.ops.run.runlock import RunInfo
from fluxsecrets.ops.run.statefolder import Place, place_in_git, place_without_git

EVIL = b"ssh-ed25519 AAAA mallory\n"
WAYS = ("resume", "abort")


def resume(place: Place) -> Ended:
    return end(place, Way.RESUME)


def abort(place: Place) -> Ended:
    return end(place, Way.ABORT)


def planted(state: Path, root: Path, path: str, *, way: str = "resume", version: int = 3, folders=()) -> None:
    """Write a journal as somebody would who knows its form but not the user's key."""
    box = Box.make(bytes(32))
    sealed = box.seal(0, EVIL)
    content = {"number": 0, "start": 0, "length": len(sealed), "digest": box.digest(EVIL)}
    entry = {"path": path, "mode": 0o600, "old": None, "new": None}
    entry["new" if way == "resume" else "old"] = content
    begun = RunInfo.of_this("rotate").data()
    plan = {"version": version, "begun": begun, "root": str(root), "details": {}, "files": [entry]}
    plan["salt"] = box.salt.hex()
    data = json.dumps({**plan, "folders": list(folders)}).encode()
    folder = state / "journal"
    folder.mkdir(mode=0o700, parents=True)
    state.chmod(0o700)
    (folder / "contents").write_bytes(sealed)
    (folder / "plan.json").write_bytes(data)
    guessed = hmac.digest(bytes(32), b"fluxsecrets journal\n" + data, "sha256").hex()
    (folder / "plan.mac").write_text(guessed)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("has_git", [False, True], ids=["archive", "with .git"])
@pytest.mark.parametrize("target", ["victim", "here", "hook", "link", "dots"])
def test_no_command_follows_it(environment, cli, tmp_path, monkeypatch, way, has_git, target):
    root, victim = tmp_path / "unpacked", tmp_path / "victim"
    victim.mkdir()
    root.mkdir()
    (root / ".sops.yaml").write_text("creation_rules: []\n")
    (root / "db.yaml").write_text("a: b\n")
    if has_git:
        git(root, "init", "--quiet")
    (root / "linked").symlink_to(victim)
    named, path = {
        "victim": (victim, "authorized_keys"),
        "here": (root, "new.yaml"),
        "hook": (root, ".git/hooks/post-checkout"),
        "link": (root, "linked/authorized_keys"),
        "dots": (root, "../victim/authorized_keys"),
    }[target]
    state = root / ".git/fluxsecrets" if has_git else root / ".fluxsecrets-state"
    planted(state, named, path, way=way)
    before = everything(tmp_path)
    monkeypatch.chdir(root)
    for arguments in (
        ("rotate", f"--{way}"),
        ("rotate", "db.yaml"),
        ("convert", ".", "--to", "sops", f"--{way}"),
    ):
        result = cli(*arguments)
        assert result.exit_code == 2, result.stderr
    assert everything(tmp_path) == before
    refused = cli("rotate", "db.yaml").stderr
    assert "journal" in refused
    assert "remove this folder" in refused
    shutil.rmtree(state)
    assert "journal" not in cli("rotate", "db.yaml").stderr, "the hint is a way out"


@pytest.fixture(params=["git", "worktree", "no git"])
def place(environment, tmp_path, request) -> Place:
    root = tmp_path / "tree"
    root.mkdir()
    if request.param == "no git":
        return place_without_git(root)
    git(root, "init", "--quiet")
    if request.param == "git":
        return place_in_git(root, root / ".git")
    git(root, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x", "--allow-empty")
    git(root, "worktree", "add", "--quiet", str(tmp_path / "other"))
    return place_in_git(tmp_path / "other", root / ".git/worktrees/other")


@pytest.fixture
def interrupted(place, monkeypatch) -> Place:
    """A place where our own operation was ended before its first write."""
    with monkeypatch.context() as patch:
        patch.setattr(settling, "write_batch", lambda _writes: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            apply(place, "rotate", (FileChange(place.root / "new.yaml", b"new", None),), {})
    return place


def test_our_own_is_followed(interrupted):
    assert not interrupted.state.is_relative_to(interrupted.root) or ".git" in interrupted.state.parts
    assert pending(interrupted) is not None
    resume(interrupted)
    assert (interrupted.root / "new.yaml").read_bytes() == b"new"
    assert pending(interrupted) is None


def refused(place: Place) -> str:
    said = []
    for act in (pending, resume, abort):
        with pytest.raises(FluxsecretsError) as caught:
            act(place)
        assert str(place.state) in str(caught.value.path)
        said.append(f"{caught.value.message} {caught.value.hint}")
    assert not (place.root / "new.yaml").exists()
    return said[0]


def rewrite(place: Place, **changes) -> None:
    plan = place.state / "journal" / "plan.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), **changes}))


@pytest.mark.parametrize(
    "changes",
    [{"root": "/"}, {"begun": {}}, {"folders": ["x"]}, {"version": 1}, {"details": {"a": 1}}, {}],
    ids=str,
)
def test_one_that_was_changed_is_refused(interrupted, changes):
    if changes:
        rewrite(interrupted, **changes)
    else:
        (interrupted.state / "journal" / "plan.mac").unlink()
    assert "not one that your fluxsecrets wrote" in refused(interrupted)


def test_one_of_another_user_is_refused(interrupted, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert "not one that your fluxsecrets wrote" in refused(interrupted)


def test_one_that_was_moved_to_another_tree_is_refused(interrupted, tmp_path):
    other = Place(tmp_path / "elsewhere", interrupted.state, interrupted.git_dir)
    other.root.mkdir()
    assert "about another folder" in refused(other)


def signed(place: Place, **changes) -> None:
    """Change the plan, and authenticate it: what is left are the checks behind that one."""
    rewrite(place, **changes)
    key = Path(user_state_folder(os.environ), "journal.key").read_bytes()
    data = (place.state / "journal" / "plan.json").read_bytes()
    (place.state / "journal" / "plan.mac").write_bytes(journalfile._mac(key, data))


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a/../../x", ".git/config", "sub/.git/hooks/x", "", "a\0"]
)
@pytest.mark.parametrize("where", ["files", "folders"])
def test_paths_are_contained_whoever_wrote_them(interrupted, path, where):
    plan = json.loads((interrupted.state / "journal" / "plan.json").read_text())
    entry = {**plan["files"][0], "path": path}
    signed(interrupted, **({"files": [entry]} if where == "files" else {"folders": [path]}))
    assert "damaged" in refused(interrupted)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes of files")
@pytest.mark.parametrize("wrong", ["link", "writable", "owner", "journal link", "old name"])
def test_a_state_folder_that_is_not_ours_is_refused(interrupted, monkeypatch, tmp_path, wrong):
    state = interrupted.state
    if wrong == "link":
        state.rename(tmp_path / "moved")
        state.symlink_to(tmp_path / "moved")
    elif wrong == "journal link":
        (state / "journal").rename(tmp_path / "moved")
        (state / "journal").symlink_to(tmp_path / "moved")
    elif wrong == "writable":
        state.chmod(0o777)
    elif wrong == "owner":
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    else:
        (state / "journal").chmod(0o777)
    assert "not a place that fluxsecrets keeps state in" in refused(interrupted)


def test_the_key_is_the_users_alone_and_damage_is_told(interrupted):
    key = Path(user_state_folder(os.environ), "journal.key")
    if os.name != "nt":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(key.read_bytes()) == 32
    key.write_bytes(b"")
    with pytest.raises(FileAccessError, match="damaged"):
        pending(interrupted)


def test_without_a_place_for_the_key_nothing_is_changed(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/x")
    place = Place(tmp_path, tmp_path / ".git" / "fluxsecrets", tmp_path / ".git")
    with pytest.raises(FileAccessError) as caught:
        apply(place, "rotate", (FileChange(tmp_path / "new.yaml", b"new", None),), {})
    assert "XDG_STATE_HOME" in str(caught.value.hint)
    assert not (tmp_path / "new.yaml").exists()
