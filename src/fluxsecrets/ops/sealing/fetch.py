"""Fetch the controller's certificate: over TLS, with limits, and without redirects elsewhere."""

from __future__ import annotations

import ipaddress
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, urlsplit, urlunsplit

from fluxsecrets.clouds.calling import within
from fluxsecrets.errors import CertificateError, UsageError
from fluxsecrets.sealed.certificates import MAX_BYTES, Certificate, parse_certificate

PATH = "/v1/cert.pem"
_TIMEOUT = 15
_DEADLINE = 30
"""Seconds for everything. A server that sends a byte now and then never reaches a socket's timeout."""

_REDIRECTS = 3
_LOCAL = ("", "localhost")


@dataclass(frozen=True, slots=True)
class FetchedCertificate:
    """A fetched certificate, and its file in PEM."""

    address: str
    data: bytes = field(repr=False)
    certificate: Certificate


def path_of(url: str) -> Path | None:
    """Return the file of a `file:` URL, or None for other URLs.

    Raises:
        UsageError: it names another machine, or no file.
    """
    if not url.lower().startswith("file:"):
        return None
    found = urlsplit(url)
    path = urllib.request.url2pathname(found.path)
    if found.netloc.lower() not in _LOCAL or not path.strip("/"):
        raise UsageError(f"{url!a} does not name a file on this machine", hint="write it like file:///FILE")
    return Path(path)


def shown_url(url: str) -> str:
    """Return a URL for messages, without what may be a credential in it."""
    try:
        found = urlsplit(url)
    except ValueError:  # such as an address of IPv6 without its end
        return "the URL"
    return urlunsplit(found._replace(netloc=found.netloc.rpartition("@")[2], query="", fragment=""))


def fetch_certificate(
    address: str, *, allow_http: bool = False, deadline: float = _DEADLINE
) -> FetchedCertificate:
    """Fetch a controller's certificate.

    A URL without a path gets the controller's own path. `allow_http` allows plain HTTP from other
    machines. The response must be complete after `deadline` seconds.

    Raises:
        UsageError: the URL is invalid, or plain HTTP is not allowed.
        CertificateError: the fetch failed, or the response is not a certificate.
    """
    url = _checked(address, allow_http=allow_http)
    text = shown_url(urlunsplit(url))
    opener = urllib.request.build_opener(_NoWayOut(url.scheme))
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        urlunsplit(url), headers={"Accept": "application/x-pem-file, */*"}
    )

    def read() -> bytes:
        with opener.open(request, timeout=_TIMEOUT) as response:
            return bytes(response.read(MAX_BYTES + 1))

    try:
        data = within(deadline, read)
    except urllib.error.HTTPError as error:
        error.close()
        raise CertificateError(
            f"the server answered with status {error.code}", path=text, hint=_FORWARD
        ) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        kind = type(reason).__name__ if not isinstance(reason, str) else ascii(reason)[1:-1]
        raise CertificateError(f"can't be reached ({kind})", path=text, hint=_FORWARD) from None
    if len(data) > MAX_BYTES:
        raise CertificateError(
            f"the response has more than {MAX_BYTES} bytes, so it is not a certificate", path=text
        )
    try:
        return FetchedCertificate(text, data, parse_certificate(data))
    except CertificateError as error:
        error.path, error.hint = text, "check that this is the controller's address; its path is /v1/cert.pem"
        raise


_FORWARD = (
    "check the address; from outside the cluster `kubectl -n kube-system port-forward "
    "service/sealed-secrets-controller 8080` and http://localhost:8080 work"
)


def _checked(address: str, *, allow_http: bool) -> SplitResult:
    try:
        url = urlsplit(address)
        host, _ = url.hostname, url.port
    except ValueError:
        host, url = None, urlsplit("")
    if url.scheme not in ("https", "http") or not host or url.username is not None:
        raise UsageError(
            f"{shown_url(address)!a} is not a controller's address",
            hint="write it like https://sealed-secrets.example",
        )
    if url.scheme == "http" and not (allow_http or _is_here(host)):
        raise UsageError(
            "with plain HTTP, an attacker on the network could replace the certificate",
            hint="use https; on a safe network, run `fluxsecrets seal --fetch-cert URL --allow-http -o FILE` "
            "and compare the fingerprint",
        )
    return url if url.path not in ("", "/") else url._replace(path=PATH)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _NoWayOut(urllib.request.HTTPRedirectHandler):
    """Follow few redirects, and only to the same scheme. Files and FTP are not allowed."""

    max_redirections = _REDIRECTS

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Refuse a redirect to another scheme."""
        if urlsplit(newurl).scheme != self._scheme or self._scheme == "http":
            raise urllib.error.HTTPError(req.full_url, code, "redirect not followed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
