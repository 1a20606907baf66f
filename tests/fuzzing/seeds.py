"""Where the fuzzer starts: files that tools wrote, the example, generated files, and known oddities."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

from strategies import YamlWriter

from .invariants import MARKER

TESTS = Path(__file__).parents[1]
VECTORS = TESTS / "vectors"
EXAMPLE = TESTS.parent / "examples" / "waddle-infra"

_YAML = (
    f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  a: {MARKER}\n",
    f"# about\na: '{MARKER}' # behind\nb: \"\\t{MARKER}\"\nc: |-\n  {MARKER}\n# end\n",
    f"a: &x {MARKER}\nb: *x\nc: &m {{k: v}}\nd:\n  <<: *m\n  e: 1\n",
    f"a: >+\n  {MARKER}\n\n  more\n\nb: !!binary aGVsbG8=\nc: !!str 12\nd: [1, {{x: y}}, '#']\n",
    f"---\na: {MARKER}\n...\n---\n# only a comment\n---\nb: 2026-01-02 03:04:05\n",
    f"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data: {{a: {MARKER}}}\n",
    f"a:\n- {MARKER}\n# one\n- # two\n  b: c\n  # three\n\n # four\nd: 0x1F\ne: .inf\nf: 1e3\n",
    f"{{a: {MARKER}, b: [x, 'y'], }} # flow\n",
    f"# {MARKER}\na: 1 # {MARKER}\n# {MARKER}\nb:\n  # {MARKER}\n  - x\n\n  # {MARKER}\n\n# {MARKER}\n",
    f"a: | # {MARKER}\n  text\nb: &x # {MARKER}\n  c: !!str # {MARKER}\n    d\n# {MARKER}",
    f"--- # {MARKER}\n# {MARKER}\n\na: [ # {MARKER}\n  x, # {MARKER}\n  # {MARKER}\n]\n... # {MARKER}\n",
    f"a: {MARKER}\r\nb:\r\n  - 1\r\n  # c\r\n",
    f"\ufeffa: {MARKER}\n",
    f"a: {MARKER}\nsops:\n  age: []\n",
    f"? a\n: {MARKER}\n? [x]\n: y\n",
)
_JSON = (
    json.dumps({"a": MARKER, "b": [1, -0.5, 1e300, None, True, {"c": ""}]}, indent=2),
    '{"data": {"k": "\\u00e9\\ud83d\\ude00\\n"}, "n": 12345678901234567890}',
    f'{{"a":"{MARKER}","a":1}}',
    "{}",
    f' {{ "a" : "{MARKER}" }} trailing',
)
_DOTENV = (
    f"# note\nA={MARKER}\nexport B=two words\nC=\n\nD=a\\nb\n",
    f"A={MARKER}\r\nB = x \n",
    f"A={MARKER}\n  # indented\n",
    f"#{MARKER}\nA=1\n# {MARKER}\n\n#{MARKER}",
    f"A={MARKER}",
)
_INI = (
    f"; note\n[s]\na = {MARKER}\nb: 2 ; behind\n\n# more\n[t]\nc=`x;y`\n",
    f'top = 1\n[s]\nq = """{MARKER}\nsecond"""\nr = "a;b"\n- = x\n',
    f"[s]\r\na = {MARKER}\\\r\n  continued\r\n[s]\r\nb = 1\r\n",
    f"[s]\na = {MARKER}\na = again\n",
    f"; {MARKER}\n[s] ; {MARKER}\n# {MARKER}\na = 1 ; {MARKER}\nb = 2 # {MARKER}\n; {MARKER}\n",
)
_CONFIG = (
    "creation_rules:\n- path_regex: ^clusters/\n  encrypted_regex: ^(data|stringData)$\n  age: age1abc\n",
    "keys:\n  - &a age1abc\ncreation_rules:\n  - key_groups:\n    - age: [*a]\n      merge:\n"
    "      - pgp: [3B53DF19B9884C364821CD2F63F909A3062E2C9A]\n    - kms: [{arn: x}]\n"
    "    shamir_threshold: 2\n",
    "stores: {yaml: {indent: 2}, json: {indent: -1}, toml: {}}\ndestination_rules:\n- s3_bucket: x\n",
    "creation_rules:\n- pgp: 'a,\n  b'\n  unencrypted_comment_regex: x\n  mac_only_encrypted: yes\n",
)
_KEY_PATHS = (
    *("a.b[0]", '["a"]["b"][0]', "['x']", "a.b.c.d", "list[-1]", "a[0]", "[0]", "stringData.tls.crt"),
    *('["a\\"b"]', '["a"', "..", "a..b", ""),
)
_RECIPIENTS = (
    *("age1abc", "ssh-ed25519 AAAA c", "ssh-rsa AAAA", "age1yubikey1qqq", "age1pq1qq", "AGE-SECRET-KEY-1Q"),
    *("3B53DF19B9884C364821CD2F63F909A3062E2C9A", "arn:aws:kms:eu-west-1:1:key/x+arn:aws:iam::1:role/y"),
    *("projects/p/locations/l/keyRings/r/cryptoKeys/k", "https://v.vault.azure.net/keys/k/1", "eu:1"),
    *(
        "https://vault:8200/v1/transit/keys/k",
        "^(a|b)+$",
        "[[:alpha:]]\\pL{2,3}?",
        "(?i)x*",
        "code --wait 'x'",
    ),
)
_VALUES = (
    f"https://{MARKER}:{MARKER}@{MARKER}.example.com:8443/v1/{MARKER}?a={MARKER}#{MARKER}",
    f"Server=db,1433;Password={MARKER}",
    f"host=db password='{MARKER}'",
    f"app:{MARKER}@tcp(db:3306)/app",
    f"${{USER}}:{MARKER}${{A:={MARKER}}}",
    f"-----BEGIN PRIVATE KEY-----\n{MARKER}\n-----END PRIVATE KEY-----\n",
    f'# note\n[a.b]\nn = 1\ns = "{MARKER}"\nt = {{ x = [true, 2026-11-23] }}\n',
    '{"auths": {"ghcr.io": {"auth": "cm9ib3Q6aHVudGVyMg=="}}}',
    *("1h30m", "10Gi", "v1.2.3-rc.1", "10.0.0.0/8", "fe80::1", "/etc/x", "deadbeefdeadbeef01", "1.5", "No"),
    *("2026-11-23T10:00:00Z", "a@b.example", "db.example.com:5432", "$2y$10$" + "a" * 53, f"- {MARKER}\n- b"),
)
_LINES = (
    "encrypt\n-i\n--age\nage1abc\nf.yaml",
    '-d\n--extract\n["a"]\nf.yaml',
    'set\n--idempotent\nf.yaml\n["a"]\n1',
    "groups\nadd\n--file=f\n--pgp=x\n-t\n2",
    "--config\nx\n-e\n--\n-f",
    "--decryption-order\nage,pgp\nf",
)


def seeds(target: str) -> tuple[bytes, ...]:
    """The seeds of a target, each once.

    Raises:
        AssertionError: there are none, or a folder that should hold some does not.
    """
    make, at_least = _SEEDS[target]
    found = tuple(dict.fromkeys(make()))
    assert len(found) >= at_least, f"{target} has {len(found)} seeds only"
    return found


def _encoded(texts: tuple[str, ...]) -> list[bytes]:
    return [text.encode() for text in texts]


def _cases(kind: str) -> list[bytes]:
    """What sops wrote, and what it was made of."""
    cases = json.loads((VECTORS / "sops" / "cases.json").read_text(encoding="utf-8"))
    return [
        (VECTORS / case[part]).read_bytes()
        for case in cases
        if case["format"] == kind
        for part in ("plain", "encrypted", "decrypted")
    ]


def _example(suffix: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(EXAMPLE.rglob(f"*{suffix}"))]


def _yaml() -> list[bytes]:
    made = [YamlWriter(Random(number)).file() for number in range(40)]
    rows = json.loads((VECTORS / "sops" / "scalars.json").read_text(encoding="utf-8"))
    scalars = "".join(
        f"k{number}: {row['yaml']}\n" for number, row in enumerate(rows) if not row.get("error")
    )
    refused = json.loads((VECTORS / "sops-negative" / "cases.json").read_text(encoding="utf-8"))
    files = [(VECTORS / case["file"]).read_bytes() for case in refused]
    return [*_encoded(_YAML), *made, scalars.encode(), *_cases("yaml"), *files, *_example(".yaml")]


def _change() -> list[bytes]:
    kinds = (_yaml(), _json(), _dotenv(), _ini())
    return [bytes([number]) + data for number, files in enumerate(kinds) for data in files]


def _json() -> list[bytes]:
    return [*_encoded(_JSON), *_cases("json"), *_example(".json")]


def _dotenv() -> list[bytes]:
    return [*_encoded(_DOTENV), *_cases("dotenv"), *_example(".env")]


def _ini() -> list[bytes]:
    return [*_encoded(_INI), *_cases("ini")]


def _binary() -> list[bytes]:
    return [b"", b"\x00\xff", MARKER.encode(), *_cases("binary"), *_cases("json"), *_encoded(_JSON)]


def _blocks() -> list[bytes]:
    """The blocks of encrypted JSON files, alone."""
    found = [json.loads(data).get("sops") for data in _cases("json") + _cases("binary") if data[:1] == b"{"]
    blocks = [block for block in found if block]
    groups = {"key_groups": [{"age": block["age"]} for block in blocks], "shamir_threshold": 2}
    several = {**blocks[0], **groups, "age": None, "extra": {"x": [1, {}]}}
    return [json.dumps(block).encode() for block in (*blocks, several)]


def _flat_names() -> list[bytes]:
    lines = [line for data in _cases("dotenv") for line in data.split(b"\n") if line.startswith(b"sops_")]
    return [
        b"\n".join(line.removeprefix(b"sops_") for line in lines),
        b"a__map_b__list_0=x\na__map_b=y",
        b"==",
    ]


def _wrapped() -> list[bytes]:
    found = json.loads((VECTORS / "age" / "wrapped.json").read_text(encoding="utf-8"))
    return [key["enc"].encode() for key in found.values() if isinstance(key, dict)]


def _identities() -> list[bytes]:
    folder = VECTORS / "keys"
    files = [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".md"]
    pairs = [
        path.read_bytes() + b"\0" + path.with_name(f"{path.name}.pub").read_bytes()
        for path in sorted(folder.glob("ssh_*[!.pub]"))
        if path.with_name(f"{path.name}.pub").exists()
    ]
    locked = (VECTORS / "age" / "locked_bob.txt").read_bytes()
    return [*files, *pairs, locked, f"# c\n{MARKER}\nAGE-PLUGIN-YUBIKEY-1Q\n".encode()]


def _pgp() -> list[bytes]:
    found = []
    for data in _cases("yaml") + _cases("json"):
        text = data.decode().replace("\\n", "\n")
        for piece in text.split("-----BEGIN PGP MESSAGE-----")[1:]:
            body = piece.partition("-----END")[0]
            lines = "\n".join(line.strip() for line in body.split("\n"))
            found.append(f"-----BEGIN PGP MESSAGE-----{lines}-----END PGP MESSAGE-----\n".encode())
    return found


def _values() -> list[bytes]:
    """Values of all shapes."""
    keys = [path.read_bytes() for path in sorted((VECTORS / "keys").iterdir()) if path.suffix != ".md"]
    return [*_encoded(_VALUES), *_encoded(_YAML + _JSON + _DOTENV + _INI), *_encoded(_RECIPIENTS), *keys]


def _config() -> list[bytes]:
    own = [(EXAMPLE / ".sops.yaml").read_bytes(), (TESTS.parent / ".sops.yaml").read_bytes()]
    return [*_encoded(_CONFIG), *own]


def _key_paths() -> list[bytes]:
    return [f"{key}\0{text}".encode() for key in _KEY_PATHS for text in _YAML[:3]]


_SEEDS: dict[str, tuple[Callable[[], list[bytes]], int]] = {
    "yaml": (_yaml, 100),
    "json": (_json, 8),
    "dotenv": (_dotenv, 7),
    "ini": (_ini, 7),
    "binary": (_binary, 8),
    "change": (_change, 100),
    "config": (_config, 6),
    "metadata": (_blocks, 3),
    "flat-names": (_flat_names, 3),
    "age": (_wrapped, 5),
    "identities": (_identities, 15),
    "pgp": (_pgp, 3),
    "recipients": (lambda: _encoded(_RECIPIENTS), 15),
    "key-paths": (_key_paths, 30),
    "command-lines": (lambda: _encoded(_LINES), 6),
    "placeholders": (_values, 50),
}
"""How the seeds of each target are made, and how many there have to be at least."""
