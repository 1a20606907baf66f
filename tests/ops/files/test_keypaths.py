"""What a key on the command line means."""

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.keypaths import find_or_new_place, find_place
from fluxsecrets.sops.formats import Limits, make_format

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: a}
data:
  tls.crt: x
  tls:
    key: y
"""
PLAIN = "a:\n  b.c: 1\n  b: {d: 2}\n  list: [x, {k: z}]\n"


def document(text, name="yaml"):
    return make_format(name).parse(text.encode(), Limits())


@pytest.mark.parametrize(
    ("text", "key", "path"),
    [
        (SECRET, "data.tls.crt", ("data", "tls.crt")),
        (SECRET, "data.tls.key", ("data", "tls", "key")),
        (SECRET, '["data"]["tls.crt"]', ("data", "tls.crt")),
        (PLAIN, "a.b.c", ("a", "b.c")),
        (PLAIN, "a.b.d", ("a", "b", "d")),
        (PLAIN, "a.list[1].k", ("a", "list", 1, "k")),
        (PLAIN, "a.list.0", ("a", "list", 0)),
        (PLAIN, "a.list[-1]", ("a", "list", -1)),
    ],
)
def test_what_exists(text, key, path):
    place = find_place(document(text), key)
    assert place.path == path
    assert place.node is not None


@pytest.mark.parametrize(
    ("text", "name", "key", "path"),
    [
        (SECRET, "yaml", "data.ca.crt", ("data", "ca.crt")),
        (SECRET, "yaml", "stringData.ca.crt", ("stringData", "ca.crt")),
        (SECRET, "yaml", "metadata.labels.x", ("metadata", "labels", "x")),
        (PLAIN, "yaml", "a.new.b", ("a", "new", "b")),
        (PLAIN, "yaml", "x[0].y", ("x", 0, "y")),
        (PLAIN, "yaml", "a.list[2]", ("a", "list", 2)),
        (PLAIN, "yaml", "a.list.2", ("a", "list", 2)),
        (PLAIN, "yaml", '["a"]["x.y"]', ("a", "x.y")),
        ("A=1\n", "dotenv", "B.C", ("B.C",)),
        ("[s]\na=1\n", "ini", "s.b.c", ("s", "b.c")),
        ("[s]\na=1\n", "ini", "t.b.c", ("t", "b.c")),
    ],
)
def test_what_could_be_added(text, name, key, path):
    place = find_or_new_place(document(text, name), key)
    assert place.path == path
    assert place.node is None


@pytest.mark.parametrize("key", ["", "a..b", ".", "a.", "x]", '["a"', "x[a]"])
def test_what_is_no_key(key):
    with pytest.raises(UsageError):
        find_or_new_place(document("a: {c: 1}\n"), key)


def test_documents_are_told_apart():
    stream = document("a: 1\nb: 2\n---\na: 3\n")
    assert find_place(stream, "b").part == 0
    assert find_place(stream, "a", 2).part == 1
    assert find_place(stream, '["a"]').part == 0
    for key, number in (("a", None), ("b", 2), ("a", 3), ("c", None), ('["c"]', None)):
        with pytest.raises(UsageError):
            find_place(stream, key, number)
    assert find_or_new_place(stream, "c", 2).part == 1
