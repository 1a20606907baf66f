"""The kinds of keys, one row each, and recipients as people write them in `.sops.yaml` and in options.

A new kind of key is a row in `KINDS`; the provider that uses it is a module of `keys`. What a name looks like
inside (bech32, hex digits, ARNs) is for the provider to judge; only what must be taken apart here is checked
here. Taken from sops 3.13.2: the `NewMasterKey…` functions of age, pgp, kms, gcpkms, hckms, azkv and hcvault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from fluxsecrets.errors import FluxsecretsError, RecipientError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

# Compiled where they are used: few files have a recipient of these kinds.
_AZURE_URL = r"(https://[^/\s]+)/keys/([^/\s]+)(?:/([^/\s]*))?"
_VAULT_URI = r"([A-Za-z]+)(://[^/?#\s]+)/v[0-9]+((?:/[\w.~!$&'()*+;=:@-]+){3,})/*"
_VAULT_PREFIX = r"/[^/]+/v[0-9]+/[^/]+/[^/]+/[^/]+"
_SPACES = r"\s+"
_POST_QUANTUM = ("age1pq1", "age1tagpq1")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person or service that a data key is encrypted for.

    Attributes:
        kind: `age`, `pgp`, `kms`, `gcp_kms`, `hckms`, `azure_kv` or `hc_vault`: the list's name in files.
        id: age recipient, PGP fingerprint, ARN, resource id, key id, or the address of the key.
        attributes: what else identifies the key, as (field name in files, value), such as an AWS role.
    """

    kind: str
    id: str
    attributes: tuple[tuple[str, object], ...] = field(default=(), hash=False)  # may hold maps

    def text(self, name: str) -> str:
        """Return an attribute that is a text, or an empty text."""
        value = dict(self.attributes).get(name)
        return value if isinstance(value, str) else ""


RecipientKey = tuple[str, str]
"""What makes two recipients the same key: kind, and normalised text."""


def can_be_recipient(text: str) -> bool:
    """Whether a text can be read as a public key; a plugin's may have any form."""
    try:
        return bool(read_recipient(text) or age(text))
    except FluxsecretsError:
        return False


def recipients_in(data: bytes) -> tuple[str, ...]:
    """Return the recipients of a `NAME.pub`, one a line; comments, and what is none, are passed over."""
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#") and can_be_recipient(line))


def split_list(text: str) -> list[str]:
    """The parts of a comma-separated list, without blanks around them and without empty ones."""
    return [part.strip() for part in text.split(",") if part.strip()]


def age(text: str) -> Recipient:
    """An age, SSH or plugin recipient; an SSH key keeps its trailing comment, as sops keeps it.

    Raises:
        RecipientError: blanks inside an `age1…` recipient, which is what a forgotten comma looks like.
    """
    text = text.strip()
    if text.startswith("age1") and any(map(str.isspace, text)):
        raise RecipientError("an age recipient has a blank in it", hint="put a comma between two recipients")
    return Recipient("age", text)


def pgp(text: str) -> Recipient:
    """A PGP fingerprint, in groups or without blanks."""
    return Recipient("pgp", re.sub(_SPACES, "", text))


def kms_from_arn(text: str, *, aws_profile: str = "") -> Recipient:
    """An AWS KMS key from `arn` or `arn+role`."""
    arn, plus, role = re.sub(_SPACES, "", text).partition("+arn:")
    return kms(arn, role=f"arn:{role}" if plus else "", aws_profile=aws_profile)


def kms(
    arn: str, *, role: str = "", context: Mapping[str, str] | None = None, aws_profile: str = ""
) -> Recipient:
    """An AWS KMS key from its parts.

    `aws_profile` is always among the attributes and the others only where they are set: that is
    what sops stores (stores/stores.go, `kmskey`).
    """
    attributes: list[tuple[str, object]] = [("aws_profile", aws_profile)]
    if context:
        attributes.append(("context", dict(sorted(context.items()))))
    if role:
        attributes.append(("role", role))
    return Recipient("kms", arn.strip(), tuple(attributes))


def gcp_kms(text: str) -> Recipient:
    """A Google Cloud KMS key from its resource id."""
    return Recipient("gcp_kms", re.sub(_SPACES, "", text))


