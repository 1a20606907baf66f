"""Small repositories for the audit's tests: what is in a case, and how it gets onto the disk.

Files are written as they stand, apart from those in `encrypted(...)`: these are encrypted when the test
runs, with throw-away keys of tests/vectors.
"""

import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule
from fluxsecrets.findings import Finding
from fluxsecrets.ops.checks.gather import gather
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops import recipients
from fluxsecrets.sops.formats import Limits, format_for_path, make_format
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec
from sealing import make_certificate

VECTORS = Path(__file__).parent / "vectors"
KEYS = VECTORS / "keys"
RECIPIENTS = json.loads((KEYS / "recipients.json").read_text(encoding="utf-8"))
ALICE, BOB, CLUSTER = (RECIPIENTS[name] for name in ("alice", "bob", "cluster"))

ENCRYPTED_AT = "2026-11-20T10:00:00Z"
TODAY = date(2026, 11, 25)

RULES = f"""\
creation_rules:
  - encrypted_regex: ^(data|stringData)$
    age: {ALICE},{CLUSTER}
"""


@dataclass(frozen=True)
class Encrypted:
    """A file that is encrypted before it is written.

    Attributes:
        text: plain.
        people: keys of `recipients.json`, or recipients; lists of them are key groups.
        selector: its kind and pattern, or None.
        then: what is done to the ciphertext.
        threshold: how many groups are needed.
        only_encrypted: for the MAC.
        at: when it was encrypted.
    """

    text: str | bytes
    people: tuple[object, ...] = ("alice", "cluster")
    selector: tuple[str, str] | None = ("encrypted_regex", "^(data|stringData)$")
    then: Callable[[str], str] = str
    threshold: int = 0
    only_encrypted: bool = False
    at: str = ENCRYPTED_AT


def held_by_services(*, beside: bool = False, **lists) -> Callable[[str], str]:
    """What puts keys of services into a `sops` block, by list, instead of the others or beside them."""

    def change(text: str) -> str:
        if not beside:
            text = re.sub(r"(?m)^  age:\n(?: {4,}.*\n|  - .*\n)+", "", text)
        rows = [
            f"  {name}: {json.dumps([{**each, 'enc': 'throwaway'} for each in entries])}\n"
            for name, entries in lists.items()
        ]
        assert "\n  lastmodified:" in text
        return text.replace("  lastmodified:", f"{''.join(rows)}  lastmodified:", 1)

    return change


def aws_key(account="111122223333", name="key/example", region="eu-central-1", *, partition="aws", **more):
    """An AWS key as it stands in a `sops` block."""
    return {"arn": f"arn:{partition}:kms:{region}:{account}:{name}", "aws_profile": "", **more}


def for_services(name="db", *, beside=False, **lists) -> Encrypted:
    """A Secret that keys of services open."""
    return encrypted(secret(name), then=held_by_services(beside=beside, **lists))


def encrypted(text, *people, **options):
    """A file that is encrypted before it is written; for alice and the cluster unless told."""
    return Encrypted(text, people or ("alice", "cluster"), **options)


@dataclass(frozen=True)
class Case:
    """A repository, and how the audit looks at it.

    Attributes:
        files: by path.
        today: the day of the audit.
        keys: whose key it has, or None.
        commits: what was committed before, where a rule looks at that: days, and files that changed then.
            `files` come on top.
    """

    files: Mapping[str, "str | bytes | Encrypted | None"]
    today: date = TODAY
    keys: str | None = "alice"
    commits: Sequence[tuple[str, Mapping[str, "str | bytes | Encrypted | None"]]] = ()

    def changed(self, files=None, **options):
        """The same with other files; None takes one away."""
        merged = {**self.files, **(files or {})}
        kept = {path: content for path, content in merged.items() if content is not None}
        return Case(kept, **{"today": self.today, "keys": self.keys, "commits": self.commits, **options})


def yaml(text: str) -> str:
    """Text without the indentation that it has in a test."""
    return textwrap.dedent(text).lstrip("\n")


def secret(name="db", namespace="apps", *, values=None, more="", field="stringData") -> str:
    """A Secret's manifest."""
    lines = [
        "apiVersion: v1",
        "kind: Secret",
        "metadata:",
        f"  name: {name}",
        f"  namespace: {namespace}",
        *([more] if more else []),
        f"{field}:",
        *(f"  {key}: {value}" for key, value in (values or {"password": "hunter2-throwaway"}).items()),
    ]
    return "\n".join(lines) + "\n"


def as_scalar(text: str) -> str:
    """A text of several lines as a value."""
    return json.dumps(text)


def pem(name: str) -> str:
    """A key of tests/vectors as a value."""
    return as_scalar((KEYS / name).read_text(encoding="utf-8"))


def certificate(end: str) -> str:
    """A certificate as a value."""
    return as_scalar(certificate_file(end).decode())


@cache
def certificate_file(end: str) -> bytes:
    """A certificate for the vectors' sealing key, valid for the year up to a day."""
    last = datetime.fromisoformat(end).replace(tzinfo=UTC)
    return make_certificate(last - timedelta(days=365), last, name="web.waddle.example")


