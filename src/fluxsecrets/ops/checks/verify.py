"""What Flux would do with each Kustomization and file, and whether that is what its author wanted."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts, Secret
from fluxsecrets.audit.judged import judged
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.audit.rules import file_unreadable, value_substituted
from fluxsecrets.audit.treatment import Treated, treated
from fluxsecrets.errors import IntegrityError
from fluxsecrets.ops.run.names import name_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.repo.environments import Environment, find_environment, no_environment
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.recipients import KINDS, RecipientKey, recipient_key

from .accepting import Acceptances
from .gather import gather
from .verifymodel import NoClusterKey, Told, Verdict, Verification, Verifications, Verified

_HANDLED = {"SealedSecret": Verdict.SEALED, "ExternalSecret": Verdict.EXTERNAL,
            "ClusterExternalSecret": Verdict.EXTERNAL}  # fmt: skip


def verify(
    session: Session, environment: str | None = None, *, with_keys: bool = True, strict: bool = False
) -> Verifications:
    """Say what Flux would do with each Kustomization of an environment, or of all.

    With keys, files are opened if possible, to check their MACs and find variables in values.

    Args:
        session: the run.
        environment: its name; None for all.
        with_keys: whether to decrypt.
        strict: what cannot be told counts as wrong.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid, there is no such environment, or none at all.
        GitError: git failed.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    facts = gather(session, tree, with_keys=with_keys)
    names = [item.name for item in facts.environments]
    if environment is not None and environment not in names:
        find_environment(tree, environment, facts.settings)  # says which there are
    if not names:
        raise no_environment(tree)
    settings = facts.settings.verify
    accepting = Acceptances(settings.accept if settings is not None else (), facts.today)
    found = tuple(
        _environment(facts, each, accepting)
        for each in facts.environments
        if environment in (None, each.name)
    )
    remarks = accepting.remarks(complete=len(found) == len(names))
    return Verifications(tree.root, found, strict, remarks)


def _environment(facts: Facts, environment: Environment, accepting: Acceptances) -> Verification:
    clusters = keys_of_clusters(facts).get(environment.name, frozenset())
    items: dict[int, list[Verified]] = {}
    for each in treated(facts, environment):
        items.setdefault(id(each.applied), []).append(_verified(facts, each, clusters))
    told = tuple(
        Told(each, tuple(items.get(id(each.applied), ())), accepting.of(each))
        for each in judged(facts, environment)
    )
    known = [item for each in told for item in each.items]
    strays = tuple(_unreadable(facts, environment, {item.path for item in known}))
    unknown = {item.path for item in known if item.verdict is Verdict.CANNOT_TELL}
    no_key = _no_cluster_key(facts, environment.name, unknown) if unknown else None
    return Verification(environment.name, told, environment.notes, strays, no_key)


def _no_cluster_key(facts: Facts, environment: str, paths: set[str]) -> NoClusterKey:
    secrets = [secret for secret in facts.secrets if secret.path in paths]
    names = (
        name_of(one, facts.names)
        for secret in secrets
        for group in (secret.metadata.recipients if secret.metadata is not None else ())
        for one in group
    )
    others = {_rule(secret) for secret in facts.secrets if set(secret.environments) != {environment}}
    shared = {place for secret in secrets if (place := _rule(secret)) is not None and place in others}
    return NoClusterKey(len(paths), tuple(dict.fromkeys(names)), tuple(sorted(shared)))


def _rule(secret: Secret) -> str | None:
    if secret.rule is None or secret.config is None:
        return None
    return f"{secret.config.path}:{secret.rule.line}"


def _verified(facts: Facts, each: Treated, clusters: frozenset[RecipientKey]) -> Verified:
    kustomization, item = each.applied.kustomization, each.item
    verdict, problem, note = _judge(each)
    keys: tuple[str, ...] = ()
    if verdict is Verdict.DECRYPTED and each.secret is not None:
        closed = _cannot_open(each.secret, clusters)
        if closed is not None:
            verdict, problem = Verdict.FAILS, closed
        else:
            keys = _keys(facts, each, clusters)
            problem = _changed(each.secret) or _replaced(facts, each)
            if _stops(each.secret):
                verdict = Verdict.FAILS
            elif not clusters and _needs_cluster_key(each.secret):
                verdict = Verdict.CANNOT_TELL
                problem = problem or "nothing says which key the cluster has"
    replaces = kustomization is not None and (kustomization.substitute or kustomization.substitute_from)
    return Verified(
        path=each.path,
        line=each.line,
        kustomization=kustomization.name if kustomization is not None else "",
        kind=item.kind if item is not None else "",
        name=item.name if item is not None else "",
        namespace=item.namespace if item is not None else None,
        verdict=verdict,
        format=each.treatment.format,
        keys=keys,
        substituted=bool(replaces),
        problem=problem,
        note=note,
    )


