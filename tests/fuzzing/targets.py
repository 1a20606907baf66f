"""The table of fuzz targets: each takes any bytes, and raises where something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from zlib import crc32

from fluxsecrets.cli.dropin.arguments import parse as parse_arguments
from fluxsecrets.cli.dropin.commands import APP_FLAGS, COMMANDS
from fluxsecrets.cli.dropin.tree import parse_tree_path
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.keys.agefile import (
    FILE_KEY_SIZE,
    armour,
    dearmour,
    parse_age_file,
    stanza_types,
    unseal,
    write_stanza,
)
from fluxsecrets.keys.commands import split_command
from fluxsecrets.keys.keyfile import parse_keys
from fluxsecrets.keys.lockedfile import check_locked
from fluxsecrets.keys.pgpmessage import read_message
from fluxsecrets.keys.sshkeys import parse_private, parse_public
from fluxsecrets.ops.files.decrypt import parse_key
from fluxsecrets.ops.files.keypaths import find_or_new_place
from fluxsecrets.ops.files.split import split_lists
from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.placeholders.values import placeholder_bytes
from fluxsecrets.sops import bech32
from fluxsecrets.sops.config import match_rules, parse_config
from fluxsecrets.sops.document import Data, Leaf
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.formats.changing import remove_value, set_value
from fluxsecrets.sops.formats.flatten import flatten, unflatten
from fluxsecrets.sops.formats.yaml import load_documents
from fluxsecrets.sops.formats.yaml.reading import read_long, read_text
from fluxsecrets.sops.metadata import metadata_to_data, parse_metadata
from fluxsecrets.sops.recipients import KINDS
from fluxsecrets.sops.selectors import RegexError, compile_regex

from .invariants import LIMITS, MARKER, BrokenInvariantError, only_our_errors, pieces, rendered, round_trip

Target = Callable[[bytes], None]

_KEY = PlaceholderKey.derived(b"a throw-away test key")
_NO_NAME = "Qx7Zv93Kd0QwJ5"
"""A secret that looks like no name: those may stay."""

_NEW_VALUES: tuple[Data, ...] = (
    *("new", "", "two\nlines", " blank ", "yes", "1", "#", "a: b", "ключ", "\t", "'", '"', "\u2028"),
    *(5, -1.5, True, None, {"a": "b"}, ["x", {"y": 1}], {}, []),
)


def _read_alike(data: bytes) -> None:
    """The short way of reading YAML gives what the long way gives, or the same error."""
    text = data.decode("utf-8", "replace")

    def outcome(read: Callable[[str, Limits], object]) -> object:
        try:
            return repr(read(text, LIMITS))
        except FluxsecretsError as error:
            return type(error), str(error), error.line

    assert outcome(read_text) == outcome(read_long)


def _format(name: str) -> Target:
    def target(data: bytes) -> None:
        format_ = make_format(name)
        round_trip(format_, data, crc32(data))
        rendered(format_, data)
        if name == "yaml":
            only_our_errors(data, lambda: load_documents(data, LIMITS))
            only_our_errors(data, lambda: split_lists(data, LIMITS))
            _read_alike(data)

    return target


def change(data: bytes) -> None:
    """One value set or removed in a file of a kind that the first byte picks."""
    kind = ("yaml", "json", "dotenv", "ini")[data[0] % 4] if data else "yaml"
    text, number = data[1:], crc32(data)
    format_ = make_format(kind)
    document = only_our_errors(text, lambda: format_.parse(text, LIMITS))
    if document is None or document.metadata is not None:
        return
    for part, root in enumerate(document.parts):
        paths = [item.path for item in document.items if isinstance(item, Leaf)]
        path = paths[number % len(paths)] if paths else ("new",)
        path = path[: 1 + number % len(path)] if number % 3 else (*path[:-1], "added")
        value = _NEW_VALUES[number // 7 % len(_NEW_VALUES)]
        assert root is document.parts[part]
        only_our_errors(
            text,
            lambda path=path, value=value, part=part: set_value(
                format_, document, path, value, LIMITS, part=part
            ),
        )
        only_our_errors(
            text, lambda path=path, part=part: remove_value(format_, document, path, LIMITS, part=part)
        )


def config(data: bytes) -> None:
    """`.sops.yaml`, its rules matched with paths."""
    parsed = only_our_errors(data, lambda: parse_config(data, path=".sops.yaml"))
    if parsed is not None:
        for path in ("clusters/production/db.yaml", "a.env", "", "a\nb"):
            match_rules(parsed, path)


def metadata(data: bytes) -> None:
    """A `sops` block as JSON: what is read and written is read again as the same, flat names too."""
    try:
        block = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(block, dict):
        return
    parsed = only_our_errors(data, lambda: parse_metadata(block))
    if parsed is None:
        return
    written = metadata_to_data(parsed)
    if metadata_to_data(parse_metadata(written)) != written:  # what is unknown is sorted by name
        raise BrokenInvariantError("a sops block that was written is read as another")
    flat = only_our_errors(data, lambda: flatten(written))
    if flat is not None:
        only_our_errors(data, lambda: parse_metadata(unflatten(flat.items())))


def flat_names(data: bytes) -> None:
    """Names of metadata in dotenv and INI files."""
    lines = data.decode("utf-8", "replace").split("\n")
    pairs = [(name, text) for name, _, text in (line.partition("=") for line in lines)]
    nested = only_our_errors(data, lambda: unflatten(pairs))
    if nested is not None:
        only_our_errors(data, lambda: parse_metadata(nested))
        only_our_errors(data, lambda: flatten(nested))


def age(data: bytes) -> None:
    """A wrapped data key: armour, header, payload."""
    text = data.decode("utf-8", "replace")
    binary = only_our_errors(data, lambda: dearmour(text))
    if binary is not None and armour(binary).strip() != text.strip().replace("\r\n", "\n"):
        raise BrokenInvariantError("armour that is not canonical was read")
    for candidate in (data, binary):
        if candidate is None:
            continue
        only_our_errors(candidate, lambda candidate=candidate: stanza_types(candidate))
        file = only_our_errors(candidate, lambda candidate=candidate: parse_age_file(candidate))
        if file is not None:
            head = b"".join(write_stanza(stanza) for stanza in file.stanzas)
            if head not in file.signed:
                raise BrokenInvariantError("a stanza that is not canonical was read")
            only_our_errors(candidate, lambda file=file: unseal(file, bytes(FILE_KEY_SIZE)))


def identities(data: bytes) -> None:
    """Key files of age, SSH keys, and Bech32."""
    for words in (False, True):
        parsed = parse_keys(data, origin="here", path="keys.txt", words=words)
        if MARKER in f"{parsed!r}{[vars(problem) for problem in parsed.problems]}":
            raise BrokenInvariantError("a problem shows a line of a key file")
    only_our_errors(data, lambda: parse_private(data, public_line=None, path="id"))
    private, public = pieces(data, 2)
    only_our_errors(
        data, lambda: parse_private(private, public_line=public.decode("utf-8", "replace"), path="id")
    )
    only_our_errors(data, lambda: check_locked(data, path="keys.txt"))
    for line in data.decode("utf-8", "replace").split("\n"):
        with suppress(ValueError):
            parse_public(line)
        with suppress(ValueError):
            prefix, payload = bech32.decode(line)
            if bech32.encode(prefix, payload) != line.lower():
                raise BrokenInvariantError("Bech32 that is not canonical was read")


def pgp(data: bytes) -> None:
    """A PGP message's outside."""
    only_our_errors(data, lambda: read_message(data.decode("utf-8", "replace")))


