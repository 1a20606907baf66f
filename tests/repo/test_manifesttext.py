"""Objects replaced in a file: what stands around them stays, and nothing is lost."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError
from fluxsecrets.repo.manifesttext import Replacement, open_manifests
from fluxsecrets.repo.secretlayout import secret_data
from fluxsecrets.repo.secretobject import is_text, read_secret
from fluxsecrets.sealed.layout import sealed_pieces, unsealed_pieces
from fluxsecrets.sealed.model import read_sealed, sealed_data, secret_of
from fluxsecrets.sealed.scopes import Scope

SECRET = """\
# top of the file

# about the Secret
apiVersion: v1 # always
kind: Secret
metadata:
    # who
    name: "db"
    namespace: apps
    labels: {app: db}   # flow
type: Opaque
data: # encoded
    # one
    a: b25l

    # two
    'b': dHdv
# texts now
stringData:
    long: |
        # no comment
        text

    # the last
    short: x # inline
    # behind
---
# a neighbour
kind:   ConfigMap
data: {x: 'y'}
"""


def sealed_text(data, drop=()):
    text = open_manifests(data)
    changes = {}
    for number, part in enumerate(text.parts):
        if part.get("kind").value == "Secret":
            secret = read_secret(part)
            made = sealed_data(
                secret,
                {key: f"<{key}>" for key in secret.values},
                name=secret.name,
                namespace=secret.namespace,
                scope=Scope.STRICT,
            )
            changes[number] = Replacement(made, lambda pieces, made=made: sealed_pieces(made, pieces))
    return text.replaced(changes, drop)


def secret_text(data, values):
    text = open_manifests(data)
    sealed = read_sealed(text.parts[0])
    kept = {key: values[key] for key in sealed.encrypted}
    secret = secret_of(sealed, kept, frozenset(key for key in kept if is_text(kept[key])))
    change = Replacement(secret_data(secret), lambda pieces: unsealed_pieces(secret, pieces))
    return text.replaced({0: change})


def test_comments_order_blank_lines_and_neighbours_stay():
    assert (
        sealed_text(SECRET.encode()).decode()
        == """\
# top of the file

# about the Secret
apiVersion: bitnami.com/v1alpha1 # always
kind: SealedSecret
metadata:
    name: db
    namespace: apps
spec:
    encryptedData: # encoded
        # one
        a: <a>

        # two
        b: <b>
        # texts now
        long: <long>

        # the last
        short: <short> # inline
        # behind
    template:
        metadata:
            # who
            name: "db"
            namespace: apps
            labels: {app: db}   # flow
        type: Opaque
---
# a neighbour
kind:   ConfigMap
data: {x: 'y'}
"""
    )


def test_and_back():
    values = {"a": b"one", "b": b"\0", "long": b"# no comment\ntext\n", "short": b"x"}
    back = secret_text(sealed_text(SECRET.encode()), values).decode()
    assert back.startswith(SECRET.partition("data: # encoded")[0])
    assert back.endswith(SECRET.partition("---\n")[2])
    assert "data: # encoded\n    # two\n    b: AA==\nstringData:\n" in back
    for comment in ("# encoded", "# one", "# two", "# texts now", "# the last", "# inline", "# behind"):
        assert comment in back


def test_crlf_bom_and_a_missing_last_break():
    data = b"\xef\xbb\xbf" + SECRET.partition("---")[0].rstrip().replace("\n", "\r\n").encode()
    made = sealed_text(data)
    assert made.startswith(b"\xef\xbb\xbf# top of the file\r\n\r\n")
    assert made.count(b"\n") == made.count(b"\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: apps}, stringData: {a: x}} # all\n",
        "apiVersion: v1\nkind: Secret\nmetadata: &m {name: db, namespace: apps} # all\nstringData: {a: x}\n",
        "apiVersion: v1\n? kind # all\n: Secret\nmetadata: {name: db, namespace: apps}\nstringData: {a: x}\n",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: &n db\n  namespace: apps\n  labels: # all\n"
        "    app: *n\nstringData:\n  a: x\n",
        "--- # all\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: apps\n"
        "stringData:\n  {a: x}\n",
    ],
    ids=["flow root", "anchor", "explicit key", "alias", "marker"],
)
def test_exotic_layouts_keep_values_and_comments(text):
    made = sealed_text(text.encode()).decode()
    assert "# all" in made
    assert read_sealed(open_manifests(made.encode()).parts[0]).encrypted == {"a": "<a>"}


def test_json_stays_json():
    made = sealed_text(
        b'{\n    "apiVersion": "v1", "kind": "Secret",\n    "metadata": {"name": "db", "namespace": "n"},'
        b'    "data": {"a": "b25l"}\n}\n'
    ).decode()
    assert made.startswith('{\n    "apiVersion": "bitnami.com/v1alpha1",\n')
    assert '"encryptedData": {\n            "a": "<a>"\n' in made


def test_comments_can_be_left_out():
    text = open_manifests(SECRET.encode())
    inner = {
        comment.start for comment in text.comments(0) if comment.path[:1] in (("data",), ("stringData",))
    }
    made = sealed_text(SECRET.encode(), inner).decode()
    assert "# who" in made
    for gone in ("# one", "# two", "# the last", "# inline", "# behind"):
        assert gone not in made


def test_what_cannot_be_read_is_an_error():
    with pytest.raises(FormatError):
        open_manifests(b"- a\n- b\n")


COMMENT = st.sampled_from(["", "# c1\n", "\n# c2\n\n", "# c3\n# c4\n"])
VALUE = st.sampled_from(["x", "'y' # in", "|\n    # text\n    more", '"a\\nb"', "", ">-\n    f\n    g", "{}"])


@given(st.lists(st.tuples(COMMENT, VALUE), min_size=1, max_size=4), COMMENT)
def test_no_comment_and_no_value_is_ever_lost(entries, last):
    def indented(text):
        return "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())

    body = "".join(
        f"{indented(comment)}  k{number}: {value if value != '{}' else 'z'}\n"
        for number, (comment, value) in enumerate(entries)
    )
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: n\nstringData:\n"
    source = f"{head}{body}{indented(last)}"
    values = dict(read_secret(open_manifests(source.encode()).parts[0]).values)
    made = sealed_text(source.encode())
    back = secret_text(made, values)
    assert read_secret(open_manifests(back).parts[0]).values == values

    def comments(data):
        return Counter(comment.text.strip() for comment in open_manifests(data).comments(0))

    assert comments(source.encode()) == comments(made) == comments(back)
