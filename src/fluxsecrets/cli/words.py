"""Words of other tools, and common words for the same thing: what they are called here.

Imported only when a command line is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple


class Word(NamedTuple):
    """What a word is called here.

    Attributes:
        tool: the tool that has the word, or "" for a common word.
        commands: what does it here, without `fluxsecrets`; any of them. Empty if no command does.
        note: what else there is to know, or ""; the whole hint if no command does it.
    """

    tool: str
    commands: tuple[str, ...] = ()
    note: str = ""


Words = Mapping[str, Word]

_DROP_IN = "`fluxsecrets-sops` takes sops's own command line"
_IN_PLACE = "it works in place by default"
_GROUPS = "key groups are in .sops.yaml"
_NO_CLUSTER = "the cluster is never asked; the certificate is a file"
_STAYS = "files stay encrypted in the work tree"
_UNCHECKED = "`fluxsecrets-sops decrypt --ignore-mac PATH` prints a file that fails its check"


def find_word(command: str, word: str) -> Word | None:
    """Return what a word is called here.

    Args:
        command: what the word was given to, such as `recipients`; "" for the program itself.
        word: a subcommand or an option that does not exist there.
    """
    return WORDS.get(command, MappingProxyType({})).get(word)


def explain_word(word: str, found: Word) -> str:
    """Return a hint for a word."""
    if not found.commands:
        return found.note
    whose = f"{found.tool}'s {word}" if found.tool else word
    called = " or ".join(f"`fluxsecrets {each}`" for each in found.commands)
    sentence = f"{whose} is {called} here"
    return f"{sentence}; {found.note}" if found.note else sentence


def _named(words: Iterable[str], tool: str, *commands: str, note: str = "") -> dict[str, Word]:
    return dict.fromkeys(words, Word(tool, commands, note))


_SOPS_FLAGS: Words = {
    **_named(["-e", "--encrypt"], "sops", "encrypt PATH", note=_DROP_IN),
    **_named(["-i", "--in-place"], "sops", "encrypt PATH", "decrypt -i PATH", note=_DROP_IN),
    **_named(["-d", "--decrypt"], "sops", "decrypt PATH", note=_DROP_IN),
    **_named(["--extract"], "sops", "decrypt PATH --extract KEY", note=_DROP_IN),
    **_named(["-r", "--rotate"], "sops", "rotate PATH", note=_DROP_IN),
    **_named(
        ["--add-age", "--add-pgp", "--add-kms", "--add-gcp-kms", "--add-azure-kv", "--add-hc-vault-transit"],
        "sops",
        "recipients add WHO PATH",
        note="it changes .sops.yaml, too",
    ),
    **_named(
        ["--rm-age", "--rm-pgp", "--rm-kms", "--rm-gcp-kms", "--rm-azure-kv", "--rm-hc-vault-transit"],
        "sops",
        "recipients remove WHO",
        note="it changes .sops.yaml, too",
    ),
    **_named(["-s", "--show-master-keys"], "sops", "status PATH", note=_DROP_IN),
    **_named(["--set"], "sops", "set PATH KEY VALUE", note=_DROP_IN),
    **_named(["--unset"], "sops", "unset PATH KEY", note=_DROP_IN),
    **_named(["-a", "--age"], "sops", "encrypt PATH --age KEY", note=_DROP_IN),
    **_named(["-p", "--pgp"], "sops", "encrypt PATH --pgp KEY", note=_DROP_IN),
    **_named(["-k", "--kms"], "sops", "encrypt PATH --kms KEY", note=_DROP_IN),
    **_named(["--output-type"], "sops", "decrypt PATH --output-type json", note=_DROP_IN),
    **_named(["--encrypted-regex"], "sops", "encrypt PATH --encrypted-regex REGEX", note=_DROP_IN),
    **_named(["--config"], "sops", "encrypt PATH --config FILE", note=_DROP_IN),
    **_named(["--verbose"], "sops", note="sops's --verbose is --debug here, with any command"),
}

_KUBESEAL_FLAGS: Words = {
    **_named(["--cert"], "kubeseal", "seal PATH --cert FILE"),
    **_named(["--fetch-cert"], "kubeseal", "seal --fetch-cert URL"),
    **_named(["--re-encrypt", "--rotate-sealed"], "kubeseal", "reseal PATH"),
    **_named(["--recovery-unseal"], "kubeseal", "unseal PATH --private-key FILE"),
    **_named(["--recovery-private-key"], "kubeseal", "unseal PATH --private-key FILE"),
    **_named(["--validate"], "kubeseal", "unseal --validate PATH"),
    **_named(["--merge-into"], "kubeseal", "seal PATH --merge-into FILE"),
    **_named(["--raw"], "kubeseal", "seal --raw --name NAME -n NAMESPACE --cert FILE"),
    **_named(["--scope"], "kubeseal", "seal PATH --scope namespace-wide"),
    **_named(
        ["--controller-name", "--controller-namespace", "--kubeconfig", "--context"],
        "kubeseal",
        "seal PATH --cert FILE",
        note=_NO_CLUSTER,
    ),
}

_TOP: Words = {
    **_SOPS_FLAGS,
    **_KUBESEAL_FLAGS,
    # sops
    **_named(["updatekeys"], "sops", "recipients sync PATH"),
    **_named(["groups"], "sops", "recipients list", "recipients sync PATH", note=_GROUPS),
    **_named(["filestatus"], "sops", "status PATH"),
    **_named(["keyservice"], "sops", note="`fluxsecrets-sops keyservice` serves keys to sops"),
    # kubeseal
    **_named(["kubeseal"], "", "seal PATH"),
    **_named(["re-encrypt"], "", "reseal PATH"),
    **_named(["fetch-cert"], "", "seal --fetch-cert URL"),
    # gitleaks, trufflehog, git-secrets
    **_named(["protect"], "gitleaks", "scan --staged"),
    **_named(["detect", "git"], "gitleaks", "scan --history"),
    **_named(["dir", "directory", "file"], "gitleaks", "scan PATH"),
    **_named(["stdin"], "gitleaks", "scan - --filename NAME"),
    **_named(["filesystem"], "trufflehog", "scan PATH"),
    **_named(["--scan", "-s"], "git-secrets", "scan"),
    **_named(["--scan-history"], "git-secrets", "scan --history"),
    **_named(["--install"], "git-secrets", "hook install"),
    # git-crypt, git-secret
    **_named(["lock"], "git-crypt", "encrypt", note=_STAYS),
    **_named(["unlock"], "git-crypt", "decrypt PATH", "edit PATH", note=_STAYS),
    **_named(["hide"], "git-secret", "encrypt", note=_STAYS),
    **_named(["reveal"], "git-secret", "decrypt PATH", note=_STAYS),
    **_named(["add-gpg-user"], "git-crypt", "recipients add WHO --all"),
    **_named(["tell"], "git-secret", "recipients add WHO --all"),
    **_named(["removeperson", "killperson"], "git-secret", "recipients remove WHO"),
    **_named(["whoknows"], "git-secret", "recipients list"),
    **_named(["changes"], "git-secret", "diff"),
    **_named(["export-key"], "git-crypt", "keys export WHO"),
    # helm-secrets, ansible-vault, age, flux, kustomize
    **_named(["enc"], "helm-secrets", "encrypt PATH"),
    **_named(["dec"], "helm-secrets", "decrypt PATH"),
    **_named(["view"], "helm-secrets", "decrypt PATH"),
    **_named(["template", "install", "upgrade"], "helm-secrets", "exec-file PATH -- helm template NAME"),
    **_named(["rekey"], "ansible-vault", "recipients sync PATH", "rotate PATH"),
    **_named(["create"], "ansible-vault", "edit PATH"),
    **_named(["encrypt_string"], "ansible-vault", "set PATH KEY --stdin"),
    **_named(["keygen", "age-keygen", "generate"], "", "keys generate"),
    **_named(["build"], "kustomize", "render --env NAME"),
    # common words
    **_named(["cat"], "", "decrypt PATH"),
    **_named(["ls", "list"], "", "status"),
    **_named(["who", "access", "whocan"], "", "recipients list"),
    **_named(["whoami", "identities"], "", "keys list"),
    **_named(["share", "grant", "invite", "onboard"], "", "recipients add WHO --all"),
    **_named(["revoke", "offboard"], "", "recipients remove WHO"),
    **_named(["lint", "check"], "", "audit", "encrypt --check"),
    **_named(["validate"], "", "verify"),
    **_named(["hooks", "pre-commit"], "", "hook install"),
    **_named(["undo", "abort", "resume", "continue"], "", "recover"),
    **_named(["history"], "", "log", "scan --history"),
    **_named(["rm", "delete"], "", "unset PATH KEY"),
}

_ENCRYPT: Words = {
    **_named(["-e", "--encrypt", "--encrypt-in-place"], "sops", "encrypt PATH", note=_IN_PLACE),
    **_named(["-d", "--decrypt"], "sops", "decrypt PATH"),
    **_named(["--shamir-secret-sharing-threshold"], "sops", "encrypt PATH", note=_GROUPS),
    **_named(["-r", "-R", "--recipient", "--recipients-file"], "age", "encrypt PATH --age KEY"),
    **_named(["-a", "--armor"], "age", "encrypt PATH", note="values are always text"),
    **_named(["-p", "--passphrase"], "age", "encrypt PATH --age KEY", note="give it a public key"),
}

_DECRYPT: Words = {
    **_named(["-d", "--decrypt"], "sops", "decrypt PATH"),
    **_named(
        ["--ignore-mac"],
        "sops",
        "explain PATH",
        note=_UNCHECKED,
    ),
    **_named(["--identity"], "age", "decrypt PATH", note="set SOPS_AGE_KEY_FILE to the key file"),
}

_RECIPIENTS: Words = {
    **_named(["rm", "del", "delete", "revoke", "drop", "offboard"], "", "recipients remove WHO"),
    **_named(["ls", "show", "who"], "", "recipients list"),
    **_named(["updatekeys", "update", "apply"], "", "recipients sync PATH"),
    **_named(["groups"], "sops", "recipients sync PATH", note=_GROUPS),
    **_named(["grant", "new", "invite"], "", "recipients add WHO --all"),
    **_named(["history"], "", "recipients exposure PATH"),
}

_KEYS: Words = {
    **_named(["new", "create", "gen", "keygen", "add", "init"], "", "keys generate"),
    **_named(["ls", "show"], "", "keys list"),
    **_named(["rm", "del", "delete"], "", "keys remove WHO"),
    **_named(["rotate"], "", "rotate --env NAME --identity"),
    **_named(["secret"], "", "keys cluster-secret --env NAME"),
}

_ENV: Words = {
    **_named(["new", "create", "clone", "copy"], "", "env add NAME --from OTHER"),
    **_named(["ls"], "", "env list"),
    **_named(["describe", "get"], "", "env show NAME"),
}

_HOOK: Words = {
    **_named(["add", "setup", "init", "enable", "update", "autoupdate"], "", "hook install"),
    **_named(["remove", "rm", "delete", "disable"], "", "hook uninstall"),
    **_named(["list", "ls", "check", "show"], "", "hook status"),
}

_RULES: Words = {
    **_named(["ls"], "", "rules list"),
    **_named(["explain", "describe", "get"], "", "rules show RULE"),
}

_LOG: Words = {
    **_named(["list", "ls", "show"], "", "log"),
    **_named(["check"], "", "log verify"),
}

_AGENT: Words = {
    **_named(["start", "run", "daemon"], "", "agent"),
    **_named(["restart", "reload"], "", "agent stop", note="then `fluxsecrets agent` starts another one"),
    **_named(["kill", "quit", "end"], "", "agent stop"),
    **_named(["forget", "clear", "flush"], "", "agent lock"),
    **_named(["unlock", "add"], "", note="the next command that needs a key asks, and the agent keeps it"),
    **_named(["-k"], "ssh-agent", "agent stop"),
    **_named(["-t"], "ssh-agent", "agent --idle 15m"),
    **_named(["-D"], "ssh-agent", "agent --foreground"),
}

_SYNC: Words = {
    **_named(["-y", "--yes"], "sops", "recipients sync PATH", note="it never asks; --dry-run shows the plan"),
}

_VALUE: Words = {
    **_named(["-i", "--in-place"], "sops", "set PATH KEY VALUE", note=_IN_PLACE),
}

_SEAL: Words = {
    **_named(["--re-encrypt"], "kubeseal", "reseal PATH"),
    **_named(["--recovery-unseal"], "kubeseal", "unseal PATH --private-key FILE"),
    **_named(["--validate"], "kubeseal", "unseal --validate PATH"),
    **_named(["-f", "--secret-file"], "kubeseal", "seal PATH"),
    **_named(["-w", "--sealed-secret-file"], "kubeseal", "seal PATH -o FILE"),
    **_named(
        ["--controller-name", "--controller-namespace", "--kubeconfig", "--context"],
        "kubeseal",
        "seal PATH --cert FILE",
        note=_NO_CLUSTER,
    ),
}

_SCAN: Words = {
    **_named(["-s", "--source"], "gitleaks", "scan PATH"),
    **_named(["--no-git"], "gitleaks", "scan PATH"),
    **_named(["-r", "--report-path"], "gitleaks", "scan -o FILE"),
    **_named(["-f", "--report-format"], "gitleaks", "scan --format sarif"),
    **_named(["-b", "--baseline-path"], "gitleaks", "scan --baseline FILE"),
    **_named(["-c"], "gitleaks", note="gitleaks's -c is --config here"),
    **_named(["--log-opts"], "gitleaks", "scan --range A..B", "scan --since 2026-01-31"),
    **_named(["--pre-commit"], "gitleaks", "scan --staged"),
    **_named(["--pipe"], "gitleaks", "scan - --filename NAME"),
    **_named(["--exit-code"], "gitleaks", note="exit code 1 always means findings, and 2 an error"),
    **_named(["--no-banner"], "gitleaks", note="no banner is ever shown"),
    **_named(["--cached"], "git-secrets", "scan --staged"),
}

WORDS: Mapping[str, Words] = {
    "": _TOP,
    "encrypt": _ENCRYPT,
    "decrypt": _DECRYPT,
    "edit": _DECRYPT,
    "set": _VALUE,
    "recipients": _RECIPIENTS,
    "recipients sync": _SYNC,
    "keys": _KEYS,
    "env": _ENV,
    "hook": _HOOK,
    "rules": _RULES,
    "log": _LOG,
    "agent": _AGENT,
    "seal": _SEAL,
    "scan": _SCAN,
}
"""Command, without the program -> word -> what it is called here."""
