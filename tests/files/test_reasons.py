"""What the system's errors are called, and what to do about them."""

import errno
import os

import pytest

from fluxsecrets.files.reasons import is_full, reason_in, reason_of

DISK = [
    (errno.ENOSPC, "the disk is full"),
    (errno.EDQUOT, "your disk quota is used up"),
    (errno.EROFS, "the file system is read-only"),
    (errno.EACCES, "permission denied"),
]


@pytest.mark.parametrize(("number", "text"), DISK)
def test_every_reason_comes_with_what_to_do(number, text):
    reason = reason_of(OSError(number, os.strerror(number)))
    assert (reason.text, bool(reason.hint)) == (text, True)
    assert is_full(OSError(number, "")) == (number in (errno.ENOSPC, errno.EDQUOT))


def test_an_unknown_error_is_said_in_the_systems_words():
    assert reason_of(OSError(errno.EXDEV, os.strerror(errno.EXDEV))) == (
        os.strerror(errno.EXDEV).lower(),
        None,
    )
    assert reason_of(OSError("Nothing Known")) == ("oserror", None)
    assert not is_full(None)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("fatal: unable to write loose object file: No space left on device", "the disk is full"),
        ("fatal: sha1 file '.git/index.lock' write error. Out of diskspace", "the disk is full"),
        ("error: copy-fd: write returned: Disk quota exceeded", "your disk quota is used up"),
        ("fatal: Unable to create '.git/index.lock': Read-only file system", "the file system is read-only"),
    ],
)
def test_what_git_says_about_the_disk_is_understood(said, text):
    found = reason_in(f"something else first\n{said}\n")
    assert found is not None
    assert found.text == text


def test_other_words_say_nothing_about_the_disk():
    assert reason_in("fatal: not a git repository") is None
