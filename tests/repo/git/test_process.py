"""git is fed and read at the same time: whatever pipes hold, nobody waits for ever, and nothing is left."""

import os
import signal
import subprocess
import sys
import threading
from itertools import islice

import pytest
from tests.histories import fast_import

from fluxsecrets.cli.signals import TerminatedError, terminable
from fluxsecrets.errors import GitError, LimitError
from fluxsecrets.repo.git import ended_here, find_repository
from fluxsecrets.repo.git.history import list_changes, stream_changes

_POPEN = subprocess.Popen
_COMMITS, _FILES = 120, 40
_FOLDER = "a/folder/with/a/long/name/so/that/the/listing/is/long"


@pytest.fixture(scope="module")
def long_history(tmp_path_factory):
    """A repository whose listing is many times what a pipe holds, and its ids more than a small one does."""
    folder = tmp_path_factory.mktemp("long")
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", str(folder)], check=True)
    fast_import(
        folder,
        (
            {f"{_FOLDER}/{file}.yaml": f"{number} {file}\n" for file in range(_FILES)}
            for number in range(_COMMITS)
        ),
    )
    return find_repository(folder)


@pytest.fixture(params=[None, 4096], ids=["usual pipes", "small pipes"])
def pipes(request, monkeypatch):
    """Pipes as usual, and as systems make them that are short of memory."""
    if request.param is None:
        return
    if sys.platform != "linux":
        pytest.skip("the size of pipes is set on Linux only")
    import fcntl

    make = os.pipe

    def small():
        ends = make()
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, request.param)
        return ends

    monkeypatch.setattr(os, "pipe", small)


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Each test ends with the threads that it started with."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.fixture
def started(monkeypatch):
    """Every process that is started."""
    found, start = [], subprocess.Popen

    def noted(*args, **options):
        found.append(start(*args, **options))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    return found


@pytest.mark.usefixtures("pipes")
def test_a_long_listing_is_read_while_git_is_fed(long_history):
    changes = list_changes(long_history)
    assert len(changes) == _COMMITS * _FILES
    assert len({change.commit for change in changes}) == _COMMITS


@pytest.mark.usefixtures("pipes")
def test_what_goes_in_and_out_at_once_is_more_than_pipes_hold(long_history):
    data = b"".join(f"{number:040x}\n".encode() for number in range(20_000))
    answer = long_history.run("cat-file", "--batch-check", stdin=data)
    assert answer.count(b" missing\n") == 20_000


@pytest.mark.usefixtures("pipes")
def test_many_objects_with_long_names(long_history):
    names = [f"main:{_FOLDER}/{number % _FILES}.yaml" for number in range(3_000)]
    answers = list(long_history.read_objects(iter(names)))
    assert [name for name, _, _ in answers] == names
    assert {kind for _, kind, _ in answers} == {"blob"}


@pytest.mark.usefixtures("pipes")
def test_one_question_at_a_time(long_history):
    paths = [f"{_FOLDER}/{number}.yaml" for number in range(_FILES)] + [
        f"{number}/" + "x" * 5_000 for number in range(9)
    ]
    long_history.run("symbolic-ref", "HEAD", "refs/heads/main")
    assert len(long_history.read_head_blobs(paths).contents) == _FILES


@pytest.mark.usefixtures("pipes")
def test_a_reader_that_stops_early_leaves_nothing(long_history, started):
    names = [f"main:{_FOLDER}/{number % _FILES}.yaml" for number in range(3_000)]
    answers = long_history.read_objects(names)
    assert len(list(islice(answers, 3))) == 3
    answers.close()
    changes = stream_changes(long_history, [change.commit for change in list_changes(long_history)])
    next(changes)
    changes.close()
    assert all(process.poll() is not None for process in started)


@pytest.mark.usefixtures("pipes")
def test_a_child_that_ends_early_is_an_error(long_history, started):
    for command in (("rev-list", "--stdin"), ("cat-file", "--batch-check", "--no-such-option")):
        with pytest.raises(GitError):
            long_history.run(*command, stdin=b"no-such-revision\n" * 100_000)
    assert all(process.poll() is not None for process in started)


@pytest.mark.usefixtures("pipes")
def test_too_much_output_is_refused_while_git_is_fed(long_history, started):
    with pytest.raises(LimitError):
        long_history.run("cat-file", "--batch-check", stdin=b"main\n" * 100_000, limit=1_000)
    assert all(process.poll() is not None for process in started)


@pytest.mark.usefixtures("pipes")
def test_input_that_cannot_be_made_is_an_error(long_history, started):
    def names():
        yield from ["main"] * 5_000
        raise FileNotFoundError("names.txt")

    def broken():
        yield from ["main"] * 5_000
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(long_history.read_objects(broken()))
    with pytest.raises(FileNotFoundError):
        list(long_history.read_objects(names()))
    assert all(process.poll() is not None for process in started)


def test_a_reader_that_an_exception_keeps_leaves_nothing_behind_the_block(long_history, started):
    changes = list_changes(long_history)
    with ended_here():
        readers = [
            long_history.read_objects([change.blob for change in changes[:1000]]),
            stream_changes(long_history, [change.commit for change in changes]),
        ]
        for reader in readers:
            next(reader)
        assert not any(process.stdout.closed for process in started[-2:])
    for process in started:
        assert process.returncode is not None
        assert process.stdout.closed
        assert process.stderr.closed
    for reader in readers:  # later, in whatever order
        reader.close()


def test_what_ended_inside_of_the_block_is_not_ended_again(long_history, started):
    with ended_here():
        assert len(list_changes(long_history)) == _COMMITS * _FILES
        assert all(process.returncode == 0 for process in started)


@pytest.mark.skipif(os.name == "nt", reason="a process can't send itself such signals there")
@pytest.mark.parametrize("moment", ["starts", "is started", "ends", "has ended"])
def test_a_signal_at_any_moment_leaves_no_process(long_history, started, monkeypatch, moment):
    """A container may have nobody else who waits for the end of a process."""
    begin, wait = subprocess.Popen, _POPEN.wait

    def hang_up(now):
        if now == moment:
            signal.raise_signal(signal.SIGHUP)

    def popen(*args, **options):
        hang_up("starts")
        process = begin(*args, **options)
        hang_up("is started")
        return process

    def waited(process, *args, **options):
        hang_up("ends")
        code = wait(process, *args, **options)
        hang_up("has ended")
        return code

    monkeypatch.setattr(_POPEN, "wait", waited)
    monkeypatch.setattr(subprocess, "Popen", popen)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(TerminatedError), terminable():
            list(long_history.read_objects(["main", f"main:{_FOLDER}/1.yaml"]))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(started) == 1
    assert all(process.returncode is not None for process in started)