def hckms(text: str) -> Recipient:
    """A Huawei Cloud KMS key from `region:uuid`.

    Raises:
        RecipientError: not of that form.
    """
    text = text.strip()
    region, _, uuid = text.partition(":")
    if not region.strip() or not uuid.strip():
        raise RecipientError(
            f"not a Huawei Cloud key id: {_shown(text)}", hint="it looks like region:key-uuid"
        )
    return Recipient("hckms", text)


def azure_kv_from_url(text: str) -> Recipient:
    """An Azure Key Vault key from `https://VAULT/keys/NAME/VERSION`; no version means the newest.

    Raises:
        RecipientError: not of that form.
    """
    match = re.fullmatch(_AZURE_URL, text.strip())
    if match is None:
        raise RecipientError(
            "not the address of an Azure Key Vault key",
            hint="it looks like https://VAULT.vault.azure.net/keys/NAME/VERSION",
        )
    return azure_kv(match[1], match[2], match[3] or "")


def azure_kv(vault_url: str, name: str, version: str = "") -> Recipient:
    """An Azure Key Vault key from its parts."""
    return _composite("azure_kv", {"name": name, "vault_url": vault_url, "version": version})


def hc_vault(text: str) -> Recipient:
    """A key of HashiCorp Vault's or OpenBao's transit engine from `https://HOST/v1/ENGINE/keys/NAME`.

    What sops takes apart differently or refuses is refused (hcvault/keysource.go, `NewMasterKeyFromURI`), and
    so is what leads to another key than it names: `..`, a query, an escaped character.

    Raises:
        RecipientError: not of that form, a path before `/v1`, or credentials in the address.
    """
    from fluxsecrets.clouds.endpoints import endpoint

    match = re.fullmatch(_VAULT_URI, text.strip(), re.ASCII)
    if match is not None and "@" in match[2]:
        raise RecipientError(
            "the address of a Vault key holds credentials",
            hint="take them out: the address is written into every file that is encrypted for it",
        )
    steps = match[3].strip("/").split("/") if match else []
    address = match[1].lower() + match[2] if match else ""
    # sops also takes a later step such as v2 for the API's version, and what is before it for a prefix.
    prefixed = match is not None and re.search(_VAULT_PREFIX, "/v1" + match[3])
    if endpoint(address) is None or prefixed or "." in steps or ".." in steps:
        raise RecipientError(
            "not the address of a Vault transit key",
            hint="it looks like https://vault.example.com:8200/v1/transit/keys/NAME",
        )
    return _composite(
        "hc_vault",
        {"engine_path": "/".join(steps[:-2]), "key_name": steps[-1], "vault_address": address},
    )


class KeyKind(NamedTuple):
    """One kind of key.

    Attributes:
        title: its name for people.
        parse: reads the text of one recipient.
        option: the command line's option, without dashes; sops's own name.
        what: what that option takes, for help texts.
        variable: the environment variable that stands for the option in sops.
        letter: the option's short form in sops.
        fields: the fields that name a key in files (sops: stores/stores.go, `pgpkey` and its siblings).
        rule_field: its list in a creation rule.
        group_field: its list in a key group.
        make: makes a recipient of a key group's item; None where an item is a text.
        group_fields: the fields of such an item, each with the parameter of `make` that it is.
        local: its private keys are the user's own, and not a service's.
        sign: in each file that is encrypted for such a key, whatever its format.
        start: of a public key as one text; empty if it takes more to tell.
        breakable: a quantum computer breaks what is wrapped for it, with nothing but a copy of the file.
    """

    title: str
    parse: Callable[[str], Recipient]
    option: str
    what: str
    variable: str
    fields: tuple[str, ...]
    rule_field: str
    group_field: str
    make: Callable[..., Recipient] | None = None
    group_fields: Mapping[str, str] = {}
    letter: str | None = None
    local: bool = False
    sign: bytes = b""
    start: str = ""
    breakable: bool = False


