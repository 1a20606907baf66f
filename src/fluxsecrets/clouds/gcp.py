"""Google Cloud: requests to its APIs with the user's own credentials. `gcp_errors` says why they fail."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fluxsecrets.errors import FluxsecretsError, ServiceError
from fluxsecrets.files.reading import read_file

from . import gcp_login, refusal
from .gcp_errors import CA_FILES, Answer, bad_certificates, refused, refused_answer

SERVICE = "Google Cloud"
_TOKENS = "Google's token service"
_TIMEOUT = 10.0
_FAILED_FOR = 30.0  # seconds in which a log-in that failed for good is not tried again
_LIMIT = 4 << 20  # bytes of an answer
_HEADER = re.compile(r"[ -~]+", re.ASCII)
_DOMAIN = re.compile(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)+", re.ASCII)


class Client:
    """Requests to Google's APIs as JSON over HTTP, in one process; threads share it.

    Nothing is sent, and no library is imported, before the first request. Redirects are not followed: they
    would carry the credentials and the content to another address. `calling.Caller` makes the retries.
    """

    def __init__(
        self, environ: Mapping[str, str], service: str = SERVICE, *, anonymous: bool = False
    ) -> None:
        """Take the environment, the service's name for people, and whether to send no credentials."""
        self._environ = environ
        self._service = service
        self._anonymous = anonymous
        self._lock = threading.Lock()
        self._http: Any = None
        self._credentials: Any = None
        self._failed: tuple[ServiceError | None, float] = None, 0.0
        hint = gcp_login.log_in_hint(environ)
        self._hints = dict.fromkeys((refusal.EXPIRED, refusal.BAD_CREDENTIALS, refusal.NO_CREDENTIALS), hint)

    def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, object] | None = None,
        *,
        hints: Mapping[str, str] = MappingProxyType({}),
    ) -> Mapping[str, Any]:
        """Make one request, and return the JSON object of the answer.

        Args:
            method: such as POST.
            url: at an address that the environment names, or that of `address`.
            body: is sent as JSON.
            hints: by reason, what to do next.

        Raises:
            ServiceError: it could not, with a reason.
        """
        data = None if body is None else json.dumps(body).encode("ascii")
        return self.send(method, url, data, {"Content-Type": "application/json"}, hints=hints)

    def send(
        self,
        method: str,
        url: str,
        data: bytes | None,
        headers: Mapping[str, str],
        *,
        hints: Mapping[str, str] = MappingProxyType({}),
    ) -> Mapping[str, Any]:
        """Make one request with any content, see `call`."""
        answer = self._ask(method, url, data, headers, hints, _LIMIT)
        try:
            fields = json.loads(answer)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise refusal.refusal(refusal.FAILED, self._service, detail="the answer is not JSON")
        return fields

    def fetch(self, url: str, *, limit: int, hints: Mapping[str, str] = MappingProxyType({})) -> bytes:
        """Return any content of at most so many bytes, see `call`."""
        return self._ask("GET", url, None, {}, hints, limit)

    def _ask(
        self,
        method: str,
        url: str,
        data: bytes | None,
        headers: Mapping[str, str],
        hints: Mapping[str, str],
        limit: int,
    ) -> bytes:
        headers = {**headers, **self.headers()}
        answer = self._request(method, url, data, headers, self._service, limit=limit)
        if answer.status >= 300:
            raise refused_answer(answer, self._service, {**self._hints, **hints})
        return answer.data

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the credentials; a token is asked for at need, by one thread.

        Raises:
            ServiceError: there are no credentials, or they are not accepted.
        """
        if self._anonymous:
            return {}
        with self._lock:
            credentials = self._found()
            if not credentials.valid:
                self._log_in(credentials)
            headers: dict[str, str] = {}
            credentials.apply(headers)
        if not all(_HEADER.fullmatch(value) for value in headers.values()):
            # Libraries quote such a header in their exceptions.
            raise refusal.refusal(
                refusal.NO_CREDENTIALS, self._service, detail="the token has characters that no token has"
            )
        return headers

    def _log_in(self, credentials: Any) -> None:
        """Ask for a token. Threads that waited meanwhile share a failure: each would wait again."""
        error, until = self._failed
        if error is not None and time.monotonic() < until:
            raise copy(error)
        try:
            credentials.refresh(self._ask_for_token)
        except Exception as exception:  # noqa: BLE001 - of any library that a kind of credential uses
            error = exception if isinstance(exception, ServiceError) else self.refused(exception)
            if not refusal.REASONS[error.reason].passing:
                self._failed = error, time.monotonic() + _FAILED_FOR
            raise error from None

    def refused(self, error: Exception, hints: Mapping[str, str] = MappingProxyType({})) -> ServiceError:
        """Return what an exception of a request with these credentials means, see the function `refused`."""
        return refused(error, self._service, {**self._hints, **hints})

    def address(self, api: str, universe: str = "") -> str:
        """Return the address of an API.

        Args:
            api: such as `cloudkms`.
            universe: the domain of the user's cloud, if the environment names one for this API.

        Raises:
            ServiceError: there are no usable credentials, or they are for another universe.
        """
        wanted = universe or self._environ.get(gcp_login.UNIVERSE, "")
        with self._lock:
            own = str(self._found().universe_domain)
        if not _DOMAIN.fullmatch(wanted or own):
            raise refusal.refusal(
                refusal.REJECTED,
                self._service,
                detail="the universe of your cloud is not a domain",
                hint="it looks like googleapis.com",
            )
        if wanted and own not in (wanted, gcp_login.DEFAULT_UNIVERSE):
            raise refusal.refusal(
                refusal.NO_CREDENTIALS,
                self._service,
                detail=f"those found are for {own}",
                hint=f"use credentials for {wanted}",
            )
        return f"https://{api}.{wanted or own}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._service}>"

    def _found(self) -> Any:
        if self._credentials is None:
            self._credentials = gcp_login.find_credentials(self._environ, self._service)
        return self._credentials

    def _ask_for_token(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        *,
        direct: bool = False,
        **_options: object,
    ) -> Answer:
        """Make a request for google-auth, as its `transport.Request` does; what may pass is raised at once.

        The library would try again by itself, and wait.

        """
        # Through a proxy, the metadata server of the proxy's machine would answer.
        answer = self._request(method, url, body, headers or {}, _TOKENS, timeout, direct=direct)
        if answer.status == 429 or answer.status >= 500:
            raise refused_answer(answer, _TOKENS, self._hints)
        return answer

    def _request(
        self,
        method: str,
        url: str,
        data: bytes | None,
        headers: Mapping[str, str],
        service: str,
        timeout: float | None = None,
        *,
        limit: int = _LIMIT,
        direct: bool = False,
    ) -> Answer:
        try:
            import requests
        except ImportError:
            raise refusal.missing_extra(self._service, "gcp") from None
        if self._http is None:
            self._http = _session(requests)
        verify = _ca_file(self._environ) or True
        try:
            with self._http.request(
                method,
                url,
                data=data,
                headers=dict(headers),
                timeout=timeout or _TIMEOUT,
                allow_redirects=False,
                stream=True,
                verify=verify,
                proxies=dict.fromkeys(("http", "https", "all")) if direct else None,
            ) as response:
                content = b""
                for chunk in response.iter_content(65536):
                    content += chunk
                    if len(content) > limit:
                        raise refusal.refusal(refusal.FAILED, service, detail="the answer is too large")
                return Answer(response.status_code, response.headers, content)
        except requests.RequestException as error:
            raise refused(error, service) from None
        except OSError:  # requests raises it for the file alone
            raise bad_certificates(service) from None


def checksum(data: bytes, service: str) -> int:
    """Return the CRC32C that Google's APIs compare.

    Raises:
        ServiceError: the library is not installed.
    """
    try:
        from google_crc32c import value
    except ImportError:
        raise refusal.missing_extra(service, "gcp") from None
    return int(value(data))


def trusted_certificates(environ: Mapping[str, str], service: str) -> bytes | None:
    """Return the certificates that the environment says to trust, as PEM; None means those of the library.

    Raises:
        ServiceError: the file can't be read.
    """
    name = _ca_file(environ)
    try:
        return None if name is None else read_file(Path(name), limit=_LIMIT, follow_links=True).data
    except FluxsecretsError:
        raise bad_certificates(service) from None


def _ca_file(environ: Mapping[str, str]) -> str | None:
    return next((environ[name] for name in CA_FILES if environ.get(name)), None)


def _session(requests: Any) -> Any:
    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=16))
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=16))
    session.auth = lambda request: request  # or an entry of ~/.netrc takes the place of the token
    return session
