"""git is fed and read at the same time: whatever pipes hold, nobody waits for ever, and nothing is left."""

import hashlib
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
from fluxsecrets.repo.git import ended_here, find_repository, running
from fluxsecrets.repo.git import popen as popen_module
from fluxsecrets.repo.git.history import list_changes, stream_changes
from fluxsecrets.repo.git.popen import Popen
from fluxsecrets.repo.git.spawned import Spawned, spawn

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


@pytest.fixture(params=["spawned", "popen"], autouse=True)
def way(request, monkeypatch):
    """Both ways to start git; the second is that of systems which don't have the first."""
    if request.param == "popen":
        monkeypatch.setattr(running, "spawn", lambda *_, **__: None)
    elif sys.platform != "linux":
        pytest.skip("git is spawned on Linux only")
    return request.param


@pytest.fixture
def started(way, monkeypatch):
    """Every process that is started."""
    found, process = [], {"spawned": Spawned, "popen": Popen}[way]
    init = process.__init__

    def noted(made, *args, **options):
        init(made, *args, **options)
        found.append(made)

    monkeypatch.setattr(process, "__init__", noted)
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
    assert all(process.returncode is not None for process in started)


@pytest.mark.usefixtures("pipes")
def test_a_child_that_ends_early_is_an_error(long_history, started):
    for command in (("rev-list", "--stdin"), ("cat-file", "--batch-check", "--no-such-option")):
        with pytest.raises(GitError):
            long_history.run(*command, stdin=b"no-such-revision\n" * 100_000)
    assert all(process.returncode is not None for process in started)


@pytest.mark.usefixtures("pipes")
def test_too_much_output_is_refused_while_git_is_fed(long_history, started):
    with pytest.raises(LimitError):
        long_history.run("cat-file", "--batch-check", stdin=b"main\n" * 100_000, limit=1_000)
    assert all(process.returncode is not None for process in started)


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
    assert all(process.returncode is not None for process in started)


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
        assert process.stdin is None or process.stdin.closed
    for reader in readers:  # later, in whatever order
        reader.close()


def test_what_ended_inside_of_the_block_is_not_ended_again(long_history, started):
    with ended_here():
        assert len(list_changes(long_history)) == _COMMITS * _FILES
        assert all(process.returncode == 0 for process in started)


@pytest.mark.skipif(os.name == "nt", reason="a process can't send itself such signals there")
@pytest.mark.parametrize("moment", ["starts", "is started", "ends", "has ended"])
def test_a_signal_at_any_moment_leaves_no_process(long_history, way, started, monkeypatch, moment):
    """A container may have nobody else who waits for the end of a process."""
    name, kind = {"spawned": ("spawn", Spawned), "popen": ("popen", Popen)}[way]
    module = {"spawned": running, "popen": popen_module}[way]
    begin, wait = getattr(module, name), kind.wait

    def hang_up(now):
        if now == moment:
            signal.raise_signal(signal.SIGHUP)

    def begun(*args, **options):
        hang_up("starts")
        process = begin(*args, **options)
        hang_up("is started")
        return process

    def waited(process, *args, **options):
        hang_up("ends")
        code = wait(process, *args, **options)
        hang_up("has ended")
        return code

    monkeypatch.setattr(kind, "wait", waited)
    monkeypatch.setattr(module, name, begun)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with pytest.raises(TerminatedError), terminable():
            list(long_history.read_objects(["main", f"main:{_FOLDER}/1.yaml"]))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(started) == 1
    assert all(process.returncode is not None for process in started)


def test_input_that_a_pipe_holds_needs_no_thread(long_history, monkeypatch):
    monkeypatch.setitem(sys.modules, "fluxsecrets.repo.git.feeder", None)
    names = [f"main:{_FOLDER}/{number}.yaml" for number in range(_FILES)]
    assert [kind for _, kind, _ in long_history.read_objects(names)] == ["blob"] * _FILES


@pytest.mark.skipif(sys.platform != "linux", reason="the size of pipes is known on Linux only")
@pytest.mark.usefixtures("pipes")
def test_a_pipe_is_filled_without_a_thread(long_history, monkeypatch):
    import fcntl

    ends = os.pipe()
    size = fcntl.fcntl(ends[1], fcntl.F_GETPIPE_SZ)
    for end in ends:
        os.close(end)
    monkeypatch.setitem(sys.modules, "fluxsecrets.repo.git.feeder", None)
    data = b"x" * size
    name = long_history.run("hash-object", "--no-filters", "--stdin", stdin=data).decode().strip()
    assert name == hashlib.sha1(b"blob %d\0%s" % (size, data), usedforsecurity=False).hexdigest()
    with pytest.raises(ImportError):
        long_history.run("hash-object", "--no-filters", "--stdin", stdin=data + b"x")