def recipients(data: bytes) -> None:
    """Recipients as they stand in rules and on command lines; regular expressions."""
    text = data.decode("utf-8", "replace")
    for parse in (kind.parse for kind in KINDS.values()):
        only_our_errors(data, lambda parse=parse: parse(text))
    with suppress(RegexError):
        compile_regex(text).search("clusters/production")
    with suppress(ValueError):
        split_command(text)


def key_paths(data: bytes) -> None:
    """Keys on the command line, looked up in a file."""
    key, text = pieces(data, 2)
    name = key.decode("utf-8", "replace")
    with suppress(FluxsecretsError):
        parse_key(name)
    with suppress(FluxsecretsError):
        parse_tree_path(name)
    with suppress(FluxsecretsError):
        document = make_format("yaml").parse(text, LIMITS)
        find_or_new_place(document, name, None)


def command_lines(data: bytes) -> None:
    """Command lines of the drop-in."""
    words = data.decode("utf-8", "replace").split("\n")
    with suppress(FluxsecretsError):
        parse_arguments(APP_FLAGS, words, {}, reorder=False)
    for command in COMMANDS.values():
        with suppress(FluxsecretsError):
            parse_arguments(command.flags, words, {"SOPS_DECRYPTION_ORDER": words[0]}, reorder=True)


def placeholders(data: bytes) -> None:
    """A value of any shape: its placeholder shows no secret, and becomes no reference."""
    text = data.decode("utf-8", "replace").replace(MARKER, _NO_NAME)
    for name in ("value", "x.yaml", "x.env", "x.toml", "tls.crt"):
        made = placeholder_bytes(text.encode(), _KEY, name=name)
        if made.startswith(b"\0masked"):  # the value is not text, nor is this
            continue
        found = made.decode("ascii")
        if _NO_NAME in found or any(sign in found and sign not in text for sign in ("${", "{{", "`", "$(")):
            raise BrokenInvariantError("a placeholder shows a secret, or becomes a reference")


TARGETS: Mapping[str, Target] = {
    "yaml": _format("yaml"),
    "json": _format("json"),
    "dotenv": _format("dotenv"),
    "ini": _format("ini"),
    "binary": _format("binary"),
    "change": change,
    "config": config,
    "metadata": metadata,
    "flat-names": flat_names,
    "age": age,
    "identities": identities,
    "pgp": pgp,
    "recipients": recipients,
    "key-paths": key_paths,
    "command-lines": command_lines,
    "placeholders": placeholders,
}
