"""Shortcuts of the engine: what is left out finds nothing. The fixture compares both ways for each text."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsecrets.scan.harmless import HarmlessLines
from scan_corpus import corpus

_NAMES = (
    "password",
    "token",
    "DB_PASSWORD",
    "existingSecret",
    "api_key",
    "clientSecret",
    "tag",
    "name",
    "value",
)
_RANDOM = "f8Q2xv7Lr0pKw3Zt"
_VALUES = (
    *("${DB_PASSWORD}", "{{ .Values.password }}", "${{ secrets.PAT }}", "grafana-admin", "true", "null", "x"),
    *('"${TOKEN}"', "'{{ .PASS }}'", '"hunter2 and more"', "hunter2horse", "'f8Q2xv7Lr0pKw3Zt'", "~"),
    *("f8Q2xv7Lr0pKw3Zt", "&pw ${X}", "*pw", "!env X", "|", ">-", "[a, b]", "{a: b}", "op://vault/item/x"),
    *("$(cat /run/x)", "abc # hunter2horse", "abc, def", "ENC[AES256_GCM,data:x,type:str]", '"a\\x41b"'),
    *("a password=f8Q2xv7Lr0pKw3Zt", "a:b", "-x", "", "f8Q2xv7L\\", "%X%", "<name>", "/etc/x"),
)
_LINES = (
    *(
        "kind: ConfigMap",
        "kind: Config",
        "kind: CustomResourceDefinition",
        "data:",
        "spec:",
        "users:",
        "- user:",
    ),
    *(
        "description: |",
        "script: >",
        "args:",
        "# password: f8Q2xv7Lr0pKw3Zt",
        "  hunter2horse",
        "---",
        "}",
        "{",
    ),
    *(
        "- list",
        "- name: DB_TOKEN",
        "text",
        '"',
        "'",
        "{{ if x }}",
        "{{- end }}",
        "x: &pw f8Q2xv7Lr0pKw3Zt",
        "",
    ),
    *(f"--password {_RANDOM}", "\tpassword: hunter2horse", "? password", ": hunter2horse", "items:"),
)


@st.composite
def _texts(draw):
    """Lines as in manifests, most of them telling, in an order that may be no YAML at all."""
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        indent = " " * draw(st.sampled_from([0, 0, 2, 4]))
        if draw(st.integers(0, 2)):
            dash = draw(st.sampled_from(["", "", "- ", "# "]))
            quote = draw(st.sampled_from(["", "", '"']))
            name, value = draw(st.sampled_from(_NAMES)), draw(st.sampled_from(_VALUES))
            comma = draw(st.sampled_from(["", "", ","]))
            lines.append(f"{indent}{dash}{quote}{name}{quote}: {value}{comma}")
        else:
            lines.append(indent + draw(st.sampled_from(_LINES)))
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines) + draw(st.sampled_from(["\n", ""]))


@given(text=_texts(), path=st.sampled_from(["app.yaml", "values.yaml", "x.json", "notes.md"]))
@settings(max_examples=150)
def test_nothing_is_lost_in_any_text(scanner, text, path):
    scanner.scan(text, path)


@pytest.mark.parametrize("head", ["tag: |\n", "- >\n", "a:\n- tag: |\n  "])
def test_a_comment_is_none_in_a_text_of_several_lines(scanner, head):
    scanned = scanner.scan(f"{head}  # password: grafana-admin\n")
    assert [each.rule for each in scanned.findings] == ["manifest-value"]
    assert not scanner.scan("a: b\n# password: grafana-admin\n").findings


@pytest.mark.parametrize("seed", [31, 32])
def test_nothing_is_lost_in_the_corpus(scanner, seed):
    for path, file in corpus(seed).items():
        scanner.scan(file.data, path)


def test_nothing_is_lost_where_lines_are_mixed(scanner):
    chance = Random(7)
    files = [file.data.split(b"\n") for path, file in corpus(33).items() if path.endswith(".yaml")]
    for _ in range(150):
        mine, other = chance.sample(files, 2)
        at, start = chance.randrange(len(mine) + 1), chance.randrange(len(other))
        scanner.scan(b"\n".join([*mine[:at], *other[start : start + 6], *mine[at:]]))


def _asked(text, harmless=True):
    lines = []

    def judge(line):
        lines.append(line.decode())
        return harmless

    data = text.encode()
    ends = [at + 3 for at in range(len(data)) if data.startswith(b": ", at)]
    return HarmlessLines(judge).are_all(data, ends), lines


def test_a_line_is_judged_once_whatever_its_indentation():
    text = "a:\n  token: ${X}\nb:\n    token: ${X}\n    token: y\n"
    assert _asked(text) == (True, ["token: ${X}", "token: y"])


def test_a_line_that_holds_something_needs_its_file():
    assert _asked("token: ${X}\n", harmless=False) == (False, ["token: ${X}"])


@pytest.mark.parametrize(
    "text",
    [
        *("token: abc\n  def\n", "token: abc\n\n  def\n", "token: abc\n  - def\n", "token: |\n  abc\n"),
        *(
            "token: *alias\n",
            "token: &anchor abc\n",
            "token: !tag abc\n",
            'token: "abc\n',
            'token: "a\\x41"\n',
        ),
        *(
            "{token: abc}\n",
            "token: [abc\n",
            "a: b token: c: d\n",
            "token: abc, def\n",
            "token: abc\rdef: x\n",
        ),
        *("token: {{ if\n}}\n", "tökén: abc\n", "token: abc def\n"),
    ],
)
def test_a_line_that_others_may_change_is_not_judged_alone(text):
    assert _asked(text) == (False, [])


@pytest.mark.parametrize(
    "text",
    [
        "token: abc",
        "token: abc\n\nother: x\n",
        "token: abc\n# x\n",
        "token: abc\n---\n",
        '"token": "abc",\n}\n',
    ],
)
def test_a_line_that_ends_is_judged_alone(text):
    assert _asked(text)[0]
