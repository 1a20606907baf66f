"""Contents that are encrypted for the journal while others are made: the outcome is that without it."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsecrets.errors import ChangedError, FileAccessError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run import journal, journaldraft, writer
from fluxsecrets.ops.run.journal import Way, apply, end, pending
from fluxsecrets.ops.run.journaldraft import Draft
from fluxsecrets.ops.run.results import FileChange, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.statefolder import Place, place_without_git
from fluxsecrets.ops.run.writer import Drafting, Operation, write_files
from fluxsecrets.records import replace

KINDS = ("bytes", "short", "large", "new", "removed", "same")


@pytest.fixture(autouse=True)
def _home(environment):
    """The key of journals lies in the user's folder."""


def made(root: Path, kinds: list[str]) -> list[FileChange]:
    changes = []
    root.mkdir(parents=True)
    for number, kind in enumerate(kinds):
        path = root / f"{number:02}-{kind}"
        if kind == "new":
            changes.append(FileChange(path, b"made %d" % number, None, 0o640))
            continue
        path.write_bytes(b"old %d" % number * (10_000 if kind == "large" else 1))
        old = read_file(path, limit=2**20)
        new = {"removed": None, "same": old.data}.get(kind, b"new %d" % number)
        changes.append(FileChange(path, new, old.without_data() if kind == "short" else old))
    return changes


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


def goal(changes: list[FileChange]) -> dict[str, bytes]:
    return {each.path.name: each.new for each in changes if each.new is not None}


def drafted(changes: list[FileChange], chosen: list[bool]) -> tuple[Draft, list[FileChange]]:
    draft = Draft.begun()
    assert draft is not None
    taken = [draft.take(each) if yes else each for each, yes in zip(changes, chosen, strict=True)]
    return draft, sorted(taken, key=lambda each: each.new is None)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=12), st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_is_done_or_ended_as_without_a_draft(tmp_path_factory, files, data):
    root, state = tmp_path_factory.mktemp("tree") / "in", tmp_path_factory.mktemp("state") / "state"
    place, changes = Place(root, state), made(root, [kind for kind, _ in files])
    before = contents(root)
    draft, taken = drafted(changes, [yes for _, yes in files])
    way = data.draw(st.sampled_from([None, Way.RESUME, Way.ABORT]))
    if way is None:
        apply(place, "rotate", taken, {}, draft=draft)
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(journal, "settle", interrupted)
            with pytest.raises(KeyboardInterrupt):
                apply(place, "rotate", taken, {}, draft=draft)
        end(place, way)
    assert contents(root) == (before if way is Way.ABORT else goal(changes))
    assert pending(place) is None


def interrupted(*_args, **_how):
    raise KeyboardInterrupt


@pytest.mark.parametrize("touch", ["changed", "removed", "folder", "link"])
def test_what_is_saved_behind_the_draft_stays_and_nothing_else_changes(tmp_path, touch):
    place = Place(tmp_path / "tree", tmp_path / "state")
    changes = made(place.root, ["bytes"] * 3)
    before, path = contents(place.root), changes[1].path
    draft, taken = drafted(changes, [True] * 3)
    path.unlink()
    if touch == "changed":
        path.write_bytes(b"saved")
    elif touch == "folder":
        path.mkdir()
    elif touch == "link":
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises((ChangedError, FileAccessError)):
        apply(place, "rotate", taken, {}, draft=draft)
    for each in (changes[0].path, changes[2].path):
        assert each.read_bytes() == before[each.name]
    assert touch != "changed" or path.read_bytes() == b"saved"
    assert pending(place) is None


def test_a_file_that_was_touched_and_holds_the_same_is_replaced(tmp_path):
    place = Place(tmp_path / "tree", tmp_path / "state")
    changes = made(place.root, ["bytes"] * 3)
    draft, taken = drafted(changes, [True] * 3)
    changes[1].path.write_bytes(changes[1].old.data + b"!")
    changes[1].path.write_bytes(changes[1].old.data)
    apply(place, "rotate", taken, {}, draft=draft)
    assert contents(place.root) == goal(changes)