def test_short_input_that_cannot_be_made_is_an_error(long_history, started):
    def names():
        yield from ["main", "main"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(long_history.read_objects(names()))
    assert [process.returncode for process in started] == [0]


@pytest.mark.usefixtures("pipes")
@pytest.mark.parametrize("turn", [1, 7, 60, 1000])
def test_two_gits_by_turns_list_what_one_does(long_history, started, monkeypatch, turn):
    expected = list_changes(long_history)
    commits = [*dict.fromkeys(change.commit for change in expected)]
    started.clear()
    monkeypatch.setattr("fluxsecrets.repo.git.history._SIDE_BY_SIDE", 2)
    monkeypatch.setattr("fluxsecrets.repo.git.history._TURN", turn)
    assert tuple(stream_changes(long_history, commits)) == expected
    assert [process.returncode for process in started] == [0, 0]
    few = commits[3::17]  # some change nothing of what comes between them
    assert [*stream_changes(long_history, few)] == [each for each in expected if each.commit in few]


@pytest.mark.parametrize("turn", [1, 7, 60])
@pytest.mark.parametrize("at", [0, 5, 70, 119])
def test_of_two_gits_nothing_behind_what_one_cannot_read_is_taken(long_history, monkeypatch, turn, at):
    expected = list_changes(long_history)
    commits = [*dict.fromkeys(change.commit for change in expected)]
    before = frozenset(commits[:at])
    commits.insert(at, _without_tree(long_history.root))
    monkeypatch.setattr("fluxsecrets.repo.git.history._SIDE_BY_SIDE", 2)
    monkeypatch.setattr("fluxsecrets.repo.git.history._TURN", turn)
    found = []
    with pytest.raises(GitError):
        found.extend(stream_changes(long_history, commits))
    assert before.issuperset(change.commit for change in found)
    assert found == list(expected[: len(found)])


def _without_tree(folder):
    """A commit on the first one, with a folder that isn't there."""

    def git(*words, text=""):
        command = ["git", "-C", str(folder), "-c", "user.name=T", "-c", "user.email=t@waddle.example", *words]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.strip()

    tree = git("mktree", "--missing", text=f"040000 tree {'1' * 40}\tgone\n")
    return git("commit-tree", tree, "-p", "main", "-m", "x")


@pytest.mark.skipif(sys.platform != "linux", reason="git is spawned on Linux only")
def test_both_ways_say_the_same(long_history, tmp_path, monkeypatch):
    """What git gets, what it writes, and what it says of errors."""
    found = []
    for start in (spawn, lambda *_, **__: None):
        monkeypatch.setattr(running, "spawn", start)
        found.append([*answers(long_history, tmp_path)])
    assert found[0] == found[1]
    assert [type(each) for each in found[0][:8]] == [tuple, tuple, int, int, int, int, int, int]


_OF_THE_LIBRARY = 0b11 << 31
"""Two signals without a name, which glibc lets every process ignore that it spawns."""

_SCRIPT = """#!/bin/sh
[ "$1" = -C ] && cd "$2"
pwd; env | grep -v PWD | sort; cat; echo error >&2
ls /proc/self/fd | wc -l; grep SigIgn /proc/self/status; exit 7
"""


def answers(repository, folder):
    """How a process ends in several ways."""
    script = folder / "script"
    script.write_text(_SCRIPT, encoding="ascii")
    script.chmod(0o755)
    inherited = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        for program, where in ((script, folder), ("/nowhere", folder), (folder, folder), (script, script)):
            for feed in (True, False):
                yield answer([str(program)], where, feed=feed)
    finally:
        os.close(inherited)
    for name in ("main:missing", "nothing"):
        with pytest.raises(GitError) as caught:
            repository.run("rev-parse", "--verify", name)
        yield caught.value.message, caught.value.details


def answer(command, folder, *, feed):
    try:
        begun = running.start_process(command, folder, {"A": "b c", "PATH": "/usr/bin:/bin"}, feed=feed)
    except OSError as error:
        return error.errno
    if feed:
        begun.feed([b"in", b"put\n"])
    *lines, ignored = begun.process.stdout.read().splitlines()
    ended = begun.finish()
    begun.close(kill=True)
    return lines, int(ignored.split()[1], 16) & ~_OF_THE_LIBRARY, ended
