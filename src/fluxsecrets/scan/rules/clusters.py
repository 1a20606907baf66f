"""Keys of clusters, machines and the networks between them, by the form that their programs give them."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .model import TokenRule

_HASH = r"[./0-9A-Za-z]"
_SALT = rf"(?:rounds=[0-9]{{4,9}}\$)?{_HASH}{{1,16}}\$"

RULES = (
    TokenRule(
        id="kubeadm-certificate-key",
        title="kubeadm certificate key",
        severity=Severity.HIGH,
        pattern=(
            r"(?i:certificate-?key)[\"']?(?:[ \t]*[=:][ \t]*|[ \t]+)[\"']?([0-9a-f]{64})(?:[^0-9A-Za-z]|$)"
        ),
        group=1,
        keywords=(b"certificate",),
        entropy=3.0,
        explanation="It decrypts the certificate authorities of the cluster, while their Secret exists.",
        fix="delete the Secret kubeadm-certs, and upload the certificates again with a new key",
        positives=(
            "kind: InitConfiguration\ncertificateKey: {hex:64}",
            "kubeadm join 10.0.0.1:6443 --control-plane --certificate-key {hex:64}",
        ),
        negatives=("kubeadm join --discovery-token-ca-cert-hash sha256:{hex:64}", "certificateKey: {hex:40}"),
    ),
    TokenRule(
        id="ceph-key",
        title="Ceph key",
        severity=Severity.CRITICAL,
        # Type 1, a time of 8 bytes, the length 16, the key: the same letters in the same places.
        pattern=r"\b(AQ[A-D][0-9A-Za-z+/]{10}[BRhx]AA[0-9A-Za-z+/]{21}[AQgw]==)",
        group=1,
        keywords=(b"aq",),
        entropy=3.5,
        explanation="It reads and writes what its capabilities name; that of client.admin everything.",
        fix="make a new key with `ceph auth rotate`",
        positives=('[client.admin]\n\tkey = {ceph}\n\tcaps mds = "allow *"', "userKey: {ceph}"),
        negatives=("key = {base64:38}==", "AQ{base64:20}"),
    ),
    TokenRule(
        id="ipsec-key",
        title="Cilium IPsec key",
        severity=Severity.HIGH,
        pattern=(
            r"\b[0-9]{1,3}\+? (?:rfc4106\(gcm\(aes\)\) ([0-9a-f]{40,72})|hmac\([0-9a-z]+\) [0-9a-f]{32,128}"
            r" cbc\(aes\) [0-9a-f]{32,64})"
        ),
        keywords=(b"(aes)",),
        explanation="It decrypts the traffic between the nodes of the cluster.",
        fix="rotate the key as Cilium describes it",
        positives=("keys: 3+ rfc4106(gcm(aes)) {hex:40} 128", "4 hmac(sha256) {hex:64} cbc(aes) {hex:64}"),
        negatives=("3 rfc4106(gcm(aes)) $(dd if=/dev/urandom count=20 bs=1) 128",),
    ),
    TokenRule(
        id="login-password-hash",
        title="hash of a login password",
        severity=Severity.MEDIUM,
        pattern=(
            rf"(\$6\${_SALT}{_HASH}{{86}}|\$5\${_SALT}{_HASH}{{43}}"
            rf"|\$g?y\${_HASH}{{2,12}}\${_HASH}{{1,86}}\${_HASH}{{43}}"
            rf"|\$7\${_HASH}{{11,97}}\${_HASH}{{43}})(?:[^./0-9A-Za-z]|$)"
        ),
        group=1,
        keywords=(b"$6$", b"$5$", b"y$", b"$7$"),
        entropy=4.0,
        explanation="It is a machine's password, hashed. Anyone who has it can try passwords offline.",
        fix="set a new password on the machine, and log in with SSH keys instead",
        positives=(
            "users:\n  - name: core\n    passwd: $6$rounds=4096${base62:16}${base62:86}",
            '"passwordHash": "$y$j9T${base62:22}${base62:43}"',
            "root:$6${base62:8}${base62:86}:19700:0:99999:7:::",
        ),
        negatives=("passwd: $6$salt$hash", "root:*:19700:0:99999:7:::", "password_hash: ${HASH}"),
    ),
    TokenRule(
        id="omni-join-token",
        title="Omni or Sidero join token",
        severity=Severity.HIGH,
        pattern=r"(?i:jointoken)=((?:v[0-9](?::|%3[aA]))?[0-9A-Za-z_=%-]{24,})",
        group=1,
        keywords=(b"jointoken=",),
        entropy=3.5,
        explanation="It lets a machine join the fleet that Omni or Sidero manages.",
        fix="revoke it with `omnictl jointoken revoke`, and make a new one",
        positives=(
            "siderolink.api=https://omni.wad.example?jointoken={base64url:44}",
            "apiUrl: grpc://10.0.0.1:8090?jointoken=v2:{base64url:90}",
        ),
        negatives=("siderolink.api=https://omni.wad.example?jointoken=${JOIN_TOKEN}", "jointoken=<token>"),
    ),
)