# fmt: off
KINDS: Mapping[str, KeyKind] = {
    "age": KeyKind(
        sign=b"BEGIN AGE ENCRYPTED FILE",
        title="age", option="age", what="age, SSH or plugin keys", variable="SOPS_AGE_RECIPIENTS", letter="a",
        fields=("recipient",), rule_field="age", group_field="age", parse=age, local=True, breakable=True,
    ),
    "pgp": KeyKind(
        sign=b"BEGIN PGP MESSAGE",
        title="PGP", option="pgp", what="PGP fingerprints", variable="SOPS_PGP_FP", letter="p",
        fields=("fp",), rule_field="pgp", group_field="pgp", parse=pgp, local=True, breakable=True,
    ),
    "kms": KeyKind(
        sign=b"arn:aws", start="arn:",
        title="AWS KMS", option="kms", what="AWS KMS ARNs", variable="SOPS_KMS_ARN", letter="k",
        fields=("arn",), rule_field="kms", group_field="kms", parse=kms_from_arn, make=kms,
        group_fields={"arn": "arn", "role": "role", "context": "context", "aws_profile": "aws_profile"},
    ),
    "gcp_kms": KeyKind(
        sign=b"resource_id", start="projects/",
        title="Google Cloud KMS", option="gcp-kms", what="Google Cloud KMS keys", variable="SOPS_GCP_KMS_IDS",
        fields=("resource_id",), rule_field="gcp_kms", group_field="gcp_kms", parse=gcp_kms, make=gcp_kms,
        group_fields={"resource_id": "text"},
    ),
    "hckms": KeyKind(
        sign=b"key_id",
        title="Huawei Cloud KMS", option="hckms", what="Huawei Cloud keys",
        variable="SOPS_HUAWEICLOUD_KMS_IDS", fields=("key_id",), rule_field="hckms", group_field="hckms",
        parse=hckms, make=hckms, group_fields={"key_id": "text"},
    ),
    "azure_kv": KeyKind(
        sign=b"vault_url", start="https://",
        title="Azure Key Vault", option="azure-kv", what="Azure Key Vault keys",
        variable="SOPS_AZURE_KEYVAULT_URLS", fields=("vault_url", "name", "version"), breakable=True,
        rule_field="azure_keyvault", group_field="azure_keyvault", parse=azure_kv_from_url, make=azure_kv,
        group_fields={"key": "name", "vaultUrl": "vault_url", "version": "version"},
    ),
    "hc_vault": KeyKind(
        sign=b"vault_address", start="http",
        title="HashiCorp Vault", option="hc-vault-transit", what="Vault transit keys",
        variable="SOPS_VAULT_URIS", fields=("vault_address", "engine_path", "key_name"),
        rule_field="hc_vault_transit_uri", group_field="hc_vault", parse=hc_vault,
    ),
}
# fmt: on
"""By the name of the kind's list in files, in the order in which sops collects the keys of a rule."""

_COMPOSITE_IDS = {
    "azure_kv": "{vault_url}/keys/{name}/{version}",
    "hc_vault": "{vault_address}/v1/{engine_path}/keys/{key_name}",
}


def recipient_id(kind: str, fields: Mapping[str, object]) -> str:
    """Return what names a recipient in messages and comparisons, from its fields in a file."""
    if kind in _COMPOSITE_IDS:
        values = {name: fields.get(name) or "" for name in KINDS[kind].fields}
        return _COMPOSITE_IDS[kind].format(**values)
    return str(fields.get(KINDS[kind].fields[0]) or "")


def deduplicate(recipients: list[Recipient]) -> tuple[Recipient, ...]:
    """The recipients without those that are the same key again; the first of each stays."""
    kept: list[Recipient] = []
    for recipient in recipients:
        if recipient not in kept:
            kept.append(recipient)
    return tuple(kept)


def recipient_key(recipient: Recipient) -> RecipientKey:
    """Return what makes two recipients the same key, however they are spelled."""
    text = recipient.id.strip()
    if recipient.kind == "age" and text.startswith("ssh-"):
        text = " ".join(text.split()[:2])  # what follows is a comment
    elif recipient.kind == "pgp":
        text = re.sub(_SPACES, "", text).upper()
    elif recipient.kind == "azure_kv":
        # A rule without a version means the newest. An address may end in a slash, and Azure ignores case.
        text = text.rpartition("/")[0].replace("//keys/", "/keys/").lower()
    elif recipient.kind == "kms":
        text = _kms_key(recipient)
    return recipient.kind, text


