"""Object storage: anyone who has one of these reads what is in it, often backups of everything."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .model import TokenRule
from .parts import assigned, named

RULES = (
    TokenRule(
        id="backblaze-application-key",
        title="Backblaze B2 application key",
        severity=Severity.CRITICAL,
        pattern=r"(?:^|[^0-9A-Za-z+/_-])(K00[0-9][0-9A-Za-z+/]{27})(?:[^0-9A-Za-z+/=_-]|$)",
        group=1,
        keywords=(b"k00",),
        entropy=3.8,
        explanation="With its key id it reads or writes the buckets that it is for: often all backups.",
        fix="delete it under Application Keys, and make one for the bucket",
        positives=(
            "B2_APPLICATION_KEY=K005{base64:27}",
            "b2 authorize-account 005{hex:22} K005{base64:27}",
        ),
        negatives=("K005{base64:12}", "K005{base64:40}"),
    ),
    TokenRule(
        id="digitalocean-spaces-key",
        title="DigitalOcean Spaces access key id",
        severity=Severity.MEDIUM,
        pattern=r"\bDO00[0-9A-Z]{16}\b",
        keywords=(b"do00",),
        entropy=3.0,
        explanation="It names an access key; its secret half is often close by.",
        fix="delete the key under Spaces, Access Keys, and make one for the bucket",
        positives=("SPACES_ACCESS_KEY_ID=DO00{upper:16}",),
        negatives=("DO00{upper:4}", "DO0000000000000000000"),
    ),
    TokenRule(
        id="linode-object-storage-secret",
        title="Linode Object Storage secret key",
        severity=Severity.CRITICAL,
        pattern=assigned("linode|akamai_cloud", "[0-9A-Za-z]{40}"),
        group=1,
        keywords=(b"linode", b"akamai_cloud"),
        entropy=4.0,
        explanation="With its access key it reads or writes buckets.",
        fix="revoke it under Object Storage, Access Keys, and make one for the bucket",
        positives=("LINODE_OBJ_SECRET_KEY={base62:40}",),
        negatives=(
            "LINODE_OBJ_SECRET_KEY=${LINODE_OBJ_SECRET_KEY}",
            "LINODE_OBJ_revision: {base62:40}",
        ),
    ),
    TokenRule(
        id="google-hmac-key",
        title="Google Cloud Storage HMAC key id",
        severity=Severity.MEDIUM,
        pattern=r"\bGOOG1[0-9A-Z]{56}\b|\bGOOG[0-9A-Z]{20}\b",
        keywords=(b"goog",),
        entropy=3.4,
        explanation="It names an HMAC key; its secret half is often close by.",
        fix="deactivate and delete the key under Cloud Storage, Interoperability",
        positives=("access_key: GOOG1E{upper:55}",),
        negatives=("GOOG1E{upper:8}", "GOOGLE_APPLICATION_CREDENTIALS"),
    ),
    TokenRule(
        id="oracle-customer-secret-key",
        title="Oracle Cloud customer secret key",
        severity=Severity.CRITICAL,
        pattern=assigned("oci|oracle", "[0-9A-Za-z+/]{43}="),
        group=1,
        keywords=(b"oci", b"oracle"),
        entropy=4.2,
        explanation="With its id it reads and writes Object Storage through the S3 API.",
        fix="delete it under Profile, Customer secret keys, and make a new one",
        positives=("OCI_SECRET_KEY={base64:43}=",),
        negatives=("OCI_SECRET_KEY=${OCI_SECRET_KEY}", "OCI_revision: {base64:43}="),
    ),
    TokenRule(
        id="s3-secret-key",
        title="S3 secret key",
        severity=Severity.CRITICAL,
        pattern=named(
            (
                r"(?:s3|minio|wasabi|storj|garage|seaweedfs|ceph|rgw|idrive|contabo|spaces|"
                r"b2)[\w.-]{0,20}secret[\w.-]{0,20}"
            ),
            "[0-9A-Za-z+/]{40}|[0-9a-f]{64}|[0-9A-Za-z_-]{43}",
        ),
        group=1,
        keywords=(b"secret",),
        entropy=3.2,
        explanation="With its access key it reads or writes buckets: often backups of everything.",
        fix="delete the pair at the storage's provider, and make one for the bucket",
        positives=(
            "S3_SECRET_KEY={base64:40}",
            "MINIO_SECRET_KEY={base62:40}",
            "garage_s3_secret: {hex:64}",
            "SPACES_SECRET={base64url:43}",
        ),
        negatives=(
            "S3_SECRET_KEY=${S3_SECRET_KEY}",
            "s3_secret_name: volsync-{hex:12}",
            "s3_etag: {hex:64}",
        ),
    ),
)
