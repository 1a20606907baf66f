"""The one writer: what is written, what is reported, and what stays as it was."""

import os
from pathlib import Path

import pytest

from fluxsecrets.errors import FileAccessError, FluxsecretsError, FormatError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run import journal, settling, writer
from fluxsecrets.ops.run.journal import Way
from fluxsecrets.ops.run.onefile import replace_file
from fluxsecrets.ops.run.record import Record, recording
from fluxsecrets.ops.run.results import FileChange, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.statefolder import place_without_git
from fluxsecrets.ops.run.writer import Operation, make_ready, merged, replacing, write_files

NAMES = ("a.yaml", "b.yaml", "c.yaml")


@pytest.fixture(autouse=True)
def _home(environment):
    """The key of journals lies in the user's folder."""


@pytest.fixture
def session(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(b"old")
    return Session({}, tmp_path)


def prepared(session: Session, name: str, new: bytes = b"new") -> Prepared:
    content = read_file(session.cwd / name, limit=100)
    return Prepared(FileResult(name, Outcome.ENCRYPTED), replacing(content, new))


def all_prepared(session: Session) -> list[Prepared]:
    return [prepared(session, name) for name in NAMES]


def contents(session: Session) -> list[bytes]:
    return [(session.cwd / name).read_bytes() for name in NAMES]


def outcomes(results) -> list[Outcome]:
    return [result.outcome for result in results]


@pytest.fixture(params=["batches", "together"])
def operation(request, session):
    return None if request.param == "batches" else Operation("rotate")


def test_changes_are_made_and_noted_in_order(session, operation):
    unchanged = Prepared(FileResult("d.yaml", Outcome.UNCHANGED))
    with recording(Record()) as record:
        results = list(write_files(session, [*all_prepared(session), unchanged], operation))
    assert [result.path for result in results] == [*NAMES, "d.yaml"]
    assert outcomes(results) == [Outcome.ENCRYPTED] * 3 + [Outcome.UNCHANGED]
    assert contents(session) == [b"new"] * 3
    assert record.files == results


def test_batch_by_batch_one_bad_file_is_reported_and_the_others_go_on(session):
    changes = all_prepared(session)
    (session.cwd / "b.yaml").write_bytes(b"somebody else's")
    results = list(write_files(session, changes))
    assert outcomes(results) == [Outcome.ENCRYPTED, Outcome.FAILED, Outcome.ENCRYPTED]
    assert results[1].error.path == "b.yaml"
    assert contents(session) == [b"new", b"somebody else's", b"new"]


@pytest.mark.skipif(os.name == "nt", reason="files have no groups there")
def test_a_group_that_cannot_be_kept_is_a_warning(session, monkeypatch):
    for name, mode in zip(NAMES, (0o640, 0o644, 0o600), strict=True):
        (session.cwd / name).chmod(mode)
    monkeypatch.setattr("fluxsecrets.files.access._keep_access", lambda *_: False)
    first, *others = write_files(session, all_prepared(session))
    assert first.outcome is Outcome.ENCRYPTED
    assert first.warnings == (NARROWED,)
    assert (session.cwd / "a.yaml").stat().st_mode & 0o777 == 0o600
    assert [each.warnings for each in others] == [(), ()]


NARROWED = "its group or ACL can't be kept, so its mode changed from 0640 to 0600"


@pytest.fixture
def narrowing(session, monkeypatch):
    """Files whose group can't be kept, and what the user is told."""
    for name in NAMES:
        (session.cwd / name).chmod(0o640)
    monkeypatch.setattr("fluxsecrets.files.access._keep_access", lambda *_: False)
    told = []
    monkeypatch.setattr(session, "warn", told.append)
    return told


@pytest.mark.skipif(os.name == "nt", reason="files have no groups there")
@pytest.mark.parametrize("count", [1, 3])
def test_an_operation_tells_it_too(session, narrowing, count):
    results = list(write_files(session, all_prepared(session)[:count], Operation("rotate")))
    assert [each.warnings for each in results if each.outcome is Outcome.ENCRYPTED] == [(NARROWED,)] * count
    assert narrowing == []


@pytest.mark.skipif(os.name == "nt", reason="files have no groups there")
def test_an_operation_tells_it_of_files_without_a_result(session, narrowing):
    extra = [each.change for each in all_prepared(session) if each.change is not None]
    assert list(write_files(session, (), Operation("convert", extra=extra))) == []
    assert narrowing == [f"{name}: {NARROWED}" for name in NAMES]


@pytest.mark.skipif(os.name == "nt", reason="files have no groups there")
def test_an_operation_that_is_taken_back_tells_it_with_the_error(session, narrowing, monkeypatch):
    real = settling.write_batch

    def saved_meanwhile(writes):
        (session.cwd / NAMES[-1]).write_bytes(b"somebody else's")
        return real(writes)

    monkeypatch.setattr(settling, "write_batch", saved_meanwhile)
    results = list(write_files(session, all_prepared(session), Operation("rotate")))
    assert outcomes(results) == [Outcome.FAILED] * 3
    assert f"{NAMES[0]}: {NARROWED}" in results[0].error.details


@pytest.mark.skipif(os.name == "nt", reason="files have no groups there")
def test_a_single_file_tells_it(session, narrowing):
    content = read_file(session.cwd / "a.yaml", limit=100)
    assert replace_file(content, b"new") == NARROWED


def test_all_or_none_one_bad_file_stops_every_file(session):
    changes = all_prepared(session)
    (session.cwd / "b.yaml").write_bytes(b"somebody else's")
    results = list(write_files(session, changes, Operation("rotate")))
    assert outcomes(results) == [Outcome.FAILED] * 3
    assert {result.error.path for result in results} == {"b.yaml"}
    assert contents(session) == [b"old", b"somebody else's", b"old"]


def test_a_file_that_could_not_be_prepared_stays_failed(session, operation):
    failed = FileResult("x.yaml", Outcome.FAILED, error=FormatError("no"))
    results = list(write_files(session, [Prepared(failed), prepared(session, "a.yaml")], operation))
    assert results[0] is failed
    assert outcomes(results) == [Outcome.FAILED, Outcome.ENCRYPTED]


def test_a_batch_is_written_when_it_is_full(session, monkeypatch):
    monkeypatch.setattr(writer, "BATCH", 2)
    batches = []
    real = writer.write_batch
    monkeypatch.setattr(writer, "write_batch", lambda writes: batches.append(len(writes)) or real(writes))
    results = write_files(session, iter(all_prepared(session)))
    next(results)
    assert contents(session) == [b"new", b"new", b"old"]
    list(results)
    assert batches == [2, 1]


def test_large_contents_are_written_early(session, monkeypatch):
    monkeypatch.setattr(writer, "BATCH_SIZE", 4)
    results = write_files(session, all_prepared(session))
    next(results)
    assert contents(session) == [b"new", b"new", b"old"]


def test_one_file_needs_no_journal(session, monkeypatch):
    monkeypatch.setattr(journal, "apply", lambda *_args: pytest.fail("a journal for one file"))
    assert outcomes(write_files(session, [prepared(session, "a.yaml")], Operation("rotate"))) == [
        Outcome.ENCRYPTED
    ]
    assert contents(session) == [b"new", b"old", b"old"]


def test_an_operation_is_done_when_the_function_returns(session):
    write_files(session, all_prepared(session), Operation("rotate"))
    assert contents(session) == [b"new"] * 3


def test_extra_changes_go_along(session):
    new = session.cwd.resolve() / "keys" / "bob.pub"
    gone = session.cwd.resolve() / "c.yaml"
    extra = (FileChange(new, b"age1", None, 0o644), FileChange(gone, None, b"old"))
    write_files(session, [prepared(session, "a.yaml")], Operation("rotate", extra=extra))
    assert new.read_bytes() == b"age1"
    assert not gone.exists()
    assert (session.cwd / "a.yaml").read_bytes() == b"new"


def test_a_failed_operation_with_extra_changes_is_an_error(session):
    extra = (FileChange(session.cwd.resolve() / "c.yaml", b"new", b"not what is there"),)
    with recording(Record()) as record, pytest.raises(FileAccessError, match="was changed") as caught:
        write_files(session, [prepared(session, "a.yaml")], Operation("rotate", extra=extra))
    assert caught.value.path == "c.yaml"
    assert contents(session) == [b"old"] * 3
    assert record.files == []


def test_what_comes_first_comes_behind_the_journal_and_before_the_files(session):
    seen = []

    def first():
        seen.append((journal.pending(place_without_git(session.cwd)) is not None, contents(session)))

    write_files(session, [prepared(session, "a.yaml")], Operation("rotate", first=first))
    assert seen == [(True, [b"old"] * 3)]
    assert contents(session) == [b"new", b"old", b"old"]


def test_where_what_comes_first_fails_no_file_changes(session):
    def first():
        raise FluxsecretsError("the keyring is locked")

    results = list(write_files(session, all_prepared(session), Operation("rotate", first=first)))
    assert outcomes(results) == [Outcome.FAILED] * 3
    assert contents(session) == [b"old"] * 3
    assert journal.pending(place_without_git(session.cwd)) is None


@pytest.mark.parametrize("bad", [FileChange(Path("a"), None, b"old"), FileChange(Path("a"), b"new", b"old")])
def test_removals_and_unread_files_are_refused_outside_of_operations(session, bad):
    with pytest.raises(TypeError):
        list(write_files(session, [Prepared(FileResult("a", Outcome.ENCRYPTED), bad)]))


@pytest.mark.parametrize("write", [replacing, replace_file])
def test_a_read_only_file_stays(session, write):
    path = session.cwd / "a.yaml"
    path.chmod(0o444)
    with pytest.raises(FileAccessError, match="read-only"):
        write(read_file(path, limit=100), b"new")
    assert path.read_bytes() == b"old"


def test_one_file_is_replaced_only_as_it_was_read(session):
    content = read_file(session.cwd / "a.yaml", limit=100)
    content.path.write_bytes(b"somebody else's")
    with pytest.raises(FileAccessError, match="was changed"):
        replace_file(content, b"new")
    assert content.path.read_bytes() == b"somebody else's"


def test_each_file_changes_once_and_removals_come_last():
    changes = (
        FileChange(Path("a"), None, b"1"),
        FileChange(Path("b"), b"2", None, 0o644),
        FileChange(Path("b"), b"3", b"2"),
    )
    assert merged(changes) == (FileChange(Path("b"), b"3", None, 0o644), changes[0])


def test_an_interrupted_operation_stops_the_next_run_and_leftovers_go(session, monkeypatch):
    def killed(_writes):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(settling, "write_batch", killed)
        with pytest.raises(KeyboardInterrupt):
            write_files(session, all_prepared(session), Operation("rotate"))
    paths = [session.cwd.resolve() / "a.yaml"]
    with pytest.raises(UsageError, match="was interrupted here") as caught:
        make_ready(paths)
    assert "fluxsecrets rotate --resume" in caught.value.hint
    with pytest.raises(UsageError, match="`fluxsecrets rotate` was interrupted here, not"):
        writer.end_interrupted(session, Way.RESUME, "convert")
    assert writer.end_interrupted(session, Way.RESUME, "rotate").operation.name == "rotate"
    assert contents(session) == [b"new"] * 3
    stale = session.cwd / ".a.yaml.fluxsecrets-00000000-1-00000000.tmp"
    stale.touch()
    os.utime(stale, (0, 0))
    make_ready(paths)
    assert not stale.exists()