def _kms_key(recipient: Recipient) -> str:
    """Return what tells AWS keys apart: another role or context is another access to the same key.

    sops compares them so, too (kms/keysource.go, `ToString`). There, the profile counts as well; here it does
    not: it names credentials of the machine that asks, and says nothing about who can read.
    """
    # Not `recipient_text`: in a file, the ARN may be anything, such as the text of an ARN and a role.
    role = attribute_of(recipient, "role") or ""
    return repr((recipient.id.strip(), role, sorted(context_of(recipient).items())))


def is_same_key(own: Recipient, ruled: Recipient) -> bool:
    """Whether a recipient of a file is what a rule says, down to a key's version or profile."""
    if recipient_key(own) != recipient_key(ruled):
        return False
    if own.kind == "azure_kv":  # without a version in the rule the newest was taken when it was encrypted
        return own.id == ruled.id or ruled.id.endswith("/")
    return own.kind != "kms" or _set(own) == _set(ruled)


def _set(recipient: Recipient) -> dict[str, object]:
    return {name: value for name, value in recipient.attributes if value}


def context_of(recipient: Recipient) -> dict[str, str]:
    """Return the encryption context of an AWS key; empty if it has none. A file may hold anything there."""
    context = attribute_of(recipient, "context")
    if not isinstance(context, Mapping):
        return {} if context in (None, "") else {"": str(context)}
    return {str(key): str(value) for key, value in context.items()}


def attribute_of(recipient: Recipient, name: str) -> object:
    """Return what else identifies a key, or None."""
    return next((value for key, value in recipient.attributes if key == name), None)


def sops_key(recipient: Recipient) -> tuple[str, str]:
    """Return what makes two recipients the same key to sops: `ToString` of its master keys.

    Unlike `recipient_key`, a key's version and profile count.
    """
    context = ",".join(f"{key}:{value}" for key, value in sorted(context_of(recipient).items()))
    profile = attribute_of(recipient, "aws_profile") if recipient.kind == "kms" else None
    return recipient.kind, "|".join((recipient_text(recipient), context, str(profile or "")))


def recipient_text(recipient: Recipient) -> str:
    """Return a recipient as people write it in one text; an AWS key with its role, without its context."""
    role = attribute_of(recipient, "role") if recipient.kind == "kms" else None
    return f"{recipient.id.strip()}+{role}" if role else recipient.id.strip()


def _composite(kind: str, fields: dict[str, str]) -> Recipient:
    return Recipient(kind, recipient_id(kind, fields), tuple(sorted(fields.items())))


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def is_post_quantum(recipient: Recipient) -> bool:
    """Return whether a key resists quantum computers: age's hybrid keys do."""
    return recipient.kind == "age" and recipient.id.startswith(_POST_QUANTUM)


def undoing_post_quantum(groups: Iterable[tuple[Recipient, ...]], threshold: int) -> tuple[Recipient, ...]:
    """Return the recipients that undo the protection of post-quantum keys beside them.

    sops wraps the data key, or a group's share of it, for each recipient alone. Services such as KMS do not
    count: a copy of the file is not enough to break what they wrap.

    Args:
        groups: recipients by key group.
        threshold: how many groups are needed; 0 means all.

    Returns:
        Empty without a post-quantum key, or if too few groups have other keys.
    """
    groups = tuple(groups)
    breakable = [tuple(each for each in group if _is_classical(each)) for group in groups]
    weak = [group for group in breakable if group]
    needed = (threshold or len(groups)) if len(groups) > 1 else 1
    if len(weak) < needed or not any(is_post_quantum(each) for group in groups for each in group):
        return ()
    return tuple(each for group in weak for each in group)


def _is_classical(recipient: Recipient) -> bool:
    return KINDS[recipient.kind].breakable and not is_post_quantum(recipient)


def read_recipient(text: str) -> Recipient | None:
    """Read a public key of any kind; None for anything else, such as a name."""
    text = text.strip()
    if text.startswith(("age1", "ssh-")):
        return age(text)
    if re.fullmatch(r"(?:0x)?[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}", text.replace(" ", "")):
        return pgp(text.removeprefix("0x"))
    for kind in KINDS.values():
        if kind.start and text.startswith(kind.start):
            try:
                return kind.parse(text)
            except FluxsecretsError:
                continue
    return None
