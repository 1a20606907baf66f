"""The cases of the testkit: what sops encrypts, what is changed afterwards, and what has to come out.

`make.py` makes the files from this list. A value that must not leak has the word `throwaway` in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

Data = object


def unchanged(data: bytes) -> bytes:
    """Return the file as sops wrote it."""
    return data


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        name: the name of its file.
        about: what it shows, as a sentence.
        plain: the plain file.
        expect: the class of outcome; docs/testkit.md lists them.
        format: `yaml`, `json`, `dotenv`, `ini` or `binary`.
        arguments: of sops, beside the recipients.
        recipients: names of keys in `keys/`.
        keys: those that the reader has.
        config: a `.sops.yaml` in place of `recipients`; a key's name in capitals is its recipient.
        change: what happens to the encrypted file.
        data: the expected data, one item per document; None if sops itself says it.
        sops_differs: why sops does something else, or nothing.
    """

    name: str
    about: str
    plain: bytes
    expect: str = "data"
    format: str = "yaml"
    arguments: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ("alice",)
    keys: tuple[str, ...] = ("alice",)
    config: str = ""
    change: Callable[[bytes], bytes] = field(default=unchanged)
    data: Data = None
    sops_differs: str = ""


def replaced(old: str, new: str, count: int = 1) -> Callable[[bytes], bytes]:
    """Return a change of a text that must be there. `new` may name groups of the pattern `old`."""

    def change(data: bytes) -> bytes:
        text, number = re.subn(old, new, data.decode(), count=count, flags=re.MULTILINE)
        if not number:
            raise SystemExit(f"{old} is not in the file")
        return text.encode()

    return change


def swapped(first: str, second: str) -> Callable[[bytes], bytes]:
    """Return a change that exchanges the ciphertexts of two keys."""

    def change(data: bytes) -> bytes:
        text = data.decode()
        one, other = (re.search(rf"\b{key}\W+(ENC\[[^]]*\])", text) for key in (first, second))
        if one is None or other is None:
            raise SystemExit(f"{first} and {second} are not both in the file")
        return text.replace(one[1], "@").replace(other[1], one[1]).replace("@", other[1]).encode()

    return change


def flipped(key: str) -> Callable[[bytes], bytes]:
    """Return a change of one character in the ciphertext of a key."""

    def change(data: bytes) -> bytes:
        text = data.decode()
        match = re.search(rf"\b{key}\W+ENC\[AES256_GCM,data:(.)", text)
        if match is None:
            raise SystemExit(f"{key} is not in the file")
        return (text[: match.start(1)] + ("B" if match[1] == "A" else "A") + text[match.end(1) :]).encode()

    return change


