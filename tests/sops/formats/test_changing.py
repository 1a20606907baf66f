"""One value changed in the text of each format: what is around it stays, byte for byte."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.sops.document import Comment, Entry, Leaf, Mapping, find, to_data
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.formats.changing import append_texts, remove_value, set_value
from strategies import YamlWriter

LIMITS = Limits()
YAML = """\
# top
apiVersion: v1
kind: Secret # k
metadata:
  name: db
  # labels above
  labels: {a: b, "c": d}
# the data
stringData: # inline
  # pw comment
  password: "old"  # keep
  pem: |
    line1
    line2
  empty:
  # trailing
list:
- a
- b: 1
  # about c
  c: 2
-
  - x

flow: [
  1,
  2,
]
nested:
    deep:
        - 1
"""
JSON = """\
{
  "a": 1,
  "b": {
    "c": "x",
    "l": [1, 2]
  },
  "e": {}
}
"""
DOTENV = "# head\n\n# about A\nA=1\nexport B=2\nC="
INI = '; top\n[db]\n; about user\nuser = me ; inline\npass="x y"\n\n; other\n[other]\na=1\n'


def parse(name, text):
    return make_format(name).parse(text.encode(), LIMITS)


def changed(name, text, path, value):
    return set_value(make_format(name), parse(name, text), path, value, LIMITS).decode()


def removed(name, text, path):
    return remove_value(make_format(name), parse(name, text), path, LIMITS).decode()


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("stringData", "password"), "new", '"old"', '"new"'),
        (("stringData", "password"), "a\nb", '"old"', '"a\\nb"'),
        (("stringData", "pem"), "x\ny\nz\n", "line1\n    line2", "x\n    y\n    z"),
        (("stringData", "empty"), "x", "empty:", "empty: x"),
        (("stringData", "new"), "v", "  # trailing\n", "  # trailing\n  new: v\n"),
        (("stringData", "new"), "x\ny\n", "  # trailing\n", "  # trailing\n  new: |\n    x\n    y\n"),
        (("stringData", "new"), "yes", "  # trailing\n", '  # trailing\n  new: "yes"\n'),
        (("kind",), {"a": ["off"]}, "kind: Secret # k", 'kind: # k\n  a:\n    - "off"'),
        (("kind",), [], "Secret", "[]"),
        (("metadata", "labels", "n"), 1, '"c": d', '"c": d, "n": 1'),
        (("metadata", "x", "y"), "z", '"c": d}\n', '"c": d}\n  x:\n    "y": z\n'),
        (("list", 3), "c", "  - x\n", "  - x\n- c\n"),
        (("list", 1, "z"), True, "  c: 2\n", "  c: 2\n  z: true\n"),
        (("list", -1, 1), "z", "  - x\n", "  - x\n  - z\n"),
        (("list", 0), {"k": 1, "l": 2}, "- a\n", "- k: 1\n  l: 2\n"),
        (("flow", 2), 3, "  2,\n", "  2,\n  3,\n"),
        (
            ("nested", "deep", 1),
            {"a": 1, "b": 2},
            "        - 1\n",
            "        - 1\n        - a: 1\n          b: 2\n",
        ),
        (("top",), 1.5, "        - 1\n", "        - 1\ntop: 1.5\n"),
    ],
)
def test_set_changes_one_place_of_yaml(path, value, old, new):
    assert YAML.count(old) == 1
    assert changed("yaml", YAML, path, value) == YAML.replace(old, new)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (("stringData", "password"), '  # pw comment\n  password: "old"  # keep\n', ""),
        (("stringData", "pem"), "  pem: |\n    line1\n    line2\n", ""),
        (("metadata", "labels", "a"), 'a: b, "c"', '"c"'),
        (("metadata", "labels"), '  # labels above\n  labels: {a: b, "c": d}\n', ""),
        (("list", 0), "- a\n", ""),
        (("list", 1, "b"), "- b: 1\n  # about c", "- # about c"),
        (("list", 1, "c"), "  # about c\n  c: 2\n", ""),
        (("list", 2, 0), "-\n  - x\n", "- []\n"),
        (("flow", 1), "  1,\n  2,\n", "  1,\n"),
        (("apiVersion",), "apiVersion: v1\n", ""),
        (("nested", "deep"), "nested:\n    deep:\n        - 1\n", "nested: {}\n"),
    ],
)
def test_remove_takes_the_lines_of_one_entry_of_yaml(path, old, new):
    assert YAML.count(old) == 1
    assert removed("yaml", YAML, path) == YAML.replace(old, new)


def test_a_key_that_only_looks_like_a_merge_key_is_one_like_others():
    assert changed("yaml", 'a:\n  "<<": {k: 1}\n', ("a", "<<", "k"), 2) == 'a:\n  "<<": {k: 2}\n'


def test_a_map_goes_with_the_comments_in_it():
    # They would end up in another map, where they may not be encrypted.
    text = removed("yaml", YAML, ("stringData",))
    assert "trailing" not in text
    assert "pw comment" not in text
    assert "# top" in text


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("a: {}\n", ("a", "k"), "v", "a:\n  k: v\n"),
        ("a: []\n", ("a", 0, "k"), "v", "a:\n  - k: v\n"),
        ("{a: 1}\n", ("b",), "p, q", '{a: 1, b: "p, q"}\n'),
        ("a: 1\r\nb:\r\n  - x\r\n", ("b", 1), "z", "a: 1\r\nb:\r\n  - x\r\n  - z\r\n"),
        ("a: 1", ("b",), "2", 'a: 1\nb: "2"'),
        ("a: |\n  text", ("b",), 2, "a: |-\n  text\nb: 2"),
        ("---\na: 1\n...\n", ("b",), 2, "---\na: 1\nb: 2\n...\n"),
        ("a: &x 1\nb: *x\n", ("b",), 2, "a: &x 1\nb: 2\n"),
        ("a: &x\n  k: 1\nb:\n  <<: *x\n", ("b", "k"), 2, "a: &x\n  k: 1\nb:\n  <<: *x\n  k: 2\n"),
        ("a: &x\n  - 1\nb: 2\n", ("a",), "v", "a: v\nb: 2\n"),
        ("\ufeffa: 1\n", ("b",), 2, "\ufeffa: 1\nb: 2\n"),
        ("a: 012\n", ("a",), "0777", 'a: "0777"\n'),
        ("a: x\n", ("a",), "12:30", 'a: "12:30"\n'),
    ],
)
def test_set_follows_the_style_around_it(text, path, value, expected):
    assert changed("yaml", text, path, value) == expected


def test_only_the_named_document_of_a_stream_is_changed():
    text = "a: 1\n---\na: 1\n"
    document = parse("yaml", text)
    assert set_value(make_format("yaml"), document, ("a",), 2, LIMITS, part=1) == b"a: 1\n---\na: 2\n"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("a: &x 1\nb: *x\n", ("a",), "without touching the text around it"),
        ("a: &x\n  k: 1\nb: *x\n", ("b", "k"), "is a YAML alias"),
        ("a: 1\n", ("a", "b"), "is a single value"),
        ("a: [1]\n", ("a", 5), "has 1 items"),
        ("a: [1]\n", ("a", -5), "no list item"),
        ("a: [1]\n", ("a", "k"), "is a list"),
        ("a: 1\n", ("b", 3), "starts with item 0"),
        ("a: 1\n", (), "not a value"),
        ("a: 1\n", ("sops",), "readable afterwards"),
        ("a:\n  <<: {k: 1}\n", ("a", "<<", "k"), "a['<<'] is a YAML merge key"),
        ("a:\n  <<: {k: 1}\n", ("a", "<<"), "a['<<'] is a YAML merge key"),
    ],
)
def test_what_cannot_be_set_is_an_error_and_not_a_guess(text, path, message):
    with pytest.raises(FormatError) as caught:
        changed("yaml", text, path, "throwaway-value")
    assert message in caught.value.message
    assert "throwaway-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("a: 1\n", ("b",), "there is no b"),
        ("a: 1\n", ("a",), "only value"),
        ("a: &x 1\nb: *x\n", ("a",), "without touching the text around it"),
        ("a:\n  <<: {k: 1}\n", ("a", "<<", "k"), "is a YAML merge key"),
    ],
)
def test_what_cannot_be_removed_is_an_error(text, path, message):
    with pytest.raises(FormatError, match=message):
        removed("yaml", text, path)


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("a",), [{"y": 2}], '"a": 1', '"a": [\n    {\n      "y": 2\n    }\n  ]'),
        (("b", "d"), "z", "[1, 2]\n", '[1, 2],\n    "d": "z"\n'),
        (("b", "l", 2), 3, "[1, 2]", "[1, 2, 3]"),
        (("b", "l", 0), {}, "[1, 2]", "[{}, 2]"),
        (("e", "n"), None, "{}", '{\n    "n": null\n  }'),
        (("n",), [], '"e": {}\n', '"e": {},\n  "n": []\n'),
    ],
)
def test_set_in_json(path, value, old, new):
    assert changed("json", JSON, path, value) == JSON.replace(old, new)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (("a",), '"a": 1,\n  ', ""),
        (("b", "c"), '"c": "x",\n    ', ""),
        (("b", "l"), ',\n    "l": [1, 2]', ""),
        (("b", "l", 0), "[1, 2]", "[2]"),
        (("e",), ',\n  "e": {}', ""),
    ],
)
def test_remove_from_json(path, old, new):
    assert removed("json", JSON, path) == JSON.replace(old, new)


def test_json_on_one_line_stays_on_one_line():
    assert changed("json", '{"a": 1, "b": 2}', ("c", "d"), "x") == '{"a": 1, "b": 2, "c": {"d": "x"}}'


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("A",), "x\ny", "A=1", "A=x\\ny"),
        (("export B",), 5, "B=2", "B=5"),
        (("N",), "n", "\nC=", "\nC=\nN=n"),
    ],
)
def test_set_in_dotenv(path, value, old, new):
    assert changed("dotenv", DOTENV, path, value) == DOTENV.replace(old, new)


def test_remove_from_dotenv():
    assert removed("dotenv", DOTENV, ("A",)) == "# head\n\nexport B=2\nC="
    assert removed("dotenv", DOTENV, ("C",)) == DOTENV.removesuffix("\nC=")


@pytest.mark.parametrize("path", [("a", "b"), ("#N",), ("sops_x",), ("X=Y",)])
def test_keys_that_dotenv_cannot_hold(path):
    with pytest.raises(FluxsecretsError):
        changed("dotenv", DOTENV, path, "throwaway")


def test_a_dotenv_key_that_stands_twice_is_not_guessed():
    with pytest.raises(FormatError, match="twice"):
        changed("dotenv", "A=1\nA=2\n", ("A",), "3")


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("db", "user"), "you", "me", "you"),
        (("db", "user"), "x`y", "me", "x`y"),
        (("db", "new"), "n", '"x y"\n', '"x y"\nnew=n\n'),
        (("other", "new"), "n#1", "a=1\n", "a=1\nnew=`n#1`\n"),
        (("third", "k"), "v", "a=1\n", "a=1\n\n[third]\nk = v\n"),
    ],
)
def test_set_in_ini(path, value, old, new):
    assert changed("ini", INI, path, value) == INI.replace(old, new)


@pytest.mark.parametrize(
    ("path", "old"),
    [
        (("db", "user"), "; about user\nuser = me ; inline\n"),
        (("other", "a"), "a=1\n"),
        (("other",), "; other\n[other]\na=1\n"),
        (("db",), INI.partition("\n\n")[0] + "\n"),
    ],
)
def test_remove_from_ini(path, old):
    assert removed("ini", INI, path) == INI.replace(old, "")


@pytest.mark.parametrize("path", [("db",), ("db", "user", "x"), ("a",)])
def test_an_ini_value_has_a_section_and_a_key(path):
    with pytest.raises(FormatError):
        changed("ini", INI, path, "throwaway")


def test_a_binary_file_is_changed_as_a_whole_only():
    with pytest.raises(FormatError, match="one value"):
        changed("binary", "anything", ("data",), "throwaway")


# Properties

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
        st.sampled_from(["yes", "a\nb\n", "\n", "# c", "a: b", "- x", " lead", "0777", "1e3", "null", "<<"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["k", "l", "a.b", "yes", "1", "with space"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def places(node, path=()):
    """Every path that exists, and one more in each map and list."""
    if isinstance(node, Leaf):
        return
    if isinstance(node, Mapping):
        children = [(entry.key, entry.value) for entry in node.entries if isinstance(entry, Entry)]
        yield (*path, "added")
    else:
        children = list(enumerate(item for item in node.items if not isinstance(item, Comment)))
        yield (*path, len(children))
    for step, child in children:
        yield (*path, step)
        yield from places(child, (*path, step))


def yaml_and_place(seed):
    random = Random(seed)
    text = YamlWriter(random).file()
    try:
        document = make_format("yaml").parse(text, LIMITS)
    except FluxsecretsError:
        return None
    part = random.randrange(len(document.parts))
    return text, document, part, random.choice(list(places(document.parts[part])))


def without(lines, kept):
    """The lines that are left when those of the other text are taken out in order."""
    rest, position = [], 0
    for line in lines:
        if position < len(kept) and line == kept[position]:
            position += 1
        else:
            rest.append(line)
    return rest if position == len(kept) else None


@given(st.integers(0, 2**32), VALUES)
def test_what_is_set_in_any_yaml_is_there_and_nothing_else_changed(seed, value):
    case = yaml_and_place(seed)
    if case is None:
        return
    _, document, part, path = case
    before = find(document.parts[part], path)
    try:
        new = set_value(make_format("yaml"), document, path, value, LIMITS, part=part)
    except FormatError:
        return  # rare; that it stays rare is tested below
    after = make_format("yaml").parse(new, LIMITS)
    assert to_data(find(after.parts[part], path)) == value
    for number, (one, other) in enumerate(zip(document.parts, after.parts, strict=True)):
        assert number == part or to_data(one) == to_data(other)
    if isinstance(before, Leaf):
        # The lines above a value that is replaced are the same, and so are those below it.
        source = document.source
        head = source[: source.rfind("\n", 0, before.start) + 1]
        rest = source[source.find("\n", before.end) + 1 :] if "\n" in source[before.end :] else ""
        decoded = new.decode().removeprefix("\ufeff")
        assert decoded.startswith(head)
        assert decoded.endswith(rest)


@given(st.integers(0, 2**32))
def test_removing_from_any_yaml_only_takes_lines_away(seed):
    case = yaml_and_place(seed)
    if case is None:
        return
    text, document, part, path = case
    if find(document.parts[part], path) is None:
        return
    try:
        new = remove_value(make_format("yaml"), document, path, LIMITS, part=part)
    except FormatError:
        return
    after = make_format("yaml").parse(new, LIMITS)
    if isinstance(path[-1], str):
        assert find(after.parts[part], path) is None
    kept = new.decode().splitlines()
    source = text.decode().splitlines()
    # At most two lines are changed themselves, such as `key: {}` and a dash whose map starts later now.
    changed = [line for line in kept if line not in source]
    assert len(changed) <= 2


def test_hardly_any_yaml_is_refused():
    failed = total = 0
    for seed in range(300):
        case = yaml_and_place(seed)
        if case is None:
            continue
        _, document, part, path = case
        if isinstance(find(document.parts[part], path[:-1]), Leaf):
            continue
        total += 1
        try:
            set_value(make_format("yaml"), document, path, "v", LIMITS, part=part)
        except FormatError:
            failed += 1
    assert total > 200
    assert failed <= 3


@given(VALUES, st.sampled_from([("a",), ("b", "new"), ("b", "l", 0), ("b", "l", 2), ("x", "y")]))
def test_what_is_set_in_json_is_there(value, path):
    new = changed("json", JSON, path, value)
    assert to_data(find(parse("json", new).parts[0], path)) == value
    assert removed("json", changed("json", JSON, ("added",), value), ("added",)) == JSON


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_text_set_in_flat_formats_is_there_or_refused(value):
    for name, text, path in (
        ("dotenv", DOTENV, ("A",)),
        ("ini", INI, ("db", "user")),
        ("ini", INI, ("n", "k")),
    ):
        try:
            new = changed(name, text, path, value)
        except FormatError:
            continue
        assert to_data(find(parse(name, new).parts[0], path)) == value


def one_by_one(format_, data, texts):
    for text in texts:
        document = format_.parse(data, Limits())
        listed = to_data(document.parts[0]).get("resources") or []
        data = set_value(format_, document, ("resources", len(listed)), text, Limits())
    return data


ENTRIES = st.lists(
    st.one_of(
        st.from_regex(r"\A(\./|\.\./)?[a-c1-]{1,3}(/[a-b]{1,2})?(\.yaml|\.json)?\Z"),
        st.sampled_from(["true", "null", "1.5", "1.yaml", "a: b", "# a", "- a.yaml", "a #", "'a", "ü.yaml"]),
    ),
    min_size=1,
    max_size=6,
)
LISTS = st.sampled_from(
    [
        "kind: Kustomization\n",
        "resources:\n",
        "resources: []\n",
        "resources: [a.yaml]\nkind: X\n",
        "resources: [\"a.yaml\", 'b.yaml']\n",
        "resources:\n- a.yaml\n",
        "resources:\n  - a.yaml # here\n  # there\n\nkind: X\n",
        "resources:\n  - a.yaml\n  # the end\n",
        "resources:\n  - ./a.yaml\nkind: X",
        "resources:\r\n  - a.yaml\r\nkind: X\r\n",
        "kind: X\nresources:\n    - a.yaml\n    -   b.yaml\npatches:\n    - path: a.yaml\n",
        "resources:\n  - a.yaml\n  - {path: b.yaml}\n...\n",
        "resources:\n  - &first a.yaml\n  - *first\n",
    ]
)


@given(LISTS, ENTRIES)
def test_many_items_are_added_as_one_by_one(text, entries):
    format_ = make_format("yaml")
    document = format_.parse(text.encode(), Limits())
    try:
        expected = one_by_one(format_, text.encode(), entries)
    except FormatError:
        with pytest.raises(FormatError):
            append_texts(format_, document, ("resources",), entries, Limits())
        return

    assert append_texts(format_, document, ("resources",), entries, Limits()) == expected


def test_many_items_take_a_few_readings_of_the_text():
    format_, entries = make_format("yaml"), [f"app-{number}.yaml" for number in range(50)]
    document = format_.parse(b"resources:\n  - a.yaml # the first\nkind: X\n", Limits())
    readings = []

    class Counting:
        def __getattr__(self, name):
            return getattr(format_, name)

        def parse(self, data, limits):
            readings.append(data)
            return format_.parse(data, limits)

    changed = append_texts(Counting(), document, ("resources",), entries, Limits())

    added = "".join(f"  - {entry}\n" for entry in entries)
    assert changed.decode() == f"resources:\n  - a.yaml # the first\n{added}kind: X\n"
    assert len(readings) < 10