def test_a_change_that_equals_a_drafted_one_is_written_down_by_itself(tmp_path):
    place = Place(tmp_path / "tree", tmp_path / "state")
    changes = made(place.root, ["bytes"] * 2)
    draft, taken = drafted(changes, [True] * 2)
    others = [replace(each, new=b"another") for each in taken]
    assert all(draft.of(each) is None for each in others)
    apply(place, "rotate", others, {}, draft=draft)
    assert set(contents(place.root).values()) == {b"another"}


def test_old_bytes_are_let_go_of_and_not_read_again(tmp_path, monkeypatch):
    place = Place(tmp_path / "tree", tmp_path / "state")
    draft, taken = drafted(made(place.root, ["bytes"] * 3), [True] * 3)
    assert [each.old.data for each in taken] == [b""] * 3
    read = []
    monkeypatch.setattr(journal, "read_file", lambda path, **_: read.append(path))
    apply(place, "rotate", taken, {}, draft=draft)
    assert read == []


# --- by the writer ----------------------------------------------------------------------------------------


def prepared(changes: list[FileChange]) -> list[Prepared]:
    return [Prepared(FileResult(each.path.name, Outcome.ROTATED), each) for each in changes]


def rotated(session: Session, found: list[Prepared], place: Place | None = None) -> list[Outcome]:
    drafting = Drafting()
    watched = list(drafting.watched(found))
    results = write_files(session, watched, Operation("rotate", place, drafting=drafting))
    return [each.outcome for each in results]


@pytest.mark.parametrize("known", [True, False])
def test_all_but_the_first_one_are_drafted(tmp_path, monkeypatch, known):
    root = tmp_path / "tree"
    changes = made(root, ["bytes"] * 4)
    found = [*prepared(changes), Prepared(FileResult("none", Outcome.UNCHANGED))]
    taken = []
    real = Draft.take
    monkeypatch.setattr(Draft, "take", lambda own, change: (taken.append(change.path), real(own, change))[1])
    place = place_without_git(root) if known else None
    assert rotated(Session({}, root), found, place) == [Outcome.ROTATED] * 4 + [Outcome.UNCHANGED]
    assert taken == [each.path for each in changes[1:]]
    assert contents(root) == goal(changes)


def test_places_with_journals_of_their_own_share_no_draft(tmp_path, monkeypatch):
    places = {root: place_without_git(root) for root in (tmp_path / "one", tmp_path / "two")}
    changes = [each for root in places for each in made(root, ["bytes"] * 3)]
    monkeypatch.setattr(writer, "place_of", lambda _session, path: places[path.parent])
    drafts = []

    def noted(*arguments):
        drafts.append(arguments[-1])
        return apply(*arguments)

    monkeypatch.setattr(journal, "apply", noted)
    assert rotated(Session({}, tmp_path), prepared(changes)) == [Outcome.ROTATED] * 6
    assert drafts == [None, None]
    for root in places:
        assert contents(root) == goal([each for each in changes if each.path.parent == root])


def test_without_a_journal_key_the_writer_says_why(tmp_path, monkeypatch):
    def refused(*, make):
        raise FileAccessError("the key of journals could not be made")

    monkeypatch.setattr(journaldraft, "journal_key", refused)
    monkeypatch.setattr("fluxsecrets.ops.run.journalfile.journal_key", refused)
    changes = made(tmp_path / "tree", ["bytes"] * 3)
    before = contents(tmp_path / "tree")
    drafting = Drafting()
    watched = list(drafting.watched(prepared(changes)))
    assert [each.change for each in watched] == changes
    results = list(
        write_files(Session({}, tmp_path / "tree"), watched, Operation("rotate", drafting=drafting))
    )
    assert [each.error.message for each in results] == ["the key of journals could not be made"] * 3
    assert contents(tmp_path / "tree") == before
