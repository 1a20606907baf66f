"""Records of people who left, and what is left to do about them."""

import json

import pytest

from fluxsecrets.errors import FileAccessError
from fluxsecrets.repo.offboarding import (
    Leaver,
    OpenFile,
    read_leavers,
    read_record,
    record_data,
    record_path,
    still_gone,
    unfinished,
    with_leavers,
)
from fluxsecrets.sops.recipients import age, kms, recipient_key

BOB = Leaver("bob", age("age1b"), "2026-11-28", ("c.yaml",), ("d.yaml",))
NAMES = {"age1a": "alice"}


def file(path, *recipients):
    return OpenFile(path, f"./{path}", (tuple(age(each) for each in recipients),), 1)


def write(root, name, data):
    (root / "offboarding").mkdir(exist_ok=True)
    (root / "offboarding" / name).write_bytes(data)


def test_a_record_is_read_as_it_was_written(tmp_path):
    values = [{"value": "a.yaml#b", "state": "done"}]
    write(tmp_path, "bob.json", record_data(BOB, values))
    leaver, data = read_record(tmp_path, BOB.path)
    assert leaver == BOB
    assert data["values"] == values
    assert read_leavers(tmp_path) == ((BOB,), ())


@pytest.mark.parametrize("context", [{}, {"app": "flux", "b": "2"}])
def test_the_record_of_a_role_keeps_role_and_context(tmp_path, context):
    role = "arn:aws:iam::111122223333:role/deploy"
    gone = Leaver(
        "ci", kms("arn:aws:kms:eu-west-1:111122223333:key/a", role=role, context=context), "2026-11-28"
    )
    write(tmp_path, "ci.json", record_data(gone, []))
    assert recipient_key(read_record(tmp_path, gone.path)[0].recipient) == recipient_key(gone.recipient)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"version": 2}', json.dumps({"version": 1, "name": "x"}).encode()]
)
def test_what_is_not_a_record_is_an_error_and_hides_no_other(tmp_path, data):
    write(tmp_path, "bob.json", record_data(BOB, []))
    write(tmp_path, "broken.json", data)
    leavers, (error,) = read_leavers(tmp_path)
    assert leavers == (BOB,)
    assert isinstance(error, FileAccessError)
    assert error.path == "offboarding/broken.json"


@pytest.mark.parametrize(
    ("name", "path"), [("bob", "bob"), ("../x", "_x"), ("a b/c", "a_b_c"), ("..", "somebody")]
)
def test_a_name_cannot_leave_the_folder(name, path):
    assert record_path(name) == f"offboarding/{path}.json"


def test_what_is_left_to_do_follows_from_the_files():
    files = (file("a.yaml", "age1a", "age1b"), file("b.yaml", "age1a"), file("c.yaml", "age1a"))
    (found,) = unfinished([BOB], files, NAMES)
    assert (found.files, found.unsettled) == (("./a.yaml",), ("./c.yaml",))
    assert {str(who): paths for who, paths in found.who.items()} == {"alice": ("./a.yaml", "./c.yaml")}
    assert unfinished([BOB], files[1:2], NAMES) == (), "c.yaml is gone"


def test_who_left_too_is_not_asked():
    carol = Leaver("carol", age("age1c"), "2026-11-28")
    (found,) = unfinished([BOB, carol], [file("a.yaml", "age1b"), file("c.yaml", "age1a")], NAMES)
    assert [str(who) for who in found.who] == ["nobody else", "alice"]


def test_who_is_named_again_came_back():
    assert still_gone([BOB], {recipient_key(age("age1b"))}) == ()
    assert still_gone([BOB], {recipient_key(age("age1a"))}) == (BOB,)


def test_a_name_that_someone_has_now_is_not_given_away():
    assert with_leavers(NAMES, [BOB]) == {**NAMES, "age1b": "bob"}
    assert with_leavers({"age1new": "bob"}, [BOB]) == {"age1new": "bob"}
