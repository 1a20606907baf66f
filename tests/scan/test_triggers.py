"""Signs that a file must be read by its structure: no name that the rules know is without one.

The fixture looks at each text a second time as if all signs were there, and compares.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsecrets.scan import names
from fluxsecrets.scan.patterns import triggers_of
from fluxsecrets.scan.triggers import Trigger

_RANDOM = "f8Q2xv7Lr0pKw3Zt"
_CHOSEN = "hunter2-Horse9"
_INDENT = "\n      "

_TELLING = (
    *(*sorted(names._SURE), *sorted(names._MAYBE)),
    *(*("api key", "secret base", "db pw", "db pass"), *(f"{word} key" for word in sorted(names._KEY_OF))),
)
_SEVERAL = (
    *sorted(names._PLURALS - {"keys"}),
    *(f"{word} keys" for word in sorted(names._KEY_OF)),
)
_BEFORE = ("", "", "", *sorted(names._PASS_OF), *sorted(names._HARMLESS_BEFORE), "existing", "from")
_AFTER = ("", "", "", *sorted(word for word in names._TRAILING if word.isalnum()), "2", "ref", "name")
_FIELDS = (
    *sorted(names.GENERIC_KEYS | names.VALUE_KEYS),
    *names.NAME_KEYS,
    "other",
    "enabled",
    "description",
)
_SEPARATORS = ("", "_", "-", ".", "__", " ", "/")
_VALUES = (
    *(_RANDOM, _CHOSEN, f'"{_RANDOM}"', f"'{_CHOSEN}'", f"&a {_RANDOM}", f"!!str {_RANDOM}", "*a", "${X}"),
    *("true", "", "name-of", f"|{_INDENT}{_RANDOM}\n", f">-{_INDENT}{_CHOSEN}\n", f"{_INDENT}{_RANDOM}"),
    *(f"{_INDENT}# note{_INDENT}{_CHOSEN}", f"# note{_INDENT}{_CHOSEN}", f'"{_RANDOM}: y"'),
    *(
        f'{_INDENT}"a: {_RANDOM}"',
        f"{_INDENT}- {_RANDOM}",
        f"[{_CHOSEN}]",
        f"{{value: {_RANDOM}}}",
        "[]",
        "{}",
    ),
)
_COLONS = (": ", ": ", ": ", ":  ", ": \t", " : ", ":\n      ", "\n      : ")
_JSON_VALUES = (f'"{_RANDOM}"', f'"{_CHOSEN}"', f'["{_RANDOM}"]', f'{{"value": "{_RANDOM}"}}', '""', "true")


@st.composite
def _names(draw):
    """Names from the tables that decide which ones are telling, in the ways in which people write them."""
    words = [draw(st.sampled_from(_BEFORE)), *draw(st.sampled_from((*_TELLING, *_SEVERAL))).split()]
    words = [word for word in (*words, draw(st.sampled_from(_AFTER))) if word]
    case = draw(st.sampled_from(["camel", "upper", "lower", "lower"]))
    if case == "camel":
        return words[0] + "".join(map(str.capitalize, words[1:]))
    text = draw(st.sampled_from(_SEPARATORS)).join(words)
    return text.upper() if case == "upper" else text


@st.composite
def _keys(draw, *, json=False):
    name = draw(st.one_of(_names(), st.sampled_from(_FIELDS)))
    quote = '"' if json else draw(st.sampled_from(["", "", "", "", '"', "'"]))
    if quote == '"' and draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(name) - 1))
        escape = "\\u%04x" if json else draw(st.sampled_from(["\\u%04x", "\\x%02x", "\\U%08x"]))
        name = name[:at] + escape % ord(name[at]) + name[at + 1 :]
    return f"{quote}{name}{quote}"


def _pick(*choices):
    return st.sampled_from(choices)


@st.composite
def _entries(draw):
    return f"{draw(_keys())}{draw(st.sampled_from(_COLONS))}{draw(st.sampled_from(_VALUES))}"


@st.composite
def _maps(draw):
    """A key with a map below it."""
    fields = draw(st.lists(_entries(), min_size=1, max_size=3))
    return f"{draw(_keys())}:{draw(_pick('', ' ', ' # c', ' &b', ' !!map'))}\n  " + "\n  ".join(fields)


@st.composite
def _lists(draw):
    items = st.sampled_from((_RANDOM, _CHOSEN, f'"{_RANDOM}"', f"value: {_RANDOM}", f"a: {_RANDOM}", "- x"))
    dash = draw(_pick("\n- ", "\n  - "))
    return f"{draw(_keys())}:{draw(_pick('', ' # c', ' &b', ' !!seq'))}" + "".join(
        dash + item for item in draw(st.lists(items, min_size=1, max_size=2))
    )


@st.composite
def _flows(draw):
    pairs = st.tuples(_keys(), _pick(_RANDOM, _CHOSEN, "true", f'"{_RANDOM}"', f"[{_RANDOM}]"))
    inside = ", ".join(": ".join(pair) for pair in draw(st.lists(pairs, min_size=1, max_size=3)))
    return f"{draw(_keys())}{draw(_pick(': ', ' : '))}{{{draw(_pick('', ' ', _INDENT))}{inside}}}"


@st.composite
def _pairs(draw):
    """A name and a value beside each other, in any order and with others between them."""
    name = (
        f"{draw(st.sampled_from(names.NAME_KEYS))}{draw(_pick(': ', ': &n ', ':' + _INDENT))}{draw(_keys())}"
    )
    value = draw(st.sampled_from(sorted(names.VALUE_KEYS)))
    value += draw(st.sampled_from(_COLONS)) + draw(st.sampled_from(_VALUES))
    others = draw(
        st.lists(_pick("label: x", "enabled: true", "text: |\n    a b", "# note", "at: {a: b}"), max_size=2)
    )
    lines = draw(st.permutations([name, value, *others]))
    if draw(st.booleans()):
        return "- " + "\n  ".join(lines)
    return "{" + ", ".join(line for line in lines if "#" not in line and "\n" not in line) + "}"


@st.composite
def _manifests(draw):
    blocks = draw(
        st.lists(
            st.one_of(
                *(_entries(), _maps(), _lists(), _flows(), _pairs()),
                st.builds("? {}\n: {}".format, _keys(), st.sampled_from(_VALUES)),
                st.builds("# {}: {}".format, _names(), _pick(_RANDOM, _CHOSEN)),
            ),
            min_size=1,
            max_size=2,
        )
    )
    if draw(st.booleans()):
        blocks = ["x:\n  " + block.replace("\n", "\n  ") for block in blocks]
    head = draw(_pick("", "", "apiVersion: v1\nkind: ConfigMap\n", "apiVersion: v1\nkind: Config\n"))
    return head + draw(_pick("\n", "\n", "\r\n", "\n---\n")).join(blocks) + draw(_pick("\n", ""))


@given(text=_manifests(), path=_pick("app.yaml", "values.yaml", "notes.txt"))
@settings(max_examples=300)
def test_no_telling_name_of_a_manifest_is_without_a_sign(scanner, text, path):
    scanner.scan(text, path)


_JSON = st.recursive(
    st.sampled_from(_JSON_VALUES),
    lambda inner: st.lists(
        st.tuples(_keys(json=True), _pick(":", ": ", "\n:\n", " : "), inner), min_size=1, max_size=3
    ).map(lambda pairs: "{" + ",".join(map("".join, pairs)) + "}"),
    max_leaves=5,
)


@given(text=_JSON, path=_pick("a.json", "a.yaml", "terraform.tfstate"))
@settings(max_examples=100)
def test_no_telling_name_of_json_is_without_a_sign(scanner, text, path):
    scanner.scan(text, path)


_LINES = st.builds(
    "{}{}{}".format,
    _names(),
    _pick("=", " = ", ": ", ":=", " => ", " "),
    _pick(_RANDOM, _CHOSEN, f'"{_RANDOM}"', f"'{_RANDOM}'", f'["{_RANDOM}"]'),
)


@given(
    lines=st.lists(_LINES, min_size=1, max_size=3),
    path=_pick(
        *("a.ini", "a.toml", ".env", "a.properties", "a.tfvars", "a.hcl", "a.sh", "a.py", "Dockerfile")
    ),
)
@settings(max_examples=150)
def test_no_telling_name_of_other_files_is_without_a_sign(scanner, lines, path):
    scanner.scan("\n".join(["[section]", *lines]), path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f'{{"token": "", "secrets": {{"name": "{_RANDOM}"}}}}', 1),
        (f"credentials:\n  app: {_RANDOM}\n", 2),
        (f"signingKeys:\n  - {_RANDOM}\n", 2),
        (f"API_KEYS: [{_RANDOM}]\n", 1),
        (f"tokens: &t\n  - {_RANDOM}\n", 2),
        (f"a: &t [{_RANDOM}]\ntokens: *t\n", 1),
        (f"password:\n  enabled: true\n  value: {_CHOSEN}\n", 3),
        (f"password:\n  - value: {_CHOSEN}\n", 2),
        (f"secret:\n  value: |\n    {_RANDOM}\n", 2),
        (f"password:\n  # note\n  {_CHOSEN}\n", 3),
        (f'password:\n  "a: {_CHOSEN}"\n', 2),
        (f"? password\n: {_CHOSEN}\n", 2),
        (f'{{"password"\n:\n"{_CHOSEN}"}}', 3),
        (f"- name: DB_PASSWORD\n  description: text\n  value: {_CHOSEN}\n", 3),
        (f"- value: {_CHOSEN}\n  label: x\n  name: DB_PASSWORD\n", 1),
        (f"- name: &n DB_PASSWORD\n  value: {_CHOSEN}\n", 2),
        (f"a: &n DB_PASSWORD\nb:\n  name: *n\n  value: {_CHOSEN}\n", 4),
        (f"dbPw: {_CHOSEN}\n", 1),
        (f"githubPat: {_RANDOM}\n", 1),
        (f"api__key: {_RANDOM}\n", 1),
        (f"password (old): {_CHOSEN}\n", 1),
    ],
)
def test_places_that_had_no_sign_are_found(scanner, text, line):
    assert scanner(text) == [f"{line} manifest-value"]


def test_hyperscan_takes_every_sign(engine):
    pytest.importorskip("hyperscan")
    assert engine.hits(b"nothing") == frozenset()  # which the way without it would not be sure of
    assert triggers_of(engine.hits(b"password: x\n")) == {Trigger.ASSIGNED}
    assert Trigger.PAIR.value.every
