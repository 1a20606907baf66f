"""Search and vectors as a service: anyone who has one of these reads what is in them."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .model import TokenRule
from .parts import assigned, named

RULES = (
    TokenRule(
        id="weaviate-key",
        title="Weaviate API key",
        severity=Severity.CRITICAL,
        pattern=assigned("weaviate|wcd|wcs", "[0-9A-Za-z+/]{48,120}={0,2}|[0-9A-Za-z]{36,44}"),
        group=1,
        keywords=(b"weaviate", b"wcd", b"wcs"),
        entropy=3.9,
        explanation="It reads and writes the collections.",
        fix="delete it in the console under API Keys, and make a new one",
        positives=("WEAVIATE_API_KEY={base62:36}",),
        negatives=("WEAVIATE_API_KEY=${WEAVIATE_API_KEY}", "WEAVIATE_revision: {base62:36}"),
    ),
    TokenRule(
        id="qdrant-key",
        title="Qdrant API key",
        severity=Severity.CRITICAL,
        pattern=assigned("qdrant", r"[0-9A-Za-z_-]{40,60}|[0-9a-f]{8}-[0-9a-f-]{27}\|[0-9A-Za-z_-]{40,100}"),
        group=1,
        keywords=(b"qdrant",),
        entropy=4.0,
        explanation="It reads and writes the collections.",
        fix="delete it in the console, and make one that is read-only or expires",
        positives=("QDRANT_API_KEY={base64url:54}",),
        negatives=("QDRANT_API_KEY=${QDRANT_API_KEY}", "QDRANT_revision: {base64url:54}"),
    ),
    TokenRule(
        id="zilliz-key",
        title="Zilliz Cloud or Milvus token",
        severity=Severity.CRITICAL,
        pattern=assigned("zilliz|milvus", "[0-9a-f]{72}|[0-9a-f]{104,140}"),
        group=1,
        keywords=(b"zilliz", b"milvus"),
        entropy=3.0,
        explanation="It reads and writes the collections.",
        fix="delete it in the console under API Keys, and make a new one",
        positives=("ZILLIZ_API_KEY={hex:72}",),
        negatives=("ZILLIZ_API_KEY=${ZILLIZ_API_KEY}", "ZILLIZ_revision: {hex:72}"),
    ),
    TokenRule(
        id="meilisearch-key",
        title="Meilisearch key",
        severity=Severity.HIGH,
        pattern=assigned("meili|meilisearch", "[0-9A-Za-z_-]{43}|[0-9a-f]{64}"),
        group=1,
        keywords=(b"meili", b"meilisearch"),
        entropy=3.2,
        explanation="A master key makes all others; they read or change every index.",
        fix="change the master key, which changes all keys",
        positives=("MEILI_MASTER_KEY={base64url:43}", "MEILISEARCH_API_KEY={hex:64}"),
        negatives=(
            "MEILI_MASTER_KEY=${MEILI_MASTER_KEY}",
            "MEILI_MASTER_revision: {base64url:43}",
        ),
    ),
    TokenRule(
        id="typesense-key",
        title="Typesense API key",
        severity=Severity.HIGH,
        pattern=assigned("typesense", "[0-9A-Za-z]{32,64}"),
        group=1,
        keywords=(b"typesense",),
        entropy=3.6,
        explanation="It reads or changes every collection.",
        fix="delete it, make a new one, and change the bootstrap key",
        positives=("TYPESENSE_API_KEY={base62:32}",),
        negatives=(
            "TYPESENSE_API_KEY=${TYPESENSE_API_KEY}",
            "TYPESENSE_revision: {base62:32}",
        ),
    ),
    TokenRule(
        id="elastic-cloud-key",
        title="Elastic Cloud API key",
        severity=Severity.CRITICAL,
        pattern=r"\bessu_[0-9A-Za-z_-]{60,200}={0,2}",
        keywords=(b"essu_",),
        entropy=4.0,
        explanation="It manages the organization's deployments, by its roles.",
        fix="revoke it under Organization, API keys, and make one that expires",
        positives=("EC_API_KEY=essu_{base64url:80}==",),
        negatives=("essu_{base62:8}",),
    ),
    TokenRule(
        id="elasticsearch-api-key",
        title="Elasticsearch API key",
        severity=Severity.CRITICAL,
        pattern=assigned(
            "elastic|elasticsearch|kibana|es",
            "[0-9A-Za-z_-]{58}==|[0-9A-Za-z+/]{58}==|[0-9A-Za-z_-]{20}:[0-9A-Za-z_-]{22}",
        ),
        group=1,
        keywords=(b"elastic", b"kibana", b"es_", b"es-"),
        entropy=4.0,
        explanation="It reads or writes indexes, by its roles.",
        fix="invalidate it with the API or under Stack Management, API keys",
        positives=(
            "ELASTICSEARCH_API_KEY={base64url:58}==",
            "ES_API_KEY={base64url:20}:{base64url:22}",
        ),
        negatives=(
            "ELASTICSEARCH_API_KEY=${ELASTICSEARCH_API_KEY}",
            "ELASTICSEARCH_revision: {base64url:58}==",
        ),
    ),
    TokenRule(
        id="algolia-admin-key",
        title="Algolia API key",
        severity=Severity.MEDIUM,
        pattern=named(
            r"algolia[\w.-]{0,12}(?:admin|write|usage|monitoring|api)[_-]?(?:api[_-]?)?key[\w.-]{0,12}",
            "[0-9a-f]{32}",
        ),
        group=1,
        keywords=(b"algolia",),
        entropy=3.0,
        explanation=(
            "An admin key changes every index; a search key is public by design: check which one it is."
        ),
        fix="regenerate it in the dashboard under API Keys",
        positives=("ALGOLIA_ADMIN_KEY={hex:32}", "ALGOLIA_API_KEY={hex:32}"),
        negatives=("ALGOLIA_API_KEY=${ALGOLIA_API_KEY}", "algolia_search_key: {hex:32}"),
    ),
)