def _replaced(facts: Facts, each: Treated) -> str | None:
    """What is wrong with a value that Flux would change after it was decrypted."""
    name = each.item.manifest.name if each.item is not None and each.item.manifest is not None else None
    for value, applied in value_substituted.replaced(facts):
        if applied.key == each.applied.key and (value.secret.path, value.owner) == (each.path, name):
            return value_substituted.replaced_message(value, applied)
    return None


def _judge(each: Treated) -> tuple[Verdict, str | None, str]:
    treatment, item = each.treatment, each.item
    if treatment.fate is Fate.FAILS:
        return Verdict.FAILS, treatment.reason, ""
    if treatment.fate is Fate.CIPHERTEXT:
        return Verdict.CIPHERTEXT, treatment.reason, ""
    if treatment.fate is Fate.DECRYPTED:
        return Verdict.DECRYPTED, None, treatment.reason
    if item is not None and item.kind in _HANDLED:
        return _HANDLED[item.kind], None, ""
    if _is_plain_secret(each):
        return Verdict.PLAIN, "it is in plain text in the repository", ""
    return Verdict.APPLIED, None, ""


def _is_plain_secret(each: Treated) -> bool:
    item = each.item
    if item is None or not item.is_secret or each.secret is None:
        return False
    return item.generated is not None or (item.manifest is not None and item.manifest.has_data)


def _keys(facts: Facts, each: Treated, clusters: frozenset[RecipientKey]) -> tuple[str, ...]:
    metadata = each.secret.metadata if each.secret is not None else None
    recipients = [one for group in metadata.recipients for one in group] if metadata is not None else []
    own = tuple(name_of(one, facts.names) for one in recipients if recipient_key(one) in clusters)
    if own or clusters:
        return own
    kustomization = each.applied.kustomization
    decryption = kustomization.decryption if kustomization is not None else None
    return (f"Secret {decryption.secret}",) if decryption is not None and decryption.secret else ()


def _needs_cluster_key(secret: Secret) -> bool:
    """Whether it takes a private key in the cluster to open it; for a cloud's key its role is enough."""
    metadata = secret.metadata
    recipients = [one for group in metadata.recipients for one in group] if metadata is not None else []
    return all(KINDS[one.kind].local for one in recipients)


def _cannot_open(secret: Secret, clusters: frozenset[RecipientKey]) -> str | None:
    metadata = secret.metadata
    if metadata is None or not clusters:
        return None
    needed = 1 if len(metadata.recipients) == 1 else metadata.shamir_threshold or len(metadata.recipients)
    opened = sum(any(recipient_key(one) in clusters for one in group) for group in metadata.recipients)
    if opened >= needed:
        return None
    return "none of the cluster's keys opens it" if not opened else "the cluster's keys open too few groups"


_OF_THE_MAC = ("the MAC ", "the file has no MAC")


def _stops(secret: Secret) -> bool:
    """Whether Flux cannot decrypt it; that its MAC does not fit, it would not notice."""
    return isinstance(secret.error, IntegrityError) and not secret.error.message.startswith(_OF_THE_MAC)


def _changed(secret: Secret) -> str | None:
    return secret.error.message if isinstance(secret.error, IntegrityError) else None


def _unreadable(facts: Facts, environment: Environment, known: set[str]) -> Iterator[Verified]:
    """Files that Flux would stop at, since they are not manifests."""
    for finding in file_unreadable.check(facts):
        place = finding.location
        if place.path in environment.graph.files and place.path not in known:
            yield Verified(
                place.path, place.line, "", "file", "", None, Verdict.FAILS, problem=finding.message
            )
