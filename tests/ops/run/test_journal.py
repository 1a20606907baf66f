"""`ops.run.journal`: all files of an operation are changed or none, whatever happens in the middle."""

import errno
import os
import shutil
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import ChangedError, FileAccessError, KeptError, UsageError
from fluxsecrets.files import beside, writing
from fluxsecrets.ops.run import settling
from fluxsecrets.ops.run.journal import Ended, Way, apply, end, pending, put_aside
from fluxsecrets.ops.run.kept import open_kept
from fluxsecrets.ops.run.planpath import PlanPath
from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.ops.run.runlock import only_run
from fluxsecrets.ops.run.statefolder import Place
from tables import each_row

NAMES = ("a.yaml", "deep/b.yaml", "c.yaml")


def resume(place: Place) -> Ended:
    return end(place, Way.RESUME)


def abort(place: Place) -> Ended:
    return end(place, Way.ABORT)


@pytest.fixture(autouse=True)
def _home(environment):
    """The key of journals lies in the user's folder."""


@pytest.fixture
def place(tree, tmp_path):
    return Place(tree, tmp_path / "state")


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "deep").mkdir(parents=True)
    for name in NAMES:
        (root / name).write_text(f"old {name}")
    (root / "gone.yaml").write_text("old gone")
    (root / "gone.yaml").chmod(0o640)
    return root


DETAILS = {"environment": "staging"}


def planned_changes(root: Path) -> list[FileChange]:
    changes = [FileChange(root / name, f"new {name}".encode(), f"old {name}".encode()) for name in NAMES]
    changes.append(FileChange(root / "new" / "folder" / "d.yaml", b"new d", None, 0o644))
    changes.append(FileChange(root / "gone.yaml", None, b"old gone"))
    return changes


