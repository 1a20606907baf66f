"""Replacing a file at the moment at which another program saves it: what that saved is there in the end."""

import errno
import os
from pathlib import Path

import pytest

from filesystems import LIMIT, NEW, OLD, linux_only, names
from fluxsecrets.errors import ChangedError
from fluxsecrets.files import swap
from fluxsecrets.files.cameout import marked
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.swap import swap_in, take_out
from fluxsecrets.files.writing import PendingWrite, write_atomic, write_batch

THEIRS = b"an edit that was saved meanwhile\n"


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "secret.yaml"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def temp(tmp_path):
    path = tmp_path / ".secret.yaml.fluxsecrets-00000000-1-00000000.tmp"
    path.write_bytes(NEW)
    return path


def by_rename(path: Path) -> None:
    other = path.with_name("editor")
    other.write_bytes(THEIRS)
    other.replace(path)


def in_place(path: Path) -> None:
    path.write_bytes(THEIRS)


def in_place_in_the_same_tick(path: Path) -> None:
    status = path.stat()
    path.write_bytes(OLD.swapcase())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def just_before(name: str, action, monkeypatch, *, number: int = 1) -> None:
    """Do something at the last moment before a call of that number."""
    real, left = getattr(swap, name), number

    def call(*args, **kwargs):
        nonlocal left
        left -= 1
        if left == 0:
            action()
        return real(*args, **kwargs)

    monkeypatch.setattr(swap, name, call)


@pytest.fixture(params=["swap", "no swap"])
def way(request, monkeypatch):
    """With the system's swap and without it, as on a file system that has none."""
    if request.param == "no swap":
        monkeypatch.setattr(swap, "_exchange", lambda **_: lambda _one, _other: errno.EINVAL)
    return request.param


def test_an_unchanged_file_is_replaced(way, tmp_path, target, temp):
    swap_in(temp, target, read_file(target, limit=LIMIT).without_data())
    assert target.read_bytes() == NEW
    assert names(tmp_path) == ["secret.yaml"]


@linux_only
@pytest.mark.parametrize("save", [by_rename, in_place, in_place_in_the_same_tick])
def test_what_is_saved_between_the_look_and_the_swap_stays(tmp_path, target, temp, monkeypatch, save):
    expected = read_file(target, limit=LIMIT)
    just_before("_exchange", lambda: save(target), monkeypatch)
    with pytest.raises(ChangedError, match="was changed while"):
        swap_in(temp, target, expected)
    assert target.read_bytes() in (THEIRS, OLD.swapcase())
    temp.unlink(missing_ok=True)
    assert names(tmp_path) == ["secret.yaml"]


@pytest.mark.parametrize("save", [in_place, in_place_in_the_same_tick])
def test_without_a_swap_what_is_written_into_the_old_file_comes_back(target, temp, monkeypatch, save):
    monkeypatch.setattr(swap, "_exchange", lambda **_: None)
    expected = read_file(target, limit=LIMIT)
    just_before("rename_over", lambda: save(target), monkeypatch)
    with pytest.raises(ChangedError):
        swap_in(temp, target, expected)
    assert target.read_bytes() in (THEIRS, OLD.swapcase())


@linux_only
def test_an_editor_that_has_the_old_file_open_writes_into_it_and_not_into_nothing(way, target, temp):
    expected = read_file(target, limit=LIMIT)
    with target.open("r+b") as editor:
        with pytest.raises(ChangedError):
            swap_in(temp, target, expected)
        editor.write(THEIRS)
        editor.truncate()
    assert target.read_bytes() == THEIRS


@linux_only
def test_an_editor_that_opens_the_file_at_the_last_moment_gets_it_back(target, temp, monkeypatch):
    expected = read_file(target, limit=LIMIT)
    opened = []
    just_before("_exchange", lambda: opened.append(target.open("r+b")), monkeypatch)
    with pytest.raises(ChangedError):
        swap_in(temp, target, expected)
    with opened[0] as editor:
        editor.write(THEIRS)
        editor.truncate()
    assert target.read_bytes() == THEIRS


@linux_only
def test_of_an_editor_that_saves_twice_the_last_text_stays(tmp_path, target, temp, monkeypatch):
    expected = read_file(target, limit=LIMIT)
    in_place(target)
    monkeypatch.setattr(swap, "_look_first", lambda *_: None)
    exchange = swap._exchange(linux=True, windows=False)
    calls = []

    def saving(one, other):
        calls.append(one)
        if len(calls) == 2:
            target.with_name("editor").write_bytes(b"saved once more\n")
            target.with_name("editor").replace(target)
        return exchange(one, other)

    monkeypatch.setattr(swap, "_exchange", lambda **_: saving)
    with pytest.raises(ChangedError):
        swap_in(temp, target, expected)
    assert target.read_bytes() == b"saved once more\n"
    assert names(tmp_path) == ["secret.yaml"]


