"""Private keys of every kind, and signed tokens that no provider's rule knows better."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .checks import check_age, check_jwt, check_pem, check_pgp
from .model import TokenRule

# Base64 over several lines, with the line breaks as they are, or escaped as in JSON.
_BODY = r"(?:\\+[nr]|[0-9A-Za-z+/=\s])"

RULES = (
    TokenRule(
        id="age-secret-key",
        title="age secret key",
        severity=Severity.CRITICAL,
        pattern=r"\b(?:AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}|age-secret-key-(?:pq-)?1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58})\b",
        keywords=(b"age-secret-key-",),
        check=check_age,
        explanation="It decrypts every file that is encrypted for it, in all of the history.",
        fix=(
            "put a new key into the rules in its place, run `fluxsecrets recipients sync --all`, "
            "then change every value that it could read"
        ),
        positives=("{age}", "data:\n  age.agekey: {age}", "{age-pq}"),
        negatives=("AGE-SECRET-KEY-1...", "age1{lower:58}", "AGE-PLUGIN-YUBIKEY-1{upper:40}"),
    ),
    TokenRule(
        id="google-service-account-key",
        title="Google service account key",
        severity=Severity.CRITICAL,
        pattern=(
            r'"private_key"[ \t]{0,8}:[ \t]{0,8}"'
            r"(-----BEGIN PRIVATE KEY-----\\n(?:\\n|[0-9A-Za-z+/=]){200,}-----END PRIVATE KEY-----)"
        ),
        group=1,
        keywords=(b'"private_key"',),
        check=check_pem,
        explanation="It acts as the service account, with all of its roles, and has no end.",
        fix="delete the key with `gcloud iam service-accounts keys delete`, and use workload identity",
        positives=('{"type": "service_account", "private_key": "{pem-json:PRIVATE KEY}"}',),
        negatives=('"private_key": "-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----\\n"',),
    ),
    TokenRule(
        id="openssh-private-key",
        title="OpenSSH private key",
        severity=Severity.CRITICAL,
        pattern=rf"-----BEGIN OPENSSH PRIVATE KEY-----{_BODY}{{70,}}",
        keywords=(b"-----begin openssh private key",),
        check=check_pem,
        explanation="Anyone who has it logs in where its public half is trusted, such as your repository.",
        fix="remove its public half everywhere, and make a new pair",
        positives=("{pem:OPENSSH PRIVATE KEY}", "identity: |\n  {pem:OPENSSH PRIVATE KEY}"),
        negatives=("-----BEGIN OPENSSH PRIVATE KEY-----\n...\n-----END OPENSSH PRIVATE KEY-----",),
    ),
    TokenRule(
        id="pgp-private-key",
        title="PGP private key",
        severity=Severity.CRITICAL,
        pattern=(
            r"-----BEGIN PGP PRIVATE KEY BLOCK-----(?:[ \t\r]*(?:\n|\\n)[A-Za-z]{4,10}:[^\n\\]{0,120}){0,4}"
            rf"{_BODY}{{70,}}"
        ),
        keywords=(b"-----begin pgp private key block",),
        check=check_pgp,
        explanation="It decrypts and signs as its owner; a passphrase only slows that down.",
        fix="revoke the key, make a new one, and re-key every file that was encrypted for it",
        positives=("{pgp}",),
        negatives=(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{base64:80}",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
        ),
    ),
    TokenRule(
        id="private-key",
        title="private key",
        severity=Severity.CRITICAL,
        pattern=(
            r"-----BEGIN (?:(?:RSA|EC|DSA|DH|ANY|ENCRYPTED|SSH2 ENCRYPTED|ED25519|ED448|X25519|X448) )?"
            r"PRIVATE KEY-----"
            rf"(?:[ \t\r]*(?:\n|\\n)[ \t]*[A-Za-z-]{{4,12}}:[^\n\\]{{0,120}}){{0,4}}{_BODY}{{40,}}"
        ),
        keywords=(b"private key-----",),
        check=check_pem,
        explanation="It proves to be the server, client or signer that its certificate or public half names.",
        fix="revoke the certificate or trust, and make a new key pair",
        positives=(
            "{pem:RSA PRIVATE KEY}",
            "{pem:ED25519 PRIVATE KEY}",
            "tls.key: |\n    {pem:EC PRIVATE KEY}",
            "{pem-json:PRIVATE KEY}",
        ),
        negatives=(
            "-----BEGIN PUBLIC KEY-----\n{base64:64}\n-----END PUBLIC KEY-----",
            "-----BEGIN PRIVATE KEY-----\n<your key>\n-----END PRIVATE KEY-----",
            'grep -q "-----BEGIN RSA PRIVATE KEY-----" file',
        ),
    ),
    TokenRule(
        id="putty-private-key",
        title="PuTTY private key",
        severity=Severity.CRITICAL,
        pattern=r"PuTTY-User-Key-File-[23]: [0-9a-z@.-]{4,40}",
        keywords=(b"putty-user-key-file-",),
        explanation="Anyone who has it logs in where its public half is trusted.",
        fix="remove its public half everywhere, and make a new pair",
        positives=("{putty}",),
        negatives=("a PuTTY-User-Key-File",),
    ),
    TokenRule(
        id="kubernetes-service-account-token",
        title="Kubernetes service account token",
        severity=Severity.CRITICAL,
        # Its claims start with {"iss":"kubernetes/serviceaccount", the issuer of tokens that never expire.
        pattern=(
            r"\beyJ[0-9A-Za-z_-]{10,200}\.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50[0-9A-Za-z_-]{20,}"
            r"\.[0-9A-Za-z_-]{40,}"
        ),
        keywords=(b"eyjpc3mioijrdwjlcm5ldgvzl3nlcnzpy2vhy2nvdw50",),
        check=check_jwt,
        explanation="It acts in the cluster as the service account, and has no end.",
        fix="delete the Secret that it is from, and use tokens that expire (`kubectl create token`)",
        positives=("token: {jwt-k8s}",),
        negatives=("eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50",),
    ),
    TokenRule(
        id="json-web-token",
        title="JSON Web Token",
        severity=Severity.MEDIUM,
        pattern=r"\beyJ[0-9A-Za-z_-]{10,400}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{20,}",
        keywords=(b".eyj",),
        check=check_jwt,
        explanation="A signed login. It may have expired, or be public: check its claims.",
        fix="end the session or change the key that signed it, if it is still valid",
        positives=("Authorization: Bearer {jwt}",),
        negatives=("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.", "eyJhbGciOiJIUzI1NiJ9"),
    ),
)
