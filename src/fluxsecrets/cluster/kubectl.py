"""Read a cluster with kubectl. It is the only module that starts it, and `get` is all that it asks.

One call lists one kind, in chunks, whatever the number of objects. Of Secrets it asks for those that Flux
applied, and for those that are wanted by name; the cluster's other Secrets stay there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from fluxsecrets.errors import ClusterError
from fluxsecrets.flux.common import OWNER
from fluxsecrets.programs import find_program
from fluxsecrets.repo.manifests import maps, text
from fluxsecrets.shell import word

from .collecting import LARGEST, items, kind_in, read_object
from .controllers import global_secrets
from .hasher import Hasher
from .kinds import DEPLOYMENT, SECRET, SERVICE_ACCOUNT, Kind
from .model import Gap, Listing, LiveCluster, LiveSecret, LiveSecrets, Origin, Wanted, Why, by_name
from .process import Ended, run
from .secrets import ReadKeys, read_secret

_TIMEOUT: Final = 90.0
"""Seconds for one call, with all chunks of a list and the login of a credential plugin."""

_REQUEST_TIMEOUT: Final = "20s"
_PROBE_TIMEOUT: Final = "10s"
_AT_ONCE: Final = 4

_PER_CALL: Final = 100
"""Names of Secrets that fit one command line."""

_CHUNKED = ("--chunk-size=250",)
_OWNED = (f"--selector={OWNER}/name",)
_OF_FLUX = frozenset({DEPLOYMENT, SERVICE_ACCOUNT})
"""Kinds that every namespace is full of, and of which Flux's own are wanted."""

