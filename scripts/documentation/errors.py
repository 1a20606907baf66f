"""Each kind of error with its cause, which its class says, and what to do, which stands here."""

import re
from collections.abc import Iterator
from pathlib import Path

from fluxsecrets import errors

_LIST = re.compile(r"^<!-- errors -->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)

FIXES = {
    "UsageError": "Run the command with `--help`. The hint names the option or the argument.",
    "FileAccessError": "Check the path, the permissions and the disk's free space. Nothing was written.",
    "ChangedError": "Save your work in the other program, then run the command again.",
    "KeptError": "Compare the kept version, which the message names, with the file. See "
    "[Interrupted commands](interruptions.md).",
    "LimitError": "Split the file, or take the values out that don't belong there. The limits are in "
    "[File formats](file-formats.md#limits).",
    "FormatError": "Correct the line that the message names. The text itself is not shown: it may hold a secret.",
    "ArchiveError": "Look into the archive yourself, or allow it in `.fluxsecrets.yaml`: see [Scanning](scan.md).",
    "ConfigError": "`fluxsecrets explain FILE` shows the rules that were tried. Correct the line, or add a rule.",
    "SelectorError": "Keep one selector per rule. For Secrets, use `encrypted_regex: ^(data|stringData)$`.",
    "MetadataError": "Take the file's `sops` block from git's last version. Don't edit it by hand.",
    "NotEncryptedError": "Run `fluxsecrets encrypt FILE` first. `fluxsecrets status FILE` shows what is in it.",
    "AlreadyEncryptedError": "Use `fluxsecrets edit`, `set` or `rotate`, or decrypt the file first.",
    "UnprotectedError": "Change the rule or the manifest as the hint says. Nothing was written.",
    "IntegrityError": "Somebody changed the file without its key, or a merge mixed two versions. Take the last good "
    "version from git, and ask who changed it.",
    "RecipientError": "Check the public key: `keys/NAME.pub`, the anchor in `.sops.yaml`, or the option.",
    "IdentityError": "Check the key file that the message names: its content, its permissions, its passphrase.",
    "LockedError": "Run the command at a terminal, or plug in the device. A passphrase that the agent keeps is asked for "
    "once, see [The agent](agent.md).",
    "UnansweredError": "Run the command again when the service answers. See "
    "[When a call fails](cloud-keys.md#when-a-call-fails).",
    "DataKeyError": "The message lists each key and each place that was searched. Set `SOPS_AGE_KEY_FILE`, or ask a "
    "holder to add you. See [Keys](keys.md).",
    "CertificateError": "Get the controller's current certificate, and compare its fingerprint. See "
    "[Sealed Secrets](sealed-secrets.md).",
    "ServiceError": "Check the network, the credentials and the permissions. See "
    "[When a call fails](cloud-keys.md#when-a-call-fails).",
    "StoreError": "Check the store's address and your access. See [External Secrets](external-secrets.md#stores).",
    "ClusterError": "Run `kubectl cluster-info` with the same context, or look at the files of the dump.",
    "GitError": "Run the git command that the message names. `fluxsecrets doctor` checks git and the repository.",
    "MissingLibraryError": "Run the command in the hint. See [Installation](install.md#what-each-system-needs).",
}


def pages(docs: Path) -> dict[str, str]:
    """Return the page of errors, with each kind between `<!-- errors -->` and `<!-- end -->`."""
    text = (docs / "errors.md").read_text(encoding="utf-8")
    return {
        "errors.md": _LIST.sub(lambda _: "\n".join(["<!-- errors -->", *_sections(), "<!-- end -->"]), text)
    }


def _sections() -> Iterator[str]:
    for kind in kinds():
        cause = (kind.__doc__ or "").partition("\n\n")[0].replace("\n    ", " ")
        yield from (f"### {kind.__name__}", "", cause, "", f"What to do: {FIXES[kind.__name__]}", "")


def kinds() -> list[type[errors.FluxsecretsError]]:
    """Return the kinds of errors, in the order of their definition."""
    defined = (each for each in vars(errors).values() if isinstance(each, type))
    kinds = [each for each in defined if issubclass(each, errors.FluxsecretsError)]
    return [each for each in kinds if each is not errors.FluxsecretsError]
