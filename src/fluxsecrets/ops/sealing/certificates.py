"""Choose the certificate to seal for: the named one, or the environment's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import CertificateError, FluxsecretsError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.certificates import MAX_BYTES, Certificate, check_validity, parse_certificate

_SET_ONE = (
    "name one with --cert FILE, or put `sealing_certificates: [certs/NAME.pem]` under the environment in "
    f"{SETTINGS_NAME}"
)


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A certificate and its file.

    Attributes:
        environment: the environment that lists it, or None.
        warning: a warning that it expires soon, or None.
    """

    shown: str
    certificate: Certificate
    environment: str | None = None
    warning: str | None = None

    def described(self) -> str:
        """One line with its fingerprint and end."""
        found = self.certificate
        return f"{self.shown}: {found.short_fingerprint}, {found.bits} bits, until {found.end:%Y-%m-%d}"


def read_certificate(
    session: Session, path: Path, *, now: datetime | None = None, warn_days: int = 30
) -> NamedCertificate:
    """Read a certificate that is valid now.

    A warning is given `warn_days` before the certificate's end.

    Raises:
        CertificateError: the file is not a certificate, or it is not valid now.
        FileAccessError: the file can't be read.
    """
    shown = session.shown(path)
    now = now or datetime.now(UTC)
    try:
        data = read_file(session.cwd / path, limit=MAX_BYTES, follow_links=True).data
        certificate = parse_certificate(data)
        check_validity(certificate, now)
    except FluxsecretsError as error:
        error.path = shown
        raise
    days = certificate.days_left(now)
    warning = None
    if days < warn_days:
        left = "today" if days == 0 else f"in {days} day{'s' if days != 1 else ''}"
        warning = f"the certificate {shown} expires {left}: fetch the controller's new one soon"
    return NamedCertificate(shown, certificate, warning=warning)


def certificate_of_environment(
    session: Session, tree: Tree, name: str, settings: Settings | None = None
) -> NamedCertificate:
    """Return an environment's certificate: of several valid ones, the one with the latest start.

    Raises:
        ConfigError: the environment does not exist.
        CertificateError: it has no valid certificate.
    """
    settings = settings if settings is not None else load_settings(tree)
    found = settings.environment(name)
    paths = found.sealing_certificates if found is not None else ()
    if not paths:
        from fluxsecrets.repo.environments import find_environment

        find_environment(tree, name, settings)  # raises if the name is unknown
        raise CertificateError(f"the environment {name} has no sealing certificate", hint=_SET_ONE)
    usable: list[NamedCertificate] = []
    errors: list[FluxsecretsError] = []
    for path in paths:
        try:
            one = read_certificate(session, tree.root / path, warn_days=settings.audit.certificate_days)
            usable.append(NamedCertificate(one.shown, one.certificate, name, one.warning))
        except FluxsecretsError as error:
            errors.append(error)
    if not usable:
        raise errors[0]
    return max(usable, key=lambda each: each.certificate.start)


def certificate_for(
    session: Session,
    tree: Tree | None,
    *,
    cert: Path | None,
    environment: str | None,
    files: Iterable[str] = (),
) -> NamedCertificate:
    """Return the certificate to seal files for.

    `cert` takes precedence over `environment`; without both, the environment of the files decides.

    Raises:
        CertificateError: no valid certificate was found.
        UsageError: the files belong to environments with different certificates.
        ConfigError, FileAccessError: see `read_certificate` and `certificate_of_environment`.
    """
    if cert is not None:
        return read_certificate(session, cert)
    if tree is None:
        raise CertificateError("there is no certificate to seal for", hint="name one with --cert FILE")
    settings = load_settings(tree)
    if environment is not None:
        return certificate_of_environment(session, tree, environment, settings)
    names = _environments_of(tree, settings, tuple(files))
    found = {name: certificate_of_environment(session, tree, name, settings) for name in names}
    if len({each.certificate.fingerprint for each in found.values()}) > 1:
        raise UsageError(
            f"{' and '.join(found)} use these files, but have different sealing certificates",
            hint="each controller can only open its own: make a file for each environment, "
            "or name a certificate with --cert FILE",
        )
    if not found:
        raise CertificateError("there is no certificate to seal for", hint=_SET_ONE)
    return next(iter(found.values()))


def announced_certificate(
    session: Session,
    tree: Tree | None,
    *,
    cert: Path | None,
    environment: str | None,
    files: Iterable[str] = (),
) -> NamedCertificate:
    """Return the certificate to seal for, see `certificate_for`, and tell the user which one it is."""
    found = certificate_for(session, tree, cert=cert, environment=environment, files=files)
    if session.note is not None:
        session.note(f"sealing for {found.described()}")
    if session.warn is not None and found.warning is not None:
        session.warn(found.warning)
    return found


def _environments_of(tree: Tree, settings: Settings, files: Sequence[str]) -> list[str]:
    """Return the environments with certificates that use one of the files; without files, all of them."""
    from fluxsecrets.repo.environments import list_environments, load_environment

    with_certificates = {each.name for each in settings.environments if each.sealing_certificates}
    if not with_certificates:
        return []
    roots = [root for root in list_environments(tree, settings) if root.name in with_certificates]
    return [
        root.name
        for root in roots
        if not files or not load_environment(tree, root, settings).files.isdisjoint(files)
    ]


def environments_with(session: Session, tree: Tree, found: NamedCertificate) -> frozenset[str]:
    """Return the environments that list the same certificate."""
    settings = load_settings(tree)
    same = set()
    for each in settings.environments:
        try:
            own = certificate_of_environment(session, tree, each.name, settings)
        except FluxsecretsError:
            continue
        if own.certificate.fingerprint == found.certificate.fingerprint:
            same.add(each.name)
    return frozenset(same)