_FORBIDDEN = re.compile(r"\(Forbidden\)|is forbidden:")
_NO_SUCH_KIND = re.compile(r"doesn't have a resource type|could not find the requested resource")
_PLUGIN = re.compile(r"exec: executable \S+ (?:not found|failed)|exec plugin: ")
_LOGIN = re.compile(r"\(?Unauthorized\)?|logged in to the server|getting credentials")
_NO_CONTEXT = re.compile(
    r"context .*does not exist|no context exists|cannot locate context|current-context must exist"
)
_CERTIFICATE = re.compile(r"x509|tls: |certificate")
_UNREACHABLE = re.compile(
    r"refused|no such host|i/o timeout|Unable to connect|deadline exceeded|Client\.Timeout|no route to host"
    r"|network is unreachable|EOF|connection reset"
)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """How kubectl is called.

    Attributes:
        environ: the user's environment.
        read_keys: looks for keys in the values of Secrets.
        context: of the kubeconfig file; None takes the current one.
        kubeconfig: the file; None takes the user's.
        hasher: makes the hashes of values.
    """

    environ: Mapping[str, str] = field(repr=False)
    read_keys: ReadKeys = field(repr=False)
    context: str | None = None
    kubeconfig: str | None = None
    hasher: Hasher = field(default_factory=Hasher)

    def read(self, wanted: Wanted) -> LiveCluster:
        """Read what is wanted; what can't be read is a gap.

        Raises:
            ClusterError: kubectl is missing, or the cluster does not answer it.
        """
        program = find_program("kubectl", self.environ)
        if program is None:
            raise ClusterError(
                "kubectl is not installed, or not on PATH",
                hint="install it, or read a dump of the cluster with --from-dump DIR",
            )
        origin = self._origin(program)
        calls = _Calls(program, self._options(origin), self.environ, origin)
        calls.require_answer()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            listed = pool.map(lambda kind: _listing(calls, kind, wanted.namespaces), wanted.kinds)
            listings = dict(zip(wanted.kinds, listed, strict=True))
        named = global_secrets(listings[DEPLOYMENT].objects) if DEPLOYMENT in listings else ()
        wanted = replace(wanted, secrets=wanted.secrets | frozenset(named))
        return LiveCluster(origin, self.hasher, listings, self._secrets(calls, wanted))

    def _options(self, origin: Origin) -> tuple[str, ...]:
        options = [f"--context={origin.context}"] if origin.context else []
        options += [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig is not None else []
        return tuple(options)

    def _origin(self, program: str) -> Origin:
        """Which cluster that is. Only the kubeconfig files are read for it, and kubectl hides their keys."""
        chosen = [f"--context={self.context}"] if self.context is not None else []
        chosen += [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig is not None else []
        command = [program, "config", "view", "--minify", "--output=json", *chosen]
        ended = run(command, self.environ, timeout=_TIMEOUT, limit=LARGEST)
        if ended.code != 0 and self.context is None and self.environ.get("KUBERNETES_SERVICE_HOST"):
            return Origin(server=f"https://{self.environ['KUBERNETES_SERVICE_HOST']}")  # inside of a cluster
        if ended.code != 0:
            raise _failure(ended, Origin(self.context or "")) or ClusterError(
                "the kubeconfig file can't be read", hint="run `kubectl config view` to see why"
            )
        view = _parsed(ended.output)
        context = self.context or text(view, "current-context") or ""
        cluster = next(iter(maps(view, "clusters")), {})
        server = _without_user(text(cluster, "cluster", "server") or "")
        return Origin(context, server, chosen=self.context is not None)

    def _secrets(self, calls: _Calls, wanted: Wanted) -> LiveSecrets:
        owned, owned_gap = self._get_secrets(
            calls, "Secrets that Flux applied", "--all-namespaces", *_OWNED, *_CHUNKED
        )
        found = by_name(owned)
        gaps: dict[str, Gap] = {}
        for namespace, names in wanted.by_namespace().items():
            missing = [name for name in names if (namespace, name) not in found]
            for some in _some(missing):
                what = f"Secrets of namespace {namespace}"
                more, gap = self._get_secrets(
                    calls, what, f"--namespace={namespace}", "--ignore-not-found", names=some
                )
                found |= by_name(more)
                if gap is not None:
                    gaps[namespace] = gap
        return LiveSecrets(found, gaps, owned_gap, wanted.secrets)

    def _get_secrets(
        self, calls: _Calls, what: str, *options: str, names: Iterable[str] = ()
    ) -> tuple[tuple[LiveSecret, ...], Gap | None]:
        answer = calls.get(SECRET, what, *names, "--show-managed-fields", *options)
        if isinstance(answer, Gap):
            return (), answer
        return tuple(
            read_secret(each, self.hasher, self.read_keys) for each in answer if kind_in(each) == SECRET
        ), None


@dataclass(frozen=True, slots=True)
class _Calls:
    """Makes calls to one cluster."""

    program: str
    options: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    origin: Origin

    def require_answer(self) -> None:
        """Ask for the server's version: without that, kubectl tries for minutes to learn the server's kinds.

        Raises:
            ClusterError: the cluster doesn't answer, or not this user.
        """
        failure = _failure(self._run("--raw=/version", f"--request-timeout={_PROBE_TIMEOUT}"), self.origin)
        if failure is not None:
            raise failure

    def get(self, kind: Kind, what: str, *arguments: str) -> list[Any] | Gap:
        """Return the objects that one call prints, or why they can't be read.

        Raises:
            ClusterError: the cluster doesn't answer, or not this user.
        """
        ended = self._run(kind.argument, *arguments, "--output=json", f"--request-timeout={_REQUEST_TIMEOUT}")
        if ended.overflowed:
            return Gap(Why.FAILED, what, f"kubectl printed more than {LARGEST // 2**20} MiB")
        if ended.code == 0:
            return [*items(_parsed(ended.output))] if ended.output.strip() else []
        if _FORBIDDEN.search(ended.errors):
            hint = f"grant `get` and `list` for {kind.argument} to this user"
            return Gap(Why.FORBIDDEN, what, hint)
        if _NO_SUCH_KIND.search(ended.errors):
            return Gap(Why.NO_SUCH_KIND, what)
        failure = _failure(ended, self.origin)
        if failure is not None:
            raise failure
        command = _command(f"get {kind.argument} -A", self.origin)
        return Gap(Why.FAILED, what, f"run {command} to see why")

    def _run(self, *arguments: str) -> Ended:
        """Start `kubectl get`; nothing else is ever asked of a cluster."""
        command = [self.program, "get", *arguments, *self.options]
        ended = run(command, self.environ, timeout=_TIMEOUT, limit=LARGEST)
        if ended.timed_out:
            raise ClusterError(
                f"kubectl did not answer within {_TIMEOUT:.0f} seconds",
                hint=f"a credential plugin may wait for a login: try {_command('auth whoami', self.origin)}",
            )
        return ended


def _listing(calls: _Calls, kind: Kind, namespaces: frozenset[str]) -> Listing:
    """The objects of a kind, in all namespaces or in those of Flux."""
    places = (
        [f"--namespace={each}" for each in sorted(namespaces)] if kind in _OF_FLUX else ["--all-namespaces"]
    )
    found: list[Any] = []
    for place in places:
        answer = calls.get(kind, f"objects of kind {kind.name}", place, *_CHUNKED)
        if isinstance(answer, Gap):
            return Listing(_objects(kind, found), answer)
        found += answer
    return Listing(_objects(kind, found))


def _objects(kind: Kind, found: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(read_object(kind, each) for each in found if kind_in(each) == kind)


def _some(names: list[str]) -> Iterator[list[str]]:
    """The names in parts that fit a command line."""
    for start in range(0, len(names), _PER_CALL):
        yield names[start : start + _PER_CALL]


def _parsed(output: bytes) -> Any:
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        raise ClusterError("what kubectl printed is not JSON", hint="check `kubectl version`") from None


def _failure(ended: Ended, origin: Origin) -> ClusterError | None:
    """Why no call can work; None if it may be about one kind only."""
    where = f"context {origin.context!a}" if origin.context else "the current context"
    if _NO_CONTEXT.search(ended.errors):
        hint = "`kubectl config get-contexts` lists them; name one with --context"
        return ClusterError(f"the kubeconfig file does not have {where}", hint=hint)
    if _PLUGIN.search(ended.errors):
        hint = f"try {_command('auth whoami', origin)}: it shows what the plugin says"
        return ClusterError(f"the credential plugin of {where} is missing, or failed", hint=hint)
    if _LOGIN.search(ended.errors):
        hint = f"log in as your cluster's provider says, and try {_command('auth whoami', origin)}"
        return ClusterError(f"the cluster of {where} does not accept your credentials", hint=hint)
    if _UNREACHABLE.search(ended.errors) or _CERTIFICATE.search(ended.errors):
        server = f" at {origin.server}" if origin.server else ""
        why = (
            "does not answer"
            if _UNREACHABLE.search(ended.errors)
            else "has a certificate that kubectl does not trust"
        )
        return ClusterError(f"the cluster{server} {why}", hint=f"try {_command('cluster-info', origin)}")
    return None


def _command(words: str, origin: Origin) -> str:
    """A command that users paste, for the cluster that was asked."""
    context = f" --context {word(origin.context)}" if origin.context else ""
    return f"`kubectl {words}{context}`"


def _without_user(server: str) -> str:
    try:
        found = urlsplit(server)
    except ValueError:
        return ""
    return urlunsplit(found._replace(netloc=found.netloc.rpartition("@")[2], query="", fragment=""))
