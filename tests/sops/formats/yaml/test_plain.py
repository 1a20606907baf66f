"""Plain scalars: each reader of YAML gets the string that was written, and sops's quotes are ours."""

import json
import re
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fluxsecrets.sops.document import Style, to_data
from fluxsecrets.sops.formats import Limits, apply_edits
from fluxsecrets.sops.formats.yaml import YamlFormat, load_documents
from fluxsecrets.sops.formats.yaml.block import render_block
from fluxsecrets.sops.formats.yaml.plain import may_be_plain, reads_otherwise
from fluxsecrets.sops.formats.yaml.scalars import Layout, resolve_plain, scalar_text, write_value
from yamlwords import special_strings

QUOTING = json.loads(
    (Path(__file__).parents[3] / "vectors" / "sops" / "quoting.json").read_text(encoding="utf-8")
)
SPECIAL = list(special_strings())
STRINGS = (
    st.sampled_from(SPECIAL)
    | st.text(max_size=20)
    | st.text("0123456789+-._:eExXoObB TtZ", max_size=12)
    | st.text("abyn~=<>?:-#,[]{}&*!|'\"%@` \t\n", max_size=8)
)


class Core12(yaml.SafeLoader):
    """Reads plain scalars by the core schema of YAML 1.2."""

    yaml_implicit_resolvers: ClassVar = {}


for kind, pattern in {
    "null": r"null|Null|NULL|~|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}.items():
    Core12.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{pattern})\Z"), None)

V2_WORDS = {
    spelled
    for word in ("y", "n", "yes", "no", "on", "off")
    for spelled in (word, word.upper(), word.capitalize())
}


def in_every_place(text):
    """A document with the string wherever a string may be, as it is written there, and what it means."""
    block, flow = (scalar_text(text, Style.PLAIN, flow=flow, indent=None) for flow in (False, True))
    written = (
        f"a block value: {block}\na block key:\n  {block}: z\na block list:\n- {block}\n- - {block}\n"
        f"a flow map: {{{flow}: {flow}}}\na flow list: [{flow}, {flow}]\n{block}: z\n"
    )
    meant = {
        "a block value": text,
        "a block key": {text: "z"},
        "a block list": [text, [text]],
        "a flow map": {text: text},
        "a flow list": [text, text],
        text: "z",
    }
    return written, meant


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader, Core12])
def test_the_table_is_read_as_strings(loader):
    for text in SPECIAL:
        written, meant = in_every_place(text)
        assert yaml.load(written, Loader=loader) == meant


@given(STRINGS)
@example("12:30")
@example("=")
def test_any_string_is_read_as_itself_by_every_reader(text):
    written, meant = in_every_place(text)
    for loader in (yaml.SafeLoader, yaml.CSafeLoader, Core12):
        assert yaml.load(written, Loader=loader) == meant
    (document,) = load_documents(written.encode())
    assert to_data(document) == meant
    if may_be_plain(text, flow=False):
        # go-yaml v3 in sops, and v2 in kubectl, kubeseal and Helm.
        assert isinstance(resolve_plain(text), str)
        assert text not in V2_WORDS


@pytest.mark.parametrize("flow", [False, True])
def test_what_sops_quotes_is_quoted(flow):
    assert len(QUOTING["quoted"]) > 100
    assert not [text for text in QUOTING["quoted"] if may_be_plain(text, flow=flow)]


def test_few_strings_have_quotes_that_sops_writes_without():
    extra = {text for text in QUOTING["plain"] if not may_be_plain(text, flow=False)}
    assert {"1e400", "2026-13-45", "=", "<<", "0b_"} < extra  # YAML 1.1 and 1.2 read these otherwise
    assert len(extra) < len(QUOTING["plain"]) / 10


def test_common_values_stay_plain():
    for text in ("10.0.0.1", "1.2.3", "v1", "a:b", "x#y", "-dash", "http://host:80/?a=b", "with space", "_1"):
        assert may_be_plain(text, flow=False)


