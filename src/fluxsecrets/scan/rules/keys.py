"""Private keys of every kind, and signed tokens that no provider's rule knows better."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .checks import check_age, check_jwt, check_pem, check_pgp
from .model import TokenRule

# Between the lines of a block: line breaks as they are or escaped, indentation, signs of comments, quotations
# and changes, and the quotes of a text in code.
_BREAK = r"\\+[nrt]|\\+u000[aAdD]|%0[aAdD]|%20|&#x?0?[0-9aAdD]{1,2};|<br ?/?>"
_GAP = rf"""(?:{_BREAK}|[\s"'`,+*#>|\\/;:.()&-])"""
# Never a hyphen before a short line: it may be of the next block.
_SHORT = rf"""(?:{_BREAK}|[\s"'`,+*#>|\\/;:.()&])"""
_HEADERS = rf"(?:{_GAP}+[A-Za-z-]{{4,12}}:[^\\\r\n<&]{{0,120}}){{0,4}}"
_LINES = rf"(?:{_GAP}+[0-9A-Za-z+/]{{20,}}=*)*(?:{_SHORT}+[0-9A-Za-z+/]{{4,19}}=*)?"
_BODY = rf"{_HEADERS}{_GAP}+[0-9A-Za-z+/]{{40,}}=*{_LINES}"
_WORDS = r"(?:[A-Za-z0-9_.-]{1,20} )"
# A JSON text may be in another one.
_Q = r"""\\*["']"""
_IS = rf"{_Q}\s*:\s*{_Q}"
_KTY = rf"{_Q}kty{_IS}"
_FIELDS = r"[^{}]*"
_BEGIN, _KEY = r"-{4,5} ?BEGIN ", r"PRIVATE KEY(?: BLOCK)? ?-{4,5}"

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
        id="encrypted-private-key",
        title="encrypted private key",
        severity=Severity.MEDIUM,
        pattern=(
            rf"(?:{_BEGIN}(?:{_WORDS}{{0,3}}ENCRYPTED {_WORDS}{{0,2}}{_KEY}"
            rf"|{_WORDS}{{0,3}}{_KEY}{_GAP}+Proc-Type: ?4,ENCRYPTED){_BODY}"
            # The length of the cipher's name: longer than that of `none`.
            rf"|-----BEGIN OPENSSH PRIVATE KEY-----{_GAP}+b3BlbnNzaC1rZXktdjEAAAAA[C-Z][0-9A-Za-z+/]{{20,}}"
            rf"{_LINES}"
            r"|PuTTY-User-Key-File-[23]: [0-9a-z@.-]{4,40}(?:\s|\\+[nr])+Encryption: aes)"
        ),
        keywords=(b"private key", b"putty-user-key-file-"),
        explanation="Only its passphrase protects it. Anyone who has the file can try passphrases offline.",
        fix="make a new pair if the passphrase is short or shared, and keep the key out of the repository",
        positives=(
            "{pem:ENCRYPTED PRIVATE KEY}",
            "{pem:ENCRYPTED COSIGN PRIVATE KEY}",
            "{pem-locked:RSA PRIVATE KEY}",
            "{pem-locked:OPENSSH PRIVATE KEY}",
            "{putty:aes256-cbc}",
        ),
        negatives=("-----BEGIN ENCRYPTED PRIVATE KEY-----\n...\n-----END ENCRYPTED PRIVATE KEY-----",),
    ),
    TokenRule(
        id="openssh-private-key",
        title="OpenSSH private key",
        severity=Severity.CRITICAL,
        pattern=rf"-----BEGIN OPENSSH PRIVATE KEY-----{_BODY}",
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
        pattern=rf"-----BEGIN PGP PRIVATE KEY BLOCK-----{_BODY}",
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
        pattern=rf"{_BEGIN}{_WORDS}{{0,4}}{_KEY}{_BODY}",
        keywords=(b"private key",),
        check=check_pem,
        explanation="It proves to be the server, client or signer that its certificate or public half names.",
        fix="revoke the certificate or trust, and make a new key pair",
        positives=(
            "{pem:RSA PRIVATE KEY}",
            "{pem:ED25519 PRIVATE KEY}",
            "{pem:ML-DSA-65 PRIVATE KEY}",
            "// {pem-js:X25519 PRIVATE KEY}",
            "tls.key: |\n    {pem:EC PRIVATE KEY}",
            "{pem-json:PRIVATE KEY}",
        ),
        negatives=(
            "-----BEGIN PUBLIC KEY-----\n{base64:64}\n-----END PUBLIC KEY-----",
            "-----BEGIN PRIVATE KEY-----\n<your key>\n-----END PRIVATE KEY-----",
            'grep -q "-----BEGIN RSA PRIVATE KEY-----" file',
            "-----BEGIN RSA PRIVATE KEY-----\nput the text of the key here, with all of its lines\n",
            "-----BEGIN CERTIFICATE-----\n{base64:64}\n{base64:64}\n-----END CERTIFICATE-----",
        ),
    ),
    TokenRule(
        id="json-web-key",
        title="private JSON Web Key",
        severity=Severity.CRITICAL,
        pattern=(
            rf"{_KTY}(?:RSA|EC|OKP|AKP){_Q}{_FIELDS}{_Q}(?:d|priv){_IS}[0-9A-Za-z_-]{{32,}}"
            rf"|{_Q}(?:d|priv){_IS}[0-9A-Za-z_-]{{32,}}{_Q}{_FIELDS}{_KTY}(?:RSA|EC|OKP|AKP)"
            rf"|{_KTY}oct{_Q}{_FIELDS}{_Q}k{_IS}[0-9A-Za-z_-]{{22,}}"
            rf"|{_Q}k{_IS}[0-9A-Za-z_-]{{22,}}{_Q}{_FIELDS}{_KTY}oct"
        ),
        keywords=(b"kty",),
        explanation="It signs or decrypts as its owner: anyone who has it can make valid tokens.",
        fix="take the key out of the set that verifiers trust, and make a new one",
        positives=(
            '{"kty": "OKP", "crv": "Ed25519", "x": "{base64url:43}", "d": "{base64url:43}"}',
            '{"d":"{base64url:43}","kty":"EC","x":"{base64url:43}","y":"{base64url:43}"}',
            '{"kty":"oct","k":"{base64url:43}"}',
            'JWK: "{\\"kty\\":\\"EC\\",\\"d\\":\\"{base64url:43}\\"}"',
        ),
        negatives=(
            '{"kty": "OKP", "crv": "Ed25519", "x": "{base64url:43}"}',
            '{"keys": [{"kty": "RSA", "e": "AQAB", "n": "{base64url:342}"}, {"d": "{base64url:43}"}]}',
            '{"kty": "EC", "d": "..."}',
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
