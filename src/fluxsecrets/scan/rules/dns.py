"""Domains and DNS: anyone who has one of these sends your visitors elsewhere."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .checks import check_uuid4
from .model import TokenRule
from .parts import UUID, assigned

RULES = (
    TokenRule(
        id="porkbun-secret-key",
        title="Porkbun secret API key",
        severity=Severity.CRITICAL,
        pattern=r"\bsk1_[0-9a-f]{64}\b",
        keywords=(b"sk1_",),
        entropy=3.0,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete the key under Account, API Access, and make a new one",
        positives=("PORKBUN_SECRET_API_KEY=sk1_{hex:64}",),
        negatives=("sk1_{hex:32}", "pk1_{hex:64}"),
    ),
    TokenRule(
        id="gandi-token",
        title="Gandi token or API key",
        severity=Severity.CRITICAL,
        pattern=assigned("gandi", "[0-9a-f]{40}|[0-9A-Za-z]{24}"),
        group=1,
        keywords=(b"gandi",),
        entropy=3.0,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix=(
            "revoke it under Organizations, Personal Access Tokens, and make one for the domains "
            "that it is for"
        ),
        positives=("GANDI_PAT_TOKEN={hex:40}", "gandi-api-key: {base62:24}"),
        negatives=("GANDI_PAT_TOKEN=${GANDI_PAT_TOKEN}", "GANDI_PAT_revision: {hex:40}"),
    ),
    TokenRule(
        id="namecheap-api-key",
        title="Namecheap API key",
        severity=Severity.CRITICAL,
        pattern=assigned("namecheap", "[0-9a-f]{32}"),
        group=1,
        keywords=(b"namecheap",),
        entropy=3.0,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="reset it under Profile, Tools, API Access",
        positives=("NAMECHEAP_API_KEY={hex:32}",),
        negatives=("NAMECHEAP_API_KEY=${NAMECHEAP_API_KEY}", "NAMECHEAP_revision: {hex:32}"),
    ),
    TokenRule(
        id="desec-token",
        title="deSEC token",
        severity=Severity.CRITICAL,
        pattern=assigned("desec|de_sec", "[0-9A-Za-z_-]{28}"),
        group=1,
        keywords=(b"desec", b"de_sec"),
        entropy=3.5,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it under Token Management, and make one with a policy for the zone",
        positives=("DESEC_TOKEN={base64url:28}",),
        negatives=("DESEC_TOKEN=${DESEC_TOKEN}", "DESEC_revision: {base64url:28}"),
    ),
    TokenRule(
        id="dnsimple-token",
        title="DNSimple token",
        severity=Severity.CRITICAL,
        pattern=r"\bdnsimple_[aou]_[0-9A-Za-z]{32,64}\b",
        keywords=(b"dnsimple_",),
        entropy=3.0,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it under Access tokens, and make one for the account or zone",
        positives=("DNSIMPLE_OAUTH_TOKEN=dnsimple_a_{base62:32}",),
        negatives=("dnsimple_a_{base62:8}",),
    ),
    TokenRule(
        id="godaddy-api-secret",
        title="GoDaddy API key or secret",
        severity=Severity.CRITICAL,
        pattern=assigned("godaddy", "[0-9A-Za-z]{8,14}_[0-9A-Za-z]{20,22}|[0-9A-Za-z]{21,22}"),
        group=1,
        keywords=(b"godaddy",),
        entropy=3.5,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete the key in the developer portal, and make a new one",
        positives=(
            "GODADDY_API_KEY={base62:12}_{base62:22}",
            "godaddy_api_secret: {base62:22}",
        ),
        negatives=(
            "GODADDY_API_KEY=${GODADDY_API_KEY}",
            "GODADDY_revision: {base62:12}_{base62:22}",
        ),
    ),
    TokenRule(
        id="name-com-token",
        title="Name.com API token",
        severity=Severity.CRITICAL,
        pattern=assigned("namecom|name_com|namedotcom", "[0-9a-f]{40}"),
        group=1,
        keywords=(b"namecom", b"name_com", b"namedotcom"),
        entropy=3.0,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it in the account's API settings, and make a new one",
        positives=("NAMECOM_API_TOKEN={hex:40}",),
        negatives=("NAMECOM_API_TOKEN=${NAMECOM_API_TOKEN}", "NAMECOM_revision: {hex:40}"),
    ),
    TokenRule(
        id="ns1-api-key",
        title="NS1 API key",
        severity=Severity.CRITICAL,
        pattern=assigned("ns1|nsone", "[0-9A-Za-z]{20}"),
        group=1,
        keywords=(b"ns1", b"nsone"),
        entropy=3.4,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it under Account, API Keys, and make one for the zone",
        positives=("NS1_API_KEY={base62:20}",),
        negatives=("NS1_API_KEY=${NS1_API_KEY}", "NS1_revision: {base62:20}"),
    ),
    TokenRule(
        id="hetzner-dns-token",
        title="Hetzner DNS token",
        severity=Severity.CRITICAL,
        pattern=assigned("hetzner|hdns", "[0-9A-Za-z]{32}"),
        group=1,
        keywords=(b"hetzner", b"hdns"),
        entropy=3.5,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it in the DNS console under API tokens, and make a new one",
        positives=("HETZNER_DNS_API_TOKEN={base62:32}",),
        negatives=(
            "HETZNER_DNS_API_TOKEN=${HETZNER_DNS_API_TOKEN}",
            "HETZNER_DNS_revision: {base62:32}",
        ),
    ),
    TokenRule(
        id="duckdns-token",
        title="Duck DNS token",
        severity=Severity.HIGH,
        pattern=assigned("duckdns|duck_dns", UUID),
        group=1,
        keywords=(b"duckdns", b"duck_dns"),
        check=check_uuid4,
        entropy=3.0,
        explanation=(
            "It points your subdomains to any address, and proves their ownership for certificates."
        ),
        fix="recreate the token on the Duck DNS page",
        positives=("DUCKDNS_TOKEN={uuid}",),
        negatives=("DUCKDNS_TOKEN=${DUCKDNS_TOKEN}", "DUCKDNS_revision: {uuid}"),
    ),
    TokenRule(
        id="netcup-api-key",
        title="netcup API key or password",
        severity=Severity.CRITICAL,
        pattern=assigned("netcup", "[0-9A-Za-z]{32,60}"),
        group=1,
        keywords=(b"netcup",),
        entropy=3.6,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it in the customer control panel under Master Data, API, and make a new one",
        positives=("NETCUP_API_KEY={base62:50}",),
        negatives=("NETCUP_API_KEY=${NETCUP_API_KEY}", "NETCUP_revision: {base62:50}"),
    ),
    TokenRule(
        id="ionos-api-key",
        title="IONOS API key",
        severity=Severity.CRITICAL,
        pattern=assigned("ionos", r"[0-9a-f]{32}\.[0-9A-Za-z_-]{60,100}"),
        group=1,
        keywords=(b"ionos",),
        entropy=3.5,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it in the developer portal, and make a new one",
        positives=("IONOS_API_KEY={hex:32}.{base64url:86}",),
        negatives=(
            "IONOS_API_KEY=${IONOS_API_KEY}",
            "IONOS_revision: {hex:32}.{base64url:86}",
        ),
    ),
    TokenRule(
        id="infomaniak-token",
        title="Infomaniak token",
        severity=Severity.CRITICAL,
        pattern=assigned("infomaniak", "[0-9A-Za-z_-]{60,100}"),
        group=1,
        keywords=(b"infomaniak",),
        entropy=4.0,
        explanation="It manages the products in its scope, domains and cloud projects among them.",
        fix="delete it in the Manager under API tokens, and make one with fewer scopes",
        positives=("INFOMANIAK_ACCESS_TOKEN={base64url:86}",),
        negatives=(
            "INFOMANIAK_ACCESS_TOKEN=${INFOMANIAK_ACCESS_TOKEN}",
            "INFOMANIAK_revision: {base64url:86}",
        ),
    ),
    TokenRule(
        id="njalla-token",
        title="Njalla token",
        severity=Severity.CRITICAL,
        pattern=assigned("njalla", "[0-9a-f]{40}"),
        group=1,
        keywords=(b"njalla",),
        entropy=3.0,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="remove it under Settings, API Access, and make a new one",
        positives=("NJALLA_TOKEN={hex:40}",),
        negatives=("NJALLA_TOKEN=${NJALLA_TOKEN}", "NJALLA_revision: {hex:40}"),
    ),
    TokenRule(
        id="ovh-secret",
        title="OVHcloud application secret or consumer key",
        severity=Severity.CRITICAL,
        pattern=assigned("ovh", "[0-9A-Za-z]{32}"),
        group=1,
        keywords=(b"ovh",),
        entropy=3.5,
        explanation=(
            "With the application key it calls the API as its owner: domains, servers, cloud projects."
        ),
        fix=("delete the application or credential in the API console, and make one with fewer paths"),
        positives=("OVH_APPLICATION_SECRET={base62:32}", "OVH_CONSUMER_KEY={base62:32}"),
        negatives=(
            "OVH_APPLICATION_SECRET=${OVH_APPLICATION_SECRET}",
            "OVH_APPLICATION_revision: {base62:32}",
        ),
    ),
    TokenRule(
        id="dynu-api-key",
        title="Dynu API key",
        severity=Severity.HIGH,
        pattern=assigned("dynu", "[0-9A-Za-z]{30,34}"),
        group=1,
        keywords=(b"dynu",),
        entropy=3.5,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="reset it in the control panel under API Credentials",
        positives=("DYNU_API_KEY={base62:32}",),
        negatives=("DYNU_API_KEY=${DYNU_API_KEY}", "DYNU_revision: {base62:32}"),
    ),
    TokenRule(
        id="dynv6-token",
        title="dynv6 token",
        severity=Severity.HIGH,
        pattern=assigned("dynv6", "[0-9A-Za-z_-]{30,32}"),
        group=1,
        keywords=(b"dynv6",),
        entropy=3.5,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it under Keys, HTTP Tokens, and make a new one",
        positives=("DYNV6_TOKEN={base64url:30}",),
        negatives=("DYNV6_TOKEN=${DYNV6_TOKEN}", "DYNV6_revision: {base64url:30}"),
    ),
    TokenRule(
        id="luadns-token",
        title="LuaDNS token",
        severity=Severity.CRITICAL,
        pattern=assigned("luadns|lua_dns", "[0-9a-f]{32}"),
        group=1,
        keywords=(b"luadns", b"lua_dns"),
        entropy=3.0,
        explanation=(
            "It changes the DNS of your zones, and with it who is sent their mail and gets certificates."
        ),
        fix="delete it under Settings, and make one for the zone",
        positives=("LUADNS_API_TOKEN={hex:32}",),
        negatives=("LUADNS_API_TOKEN=${LUADNS_API_TOKEN}", "LUADNS_revision: {hex:32}"),
    ),
)
