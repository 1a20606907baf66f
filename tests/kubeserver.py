"""A Kubernetes API server on this machine that answers what a real kubectl asks, and nothing else.

It has aggregated discovery, lists in chunks, label selectors and named objects, for the kinds that
fluxsecrets reads. Like the real one it wants a token, refuses what the token may not read with a Status, and
knows no paths but its own. It only reads: any other method, and any watch, is refused and kept in `refused`.
"""

import json
import ssl
import tempfile
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from webserver import Answer, Hang, web_server

TOKEN = "throwaway.kube.token"
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

VERSIONS = {
    ("", "Secret"): ("v1", "secrets"),
    ("", "ServiceAccount"): ("v1", "serviceaccounts"),
    ("apps", "Deployment"): ("v1", "deployments"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): ("v1", "kustomizations"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"): ("v2", "helmreleases"),
    ("source.toolkit.fluxcd.io", "GitRepository"): ("v1", "gitrepositories"),
    ("source.toolkit.fluxcd.io", "OCIRepository"): ("v1", "ocirepositories"),
    ("external-secrets.io", "ExternalSecret"): ("v1", "externalsecrets"),
    ("bitnami.com", "SealedSecret"): ("v1alpha1", "sealedsecrets"),
}
"""The version and the plural of each kind that is served."""

_KNOWN_PARAMETERS = {"limit", "continue", "labelSelector", "timeout"}


@dataclass
class Cluster:
    """What a cluster has, and who may read what.

    Attributes:
        objects: as manifests.
        absent: kinds without a definition.
        forbidden: (kind, namespace) that the token may not list; the namespace "" is for a list of all.
        closed: (kind, namespace) of which the token may not even get a named object.
        asked: the paths of all requests that were answered.
        refused: method and path of the requests that an object to read a cluster never makes.
        hangs: it takes requests, and doesn't answer.
        most: objects in one answer, whatever `limit` is.
        address: of the server.
    """

    objects: list = field(default_factory=list)
    absent: set = field(default_factory=set)
    forbidden: set = field(default_factory=set)
    closed: set = field(default_factory=set)
    asked: list = field(default_factory=list)
    refused: list = field(default_factory=list)
    hangs: bool = False
    most: int = 500
    address: str = ""

    def answer(self, request):
        """Answer a request as the API server does."""
        url = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        if self.hangs:
            return Hang()
        if request.method != "GET" or query.get("watch") in {"true", "1"} or request.body:
            self.refused.append((request.method, request.path))
            return status(405, "MethodNotAllowed", "the server does not allow this method")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return status(401, "Unauthorized", "Unauthorized")
        self.asked.append(request.path)
        if url.path == "/version":
            return Answer(200, {"major": "1", "minor": "32", "gitVersion": "v1.32.0"})
        if url.path in {"/api", "/apis"}:
            return self.discovery(core=url.path == "/api", accept=request.headers.get("accept", ""))
        found = self.resource(url.path.strip("/").split("/"))
        if found is None:
            return status(404, "NotFound", "the server could not find the requested resource")
        if "application/json" not in request.headers.get("accept", ""):
            return status(406, "NotAcceptable", "only application/json is served")
        unknown = query.keys() - _KNOWN_PARAMETERS
        if unknown:
            return status(400, "BadRequest", f"unknown parameters {sorted(unknown)}")
        return self.read(*found, query)

    def discovery(self, *, core, accept):
        """The groups with their resources. The older form of discovery, of many requests, is not served."""
        if _DISCOVERY.split(";")[3] not in accept:
            return status(406, "NotAcceptable", "only aggregated discovery is served")
        groups = {}
        for (group, kind), (version, plural) in VERSIONS.items():
            if (group == "") is core and kind not in self.absent:
                groups.setdefault((group, version), []).append(
                    {
                        "resource": plural,
                        "responseKind": {"group": group, "version": version, "kind": kind},
                        "scope": "Namespaced",
                        "singularResource": kind.lower(),
                        "verbs": ["get", "list"],
                    }
                )
        items = [
            {
                "metadata": {"name": group},
                "versions": [{"version": version, "resources": found, "freshness": "Current"}],
            }
            for (group, version), found in groups.items()
        ]
        data = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}
        return Answer(200, {**data, "metadata": {}}, {"Content-Type": _DISCOVERY})

    def resource(self, parts):
        """The kind, namespace and name of a path."""
        if parts[0] == "api" and len(parts) > 2:
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) > 3:
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            return None
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        for (own, kind), (known, plural) in VERSIONS.items():
            if (own, known, plural) == (group, version, rest[0]) and kind not in self.absent:
                if len(rest) == 1:
                    return group, kind, namespace, None
                return (group, kind, namespace, rest[1]) if len(rest) == 2 and namespace else None
        return None

    def read(self, group, kind, namespace, name, query):
        """An object, or a list."""
        version, plural = VERSIONS[group, kind]
        refused = self.closed if name is not None else self.closed | self.forbidden
        if (kind, namespace) in refused or (kind, "*") in refused:
            full = f"{plural}.{group}" if group else plural
            verb = "get" if name is not None else "list"
            return status(
                403, "Forbidden", f'{full} is forbidden: User "auditor" cannot {verb} resource "{plural}"'
            )
        found = [
            each
            for each in self.objects
            if each["kind"] == kind and (not namespace or each["metadata"]["namespace"] == namespace)
        ]
        if name is not None:
            one = next((each for each in found if each["metadata"]["name"] == name), None)
            return (
                Answer(200, one)
                if one is not None
                else status(404, "NotFound", f'{plural} "{name}" not found')
            )
        found = [each for each in found if selected(each, query.get("labelSelector", ""))]
        start = int(query.get("continue") or 0)
        limit = min(self.most, int(query.get("limit") or self.most))
        rest = len(found) - start - limit
        more = {"continue": str(start + limit), "remainingItemCount": rest} if rest > 0 else {}
        return Answer(
            200,
            {
                "kind": f"{kind}List",
                "apiVersion": f"{group}/{version}" if group else version,
                "metadata": {"resourceVersion": "1", **more},
                "items": found[start : start + limit],
            },
        )


def selected(item, selector):
    """Whether labels match `key` and `key=value`, with commas between."""
    labels = item["metadata"].get("labels", {})
    for term in filter(None, selector.split(",")):
        key, equals, value = term.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def status(code, reason, message):
    """What the API server says if it has no object to show."""
    return Answer(
        code,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        },
    )


@cache
def certificate():
    """A certificate for this machine, and its private key, in PEM. kubectl sends no token without TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "throwaway")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private


def write_kubeconfig(path, address, *, context="staging", token=TOKEN, current=True):
    """Write a kubeconfig file for a server."""
    authority = b64encode(certificate()[0]).decode()
    data = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": context, "cluster": {"server": address, "certificate-authority-data": authority}}
        ],
        "users": [{"name": "auditor", "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": "auditor"}}],
        "current-context": context if current else "",
    }
    path.write_text(json.dumps(data), "utf-8")
    return path


@contextmanager
def kube_server(cluster):
    """Serve a cluster; its `address` is set."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(b"".join(certificate()))
        file.flush()
        tls.load_cert_chain(file.name)
    with web_server(cluster.answer, tls) as address:
        cluster.address = address
        yield cluster