def contents(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


OLD = {name: f"old {name}" for name in NAMES} | {"gone.yaml": "old gone"}
NEW = {name: f"new {name}" for name in NAMES} | {"new/folder/d.yaml": "new d"}


def test_all_files_are_changed_and_nothing_is_left_behind(place, tree):
    apply(place, "rotate", planned_changes(tree), DETAILS)
    assert contents(tree) == NEW
    assert not place.state.exists(), "there is no git, and nothing is under way"
    assert stat.S_IMODE((tree / "new/folder/d.yaml").stat().st_mode) == 0o644


def test_nothing_is_written_where_there_is_nothing_to_change(place):
    apply(place, "rotate", (), {})
    assert not place.state.exists()


@pytest.mark.parametrize("change", ["edited", "removed", "appeared"])
def test_a_file_that_changed_in_between_stops_it_before_anything_is_written(place, tree, change):
    planned = planned_changes(tree)
    if change == "edited":
        (tree / "c.yaml").write_text("mine")
    elif change == "removed":
        (tree / "c.yaml").unlink()
    else:
        (tree / "new" / "folder").mkdir(parents=True)
        (tree / "new/folder/d.yaml").write_text("mine")
    before = contents(tree)
    with pytest.raises(FileAccessError):
        apply(place, "rotate", planned, DETAILS)
    assert contents(tree) == before
    assert pending(place) is None


class Killed(BaseException):
    """Ends a run as a signal would that cannot be caught: nothing on disk is changed after it."""


def killed_after(steps: int, place: Place) -> bool:
    """Run the operation and end it before the step of that number; whether it came so far."""
    left = steps

    def counted(function):
        def call(*args, **kwargs):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return function(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "BATCH", 1)
        for name in ("_swap", "_write_named", "_write_unnamed"):
            patch.setattr(writing, name, counted(getattr(writing, name)))
        for name in ("rename", "mkdir", "unlink"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        try:
            apply(place, "rotate", planned_changes(place.root), DETAILS)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("act", [resume, abort])
def test_killed_at_any_step_it_can_be_completed_and_taken_back(tmp_path, monkeypatch, act):
    monkeypatch.setattr(beside, "is_running", lambda _process: False)  # the process that was killed
    steps = 0
    interrupted = 0
    while True:
        root = tmp_path / f"tree{steps}"
        place = Place(root, tmp_path / f"state{steps}")
        (root / "deep").mkdir(parents=True)
        for name, text in OLD.items():
            (root / name).write_text(text)
        if not killed_after(steps, place):
            break
        visible = {name: text for name, text in contents(root).items() if not name.endswith(".tmp")}
        assert all(text in (OLD.get(name), NEW.get(name)) for name, text in visible.items())
        found = pending(place)
        if found is None:
            assert visible in (OLD, NEW)
        else:
            interrupted += 1
            assert (found.name, found.details) == ("rotate", DETAILS)
            with pytest.raises(UsageError, match="was interrupted here"):
                apply(place, "rotate", planned_changes(root), DETAILS)
            act(place)
            visible = {name: text for name, text in contents(root).items() if not name.endswith(".tmp")}
            assert visible == (NEW if act is resume else OLD)
            assert pending(place) is None
            assert (root / "new").exists() == (act is resume)
        steps += 1
    assert contents(root) == NEW
    assert interrupted >= 8, "the journal is there for most of the steps"


def test_a_failure_in_the_middle_is_taken_back(place, tree, monkeypatch):
    monkeypatch.setattr(settling, "BATCH", 1)
    real, calls = settling.write_batch, []

    def full_disk(writes):
        calls.append(writes)
        if len(calls) == 3:
            raise FileAccessError("no space left on device", path=str(writes[0].path))
        return real(writes)

    monkeypatch.setattr(settling, "write_batch", full_disk)
    with pytest.raises(FileAccessError, match="no space left"):
        apply(place, "rotate", planned_changes(tree), DETAILS)
    assert contents(tree) == OLD
    assert pending(place) is None


def test_where_even_that_fails_the_journal_stays_and_says_what_to_do(place, tree, monkeypatch):
    monkeypatch.setattr(settling, "BATCH", 1)
    real, calls = settling.write_batch, []

    def dead_disk(writes):
        calls.append(writes)
        if len(calls) > 1:
            raise FileAccessError("input/output error", path=str(writes[0].path))
        return real(writes)

    with monkeypatch.context() as patch:
        patch.setattr(settling, "write_batch", dead_disk)
        with pytest.raises(FileAccessError) as caught:
            apply(place, "rotate", planned_changes(tree), DETAILS)
    assert "--resume" in str(caught.value.hint)
    resume(place)
    assert contents(tree) == NEW


def interrupt(place: Place, monkeypatch) -> None:
    """Leave a journal, with one file replaced."""
    monkeypatch.setattr(settling, "BATCH", 1)
    real, calls = settling.write_batch, []

    def stop(writes):
        calls.append(writes)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(writes)

    with monkeypatch.context() as patch:
        patch.setattr(settling, "write_batch", stop)
        with pytest.raises(KeyboardInterrupt):
            apply(place, "rotate", planned_changes(place.root), DETAILS)


def kept_texts(place: Place) -> dict[str, str]:
    """What is kept of changed files, by version and name; what is locked is opened."""
    found = {}
    for path in sorted((place.state / "kept").rglob("*.yaml*")):
        name = path.relative_to(place.state / "kept").as_posix().partition("/")[2]
        assert path.name.endswith(".locked"), "it is plain text"
        assert not any(text.encode() in path.read_bytes() for text in (*OLD.values(), *NEW.values()))
        found[name.removesuffix(".locked")] = open_kept(path).decode()
    return found


@pytest.mark.parametrize("act", [resume, abort])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_somebody_changed_stays_and_the_others_are_ended(place, tree, monkeypatch, act, name):
    interrupt(place, monkeypatch)
    (tree / name).write_text("mine")
    ended = act(place)
    assert contents(tree) == (NEW if act is resume else OLD) | {name: "mine"}
    assert [(each.path, each.reason) for each in ended.kept] == [(name, "was changed meanwhile")]
    assert kept_texts(place) == {f"before/{name}": OLD[name], f"after/{name}": NEW[name]}
    assert pending(place) is None


@pytest.mark.parametrize("act", [resume, abort])
def test_a_removed_a_new_and_a_linked_file_stay_as_they_are(place, tree, monkeypatch, act):
    interrupt(place, monkeypatch)
    (tree / "a.yaml").unlink()
    (tree / "c.yaml").unlink()
    (tree / "c.yaml").symlink_to("gone.yaml")
    (tree / "new/folder").mkdir(parents=True, exist_ok=True)
    (tree / "new/folder/d.yaml").write_text("mine")
    ended = act(place)
    assert {each.path for each in ended.kept} == {"a.yaml", "c.yaml", "new/folder/d.yaml"}
    assert not os.path.lexists(tree / "a.yaml")
    assert (tree / "c.yaml").is_symlink()
    assert (tree / "new/folder/d.yaml").read_text() == "mine"
    assert (tree / "deep/b.yaml").read_text() == (NEW if act is resume else OLD)["deep/b.yaml"]
    assert set(kept_texts(place)) == {
        *("before/a.yaml", "after/a.yaml", "before/c.yaml", "after/c.yaml", "after/new/folder/d.yaml"),
    }


def test_all_that_is_not_settled_can_be_left_and_both_versions_are_kept(place, tree, monkeypatch):
    interrupt(place, monkeypatch)
    before = contents(tree)
    ended = end(place, Way.LEAVE)
    assert contents(tree) == before
    assert pending(place) is None
    assert len(ended.kept) == len(ended.operation.paths)
    kept = kept_texts(place)
    assert {name: kept[f"before/{name}"] for name in OLD} == OLD
    assert {name: kept[f"after/{name}"] for name in NEW} == NEW


def test_a_journal_that_cannot_be_followed_can_be_put_aside(place, tree, monkeypatch):
    interrupt(place, monkeypatch)
    (place.state / "journal" / "plan.json").write_text("{")
    before = contents(tree)
    aside = put_aside(place)
    assert contents(tree) == before
    assert (aside / "contents").exists()
    assert pending(place) is None


def saving(monkeypatch, *saves):
    """An editor that saves files before batches of given numbers are written."""
    monkeypatch.setattr(settling, "BATCH", 1)
    real, calls = settling.write_batch, []

    def write_batch(writes):
        for number, path in saves:
            if len(calls) == number:
                path.write_text("mine")
        calls.append(writes)
        return real(writes)

    monkeypatch.setattr(settling, "write_batch", write_batch)


def test_a_file_that_is_saved_just_before_it_is_replaced_undoes_all_and_stays(place, tree, monkeypatch):
    saving(monkeypatch, (1, tree / "deep/b.yaml"))
    with pytest.raises(ChangedError, match="was changed"):
        apply(place, "rotate", planned_changes(tree), DETAILS)
    assert contents(tree) == OLD | {"deep/b.yaml": "mine"}
    assert pending(place) is None
    assert not (place.state / "kept").exists(), "it was never replaced"


def test_a_file_that_is_saved_after_it_was_replaced_stays_when_all_is_undone(place, tree, monkeypatch):
    saving(monkeypatch, (1, tree / "a.yaml"), (1, tree / "deep/b.yaml"))
    with pytest.raises(KeptError) as caught:
        apply(place, "rotate", planned_changes(tree), DETAILS)
    assert contents(tree) == OLD | {"a.yaml": "mine", "deep/b.yaml": "mine"}
    assert pending(place) is None
    assert kept_texts(place) == {"before/a.yaml": OLD["a.yaml"], "after/a.yaml": NEW["a.yaml"]}
    assert any("a.yaml was changed meanwhile" in line for line in caught.value.details)


def test_a_file_that_was_changed_may_be_removed_by_nobody(place, tree, monkeypatch):
    saving(monkeypatch, (3, tree / "gone.yaml"))
    with pytest.raises(ChangedError):
        apply(place, "rotate", planned_changes(tree), DETAILS)
    assert contents(tree) == OLD | {"gone.yaml": "mine"}


def test_a_removed_file_comes_back_with_its_mode(place, tree, monkeypatch):
    interrupt(place, monkeypatch)
    (tree / "gone.yaml").unlink()
    abort(place)
    assert contents(tree) == OLD
    assert stat.S_IMODE((tree / "gone.yaml").stat().st_mode) == 0o640


def test_the_journal_is_for_its_owner_alone(place, monkeypatch):
    interrupt(place, monkeypatch)
    kept = [path for path in place.state.rglob("*") if path.name != "lock"]
    assert kept
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in kept)


def test_it_holds_no_plain_text(place, tree, monkeypatch):
    interrupt(place, monkeypatch)
    for path in (place.state / "journal").iterdir():
        data = path.read_bytes()
        assert not any(text.encode() in data for text in (*OLD.values(), *NEW.values())), path.name


@pytest.mark.parametrize("name", ["contents", "plan.json", "plan.mac"])
def test_a_draft_that_a_full_disk_cut_short_is_removed(place, tree, monkeypatch, name):
    real = writing._fill

    def full(descriptor, write, old):
        if write.path.name == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, write, old)

    monkeypatch.setattr(writing, "_fill", full)
    with pytest.raises(FileAccessError, match="the disk is full"):
        apply(place, "rotate", planned_changes(tree), DETAILS)
    assert contents(tree) == OLD
    assert not os.path.lexists(place.state / "journal.draft")


