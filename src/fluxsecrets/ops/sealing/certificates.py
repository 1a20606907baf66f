"""Choose the certificate to seal for: the named one, the environment's, or the variable's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import CertificateError, FluxsecretsError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.certificates import MAX_BYTES, Certificate, check_validity, parse_certificate

VARIABLE = "SEALED_SECRETS_CERT"
"""kubeseal's variable for its `--cert`: a file or a URL."""

_SET_ONE = (
    "name one with --cert FILE, or put `sealing_certificates: [certs/NAME.pem]` under the environment in "
    f"{SETTINGS_NAME}"
)


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A certificate and where it is from.

    Attributes:
        shown: its file or URL.
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
    session: Session, source: str | Path, *, now: datetime | None = None, warn_days: int = 30
) -> NamedCertificate:
    """Read a certificate that is valid now.

    The source is a file, or a URL with `https:` or `file:`. A warning is given `warn_days` before the
    certificate's end.

    Raises:
        CertificateError: the content is not a certificate, it is not valid now, or can't be fetched.
        UsageError: the URL is invalid, or an attacker could change the certificate on its way.
        FileAccessError: the file can't be read.
    """
    now = now or datetime.now(UTC)
    shown, certificate = _load(session, source)
    try:
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


def _load(session: Session, source: str | Path) -> tuple[str, Certificate]:
    """Return where a certificate is from, for messages, and the certificate. Errors name the place."""
    if isinstance(source, str) and _URL.match(source):
        from .fetch import fetch_certificate, path_of  # start-up time: few runs need a network

        file = path_of(source)
        if file is None:
            fetched = fetch_certificate(source)
            return fetched.address, fetched.certificate
        source = file
    shown = session.shown(Path(source))
    try:
        data = read_file(session.cwd / source, limit=MAX_BYTES, follow_links=True).data
        return shown, parse_certificate(data)
    except FluxsecretsError as error:
        error.path = shown
        raise


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""The start of a URL. A single letter is a drive of Windows, as in kubeseal."""


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
    cert: str | None,
    environment: str | None,
    files: Iterable[str] = (),
) -> NamedCertificate:
    """Return the certificate to seal files for.

    `cert` takes precedence over `environment`; without both, the environment of the files decides, then the
    variable SEALED_SECRETS_CERT.

    Raises:
        CertificateError: no valid certificate was found.
        UsageError: the files belong to environments with different certificates, or the variable names
            another one than the environment.
        ConfigError, FileAccessError: see `read_certificate` and `certificate_of_environment`.
    """
    if cert is not None:
        return read_certificate(session, cert)
    named = _from_variable(session)
    if tree is None:
        if named is not None:
            return named
        raise CertificateError("there is no certificate to seal for", hint="name one with --cert FILE")
    settings = load_settings(tree)
    names = [environment] if environment is not None else _environments_of(tree, settings, tuple(files))
    if named is not None:
        for name in names:
            _refuse_another(session, tree, named, name, settings)
        return named
    if environment is not None:
        return certificate_of_environment(session, tree, environment, settings)
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


def _from_variable(session: Session) -> NamedCertificate | None:
    """Return the certificate that kubeseal's variable names, or None."""
    source = session.environ.get(VARIABLE)
    if not source:
        return None
    try:
        found = read_certificate(session, source)
    except FluxsecretsError as error:
        error.path = f"{error.path} (from {VARIABLE})"
        raise
    return replace(found, shown=f"{found.shown} (from {VARIABLE})")


def _refuse_another(
    session: Session, tree: Tree, named: NamedCertificate, environment: str, settings: Settings
) -> None:
    """Refuse the variable's certificate if the environment lists others, which its controller has.

    Raises:
        UsageError: the environment lists certificates, and this one is not among them.
        ConfigError: the environment does not exist.
    """
    own = settings.environment(environment)
    if own is None or not own.sealing_certificates:
        from fluxsecrets.repo.environments import find_environment

        find_environment(tree, environment, settings)  # raises if the name is unknown
        return
    listed: set[str] = set()
    for path in own.sealing_certificates:
        with suppress(FluxsecretsError):
            listed.add(read_certificate(session, tree.root / path).certificate.fingerprint)
    if named.certificate.fingerprint not in listed:
        raise UsageError(
            f"{VARIABLE} names another certificate than {SETTINGS_NAME} does for {environment}",
            hint=f"unset {VARIABLE}, or choose the certificate with --cert",
        )


def announced_certificate(
    session: Session,
    tree: Tree | None,
    *,
    cert: str | None,
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
