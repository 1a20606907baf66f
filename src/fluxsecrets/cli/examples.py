"""Two examples of each command, and the page that explains it. Imported only when help is shown.

The paths are those of `examples/waddle-infra`, so that a reader can try them. Tests parse each example.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

DOCUMENTATION = "docs/"
"""Where the pages are. There is no public site yet, so this is the folder in the source tree."""


class Shown(NamedTuple):
    """What help shows after the options: (what it does, command line) pairs, and a page."""

    page: str
    examples: tuple[tuple[str, str], ...]


_APP = "apps/cloudnative-pg/overlays/staging"
_SECRET = f"{_APP}/secrets.yaml"
_RELEASE = "clusters/staging/infrastructure/cilium-helmrelease.yaml"
_SEALED = "apps/penguin-radio/sealed-secret.yaml"


def _shown(page: str, *examples: tuple[str, str]) -> Shown:
    return Shown(page, tuple((what, f"fluxsecrets {command}") for what, command in examples))


SHOWN = MappingProxyType({
    "": _shown(
        "index.md",
        ("protect a repository: it shows a plan, and asks", "init"),
        ("encrypt every plain Secret of the repository", "encrypt"),
    ),
    "init": _shown(
        "init.md",
        ("show the plan, and ask", "init"),
        ("in a script, with a job for GitHub", "init --yes --ci github"),
    ),
    "doctor": _shown(
        "commands/doctor.md", ("in words", "doctor"), ("for a script", "doctor --format json")
    ),
    "mcp": _shown(
        "mcp.md",
        ("for an agent that may set generated values", "mcp"),
        ("for one that may only look, without network", "mcp --read-only --offline"),
    ),
    "agent": _shown(
        "agent.md",
        ("in the background, such as in ~/.profile", "agent --quiet"),
        ("only code is kept loaded, and no key unlocked", "agent --no-store"),
    ),
    "agent status": _shown(
        "agent.md", ("in words", "agent status"), ("for a script", "agent status --format json")
    ),
    "agent stop": _shown(
        "agent.md",
        ("at the end of the day", "agent stop"),
        ("then start another one", "agent --idle 1h"),
    ),
    "agent lock": _shown(
        "agent.md",
        ("when the screen is locked", "agent lock"),
        ("then look", "agent status"),
    ),
    "encrypt": _shown(
        "file-formats.md",
        ("every plain Secret of an environment, in place", "encrypt --env staging"),
        ("in CI: fail where something is plain, and write nothing", "encrypt --check"),
    ),
    "decrypt": _shown(
        "tutorials/first-environment.md#8-change-a-value",
        ("print it; the file stays encrypted", f"decrypt {_SECRET}"),
        ("one value of it", f"decrypt {_SECRET} --extract stringData.password"),
    ),
    "edit": _shown(
        "editors.md",
        ("in your editor; unchanged values keep their ciphertext", f"edit {_SECRET}"),
        ("with what a program writes", f"edit {_SECRET} --stdin"),
    ),
    "get": _shown(
        "tutorials/first-environment.md#8-change-a-value",
        ("a value; under data, decoded from base64", f"get {_SECRET} stringData.password"),
        ("as it is in the file", f"get {_SECRET} data.password --raw"),
    ),
    "set": _shown(
        "rotation.md#new-values-too",
        ("a new random password", f"set {_SECRET} stringData.password --generate password:32"),
        ("what you type or pipe, which no history keeps", f"set {_SECRET} stringData.token --stdin"),
    ),
    "unset": _shown(
        "tutorials/first-environment.md#8-change-a-value",
        ("one key", f"unset {_SECRET} stringData.password"),
        ("in the second document of a file", f"unset {_SECRET} stringData.token --document 2"),
    ),
    "propose": _shown(
        "propose.md",
        ("a value for somebody else's Secret", f"propose {_SECRET} stringData.password --stdin"),
        ("for each environment that applies it", f"propose {_SECRET} stringData.token --env staging --stdin"),
    ),
    "fold": _shown(
        "propose.md#fold",
        ("every proposal of the repository", "fold"),
        ("what would happen", "fold --dry-run"),
    ),
    "extract": _shown(
        "extract.md",
        ("what could be extracted", f"extract {_RELEASE}"),
        ("one value, and write nothing", f"extract {_RELEASE} operator.replicas --dry-run"),
    ),
    "status": _shown(
        "keys.md",
        ("every Secret of an environment", "status --env production"),
        ("one file, for a script", f"status {_SECRET} --format json"),
    ),
    "explain": _shown(
        "file-formats.md#sopsyaml",
        ("a file that exists, or will", f"explain {_SECRET}"),
        ("with other rules", f"explain {_SECRET} --config new-rules.yaml"),
    ),
    "diff": _shown(
        "git.md#diff",
        ("what you changed since the last commit, values masked", "diff"),
        ("what a branch changes", "diff main...HEAD --format markdown"),
    ),
    "exec-env": _shown(
        "commands/exec-env.md",
        ("a program that reads its environment", f"exec-env {_SECRET} -- psql"),
        ("nothing else in its environment", f"exec-env --pristine {_SECRET} -- env"),
    ),
    "exec-file": _shown(
        "commands/exec-file.md",
        (
            "{} is the path of a pipe with the plain text",
            f"exec-file {_SECRET} -- kubectl apply --server-side -f {{}}",
        ),
        ("for a program that seeks: a file in memory", f"exec-file --no-fifo {_SECRET} -- less {{}}"),
    ),
    "recipients": _shown(
        "rotation.md#people",
        ("who can read how many files", "recipients list"),
        ("what a person who leaves could read", "recipients remove bob --dry-run"),
    ),
    "recipients list": _shown(
        "keys.md",
        ("the whole repository", "recipients list"),
        ("one environment, for a script", "recipients list --env production --format json"),
    ),
    "recipients add": _shown(
        "rotation.md#people",
        ("by the file with her public key", "recipients add keys/carol.pub --env staging"),
        ("look at it first", "recipients add keys/carol.pub --all --dry-run"),
    ),
    "recipients remove": _shown(
        "rotation.md#somebody-leaves",
        ("the plan only", "recipients remove bob --dry-run"),
        ("from one environment", "recipients remove bob --env production"),
    ),
    "recipients report": _shown(
        "rotation.md#somebody-leaves",
        ("what is left to change", "recipients report bob"),
        ("a value that was changed", f"recipients report bob --done {_SECRET}#stringData.password"),
    ),
    "recipients exposure": _shown(
        "rotation.md#after-a-leak",
        ("a file", f"recipients exposure {_SECRET}"),
        ("one value", f"recipients exposure {_SECRET}#stringData.password"),
    ),
    "recipients sync": _shown(
        "rotation.md#people",
        ("in CI: fail where files differ from the rules", "recipients sync --all --check"),
        ("after an edit of .sops.yaml", "recipients sync --env staging"),
    ),
    "rotate": _shown(
        "rotation.md",
        ("new data keys for an environment", "rotate --env production"),
        ("a new identity for its cluster, with a grace period", "rotate --env production --identity"),
    ),
    "keys": _shown(
        "keys.md", ("an identity of your own", "keys generate alice"), ("what you have", "keys list")
    ),
    "keys generate": _shown(
        "keys.md#your-identities",
        ("in your key file", "keys generate alice"),
        ("in the keyring of the system", "keys generate alice --store keyring"),
    ),
    "keys list": _shown(
        "keys.md#where-identities-are-looked-for",
        ("in words", "keys list"),
        ("which files they open", "keys list --check"),
    ),
    "keys import": _shown(
        "keys.md#your-identities",
        ("a key file of age", "keys import key.txt --name cluster-staging"),
        ("into the keyring", "keys import key.txt --store keyring"),
    ),
    "keys export": _shown(
        "keys.md#your-identities",
        ("for a backup, behind a passphrase", "keys export alice -o alice.age"),
        ("for a machine without anybody to ask", "keys export cluster-staging --plain -o cluster.agekey"),
    ),
    "keys remove": _shown(
        "keys.md#your-identities",
        ("after a question", "keys remove cluster-old"),
        ("in a script", "keys remove cluster-old --yes"),
    ),
    "keys cluster-secret": _shown(
        "keys.md#the-clusters",
        ("print it, for `kubectl apply --server-side -f -`", "keys cluster-secret --env staging"),
        ("with an identity that you name", "keys cluster-secret --env staging --identity cluster-staging"),
    ),
    "audit": _shown(
        "audit.md",
        ("everything, and fail from medium on", "audit --fail-on medium"),
        ("who can read what", "audit --who"),
    ),
    "scan": _shown(
        "scan.md",
        ("the work tree", "scan"),
        ("all commits, into a file for GitHub", "scan --history --format sarif -o scan.sarif"),
    ),
    "review": _shown(
        "review.md",
        ("your branch", "review main...HEAD"),
        ("what is staged", "review --staged"),
    ),
    "rules": _shown(
        "scan-rules.md", ("all of them", "rules list"), ("one", "rules show plain-secret")
    ),
    "rules list": _shown(
        "audit-rules.md",
        ("in words", "rules list"),
        ("for a script", "rules list --format json"),
    ),
    "rules show": _shown(
        "audit-rules.md",
        ("a rule of the scan", "rules show plain-secret"),
        ("a rule of the audit", "rules show recipient-drift"),
    ),
    "log": _shown("log.md", ("what was done here", "log"), ("for a script", "log --format json")),
    "log verify": _shown(
        "log.md#verify-it",
        ("the chain of entries", "log verify"),
        ("a copy of the log", "log verify --file backup.jsonl"),
    ),
    "env": _shown("environments.md", ("all of them", "env list"), ("one", "env show staging")),
    "env list": _shown(
        "environments.md#how-they-are-found",
        ("in words", "env list"),
        ("for a script", "env list --format json"),
    ),
    "env suggest": _shown(
        "environments.md#if-none-is-found",
        ("print them", "env suggest"),
        ("for a script", "env suggest --format json"),
    ),
    "env show": _shown(
        "environments.md#what-belongs-to-one",
        ("in words", "env show staging"),
        ("a chart for Markdown", "env show staging --format mermaid"),
    ),
    "env add": _shown(
        "environments.md#adding-one",
        ("look at it first", "env add preview --from staging --dry-run"),
        ("with new passwords", "env add preview --from staging --generate '*password*'"),
    ),
    "verify": _shown(
        "flux.md",
        ("one environment", "verify --env staging"),
        ("compared with its cluster", "verify --env staging --cluster --context waddle-staging"),
    ),
    "render": _shown(
        "flux.md#what-flux-would-apply",
        ("values hidden", "render --env staging"),
        ("one Kustomization", "render --env staging --kustomization apps"),
    ),
    "masked": _shown(
        "masked.md",
        ("render an overlay without a key", "masked -- kubectl kustomize {}/apps/spicedb/overlays/staging"),
        ("what a commit changes, values masked", "masked HEAD~1 HEAD -- diff -r {} {}"),
    ),
    "seal": _shown(
        "sealed-secrets.md#seal",
        ("a Secret, for the controller with this certificate", "seal secret.yaml --cert cert.pem"),
        ("the certificate, from the controller", "seal --fetch-cert https://sealed.example.org -o cert.pem"),
    ),
    "unseal": _shown(
        "sealed-secrets.md#unseal",
        ("print it", f"unseal {_SEALED} --private-key controller.key"),
        ("does the controller accept them?", "unseal --all --validate --private-key controller.key"),
    ),
    "reseal": _shown(
        "sealed-secrets.md#seal-again",
        ("for the newest certificate", "reseal --env production --cert cert.pem"),
        ("under another name", f"reseal {_SEALED} --name radio --private-key controller.key"),
    ),
    "convert": _shown(
        "external-secrets.md",
        ("to files that sops and Flux read", f"convert {_SEALED} --to sops --private-key controller.key"),
        ("to a store; see the plan first", "convert --env staging --to external --store vault --dry-run"),
    ),
    "publish": _shown(
        "publish.md",
        ("see what would be uploaded", "publish --env staging --dry-run"),
        ("a folder, without questions", "publish published --recursive --yes"),
    ),
    "help": _shown(
        "commands.md", ("of a command", "help encrypt"), ("of a subcommand", "help recipients add")
    ),
    "completion": _shown(
        "commands/completion.md",
        ("look at it", "completion bash"),
        ("for another shell", "completion fish"),
    ),
    "version": _shown(
        "commands/version.md", ("in words", "version"), ("for a script", "version --format json")
    ),
    "hook": _shown("hooks.md", ("in this clone", "hook install"), ("do they run?", "hook status")),
    "hook install": _shown(
        "hooks.md",
        ("in this clone", "hook install"),
        ("in every clone of yours", "hook install --everywhere"),
    ),
    "hook uninstall": _shown(
        "hooks.md", ("all of them", "hook uninstall"), ("one", "hook uninstall pre-push")
    ),
    "hook status": _shown(
        "hooks.md#do-they-run", ("all of them", "hook status"), ("one", "hook status pre-commit")
    ),
    "hook run": _shown(
        "hooks.md#in-your-own-hook",
        ("in a hook of your own", "hook run pre-commit"),
        ("with what it looked at", "hook run pre-commit --verbose"),
    ),
    "resolve": _shown(
        "git.md#conflicts",
        ("value by value", f"resolve {_SECRET}"),
        ("yours everywhere, and staged", f"resolve {_SECRET} --all-ours --add"),
    ),
    "recover": _shown(
        "interruptions.md",
        ("what was interrupted", "recover"),
        ("complete it", "recover --resume"),
    ),
    "textconv": _shown(
        "git.md#diff",
        ("values masked", f"textconv {_SECRET}"),
        ("as git shows it, once the hooks are installed", "hook install"),
    ),
    "merge-driver": _shown(
        "git.md#merge",
        ("set up, so that git runs it", "hook install"),
        ("by hand", f"merge-driver base ours theirs 7 {_SECRET}"),
    ),
})  # fmt: skip
"""Words of a command, "" for the program -> what its help shows."""
