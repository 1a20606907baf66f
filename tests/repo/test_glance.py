"""What a glance says of a manifest file is what reading it says; else it says nothing."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ciphertexts import NEAR_MISSES, WHOLE
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.glance import Glimpse, glance
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.sops.formats import Limits

SECRET = f"""# made by hand
apiVersion: v1
kind: Secret
metadata:
  name: db
  labels: {{}}
type: Opaque
stringData:
  password: "hunter2" # changed
  port: 5432
  ca: |
    one
    two
data:
sops:
  age:
  - recipient: age1
    enc: |
      text
  mac: {WHOLE}
"""
SCALARS = [
    *("db", "''", '""', '"a"', "''", "~", "null", "true", "yes", "1", "0x1f", "18446744073709551615", "1.5"),
    *("2026-11-30", "${A}", '"${A}"', "${A:-b}", "vault:a/b#c", "<<", '"<<"', "*a", "&a b", "!!str 1", "! a"),
    *("|\n    a\n", ">-\n    a", "[a, b]", "[]", "{}", "{a: 1}", "[{a}]", "{a: 1, a: 2}", "a: b", "'", "\t"),
    *(
        "Secret",
        "SecretList",
        "List",
        "v1",
        "apps/v1",
        "Deployment",
        "é",
        "\\u2028",
        "# a",
        "-",
        "? a",
        WHOLE,
    ),
    *NEAR_MISSES.values(),
]
KEYS = [
    "apiVersion",
    "kind",
    "metadata",
    "  name",
    "data",
    "stringData",
    "  a",
    "  b",
    "sops",
    "  mac",
    "items",
]
KEYS += ["- a", "  - a", "-", '"kind"', "1", "<<", "null", "? a", "&a a", "*a", "a b", "kind ", "  <<"]
LINES = st.sampled_from(
    ["---", "...", "--- a", "", "# a", "%YAML 1.1", "\t", "- a", "}", "\ufeff"]
) | st.builds(
    "{}:{}{}".format, st.sampled_from(KEYS), st.sampled_from([" ", "  ", ""]), st.sampled_from(SCALARS)
)


@st.composite
def changed(draw):
    """Secrets, and other documents, of which some lines are others."""
    lines = draw(
        st.sampled_from([SECRET, SECRET.partition("sops:")[0], "", SECRET + "---\n" + SECRET])
    ).split("\n")
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(lines)))
        lines[place : place + draw(st.integers(0, 2))] = draw(st.lists(LINES, max_size=2))
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


def read(data, limits):
    """The same as `glance`, of all that is read."""
    return tuple(
        Glimpse(each.line, each.name, each.is_secret, each.has_data, each.has_sops, each.in_list)
        for each in read_manifests(data, "a.yaml", limits).manifests
    )


@given(changed(), st.sampled_from([Limits(), Limits(depth=2)]))
def test_a_glance_says_what_reading_says(text, limits):
    data = text.encode("utf-8", "surrogatepass")
    glimpses = glance(data, limits)
    event("unclear" if glimpses is None else f"{len(glimpses)} objects")
    if glimpses is not None:
        assert glimpses == read(data, limits)


@given(st.binary(max_size=100))
def test_a_glance_at_any_bytes_raises_nothing(data):
    glimpses = glance(data, Limits())
    if glimpses is not None:
        assert glimpses == read(data, Limits())


def test_the_common_secret_is_clear():
    plain = SECRET.partition("sops:")[0]
    assert glance(SECRET.encode(), Limits()) == (Glimpse(2, "db", True, True, True),)
    assert glance(f"---\n{plain}---\n# nothing\n---\na: 1\n".encode(), Limits()) == (
        Glimpse(3, "db", True, True, False),
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a: &a 1\nb: *a\n",
            "a: !!str 1\n",
            "<<: {a: 1}\n",
            '{"kind": "Secret"}',
            "1: a\n",
            "? {a: 1}\n: b\n",
        ),
        *("a: 1\na: 2\n", "a: [\n", "a: 18446744073709551615\n", "a: {b: {c: {}}}\n", "null: a\n"),
        "apiVersion: v1\nkind: List\nitems: []\n",
    ],
)
def test_the_rest_is_left_to_reading(text):
    assert glance(text.encode(), Limits(depth=3)) is None


def test_what_cannot_be_read_is_unclear():
    for data in (b"a: [", b"\xff\xfe", b"a: \x00", b""):
        try:
            expected = read(data, Limits())
        except FluxsecretsError:
            assert glance(data, Limits()) is None
        else:
            assert glance(data, Limits()) in (None, expected)