@linux_only
def test_what_cannot_be_put_back_is_kept_under_a_name_that_is_told(tmp_path, target, temp, monkeypatch):
    expected = read_file(target, limit=LIMIT)
    in_place(target)
    monkeypatch.setattr(swap, "_look_first", lambda *_: None)
    exchange = swap._exchange(linux=True, windows=False)
    answers = iter([None, errno.EIO])
    monkeypatch.setattr(
        swap, "_exchange", lambda **_: lambda one, other: next(answers) or exchange(one, other)
    )
    with pytest.raises(ChangedError, match="could not be put back") as caught:
        swap_in(temp, target, expected)
    kept = next(path for path in tmp_path.iterdir() if "saved-meanwhile" in path.name)
    assert kept.read_bytes() == THEIRS
    assert kept.name in caught.value.message


def test_a_file_that_was_removed_at_that_moment_does_not_come_back(way, target, temp, monkeypatch):
    expected = read_file(target, limit=LIMIT)
    target.unlink()
    with pytest.raises(ChangedError, match="was removed while"):
        swap_in(temp, target, expected)
    assert not target.exists()


@linux_only
@pytest.mark.parametrize("save", [by_rename, in_place, in_place_in_the_same_tick])
def test_a_removal_puts_back_what_was_saved_at_that_moment(tmp_path, target, temp, monkeypatch, save):
    expected = read_file(target, limit=LIMIT)
    temp.unlink()
    just_before("_is_expected", lambda: save(marked(temp, expected)), monkeypatch, number=2)
    with pytest.raises(ChangedError):
        take_out(target, temp, expected)
    assert target.read_bytes() in (THEIRS, OLD.swapcase())
    assert names(tmp_path) == ["secret.yaml"]


def test_a_removal_removes_what_was_read(tmp_path, target, temp):
    temp.unlink()
    take_out(target, temp, read_file(target, limit=LIMIT))
    assert names(tmp_path) == []


def test_a_new_file_takes_no_name_that_another_program_took(tmp_path, target):
    results = write_batch([PendingWrite(target, NEW, new=True), PendingWrite(tmp_path / "b", NEW, new=True)])
    assert isinstance(results[0].error, ChangedError)
    assert target.read_bytes() == OLD
    assert (tmp_path / "b").read_bytes() == NEW
    assert names(tmp_path) == ["b", "secret.yaml"]


@linux_only
def test_what_an_editor_is_writing_is_not_touched_even_for_a_moment(way, target, temp, monkeypatch):
    monkeypatch.setattr(swap, "_exchange", lambda **_: pytest.fail("it changed places"))
    monkeypatch.setattr(swap, "rename_over", lambda *_: pytest.fail("it was replaced"))
    expected = read_file(target, limit=LIMIT)
    with target.open("r+b"), pytest.raises(ChangedError):
        swap_in(temp, target, expected)


def one(path, expected):
    write_atomic(path, NEW, expected=expected)


def of_a_batch(path, expected):
    (result,) = write_batch([PendingWrite(path, NEW, expected=expected)])
    if result.error is not None:
        raise result.error


def of_a_large_batch(path, expected):
    others = [PendingWrite(path.with_name(f"other{number}"), NEW) for number in range(40)]
    result = write_batch([*others, PendingWrite(path, NEW, expected=expected)])[-1]
    if result.error is not None:
        raise result.error


@linux_only
@pytest.mark.parametrize("write", [one, of_a_batch, of_a_large_batch])
@pytest.mark.parametrize("save", [by_rename, in_place, in_place_in_the_same_tick])
def test_every_writer_gives_back_what_was_saved_at_the_last_moment(target, monkeypatch, write, save):
    expected = read_file(target, limit=LIMIT)
    exchange = swap._exchange(linux=True, windows=False)
    swaps = []

    def saving(first, second):
        if not swaps:
            save(target)
        swaps.append(first)
        return exchange(first, second)

    monkeypatch.setattr(swap, "_exchange", lambda **_: saving)
    with pytest.raises(ChangedError):
        write(target, expected)
    assert target.read_bytes() in (THEIRS, OLD.swapcase())
    assert len(swaps) == 2, "forth and back"