@given(STRINGS, st.sampled_from(list(Style)))
def test_a_decrypted_string_is_never_another_type(text, style):
    indicator = {"|": "|-", ">": ">-"}
    head = {Style.LITERAL: "|", Style.FOLDED: ">"}.get(style)
    source = {
        Style.PLAIN: "k: X\n",
        Style.SINGLE_QUOTED: "k: 'X'\n",
        Style.DOUBLE_QUOTED: 'k: "X"\n',
    }.get(style, f"k: {indicator.get(head, '')}\n  X\n")
    (leaf,) = YamlFormat().parse(source.encode(), Limits()).leaves
    written = apply_edits(source, write_value(source, leaf, text, Layout("\n", 2)))
    for loader in (yaml.SafeLoader, Core12):
        assert yaml.load(written, Loader=loader) == {"k": text}


@given(st.dictionaries(STRINGS, STRINGS | st.lists(STRINGS), max_size=4))
def test_rendered_data_is_read_back_by_every_reader(data):
    text = "".join(f"{line}\n" for line in render_block(data, 2))
    for loader in (yaml.SafeLoader, Core12):
        assert (yaml.load(text, Loader=loader) or {}) == data


@given(texts=st.lists(STRINGS.filter(lambda text: "\n" not in text), min_size=40, max_size=40, unique=True))
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_sops_quotes_nothing_that_is_plain_here(core, sops, texts):
    data = {f"k{number}": text for number, text in enumerate(texts)} | {"keys": dict.fromkeys(texts, "z")}
    plain = "".join(f"{line}\n" for line in render_block(data, 2)).encode()
    done = sops("--decrypt", content=core.encrypt(plain))
    assert done.returncode == 0, done.stderr
    root = yaml.compose(done.stdout, Loader=yaml.SafeLoader)
    scalars = [value for _, value in root.value[:-1]] + [key for key, _ in root.value[-1][1].value]
    assert len(scalars) == 80
    assert not [each.value for each in scalars if each.style and may_be_plain(each.value, flow=False)]


LONG_NUMBER = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F]*|0[oO][-+]?[0-7]*|0[bB][-+]?[01]*"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]*)(?:[eE][-+]?[0-9]+)?"
    r"|[0-9]+(?::[0-9]+)+(?:\.[0-9]*)?"
    r"|\.[iI][nN][fF]|\.[nN][aA][nN])"
)
LONG_TIME = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9].*)?")
LONG_START = re.compile(r"[^ \-?:,\[\]{}#&*!|>'\"%@`]|[-?:](?=[^ ,\[\]{}])")
LONG_CLEAN = re.compile("[ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*")


def said_by_expressions(text, flow):
    """What `may_be_plain` says if every expression is tried on every string."""
    if LONG_NUMBER.fullmatch(text.replace("_", "")) and text.startswith(tuple("+-.0123456789")):
        return False
    if LONG_TIME.fullmatch(text) or reads_otherwise(text):
        return False
    if not LONG_CLEAN.fullmatch(text):
        return False
    if not text[:1].isalnum() and (not LONG_START.match(text) or text.startswith(("---", "..."))):
        return False
    if ": " in text or " #" in text or text.endswith((":", " ")):
        return False
    return not (flow and any(sign in text for sign in ",[]{}:?#&*!'\"%@`"))


@given(
    st.one_of(
        st.text(max_size=8),
        st.text("-?:,[]{}#&*!|>'\"%@` ab.\n\t", max_size=6),
        st.text("0123456789-+.:_eExXoObB TtZainfNAF", max_size=14),
        st.from_regex(LONG_NUMBER, fullmatch=True),
        st.from_regex(LONG_TIME, fullmatch=True),
        st.text("a~\x7f\x80\x9f\xa0\u2028\ud800\ufeff\uffff\U0001f600", max_size=4),
    ),
    st.booleans(),
)
def test_what_is_told_without_expressions_is_what_they_say(text, flow):
    assert may_be_plain(text, flow=flow) == said_by_expressions(text, flow)
    if text.startswith(tuple("+-.0123456789")):
        number = LONG_NUMBER.fullmatch(text.replace("_", "")) or LONG_TIME.fullmatch(text)
        assert reads_otherwise(text) == (number is not None)