def both(*changes: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return several changes as one."""

    def change(data: bytes) -> bytes:
        for each in changes:
            data = each(data)
        return data

    return change


def block_first(data: bytes) -> bytes:
    """Move the `sops` block of a YAML file to the top."""
    head, _, block = data.decode().partition("\nsops:\n")
    return f"sops:\n{block}{head}\n".encode()


def block_indented_by_two(data: bytes) -> bytes:
    """Indent the `sops` block by two columns in place of four."""
    head, _, block = data.decode().partition("\nsops:\n")
    lines = [line[4 if line.startswith(" " * 8) else 2 :] for line in block.split("\n")]
    return f"{head}\nsops:\n{chr(10).join(lines)}".encode()


def without_last_document(data: bytes) -> bytes:
    """Remove the last document of a YAML file."""
    return data[: data.rindex(b"\n---\n") + 1]


def documents_swapped(data: bytes) -> bytes:
    """Exchange the two documents of a YAML file."""
    first, second = data.split(b"\n---\n")
    return second + b"---\n" + first + b"\n"


def first_half(data: bytes) -> bytes:
    """Cut off the file in the middle."""
    return data[: len(data) // 2]


SMALL = b"a: throwaway one\nb: throwaway two\nn: 5\nopen_unencrypted: seen\n"
TYPES = b"""\
text: throwaway
empty: ""
nothing: null
tilde: ~
yes: true
no: false
integer: 5
negative: -12
big: 9223372036854775807
hex: 0x1F
octal: 0o17
float: 1.5
whole: 2.0
small: 1e-7
day: 2026-01-02
moment: 2026-01-02T03:04:05+02:00
list: [1, two, true, null, 1.5]
map: {x: {y: [z]}}
none: []
nobody: {}
"""
WORDS = b"""\
a: "yes"
b: "no"
c: "on"
d: "off"
e: "y"
f: "n"
g: "true"
h: "null"
i: "~"
j: "12:30"
k: "0777"
l: "1e3"
m: "0x1F"
n: "1_000"
o: "2026-01-02"
p: ".5"
q: "="
r: "<<"
"""
TEXTS = """\
literal: |
  one
  two
keep: |+
  one

folded: >
  one
  two
strip: |-
  end
leading: "  blanks"
trailing: "blanks  "
tab: "a\\tb"
quotes: "it's \\"quoted\\""
colon: "a: b # c"
unicode: "ключ \U0001f511 é"
line: "a\\u2028b"
next: "a\\u0085b"
control: "a\\u0001b"
"long key with blanks": 1
"": empty key
""".encode()
COMMENTS = b"""\
# about the file
a: throwaway # behind

# above
b:
    # inside
    c: 1
"""
DOCUMENTS = b"a: throwaway one\n---\nb: throwaway two\n"
MANIFEST = b"""\
apiVersion: v1
kind: Settings
metadata:
    name: testkit
stringData:
    one: throwaway
    two: throwaway two
"""
ENV = b'# about\nA=throwaway\nB=two words\nEMPTY=\nQ="quoted"\nL=a\\nb\n'
INI = b"[one]\na = throwaway\nb = 2\n\n[two]\nc = x\n"
JSON = (
    b'{"a": "throwaway", "n": 5, "f": 1.5, "t": true, "z": null, "l": [1, "x", {"k": "v"}], "m": {"e": ""}}\n'
)
GROUPS = """\
creation_rules:
  - shamir_threshold: 2
    key_groups:
      - age: [ALICE]
      - age: [BOB]
      - age: [CAROL]
"""

MAC_ONLY = "creation_rules:\n  - age: ALICE\n    mac_only_encrypted: true\n"

FEATURES = [
    Case("yaml-small", "strings, an integer and a value that stays plain by its suffix", SMALL),
    Case("yaml-types", "every type of value, and empty values, which are not encrypted", TYPES),
    Case("yaml-words", "strings that some readers of YAML take for booleans, numbers or times", WORDS),
    Case("yaml-texts", "strings of several lines, with blanks, control characters and other scripts", TEXTS),
    Case("yaml-comments", "comments are encrypted, and are not in the MAC", COMMENTS),
    Case("yaml-empty-map", "a file without values has a MAC, too", b"{}\n"),
    Case("yaml-empty-strings", "a file of which nothing is encrypted", b'a: ""\nb: null\nc: []\n'),
    Case(
        "yaml-documents",
        "several documents have the same block, and one MAC",
        DOCUMENTS,
        data=[{"a": "throwaway one"}, {"b": "throwaway two"}],
    ),
    Case(
        "yaml-aliases",
        "sops writes the values of aliases out",
        b"a: &x\n  k: throwaway\nb: *x\n",
    ),
    Case(
        "yaml-list-comments",
        "comments between items of a list",
        b"l:\n- throwaway\n# between\n- b\n",
        data=[{"l": ["throwaway", "b"]}],
        sops_differs="sops writes the comment as an item, and then refuses its own file for its MAC",
    ),
    Case(
        "yaml-merge",
        "a merge key is written out",
        b"a: &x {k: throwaway}\nb:\n  <<: *x\n  own: 1\n",
        data=[{"a": {"k": "throwaway"}, "b": {"k": "throwaway", "own": 1}}],
        sops_differs="as JSON, sops prints a key << with the merged map",
    ),
    Case(
        "yaml-keys",
        "keys with colons, dots, other scripts, and the key sops below the top",
        "a:b: throwaway\na.b: 1\nключ: 2\nm: {sops: 3, x: {y:z: 4}}\n".encode(),
    ),
    Case("yaml-long", "a long value", b"a: " + b"throwaway " * 900 + b"end\n"),
    Case(
        "yaml-nested",
        "positions in lists are not part of a value's path",
        b"l:\n- - throwaway a\n  - b\n- k: c\n  m: [d]\n",
    ),
    Case(
        "yaml-manifest",
        "a manifest of which only what a pattern selects is encrypted",
        MANIFEST,
        arguments=("--encrypted-regex", "^(data|stringData)$"),
    ),
    Case("json", "every type of value", JSON, format="json"),
    Case("json-empty", "an empty object", b"{}\n", format="json"),
    Case(
        "json-escapes",
        "escapes, characters beyond the basic plane, and a slash",
        b'{"a": "throwaway \\u00e9\\ud83d\\udd11\\n\\"\\\\\\/", "\\u0442": 1}\n',
        format="json",
    ),
    Case("dotenv", "comments, blanks, quotes that belong to the value, a line break", ENV, format="dotenv"),
    Case("dotenv-empty", "an empty file", b"", format="dotenv", data=[{}]),
    Case(
        "ini",
        "sections and keys",
        INI,
        format="ini",
        data=[{"one": {"a": "throwaway", "b": "2"}, "two": {"c": "x"}}],
    ),
    Case("binary-text", "text of no format", b"throwaway\nof no format\n", format="binary"),
    Case("binary-bytes", "bytes that are not text", bytes(range(256)), format="binary"),
    Case("binary-empty", "an empty file", b"", format="binary"),
]
SELECTORS = [
    Case(
        "encrypted-suffix",
        "only keys with the suffix are encrypted",
        b"a_enc: throwaway\nb: seen\n",
        arguments=("--encrypted-suffix", "_enc"),
    ),
    Case(
        "unencrypted-suffix",
        "a suffix other than the default",
        b"a: throwaway\nb_plain: seen\n",
        arguments=("--unencrypted-suffix", "_plain"),
    ),
    Case(
        "encrypted-regex",
        "a pattern matches a key on the path, and covers what is below",
        b"data:\n    deep: {k: throwaway}\nother: seen\n",
        arguments=("--encrypted-regex", "^data$"),
    ),
    Case(
        "unencrypted-regex",
        "a pattern without anchors matches a part of the key",
        b"a: throwaway\nmetadata: {k: seen}\n",
        arguments=("--unencrypted-regex", "meta"),
    ),
    Case(
        "encrypted-comment-regex",
        "a comment selects the value below it",
        b"# secret\na: throwaway\nb: seen\n",
        arguments=("--encrypted-comment-regex", "secret"),
    ),
    Case(
        "unencrypted-comment-regex",
        "a comment keeps what is below it plain",
        b"a: throwaway\n# public\nb:\n    c: seen\n",
        arguments=("--unencrypted-comment-regex", "public"),
    ),
    Case("mac-only-encrypted", "the MAC covers encrypted values only", SMALL, config=MAC_ONLY),
    Case(
        "mac-only-encrypted-plain-changed",
        "so a plain value may change",
        SMALL,
        config=MAC_ONLY,
        change=replaced("seen", "other"),
    ),
    Case(
        "mac-only-encrypted-removed",
        "without the mark, the MAC does not match",
        SMALL,
        "mac",
        config=MAC_ONLY,
        change=replaced("^ *mac_only_encrypted: true\n", ""),
    ),
]
KEYS = [
    Case("two-recipients-first", "one of two recipients is enough", SMALL, recipients=("alice", "bob")),
    Case("two-recipients-second", "the other one, too", SMALL, recipients=("alice", "bob"), keys=("bob",)),
    Case(
        "two-recipients-neither",
        "another key opens nothing",
        SMALL,
        "no-key",
        recipients=("alice", "bob"),
        keys=("carol",),
    ),
    Case(
        "post-quantum",
        "a hybrid recipient of age",
        SMALL,
        recipients=("post-quantum",),
        keys=("post-quantum",),
    ),
    Case(
        "groups-two-of-three",
        "two of three key groups open the file",
        SMALL,
        config=GROUPS,
        keys=("alice", "carol"),
    ),
    Case("groups-all", "more groups than needed", SMALL, config=GROUPS, keys=("alice", "bob", "carol")),
    Case("groups-one-of-three", "one group is not enough", SMALL, "no-key", config=GROUPS, keys=("alice",)),
    Case(
        "groups-threshold-lowered",
        "the threshold in the block is not a way in",
        SMALL,
        "no-key",
        config=GROUPS,
        keys=("alice",),
        change=replaced("shamir_threshold: 2", "shamir_threshold: 1"),
    ),
    Case(
        "wrapped-key-damaged",
        "a changed wrapped key opens nothing",
        SMALL,
        "no-key",
        change=replaced("YWdlLWVuY3J5cHRpb24ub3Jn", "YWdlLWVuY3J5cHRpb24ub3Jx"),
    ),
    Case(
        "wrapped-key-of-another",
        "the recipient's name does not count, only the wrapped key",
        SMALL,
        "no-key",
        recipients=("bob",),
        change=replaced("recipient: .*", "recipient: age1elsewhere"),
    ),
]
TAMPERED = [
    Case(
        "value-swapped",
        "the path is authenticated: two ciphertexts exchanged",
        SMALL,
        "value",
        change=swapped("a", "b"),
    ),
    Case(
        "value-moved",
        "the path is authenticated: a key renamed",
        SMALL,
        "value",
        change=replaced("^a:", "moved:"),
    ),
    Case("value-flipped", "one character of a ciphertext changed", SMALL, "value", change=flipped("a")),
    Case(
        "value-plain",
        "a plain value in place of a ciphertext",
        SMALL,
        "value",
        change=replaced("^b: .*", "b: put here"),
    ),
    Case(
        "value-not-base64",
        "a ciphertext that is not base64",
        SMALL,
        "value",
        change=replaced("^a: ENC.AES256_GCM,data:.", "a: ENC[AES256_GCM,data:*"),
    ),
    Case(
        "value-cut-off",
        "a ciphertext without its end",
        SMALL,
        "value",
        change=replaced("^(a: ENC.*),type:str\\]", "\\1"),
    ),
    Case(
        "value-twice",
        "a ciphertext under a second key",
        SMALL,
        "value",
        change=replaced("^a: (.*)$", "a: \\1\nc: \\1"),
    ),
    Case("value-removed", "a value and its key removed", SMALL, "mac", change=replaced("^b: .*\n", "")),
    Case("plain-changed", "a plain value changed", SMALL, "mac", change=replaced("seen", "other")),
    Case(
        "plain-added",
        "a plain key added",
        SMALL,
        "mac",
        change=replaced("^open_", "new_unencrypted: x\nopen_"),
    ),
    Case("plain-removed", "a plain key removed", SMALL, "mac", change=replaced("^open_.*\n", "")),
    Case(
        "plain-renamed",
        "a limit of the format: names of plain keys are not authenticated",
        SMALL,
        change=replaced("^open_", "other_"),
    ),
    Case(
        "empty-added",
        "a limit of the format: an empty value is not authenticated",
        SMALL,
        change=replaced("^open_", 'new: ""\nopen_'),
    ),
    Case(
        "values-reordered",
        "the order of values is in the MAC",
        SMALL,
        "mac",
        change=replaced("^(a: .*\n)(b: .*\n)", "\\2\\1"),
    ),
    Case(
        "list-reordered",
        "items of a list exchanged: only the MAC shows it",
        b"l:\n    - throwaway one\n    - throwaway two\n",
        "mac",
        change=replaced("^( +- ENC.*\n)( +- ENC.*\n)", "\\2\\1"),
    ),
    Case(
        "documents-reordered",
        "the MAC runs over all documents in order",
        DOCUMENTS,
        "mac",
        change=documents_swapped,
    ),
    Case(
        "document-removed", "the MAC runs over all documents", DOCUMENTS, "mac", change=without_last_document
    ),
    Case("mac-removed", "a file without a MAC", SMALL, "mac", change=replaced("^ +mac: .*\n", "")),
    Case("mac-empty", "an empty MAC", SMALL, "mac", change=replaced("^( +mac:) .*", '\\1 ""')),
    Case("mac-changed", "one character of the MAC changed", SMALL, "mac", change=flipped("mac")),
    Case(
        "mac-plain",
        "a MAC that is not a ciphertext",
        SMALL,
        "mac",
        change=replaced("^( +mac:) .*", "\\1 nothing"),
    ),
    Case(
        "mac-of-a-value",
        "a ciphertext of the file as its MAC",
        SMALL,
        "mac",
        change=replaced("^a: (.*)((?:.|\n)*^ +mac:) .*", "a: \\1\\2 \\1"),
    ),
    Case(
        "lastmodified-changed",
        "the time is authenticated with the MAC",
        SMALL,
        "mac",
        change=replaced('lastmodified: "20', 'lastmodified: "19'),
    ),
    Case(
        "selector-weakened",
        "the selector is not authenticated, but the MAC shows the ciphertexts as values",
        SMALL,
        "mac",
        change=replaced("unencrypted_suffix: _unencrypted", "encrypted_regex: ^a$"),
    ),
    Case(
        "type-changed",
        "the type of a value is not authenticated, but it must be able to hold the value",
        SMALL,
        "value",
        change=replaced("^(a: ENC.*),type:str", "\\1,type:int"),
        sops_differs="sops refuses it, and prints the value in its error",
    ),
    Case(
        "type-changed-silently",
        "a limit of the format: the number 5 and the string 5 have the same bytes",
        SMALL,
        change=replaced("^(.*n.*: ENC.*),type:int", "\\1,type:str"),
    ),
    Case("comment-added", "comments are not authenticated", COMMENTS, change=replaced("^a: ", "# new\na: ")),
    Case("truncated", "the first half of a file", SMALL, "damaged", change=first_half),
    Case(
        "block-removed",
        "a file without its block",
        SMALL,
        "not-encrypted",
        change=replaced("^sops:\n(?:.|\n)*", ""),
    ),
    Case(
        "conflict",
        "markers of a merge conflict",
        SMALL,
        "damaged",
        change=replaced("^(b: .*\n)", "<<<<<<< ours\n\\1=======\n\\1>>>>>>> theirs\n"),
    ),
    Case(
        "json-value-swapped",
        "the path is authenticated",
        b'{"a": "throwaway one", "b": "throwaway two"}',
        "value",
        format="json",
        change=swapped("a", "b"),
    ),
    Case(
        "json-plain-changed",
        "a plain value changed",
        b'{"a": "throwaway", "b_unencrypted": "seen"}',
        "mac",
        format="json",
        change=replaced("seen", "other"),
    ),
    Case("json-truncated", "the first half of a file", JSON, "damaged", format="json", change=first_half),
    Case(
        "dotenv-value-swapped",
        "the path is authenticated",
        b"A=throwaway one\nB=throwaway two\n",
        "value",
        format="dotenv",
        change=swapped("A", "B"),
    ),
    Case(
        "dotenv-added",
        "a plain line added",
        ENV,
        "value",
        format="dotenv",
        change=replaced("^A=", "NEW=x\nA="),
    ),
    Case(
        "ini-value-moved",
        "the section is part of the path",
        INI,
        "value",
        format="ini",
        change=replaced(r"^\[two\]", "[three]"),
    ),
    Case(
        "json-mac-removed",
        "a file without a MAC",
        JSON,
        "mac",
        format="json",
        change=replaced('^.*"mac": .*\n', ""),
    ),
    Case(
        "dotenv-mac-removed",
        "a file without a MAC",
        ENV,
        "mac",
        format="dotenv",
        change=replaced("^sops_mac=.*\n", ""),
    ),
    Case(
        "ini-mac-removed",
        "a file without a MAC",
        INI,
        "mac",
        format="ini",
        change=replaced("^mac *=.*\n", ""),
    ),
    Case(
        "binary-mac-removed",
        "a file without a MAC",
        b"throwaway\n",
        "mac",
        format="binary",
        change=replaced('^.*"mac": .*\n', ""),
    ),
    Case(
        "binary-flipped",
        "one character of the ciphertext changed",
        b"throwaway\n",
        "value",
        format="binary",
        change=flipped("data"),
    ),
]
METADATA = [
    Case("block-first", "the block may be anywhere at the top level", SMALL, change=block_first),
    Case("block-indented", "any indentation of the block", SMALL, change=block_indented_by_two),
    Case(
        "version-newer",
        "a newer version is not a reason to refuse",
        SMALL,
        change=replaced("version: .*", "version: 99.0.0"),
    ),
    Case(
        "version-old",
        "the version of the first release",
        SMALL,
        change=replaced("version: .*", "version: 3.0.0"),
    ),
    Case(
        "version-missing",
        "a block without a version",
        SMALL,
        change=replaced("^ *version: .*\n", ""),
        data=[{"a": "throwaway one", "b": "throwaway two", "n": 5, "open_unencrypted": "seen"}],
        sops_differs="the command needs a version; the library, which Flux uses, does not",
    ),
    Case(
        "lists-empty",
        "the empty lists of other services, as older versions write them",
        SMALL,
        change=replaced(
            "^sops:\n",
            "sops:\n    kms: []\n    gcp_kms: []\n    azure_kv: []\n    hc_vault: []\n    pgp: []\n",
        ),
    ),
    Case(
        "lists-null",
        "the same lists as null",
        SMALL,
        change=replaced("^sops:\n", "sops:\n    kms: null\n    pgp: null\n"),
    ),
    Case(
        "suffix-missing",
        "without a selector, the default suffix applies",
        SMALL,
        change=replaced("^ *unencrypted_suffix: .*\n", ""),
    ),
    Case(
        "field-unknown",
        "a field of a later version",
        SMALL,
        change=replaced("^sops:\n", "sops:\n    later: {a: 1}\n"),
    ),
    Case(
        "lastmodified-offset",
        "a time with an offset is the same time",
        SMALL,
        change=replaced('(lastmodified: ".*)Z"', '\\1+00:00"'),
    ),
    Case(
        "lastmodified-fraction",
        "fractions of a second do not count",
        SMALL,
        change=replaced('(lastmodified: ".*)Z"', '\\1.123Z"'),
    ),
    Case(
        "lastmodified-unquoted",
        "a time without quotes is not a string",
        SMALL,
        "damaged",
        change=replaced('lastmodified: "(.*)"', "lastmodified: \\1"),
    ),
    Case(
        "lastmodified-missing",
        "a block without a time",
        SMALL,
        "damaged",
        change=replaced("^ *lastmodified: .*\n", ""),
    ),
    Case(
        "lastmodified-words",
        "a time that is not RFC 3339",
        SMALL,
        "damaged",
        change=replaced('lastmodified: ".*"', 'lastmodified: "yesterday"'),
    ),
    Case(
        "recipients-missing",
        "a block without keys",
        SMALL,
        "damaged",
        change=replaced("^    age:\n(?:.|\n)*?^    last", "    last"),
    ),
    Case(
        "block-text",
        "a key `sops` that is not a block",
        SMALL,
        "damaged",
        change=replaced("^sops:\n(?:.|\n)*", "sops: text\n"),
    ),
    Case(
        "selectors-two",
        "two selectors contradict each other",
        SMALL,
        "damaged",
        change=replaced("^( *)(unencrypted_suffix: .*)", "\\1encrypted_regex: ^a$\n\\1\\2"),
    ),
    Case("keys-twice", "a key twice in a map", SMALL, "damaged", change=replaced("^(open_.*\n)", "\\1\\1")),
    Case(
        "json-keys-twice",
        "a key twice in an object",
        b'{"a": "throwaway", "b_unencrypted": 1}',
        "damaged",
        format="json",
        change=replaced('"b_unencrypted": 1', '"b_unencrypted": 1, "b_unencrypted": 1'),
    ),
    Case("carriage-returns", "lines that end with CR LF", SMALL, change=replaced("\n", "\r\n", 0)),
    Case(
        "byte-order-mark", "a byte order mark at the start", SMALL, change=lambda data: b"\xef\xbb\xbf" + data
    ),
    Case("not-encrypted", "a plain file", b"a: b\n", "not-encrypted", change=lambda data: b"a: put here\n"),
]
CASES = [*FEATURES, *SELECTORS, *KEYS, *TAMPERED, *METADATA]