def pod(name="app", namespace="apps", uses="db") -> str:
    """A Deployment that takes all values of a Secret."""
    return yaml(f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {name}
          namespace: {namespace}
        spec:
          template:
            spec:
              containers:
                - name: {name}
                  image: {name}:1
                  envFrom:
                    - secretRef: {{name: {uses}}}
        """)


def kustomization(name, path, *, decryption=True, more="") -> str:
    """A Flux Kustomization."""
    lines = [
        "apiVersion: kustomize.toolkit.fluxcd.io/v1",
        "kind: Kustomization",
        f"metadata: {{name: {name}, namespace: flux-system}}",
        "spec:",
        "  interval: 10m",
        f"  path: ./{path}",
        "  prune: true",
        "  sourceRef: {kind: GitRepository, name: flux-system}",
    ]
    if decryption:
        lines.append("  decryption: {provider: sops, secretRef: {name: sops-age}}")
    return "\n".join(lines) + "\n" + textwrap.indent(yaml(more), "  ")


SOURCE = yaml("""
    apiVersion: source.toolkit.fluxcd.io/v1
    kind: GitRepository
    metadata: {name: flux-system, namespace: flux-system}
    spec:
      interval: 1m
      url: ssh://git@git.waddle.example/platform/infra
      secretRef: {name: flux-system}
    """)


def cluster(name="staging", *, decryption=True) -> dict[str, str]:
    """What Flux syncs a cluster by."""
    root = kustomization("flux-system", f"clusters/{name}", decryption=decryption)
    return {f"clusters/{name}/flux-system/gotk-sync.yaml": f"{SOURCE}---\n{root}"}


def repository(**more) -> Case:
    """A cluster with one Secret and what uses it, in which nothing is wrong."""
    return Case(
        {
            ".sops.yaml": RULES,
            **cluster(),
            "clusters/staging/db.yaml": encrypted(secret()),
            "clusters/staging/app.yaml": pod(),
            "keys/alice.pub": f"{ALICE}\n",
            "keys/cluster-staging.pub": f"{CLUSTER}\n",
        }
    ).changed(**more)


def write(root: Path, files) -> None:
    """Write the files of a case."""
    for path, content in files.items():
        target = root / path
        if content is None:
            target.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        data = _encrypted(path, content) if isinstance(content, Encrypted) else content
        target.write_bytes(data if isinstance(data, bytes) else data.encode())


def build(root: Path, case: Case, git) -> None:
    """Write a case, and commit what it says was committed."""
    for day, files in case.commits:
        write(root, files)
        if not (root / ".git").exists():
            git(root, "init", "--quiet")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", day, "--date", f"{day}T12:00:00Z")
    write(root, case.files)


def look(root: Path, case: Case, only: str | None = None) -> Facts:
    """The facts of a case that was written."""
    return gather(
        session(root, case.keys),
        open_tree(root),
        with_keys=case.keys is not None,
        today=case.today,
        only=only,
    )


def run(rule: AuditRule, root: Path, case: Case) -> tuple[Finding, ...]:
    """What a rule finds in a case that was written."""
    from fluxsecrets.audit.engine import run_rules

    return run_rules(look(root, case), [rule])


def session(root: Path, who: str | None) -> Session:
    """A run as somebody of tests/vectors."""
    named = {"SOPS_AGE_KEY_FILE": str(KEYS / f"{who}.agekey")} if who else {}
    return Session({"HOME": str(root / "no-home"), **named}, root)


def without(path: str, content: Encrypted, *people: str) -> tuple[bytes, bytes]:
    """An encrypted file, and the same where some are taken out and the data key is kept, as sops does."""
    before = _encrypted(path, content)
    format_ = make_format(format_for_path(path))
    document = format_.parse(before, Limits())
    gone = {_recipient(name).id for name in people}
    groups = tuple(
        group._replace(keys=tuple(key for key in group.keys if key.recipient.id not in gone))
        for group in document.metadata.key_groups
    )
    return before, format_.rewrite(document, (), replace(document.metadata, key_groups=groups))


@cache
def _providers():
    return session(Path("/nowhere"), "alice").providers


def _encrypted(path: str, content: Encrypted) -> bytes:
    groups = content.people if isinstance(content.people[0], tuple) else (content.people,)
    name = format_for_path(path)
    policy = Policy(
        groups=tuple(tuple(_recipient(who) for who in group) for group in groups),
        shamir_threshold=content.threshold,
        selector=SelectorSpec(SelectorKind(content.selector[0]), content.selector[1])
        if content.selector
        else None,
        mac_only_encrypted=content.only_encrypted,
    )
    data = content.text if isinstance(content.text, bytes) else content.text.encode()
    made = encrypt_content(
        make_format(name), data, policy, _providers(), now=content.at, limits=Limits(), kubernetes=False
    )
    return content.then(made.data.decode()).encode()


def _recipient(who):
    text = RECIPIENTS.get(who, who)
    return recipients.pgp(text) if len(text) == 40 and " " not in text else recipients.age(text)


def assert_place(root: Path, path: str, line: int | None) -> None:
    """A finding's path and line belong together."""
    if line is not None:
        # What is missing at the end of a file is missing behind its last line break.
        assert 1 <= line <= (root / path).read_bytes().count(b"\n") + 1, f"{path}:{line}"


_LISTED = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [flux-system, db.yaml, app.yaml]
"""


def proposal() -> Case:
    """The repository with a proposal for its Secret, which its kustomization file names."""
    return repository().changed(
        {
            "clusters/staging/flux-system/kustomization.yaml": _LISTED.replace(
                "flux-system, db.yaml, app.yaml", "gotk-sync.yaml"
            ),
            "clusters/staging/db.proposed-token.yaml": encrypted(secret(values={"token": "x"}, field="data")),
            "clusters/staging/kustomization.yaml": f"{_LISTED}patches:\n  - path: db.proposed-token.yaml\n",
        }
    )


def without_its_entry(case: Case) -> Case:
    """The same, where the kustomization file names the proposal no more."""
    return case.changed({"clusters/staging/kustomization.yaml": _LISTED})
