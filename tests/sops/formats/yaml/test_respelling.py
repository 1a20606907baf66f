"""Text that others wrote around ciphertexts: what is decrypted takes in nothing of it, and loses nothing."""

import json
import re

import pytest

from fluxsecrets.sops.cipher import Cipher, additional_data
from fluxsecrets.sops.document import Comment, to_data, walk
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.mac import MacHash, seal_mac
from fluxsecrets.sops.metadata import Metadata, metadata_to_data
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

YAML = YamlFormat()
LASTMODIFIED = "2026-11-23T10:11:12Z"


def encrypted_as(core, template, *values):
    """An encrypted file with a layout of our choice.

    Args:
        core: the recipient and the key.
        template: the text, with `{0}` where the ciphertext of the first value goes.
        values: (path, value), and a third item for comments.
    """
    cipher, mac = Cipher(core.key), MacHash(only_encrypted=False)
    ciphertexts = []
    for path, value, *kind in values:
        ciphertexts.append(cipher.encrypt(value, additional_data(path), *kind))
        if not kind:
            mac.add(value)
    sealed = seal_mac(mac.digest(), LASTMODIFIED, cipher)
    metadata = metadata_to_data(Metadata(core.groups, DEFAULT_SELECTOR, LASTMODIFIED, sealed, False))
    text = re.sub(r"\{(\d)\}", lambda match: ciphertexts[int(match[1])], template)
    return f"{text}sops: {json.dumps(metadata)}\n".encode()


def comments(text):
    return [item.text.strip() for _, item in walk(YAML.parse(text, Limits())) if isinstance(item, Comment)]


@pytest.mark.parametrize(
    ("template", "value", "plain"),
    [
        ("a: {0}  \n", "x\ny\n", "a: |\n  x\n  y\n"),
        ("a: {0} \t\n", "x\ny", "a: |-\n  x\n  y\n"),
        ("a: {0}\n\nb:\n", "x\n\n", 'a: "x\\n\\n"\n\nb:\n'),
        ("a: {0}\n\nb:\n", "x\ny\n", "a: |\n  x\n  y\n\nb:\n"),
        ("a: {0}\n     \nb:\n", "x\ny", 'a: "x\\ny"\n     \nb:\n'),
        ("a: {0}\n  # deeper\nb:\n", "x\ny", 'a: "x\\ny"\n  # deeper\nb:\n'),
        ("a: {0}\n# as deep\nb:\n", "x\ny", "a: |-\n  x\n  y\n# as deep\nb:\n"),
        ("a: {0} # behind\nb:\n", "x\ny", 'a: "x\\ny" # behind\nb:\n'),
        ("a: |4-\n    {0}\n  # deeper\nb:\n", "x\ny", "a: |-\n    x\n    y\n  # deeper\nb:\n"),
        ("a: >-\n  {0}\n\n\nb:\n", "x\n\n", "a: |+\n  x\n\nb:\n"),
    ],
)
def test_what_follows_a_ciphertext_stays_outside_of_its_value(core, template, value, plain):
    encrypted = encrypted_as(core, template, (("a",), value))
    assert core.decrypt(encrypted).decode() == plain
    assert to_data(YAML.parse(plain.encode(), Limits()).parts[0])["a"] == value


@pytest.mark.parametrize(
    ("template", "values", "plain"),
    [
        (
            "a:\n    - {0}\nb: {1}\n",
            [(("a",), " none", "comment"), (("b",), "x")],
            "a:\n    # none\n    []\nb: x\n",
        ),
        (
            "a:\n    - {0}\n    - {1}\nb: {2}\n",
            [(("a",), " one", "comment"), (("a",), " two", "comment"), (("b",), "x")],
            "a:\n    # one\n    # two\n    []\nb: x\n",
        ),
        (
            "a:\n    - - {0}\n    - {1}\n",
            [(("a",), " none", "comment"), (("a",), "x")],
            "a:\n    - # none\n      []\n    - x\n",
        ),
        (
            "a:\n    - {0} #{1}\n    - {2}\n",
            [(("a",), " one", "comment"), (("a",), " two", "comment"), (("a",), "x")],
            "a:\n    # one\n    # two\n    - x\n",
        ),
    ],
)
def test_a_list_of_which_sops_kept_the_comments_alone_is_an_empty_list(core, template, values, plain):
    decrypted = core.decrypt(encrypted_as(core, template, *values))
    assert decrypted.decode() == plain
    wanted = [value.strip() for _, value, *kind in values if kind]
    assert comments(decrypted) == wanted
    assert core.decrypt(core.encrypt(decrypted)) == decrypted


def test_a_comment_on_the_line_of_the_block_is_kept(core):
    plain = b"a: x\n# note\n"
    moved = re.sub(rb"(#ENC\[[^\n]*)\nsops:\n", rb"sops: \1\n", core.encrypt(plain))
    assert b"sops: #ENC" in moved
    opened = core.open(moved)
    assert core.decrypt(moved) == plain
    assert core.decrypt(moved.removesuffix(b"\n")) == plain.removesuffix(b"\n")
    rewrapped = YAML.rewrite(opened.document, (), opened.document.metadata)
    assert b"\n#ENC" in rewrapped
    assert core.decrypt(rewrapped) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a: b\nc_unencrypted: |+\n  x", "a: b\nc_unencrypted: |-\n  x"),
        ("a: b\nc_unencrypted: |2+\n   x", "a: b\nc_unencrypted: |2-\n   x"),
        ("a: b\nc_unencrypted: >\n  x", "a: b\nc_unencrypted: >-\n  x"),
        ("a: b\nc: |", "a: b\nc: |"),
    ],
)
def test_a_block_scalar_that_ends_the_file_without_a_line_break_stays_without_one(core, text, plain):
    assert core.decrypt(core.encrypt(text.encode())).decode() == plain


def test_the_tag_that_go_yaml_ignores_does_not_make_a_string():
    assert to_data(YAML.parse(b"a: ! 12\nb: ! '12'\n", Limits()).parts[0]) == {"a": 12, "b": "12"}
