"""Google Cloud: where the user's credentials are, and how they are read.

The order is that of sops (gcpkms/keysource.go), and then of Google's application default credentials.
A credential file is the user's own: the environment names it, or gcloud wrote it to its folder. Nothing here
reads one that a repository names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from fluxsecrets.errors import FluxsecretsError, ServiceError
from fluxsecrets.files.reading import read_file

from . import refusal
from .home import home_folder

CREDENTIALS = "GOOGLE_CREDENTIALS"
TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105 - a variable's name
APPLICATION_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
UNIVERSE = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
DEFAULT_UNIVERSE = "googleapis.com"
_LOG_IN = "run `gcloud auth application-default login`"
_QUOTA_PROJECT = "GOOGLE_CLOUD_QUOTA_PROJECT"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_WELL_KNOWN = "application_default_credentials.json"
_FILE_LIMIT = 1 << 20
_METADATA_ADDRESS = "169.254.169.254"  # the name would first have to be looked up, which can take long
_PRODUCT_NAME = Path("/sys/class/dmi/id/product_name")
_NEAR, _FAR = 3.0, 1.0  # seconds for the metadata server, on Google's machines and elsewhere

_LOADERS: Mapping[str, tuple[str, str]] = {
    "service_account": ("google.oauth2.service_account", "from_service_account_info"),
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info"),
    "external_account_authorized_user": ("google.auth.external_account_authorized_user", "from_info"),
    "impersonated_service_account": (
        "google.auth.impersonated_credentials",
        "from_impersonated_service_account_info",
    ),
    "external_account": ("google.auth.identity_pool", "from_info"),
    "aws": ("google.auth.aws", "from_info"),
    "executable": ("google.auth.pluggable", "from_info"),
}
_UNSCOPED = frozenset({"authorized_user", "external_account_authorized_user"})
"""Credentials whose scopes the user chose at the log-in."""


def find_credentials(environ: Mapping[str, str], service: str) -> Any:
    """Return the user's credentials, an object of `google.auth.credentials`; nothing is sent.

    Args:
        environ: the environment.
        service: its name for people.

    Raises:
        ServiceError: google-auth is not installed, or what the environment names is not usable.
    """
    try:
        from google.auth import exceptions
        from google.oauth2 import credentials as oauth2
    except ImportError:
        raise refusal.missing_extra(service, "gcp") from None
    make: Any = oauth2.Credentials
    for origin, path, text in _documents(environ):
        info = _read(origin, path, text, service)
        try:
            credentials = _load(info)
        except (exceptions.GoogleAuthError, ValueError, TypeError, AttributeError, LookupError):
            # The exception's text may quote the document.
            raise _malformed(service, origin, "is not a supported credential file") from None
        return _with_quota_project(credentials, environ)
    if token := environ.get(TOKEN, "").strip():
        return _with_quota_project(make(token), environ)
    asked = partial(_ask_metadata_server, environ, service)
    return make(None, refresh_handler=asked, scopes=_SCOPES)


def has_credentials(environ: Mapping[str, str]) -> bool:
    """Whether there is something to log in with. Neither a service nor a program is asked."""
    return bool(environ.get(TOKEN)) or any(True for _ in _documents(environ)) or _is_on_google(environ)


def log_in_hint(environ: Mapping[str, str]) -> str:
    """Return what to do about credentials that are missing or not accepted."""
    for name in (CREDENTIALS, TOKEN, APPLICATION_CREDENTIALS):
        if not environ.get(name):
            continue
        if name == TOKEN:
            return f"run `export {TOKEN}=$(gcloud auth print-access-token)`"
        return f"check the credentials that {name} names"
    return _LOG_IN


def looked_in(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return where credentials are looked for: the variable that decides, or the places after them."""
    for name in (CREDENTIALS, TOKEN, APPLICATION_CREDENTIALS):
        if environ.get(name):
            return (name,)
    if _well_known(environ).is_file():
        return (_WELL_KNOWN,)
    missing = f"{_WELL_KNOWN} of gcloud (missing)"
    return (missing, "Google's metadata server") if _has_metadata(environ) else (missing,)


def _documents(environ: Mapping[str, str]) -> list[tuple[str, Path | None, str]]:
    """Return the credential documents in sops's order, as (where it is named, its file or None, its text)."""
    if value := environ.get(CREDENTIALS):
        with suppress(OSError, ValueError):
            if Path(value).exists():
                return [(CREDENTIALS, Path(value), "")]
        return [(CREDENTIALS, None, value)]
    if environ.get(TOKEN):
        return []
    if value := environ.get(APPLICATION_CREDENTIALS):
        return [(APPLICATION_CREDENTIALS, Path(value), "")]
    path = _well_known(environ)
    return [(_WELL_KNOWN, path, "")] if path.is_file() else []


