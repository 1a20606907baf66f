"""Aliases and merge keys, written out where a ciphertext could not be shared."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fluxsecrets
from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from tables import each_row

YAML = YamlFormat()


def parsed(text):
    return YAML.parse(text.encode(), Limits())


def expanded(text, *keys):
    """The document with aliases written out, where the values below these keys get encrypted; or all."""
    document = parsed(text)
    leaves = [leaf for leaf in document.leaves if not keys or leaf.path[0] in keys]
    return YAML.expand_aliases(document, leaves, Limits())


@each_row(
    ("text", "wanted"),
    [
        ("a: &x one\nb: *x\nc: *x # why\n", "a: &x one\nb: one\nc: one # why\n"),
        ("a: &x 'it''s'\nb: *x\nc: &y \"d\"\nd: *y\n", "a: &x 'it''s'\nb: 'it''s'\nc: &y \"d\"\nd: \"d\"\n"),
        ("a: &x 0x1F\nb: *x\n", "a: &x 0x1F\nb: 0x1F\n"),
        ("a: &x ~\nb: {c: *x, d: &y , e: *y}\n", "a: &x ~\nb: {c: ~, d: &y , e: null}\n"),
        ("a: &x one\r\nb: *x\r\n", "a: &x one\r\nb: one\r\n"),
        # A text of several lines keeps its style only where a block can stand
        (
            "a: &x |\n  two\n  lines\nb: *x\nc: *x # why\nd: [*x]\n",
            "a: &x |\n  two\n  lines\nb: |\n  two\n  lines\n"
            'c: "two\\nlines\\n" # why\nd: ["two\\nlines\\n"]\n',
        ),
        # Maps and lists, in block and in flow style
        ("a: &x\n  k: v\n  n: {p: q}\nb: *x\n", 'a: &x\n  k: v\n  n: {p: q}\nb:\n  k: v\n  "n":\n    p: q\n'),
        ("a: &x\n  k: v\nb: {c: *x}\n", "a: &x\n  k: v\nb: {c: {k: v}}\n"),
        (
            "a: &x\n  - 1\n  - k: v\n    l: w\n  - [a, b]\nb: *x\nc:\n  - *x\n  - z\n",
            "a: &x\n  - 1\n  - k: v\n    l: w\n  - [a, b]\nb:\n  - 1\n  - k: v\n    l: w\n  - - a\n    - b\n"
            "c:\n  - - 1\n    - k: v\n      l: w\n    - - a\n      - b\n  - z\n",
        ),
        (
            "a:\n    b: &x\n        c: {d: e}\n    f: *x\n",
            "a:\n    b: &x\n        c: {d: e}\n    f:\n        c:\n            d: e\n",
        ),
        (
            "a: &x\n  k: {}\n  l: []\n  m: v\nb: *x\n",
            "a: &x\n  k: {}\n  l: []\n  m: v\nb:\n  k: {}\n  l: []\n  m: v\n",
        ),
        # What holds no value may stay shared
        ("a: &x {}\nb: *x\nc: [*x]\nd: e\n", "a: &x {}\nb: *x\nc: [*x]\nd: e\n"),
        # An anchor that was itself an alias's neighbour
        ("a: &x {n: &y p, m: *y}\nb: *x\nc: *y\n", 'a: &x {n: &y p, m: p}\nb:\n  "n": p\n  m: p\nc: p\n'),
        # Merge keys: a map's own keys win, then the first of several sources
        ("a: &x {k: v, o: 0}\nb:\n  o: own\n  <<: *x\n", "a: &x {k: v, o: 0}\nb:\n  o: own\n  k: v\n"),
        (
            "a: &x {k: v}\nb: &y {k: w, l: z}\nc:\n  <<: [*x, *y]\nd: {<<: [*y, *x], m: 1}\n",
            "a: &x {k: v}\nb: &y {k: w, l: z}\nc:\n  k: v\n  l: z\nd: {k: w, l: z, m: 1}\n",
        ),
        (
            "a: &x {k: v}\nb: &y\n  <<: *x\n  l: w\nc:\n  <<: *y\n  m: n\n",
            "a: &x {k: v}\nb: &y\n  k: v\n  l: w\nc:\n  k: v\n  l: w\n  m: n\n",
        ),
        ("a: &x {k: v}\nb:\n  <<: [*x, {l: w}]\n", "a: &x {k: v}\nb:\n  k: v\n  l: w\n"),
        ("a: &x {k: {l: m}}\nb:\n  <<: *x\n", "a: &x {k: {l: m}}\nb:\n  k:\n    l: m\n"),
        # A merge that brings nothing in goes, with its line or its comma
        ("a: &x {k: v}\nb:\n  <<: *x\n  k: o\n  l: m\n", "a: &x {k: v}\nb:\n  k: o\n  l: m\n"),
        ("a: &x {k: v}\nb: {<<: *x, k: o}\nc: {k: o, <<: *x}\n", "a: &x {k: v}\nb: { k: o}\nc: {k: o, }\n"),
        # Comments stay with the map or list that holds the alias, and so do their paths
        ("a: &x {k: v}\nb: *x # c\nd: e\n", "a: &x {k: v}\nb: # c\n  k: v\nd: e\n"),
        ("a: &x {k: v}\nb:\n- *x # c\n- y\n", "a: &x {k: v}\nb:\n- {k: v} # c\n- y\n"),
        ("a: &x {k: v}\nb:\n  <<: *x # c\n  l: m\n", "a: &x {k: v}\nb:\n  # c\n  k: v\n  l: m\n"),
        ("a: &x {k: v}\nb:\n- <<: *x # c\n  k: m\n", "a: &x {k: v}\nb:\n- # c\n  k: m\n"),
        (
            "a: &x {k: v}\nb: &y {l: w}\nc:\n  <<: [*x, # c\n    *y] # d\n",
            "a: &x {k: v}\nb: &y {l: w}\nc:\n  # c\n  # d\n  k: v\n  l: w\n",
        ),
        # A block scalar takes in nothing that stands behind the alias
        ("a: &x |\n  s \nb: *x  \nc: d\n", "a: &x |\n  s \nb: |\n  s \nc: d\n"),
        ("a: &x |+\n  s\n\nb: *x\n\nc: d\n", 'a: &x |+\n  s\n\nb: "s\\n\\n"\n\nc: d\n'),
        ("a: &x |\n  s\nb: *x\n    # c\nd: e\n", 'a: &x |\n  s\nb: "s\\n"\n    # c\nd: e\n'),
        (
            "a: &x\n  l: |\n    s \nb:\n  <<: *x\n",
            "a: &x\n  l: |\n    s \nb:\n  l: |\n    s \n",
        ),
        # A key that is an alias, a value of another type than its text has, NaN
        ("a: &x k\n*x : v\n", "a: &x k\nk : v\n"),
        ("a: &x !!float 1\nb: *x\nc: &y .nan\nd: *y\n", "a: &x !!float 1\nb: 1.0\nc: &y .nan\nd: .nan\n"),
        # In quotes it is a key like any other
        ('a: &x {"<<": v}\nb: *x\n', 'a: &x {"<<": v}\nb:\n  "<<": v\n'),
    ],
)
def test_everything_that_gets_encrypted_stands_for_itself(text, wanted):
    assert expanded(text).source == wanted
    assert yaml.safe_load(wanted) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "key", "wanted"),
    [
        # The alias is encrypted, or its anchor: both are torn apart
        ("a: &x one\nb: *x\n", "b", "a: &x one\nb: one\n"),
        ("a: &x one\nb: *x\n", "a", "a: &x one\nb: one\n"),
        # Neither is: it stays, whatever else is encrypted
        ("a: &x one\nb: *x\nc: d\n", "c", None),
        ("a: &x {k: v}\nb:\n  <<: *x\nc: d\n", "c", None),
        # An alias below the anchor is encrypted there
        (
            "a: &x v\nb: &y\n  k: *x\nc: *y\n",
            "b",
            "a: &x v\nb: &y\n  k: v\nc:\n  k: v\n",
        ),
        # A part of the anchor's value is encrypted elsewhere
        (
            "a: &x\n  n: &y {p: q}\nb: *x\nc: *y\nd: *y\n",
            "c",
            "a: &x\n  n: &y {p: q}\nb: *x\nc:\n  p: q\nd:\n  p: q\n",
        ),
    ],
)
def test_what_stays_plain_stays_shared(text, key, wanted):
    document = parsed(text)
    leaves = [leaf for leaf in document.leaves if leaf.path[0] == key]
    found = YAML.expand_aliases(document, leaves, Limits())
    assert found.source == (wanted or text)
    assert (found is document) == (wanted is None)


def test_each_document_has_anchors_of_its_own():
    text = "a: &x one\nb: *x\n---\nc: &x two\nd: *x\n"
    assert expanded(text).source == "a: &x one\nb: one\n---\nc: &x two\nd: two\n"
    assert expanded(text, "c").source == "a: &x one\nb: *x\n---\nc: &x two\nd: two\n"


def test_a_byte_order_mark_stays():
    document = YAML.parse(b"\xef\xbb\xbfa: &x one\nb: *x\n", Limits())
    found = YAML.expand_aliases(document, list(document.leaves), Limits())
    assert YAML.rewrite(found, [], None) == b"\xef\xbb\xbfa: &x one\nb: one\n"


def test_an_expansion_that_changes_values_is_refused(monkeypatch):
    monkeypatch.setattr(
        "fluxsecrets.sops.formats.yaml.aliases.expansion_edits", lambda *_: [(13, 15, "other")]
    )
    with pytest.raises(FormatError, match="could not be written out") as caught:
        expanded("a: &x one\nb: *x\n")
    assert "one" not in f"{caught.value}"


KEYS = st.sampled_from("klmno")
TEXTS = st.sampled_from(["v", "it's", '"q"', "two\nlines\n", " pad", "yes please", "# no", "[x", "", "a: b"])


def quoted(text):
    return yaml.safe_dump(text, default_style='"', width=1000).rstrip("\n")


def flow(value, draw, anchors):
    """A value in flow style, parts of it behind aliases."""
    if anchors and draw(st.integers(0, 3)) == 0:
        return f"*{draw(st.sampled_from(sorted(anchors)))} "
    if isinstance(value, dict):
        entries = [f"{key}: {flow(item, draw, anchors)}" for key, item in value.items()]
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item, draw, anchors) for item in value) + "]"
    return quoted(value)


def block(value, draw, anchors, pad):
    """A value behind its key or dash, in block style where it is a collection, else in flow style."""
    if not value or not isinstance(value, dict | list) or draw(st.booleans()):
        return " " + flow(value, draw, anchors)
    entries = value.items() if isinstance(value, dict) else [("-", item) for item in value]
    return "".join(
        f"\n{pad}{key}{':' * (key != '-')}{block(item, draw, anchors, pad + '  ')}" for key, item in entries
    )


VALUES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def shared(draw):
    """A YAML document in which later parts use what earlier ones anchor, as values and as merges."""
    anchors, maps, lines = set(), set(), []
    for number in range(draw(st.integers(1, 3))):
        value = draw(VALUES)
        written = block(value, draw, anchors, "  ")
        if written.startswith(" *"):  # an alias has no anchor of its own
            lines.append(f"d{number}:{written}")
            continue
        lines.append(f"d{number}: &a{number}{written}")
        anchors.add(f"a{number}")
        if isinstance(value, dict):
            maps.add(f"a{number}")
    for number in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(anchors)))
        kind = draw(st.sampled_from(["value", "item", "map", "merge", "merges", "flow"]))
        sources = draw(st.lists(st.sampled_from(sorted(maps)), min_size=1, max_size=3)) if maps else []
        own = draw(st.dictionaries(KEYS, TEXTS, max_size=2))
        texts = [f"{key}: {quoted(text)}" for key, text in own.items()]
        merge = f"<<: [{', '.join(f'*{each} ' for each in sources)}]" if kind == "merges" else ""
        if not sources or kind in ("value", "item", "map"):
            uses = {"item": f"\n- *{name}\n- z", "map": f"\n  u: *{name}\n  w: z"}
            lines.append(f"u{number}:{uses.get(kind, f' *{name}')}")
            continue
        entries = [*texts, merge or f"<<: *{sources[0]} "]
        entries = draw(st.permutations(entries))
        if kind == "flow":
            lines.append(f"u{number}: {{{', '.join(entries)}}}")
        else:
            lines.append(f"u{number}:" + "".join(f"\n  {entry}" for entry in entries))
    return "\n".join(lines) + "\n"


@settings(max_examples=200)
@given(text=shared(), data=st.data())
def test_a_document_means_the_same_and_shares_nothing_that_is_encrypted(text, data):
    document = parsed(text)
    keys = sorted({leaf.path[0] for leaf in document.leaves})
    chosen = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    leaves = [leaf for leaf in document.leaves if leaf.path[0] in chosen]
    found = YAML.expand_aliases(document, leaves, Limits())
    # PyYAML is the second opinion about what anchors and merges mean
    assert yaml.safe_load(found.source) == yaml.safe_load(text)
    assert [to_data(part) for part in found.parts] == [yaml.safe_load(text)]
    encrypted = [leaf for leaf in found.leaves if leaf.path[0] in chosen]
    assert not any(leaf.alias for leaf in encrypted if leaf.value not in ("", None))
    assert YAML.expand_aliases(found, encrypted, Limits()).source == found.source
    if not chosen:
        assert found is document


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=shared())
def test_what_is_encrypted_decrypts_to_the_same(text, identity):
    if not any(leaf.value for leaf in parsed(text).leaves):
        return
    encrypted = fluxsecrets.encrypt(text, age=[identity.recipient])
    assert yaml.safe_load(fluxsecrets.decrypt(encrypted)) == yaml.safe_load(text)
