import pytest
from hypothesis import given

from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec, compile_selector
from strategies import yaml_files
from tables import each_row


@pytest.mark.parametrize(
    ("kind", "plain_lines"),
    [
        (SelectorKind.ENCRYPTED_COMMENT_REGEX, [b"# up: mark", b"a: 1", b"c: 3", b"  y: 4"]),
        (SelectorKind.UNENCRYPTED_COMMENT_REGEX, [b"# up: mark", b"b: 2", b"d:", b"  # in"]),
    ],
)
def test_comment_selectors_cover_what_is_below(core, kind, plain_lines):
    plain = b"a: 1\n# up: mark\nb: 2\nc: 3\n# up: mark\nd:\n  # in\n  x: 4\ne:\n  y: 4\n"
    encrypted = core.encrypt(plain, SelectorSpec(kind, "mark"))
    assert core.decrypt(encrypted) == plain
    for line in plain_lines:
        assert (b"\n" + encrypted).count(b"\n" + line) >= 1


def test_thousands_of_comments_in_a_row_are_no_burden(core):
    plain = b"data:\n" + b"  # note\n" * 5000 + b"  a: b\n"
    selector = SelectorSpec(SelectorKind.ENCRYPTED_COMMENT_REGEX, "note")
    assert core.decrypt(core.encrypt(plain, selector)) == plain


@pytest.mark.parametrize("kind", [kind for kind in SelectorKind if not kind.value.endswith("comment_regex")])
@pytest.mark.parametrize("pattern", ["a", "b", "_unencrypted", "<<", "x"])
@given(plain=yaml_files())
def test_the_keys_of_a_path_decide(kind, pattern, plain):
    selector = compile_selector(SelectorSpec(kind, pattern))
    document = YamlFormat().parse(plain, Limits())
    assert selected(document, selector) == [(item, selector.encrypts(item.path)) for item in document.items]


@each_row(
    ("format_name", "text"),
    [
        ("yaml", b"a: &x\n  b: [c, {d: e}]\nf:\n  <<: *x\n  g: *x\n"),
        ("json", b'{"a": [{"b": 1}, [2, {"c": 3}]], "d": {"a": {"e": 4}}}'),
        ("ini", b"; x\na = 1\n\n[b]\n; y\na = 2\nc = 3\n"),
        ("dotenv", b"# x\na=1\nb=2\n"),
    ],
)
@each_row("pattern", ["^a$", "b", "c|e", "<<", "DEFAULT"])
def test_the_keys_of_a_path_decide_in_every_format(format_name, text, pattern):
    selector = compile_selector(SelectorSpec(SelectorKind.ENCRYPTED_REGEX, pattern))
    document = make_format(format_name).parse(text, Limits())
    assert selected(document, selector) == [(item, selector.encrypts(item.path)) for item in document.items]
