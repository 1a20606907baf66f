"""Random Secrets, sealed here and opened by kubeseal, and the other way round.

Their values are what readers of YAML and JSON disagree about: words and numbers of YAML 1.1, control
characters, line breaks of Unicode, and bytes that are not text. Each Secret is written in YAML or JSON by one
of several writers, in any scope.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import yaml

from fluxsecrets.ops.files.plain import PlainManifests
from fluxsecrets.ops.sealing.seal import SealOptions, seal_content
from fluxsecrets.ops.sealing.unseal import unseal_content
from fluxsecrets.repo.manifesttext import open_manifests
from fluxsecrets.sealed.certificates import parse_certificate
from fluxsecrets.sealed.keys import SealingKey, parse_keys
from fluxsecrets.sealed.scopes import Scope, annotations_for
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from yamlwords import special_strings

from .peers import run
from .written import KEYS

_KEYS = ("password", "tls.crt", "y", "on", "no", "null", "true", "12", "0x1F", "1e3", "A_b-c", "_", "x.y")
_ODD = (
    "ab 1:#-'\"\\/{}[],&*!|>%@`=~?\t\n\r\x00\x01\x1b\x1f\x7f\x80\x85\x9f\xa0\u2028\u2029\ufeff\ufffe\uffffé🦆"
)
_SPECIAL = tuple(special_strings())


@dataclass(frozen=True)
class Made:
    """A Secret in plain text.

    Attributes:
        manifest: it as data.
        values: what must reach the cluster.
        text: the file; `json` says which kind.
    """

    manifest: Mapping[str, object]
    values: Mapping[str, bytes]
    text: bytes
    json: bool

    @property
    def texts(self) -> Collection[str]:
        """The keys whose values are text."""
        texts = self.manifest.get("stringData")
        return texts if isinstance(texts, dict) else ()


def random_secrets(count: int, seed: int) -> Iterator[Made]:
    """Secrets with one to five values each, the same ones for each seed."""
    chance = Random(seed)
    for number in range(count):
        texts, data = {}, {}
        for key in chance.sample(_KEYS, chance.randint(1, 5)):
            if chance.random() < 0.25:
                data[key] = chance.randbytes(chance.randint(0, 40))
            else:
                texts[key] = _text(chance)
        scope = chance.choice(list(Scope))
        manifest: dict[str, object] = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"s{number}", "namespace": "apps", "annotations": annotations_for(scope)},
            "type": chance.choice(("Opaque", "example.com/yes")),
        }
        if data:
            manifest["data"] = {key: b64encode(value).decode() for key, value in data.items()}
        if texts:
            manifest["stringData"] = texts
        writer = chance.choice(_WRITERS)
        values = {key: text.encode() for key, text in texts.items()} | data
        yield Made(manifest, values, writer(manifest).encode(), writer in _JSON)


def _text(chance: Random) -> str:
    kind = chance.random()
    if kind < 0.5:
        return chance.choice(_SPECIAL)
    if kind < 0.9:
        return "".join(chance.choices(_ODD, k=chance.randint(0, 24)))
    return "".join(
        chr(chance.choice((chance.randrange(0xD800), chance.randrange(0xE000, 0x110000)))) for _ in range(9)
    )


def _ours(manifest: Mapping[str, object]) -> str:
    return YamlFormat(2).render([manifest]).decode()  # type: ignore[list-item] # it is plain data


def _quoted(manifest: Mapping[str, object]) -> str:
    return yaml.safe_dump(manifest, default_style='"', allow_unicode=False)


def _escaped(manifest: Mapping[str, object]) -> str:
    return json.dumps(manifest)


def _raw(manifest: Mapping[str, object]) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=2)


_JSON = (_escaped, _raw)
_WRITERS = (_ours, _ours, _quoted, *_JSON)


def opened_by_kubeseal(environ: Mapping[str, str], secrets: Sequence[Made]) -> list[str]:
    """Seal each Secret here, open it with kubeseal, and list those whose values differ."""
    options = SealOptions(parse_certificate((KEYS / "sealing.crt").read_bytes()))
    command = (
        "kubeseal",
        "--recovery-unseal",
        "--recovery-private-key",
        str(KEYS / "sealing.key"),
        "-o",
        "json",
    )

    def problem(made: Made) -> str | None:
        sealed = seal_content(PlainManifests(open_manifests(made.text)), options)
        assert sealed is not None
        found = json.loads(run(environ, *command, data=sealed.data))
        values = {key: b64decode(text or "") for key, text in (found.get("data") or {}).items()}
        same = values == made.values and found["metadata"]["name"] == made.manifest["metadata"]["name"]  # type: ignore[index]
        return None if same else f"{made.text!r}: kubeseal opens {values}"

    with ThreadPoolExecutor(2) as threads:
        return [text for text in threads.map(problem, secrets) if text is not None]


def sealed_by_kubeseal(environ: Mapping[str, str], secrets: Sequence[Made]) -> list[str]:
    """Have kubeseal seal all Secrets, open them here, and list those whose values or written text differ."""
    keys = parse_keys((KEYS / "sealing.key").read_bytes(), "sealing.key")
    command = ("kubeseal", "--cert", str(KEYS / "sealing.crt"), "--allow-empty-data", "-o", "yaml")
    problems = []
    for kind, between in ((True, b"\n"), (False, b"---\n")):
        chosen = [made for made in secrets if made.json is kind]
        sealed = run(environ, *command, data=between.join(made.text for made in chosen))
        single = [json.dumps(each).encode() for each in yaml.load_all(sealed, yaml.CSafeLoader)]
        problems += _differing(chosen, sealed, keys)
        # JSON has one SealedSecret per file.
        for made, text in zip(chosen[:20], single, strict=False):
            problems += _differing([made], text, keys)
    return problems


def _differing(secrets: Sequence[Made], sealed: bytes, keys: Sequence[SealingKey]) -> Iterator[str]:
    opened = unseal_content(sealed, keys, Limits())
    written = list(yaml.load_all(opened.data, yaml.CSafeLoader))
    if not len(secrets) == len(opened.secrets) == len(written):
        yield f"{len(secrets)} Secrets became {len(opened.secrets)}, {len(written)} of them written"
    for made, secret, text in zip(secrets, opened.secrets, written, strict=False):
        if secret.values != made.values or _values(text) != made.values:
            yield f"{made.text!r}: {dict(secret.values)}, as text {text}"


def _values(secret: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """What a reader of YAML 1.1 finds in a Secret."""
    found = {key: b64decode(text) for key, text in (secret.get("data") or {}).items()}
    return found | {key: text.encode() for key, text in (secret.get("stringData") or {}).items()}