def _well_known(environ: Mapping[str, str]) -> Path:
    if folder := environ.get("CLOUDSDK_CONFIG"):
        return Path(folder) / _WELL_KNOWN
    if sys.platform == "win32":
        return Path(environ.get("APPDATA", "")) / "gcloud" / _WELL_KNOWN
    return home_folder(environ) / ".config" / "gcloud" / _WELL_KNOWN


def _read(origin: str, path: Path | None, text: str, service: str) -> Mapping[str, Any]:
    if path is not None:
        try:
            text = read_file(path, limit=_FILE_LIMIT, follow_links=True).data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = ""
        except FluxsecretsError as error:
            raise _malformed(service, origin, error.message) from None
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        what = "neither a file nor JSON" if path is None else "not JSON"
        raise _malformed(service, origin, f"is {what}")
    return info


def _load(info: Mapping[str, Any]) -> Any:
    kind = str(info["type"])
    loader = kind
    if kind == "external_account":
        source = info.get("credential_source")
        if str(info.get("subject_token_type", "")).endswith(":aws4_request"):
            loader = "aws"
        elif isinstance(source, Mapping) and "executable" in source:
            loader = "executable"
    elif kind in ("aws", "executable"):
        raise LookupError(kind)
    module, name = _LOADERS[loader]
    make = getattr(import_module(module).Credentials, name)
    credentials = make(info) if kind in _UNSCOPED else make(info, scopes=_SCOPES)
    if kind == "service_account":
        # As sops's library does (https://google.aip.dev/auth/4111): no request for a token is needed.
        credentials = credentials.with_always_use_jwt_access(True)
    return credentials


def _with_quota_project(credentials: Any, environ: Mapping[str, str]) -> Any:
    project = environ.get(_QUOTA_PROJECT)
    return credentials.with_quota_project(project) if project else credentials


def _malformed(service: str, origin: str, what: str) -> ServiceError:
    hint = _LOG_IN if origin == _WELL_KNOWN else f"fix or unset {origin}"
    return refusal.refusal(refusal.NO_CREDENTIALS, service, detail=f"{origin} {what}", hint=hint)


def _not_here(service: str, detail: str = "") -> ServiceError:
    return refusal.refusal(refusal.NO_CREDENTIALS, service, detail=detail, hint=_LOG_IN)


def _has_metadata(environ: Mapping[str, str]) -> bool:
    return environ.get("NO_GCE_CHECK", "").lower() != "true"


def _is_on_google(environ: Mapping[str, str]) -> bool:
    if not _has_metadata(environ):
        return False
    if environ.get("GCE_METADATA_HOST") or environ.get("K_SERVICE"):  # the second one is Cloud Run's
        return True
    try:
        return _PRODUCT_NAME.read_text(encoding="utf-8", errors="replace").startswith("Google")
    except OSError:
        return False


def _ask_metadata_server(
    environ: Mapping[str, str], service: str, request: Any, scopes: object
) -> tuple[str, datetime]:
    """Return a token of the machine's own account, and when it expires.

    There is one request with a short time-out: google-auth makes three, and waits ten seconds where the
    server is missing.
    """
    if not _has_metadata(environ):
        raise _not_here(service)
    host = environ.get("GCE_METADATA_HOST") or environ.get("GCE_METADATA_IP") or _METADATA_ADDRESS
    try:
        answer = request(
            f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token",
            headers={"Metadata-Flavor": "Google"},
            timeout=_NEAR if _is_on_google(environ) else _FAR,
            direct=True,
        )
    except ServiceError as error:
        if error.reason in (refusal.OFFLINE, refusal.TIMED_OUT):
            raise _not_here(service) from None
        raise
    if answer.headers.get("Metadata-Flavor") != "Google":  # another cloud's server is at this address, too
        raise _not_here(service)
    if answer.status != 200:
        raise _not_here(service, "this machine has no service account")
    try:
        fields = json.loads(answer.data)
        token, seconds = fields["access_token"], float(fields["expires_in"])
    except (ValueError, LookupError, TypeError):
        raise refusal.refusal(refusal.FAILED, "Google's metadata server") from None
    if not isinstance(token, str):
        raise refusal.refusal(refusal.FAILED, "Google's metadata server")
    # google-auth compares with times without a zone.
    return token, datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=min(seconds, 86_400.0))
