"""Content delivery: anyone who has one of these changes what your visitors are sent."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .model import TokenRule
from .parts import UUID, assigned, named

RULES = (
    TokenRule(
        id="bunny-key",
        title="bunny.net key",
        severity=Severity.CRITICAL,
        pattern=assigned(
            "bunny",
            (
                rf"{UUID}(?:{UUID}|[0-9a-f]{{4}}-[0-9a-f]{{4}})?|[0-9a-f]{{8}}-[0-9a-f]"
                rf"{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}"
            ),
        ),
        group=1,
        keywords=(b"bunny",),
        entropy=3.0,
        explanation="It manages zones and storage, or reads and writes a storage zone's files.",
        fix="reset it in the account's settings, or the storage zone's password",
        positives=(
            "BUNNY_API_KEY={uuid}{uuid}",
            "bunny_storage_access_key: {hex:8}-{hex:4}-{hex:4}-{hex:12}-{hex:4}-{hex:4}",
        ),
        negatives=("BUNNY_API_KEY=${BUNNY_API_KEY}", "BUNNY_revision: {uuid}{uuid}"),
    ),
    TokenRule(
        id="akamai-edgegrid-token",
        title="Akamai EdgeGrid token",
        severity=Severity.MEDIUM,
        pattern=r"\bakab-[0-9a-z]{16}-[0-9a-z]{16}\b",
        keywords=(b"akab-",),
        entropy=3.0,
        explanation="It names an API client and its access; the client secret is often close by.",
        fix="deactivate the client's credential in the Control Center, and make a new one",
        positives=("access_token = akab-{alnum:16}-{alnum:16}",),
        negatives=("akab-{alnum:16}", "https://akab-{alnum:8}.luna.akamaiapis.net"),
    ),
    TokenRule(
        id="akamai-client-secret",
        title="Akamai EdgeGrid client secret",
        severity=Severity.CRITICAL,
        pattern=assigned("akamai|edgegrid", "[0-9A-Za-z+/]{43}="),
        group=1,
        keywords=(b"akamai", b"edgegrid"),
        entropy=4.0,
        explanation=(
            "With the tokens beside it, it changes what Akamai serves for your names, within its grants."
        ),
        fix="deactivate the client's credential in the Control Center, and make a new one",
        positives=("AKAMAI_CLIENT_SECRET={base64:43}=",),
        negatives=(
            "AKAMAI_CLIENT_SECRET=${AKAMAI_CLIENT_SECRET}",
            "AKAMAI_CLIENT_revision: {base64:43}=",
        ),
    ),
    TokenRule(
        id="gcore-token",
        title="Gcore token",
        severity=Severity.CRITICAL,
        pattern=assigned("gcore", r"[0-9]{1,9}\$[0-9a-f]{100,160}"),
        group=1,
        keywords=(b"gcore",),
        entropy=3.0,
        explanation="It manages DNS, CDN and cloud of the account, with the rights of its owner.",
        fix="delete it under Profile, API tokens, and make one that expires",
        positives=("GCORE_PERMANENT_API_TOKEN={digit:5}${hex:128}",),
        negatives=(
            "GCORE_PERMANENT_API_TOKEN=${GCORE_PERMANENT_API_TOKEN}",
            "GCORE_PERMANENT_revision: {digit:5}${hex:128}",
        ),
    ),
    TokenRule(
        id="cloudflare-access-secret",
        title="Cloudflare Access client secret",
        severity=Severity.CRITICAL,
        pattern=named("(?:cf|cloudflare)[_-]?access[_-]?(?:client[_-]?)?secret", "[0-9a-f]{64}"),
        group=1,
        keywords=(b"access",),
        entropy=3.0,
        explanation="With its client id it passes Access, and reaches what your tunnel protects.",
        fix="rotate the service token in the Zero Trust dashboard",
        positives=("CF_ACCESS_CLIENT_SECRET={hex:64}",),
        negatives=(
            "CF_ACCESS_CLIENT_SECRET=${CF_ACCESS_CLIENT_SECRET}",
            "cf_access_audience: {hex:64}",
        ),
    ),
    TokenRule(
        id="cloudflare-r2-secret",
        title="Cloudflare R2 secret access key",
        severity=Severity.CRITICAL,
        pattern=assigned("r2", "[0-9a-f]{64}"),
        group=1,
        keywords=(b"r2",),
        entropy=3.0,
        explanation="With its key id it reads or writes R2 buckets.",
        fix="delete the API token under R2, Manage API tokens, and make one for the bucket",
        positives=("R2_SECRET_ACCESS_KEY={hex:64}",),
        negatives=("R2_SECRET_ACCESS_KEY=${R2_SECRET_ACCESS_KEY}", "R2_revision: {hex:64}"),
    ),
    TokenRule(
        id="cloudflare-tunnel-credentials",
        title="Cloudflare tunnel credentials",
        severity=Severity.CRITICAL,
        pattern=r'"TunnelSecret"[ \t]{0,8}:\s{0,8}"([0-9A-Za-z+/]{40,100}={0,2})"',
        group=1,
        keywords=(b'"tunnelsecret"',),
        entropy=3.5,
        explanation="Anyone who has the file runs a connector of your tunnel, and is sent its traffic.",
        fix="delete the tunnel, make a new one, and change the DNS records over",
        positives=('"AccountTag":"{hex:32}","TunnelSecret":"{bytes64:32}"',),
        negatives=('"TunnelSecret": ""', '"TunnelSecret":"<secret>"'),
    ),
)