@pytest.mark.parametrize("damage", ["{", '{"version": 1}', '{"version": 9}'])
def test_a_damaged_journal_is_an_error(place, monkeypatch, damage):
    interrupt(place, monkeypatch)
    (place.state / "journal" / "plan.json").write_text(damage)
    for act in (resume, abort):
        with pytest.raises(FileAccessError, match="journal"):
            act(place)


def test_damaged_contents_are_not_written(place, tree, monkeypatch):
    interrupt(place, monkeypatch)
    (place.state / "journal" / "contents").write_bytes(b"x" * 200)
    before = contents(tree)
    with pytest.raises(FileAccessError, match="damaged"):
        resume(place)
    assert contents(tree) == before


def test_two_at_once_exclude_each_other(place, tree):
    with only_run(place, "rotate"), pytest.raises(UsageError, match="another fluxsecrets"):
        apply(place, "rotate", planned_changes(tree), DETAILS)
    assert contents(tree) == OLD


def test_nothing_to_end_is_said(place):
    for act in (resume, abort):
        with pytest.raises(UsageError, match="nothing was interrupted"):
            act(place)


def test_a_path_out_of_the_tree_is_refused(place, tree, tmp_path, monkeypatch):
    interrupt(place, monkeypatch)
    plan = place.state / "journal" / "plan.json"
    plan.write_text(plan.read_text().replace('"c.yaml"', '"../c.yaml"'))
    with pytest.raises(FileAccessError):
        resume(place)
    assert not (tmp_path / "c.yaml").exists()
    assert os.path.lexists(tree / "c.yaml")


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


@each_row("windows", [False, True])
@each_row("text", [*OUT_ANYWHERE, None, 1, ["a"], {}])
def test_what_leads_out_or_into_git_is_refused(text, windows):
    with pytest.raises(ValueError, match="not a path below"):
        PlanPath.parse(text, windows=windows)


@each_row("text", OUT_ON_WINDOWS)
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
    joined = os.path.normpath(os.path.join("/tree", *path.parts))  # noqa: PTH118
    assert joined == f"/tree/{text}"


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
