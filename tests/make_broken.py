"""Makes examples/broken: `.venv/bin/python tests/make_broken.py`. Its ciphertext differs from run to run.

Each entry of `COMMITS` and `NOW` is a folder of the example; build.sh puts them on top of each other, and
commits the first ones.
"""

import base64
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit_tree import (
    ALICE,
    BOB,
    CLUSTER,
    RECIPIENTS,
    SOURCE,
    as_scalar,
    aws_key,
    encrypted,
    for_services,
    kustomization,
    pem,
    pod,
    secret,
    without,
    write,
    yaml,
)
from sealing import make_certificate

EXAMPLE = Path(__file__).parents[1] / "examples" / "broken"
OLD = "2024-01-10T12:00:00Z"
CAROL = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"
DAVE = "age1hjckxy9z6u2l57wz6xnupnl7aufegew2jrga6q8v880r9tyll3csj03ag5"
STRANGER = "age1qvzq2ps8pqys5zcvp58q7yq3zgf3g9gkzuvpjxsmrsw3u8eqyy3qv6wuxg"
STAGING, PRODUCTION = ("alice", "cluster"), ("alice", "bob")


def file_certificate(start, end):
    begin, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (start, end))
    return make_certificate(begin, last, name="throw-away.waddle.example")


def weak_key():
    key = rsa.generate_private_key(65537, 1024)
    data = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return as_scalar(data.decode())


def with_comment(text):
    copied = re.search(r"ENC\[[^\]]*type:str\]", text)[0].replace("type:str", "type:comment")
    return f"#{copied}\n{text}"


def without_mac(text):
    return re.sub(r"\n +mac: ENC\[[^\n]*", "", text)


def swapped(text):
    first, second = re.findall(r"ENC\[[^\]]*type:str\]", text)[:2]
    return text.replace(first, "FIRST", 1).replace(second, first, 1).replace("FIRST", second, 1)


COPIED = "ENC[AES256_GCM,data:c2FtZSB0aHJvd2F3YXk=,iv:{}=,tag:c2FtZXRocm93YXdheXRhZw==,type:str]"


def with_copied(text):
    return re.sub(r"ENC\[[^\]]*type:str\]", COPIED.format("A" * 43), text, count=1)


def once(change=str, made={}):  # noqa: B006 - it is to be kept
    """The same ciphertext in both folders."""
    return lambda text: change(made.setdefault("", text))


CONTEXT = {"cluster": "staging"}
RULES = f"""\
# THROW-AWAY KEYS, and mistakes on purpose: nothing in here is to be copied.
creation_rules:
  - path_regex: ^prod/ # creation-rule-unused: the folder is called production
    age: {ALICE}
  - path_regex: ^apps/loose/ # selector-hits-metadata: no anchors
    encrypted_regex: data|stringData
    age: {ALICE},{CLUSTER}
  - path_regex: ^apps/half/ # selector-misses-data: stringData stays plain
    encrypted_regex: ^data$
    age: {ALICE},{CLUSTER}
  - path_regex: ^(clusters|apps|shared|talos)/
    encrypted_regex: ^(data|stringData)$
    age: {ALICE},{CLUSTER}
  - path_regex: ^clusters/production/ # creation-rule-shadowed: the one above takes them all
    encrypted_regex: ^(data|stringData)$
    age: {ALICE},{BOB}
"""
SETTINGS = """\
environments:
  staging:
    cluster_recipients: [CLUSTER]
    sealing_certificates: [certs/staging.pem]
  production:
    cluster_recipients: [BOB]
    sealing_certificates: [certs/production.pem]
""".replace("CLUSTER", CLUSTER).replace("BOB", BOB)

SEALED = yaml("""
    apiVersion: bitnami.com/v1alpha1
    kind: SealedSecret
    metadata: {name: NAME, namespace: NAMESPACE}
    spec:
      encryptedData: {password: AgBy3i4OJSWKthrowaway}
      template:
        metadata: {name: sealed, namespace: apps}
        data: {token: kq83-throwaway-in-the-template}
    """)
GENERATOR = yaml("""
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    configMapGenerator:
      - {name: settings, files: [settings.txt]}
    """)
PROPOSED = yaml("""
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    resources: [secret.yaml]
    patches:
      - path: secret.proposed-old.yaml
    """)
RELEASE = yaml("""
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {name: grafana, namespace: apps}
    spec:
      chart: {spec: {chart: grafana}}
      valuesFrom: [{kind: Secret, name: grafana-values}]
    """)
EXTERNAL = yaml("""
    apiVersion: external-secrets.io/v1beta1
    kind: ExternalSecret
    metadata: {name: external, namespace: apps}
    spec:
      secretStoreRef: {kind: ClusterSecretStore, name: nowhere}
      data: [{secretKey: password, remoteRef: {key: app}}]
    """)
RBAC = yaml("""
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: dashboard}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
    subjects: [{kind: ServiceAccount, name: dashboard, namespace: apps}]
    """)
SOURCES = "---\n".join(
    (
        SOURCE.replace("name: flux-system, n", "name: plain-http, n").replace("ssh://git@", "http://", 1),
        SOURCE.replace("name: flux-system, n", "name: no-key, n").replace(
            "  secretRef: {name: flux-system}\n", ""
        ),
        SOURCE.replace("name: flux-system, n", "name: token, n")
        .replace("ssh://git@", "https://")
        .replace("secretRef: {name: flux-system}", "secretRef: {name: git-token}"),
        SOURCE.replace("name: flux-system, n", "name: open, n").replace(
            "secretRef: {name: flux-system}", "secretRef: {name: git-open}"
        ),
    )
)
LIST = (
    "apiVersion: v1\nkind: List\nitems:\n  -"
    + "".join(f"    {line}\n" for line in secret("listed").splitlines())[3:]
)
VALUES = {
    "username": "waddle",
    "password": "Admin123",  # value-weak
    "api_token": "REPLACE_ME",  # value-placeholder
    "encoded": base64.b64encode(b"kq83-throwaway-twice").decode(),  # value-encoded-twice
    "newline_password": '"kq83-throwaway-line\\n"',  # value-newline
    "shared_password": "kq83-throwaway-shared",  # value-shared
    "tls.crt": as_scalar(file_certificate("2024-01-01", "2025-01-01").decode()),  # certificate-ends
    "tls.key": pem("sealing-new.key"),  # certificate-mismatch
    "old.key": weak_key(),  # key-weak
}
UPDATED = "clusters/staging/updated.yaml"
WITH_CAROL, WITHOUT_CAROL = without(UPDATED, encrypted(secret("updated"), *STAGING, CAROL), CAROL)
LEFT = {"version": 1, "name": "dave", "kind": "age", "recipient": DAVE, "removed": "2024-01-09", "values": []}
FIRST = {
    ".sops.yaml": RULES + f"  # carol left in June\n  - path_regex: ^later\n    age: {CAROL}\n",
    ".fluxsecrets.yaml": SETTINGS,
    "legacy/.sops.yaml": "creation_rules:\n  - encrypted_regex: ^(data\n    age: nobody\n",
    # creation-rule-overridden: who is that?
    "later/.sops.yaml": f"creation_rules:\n  - age: {STRANGER}\n",
    "legacy/uncovered.txt": "nothing secret\n",
    "keys/alice.pub": f"# throw-away\n{ALICE}\n",
    "keys/cluster-staging.pub": f"# throw-away\n{CLUSTER}\n",
    "keys/cluster-production.pub": f"# throw-away\n{BOB}\n",
    "keys/carol.pub": f"# throw-away\n{CAROL}\n",
    "certs/staging.pem": file_certificate("2024-06-01", "2024-12-01"),
    "certs/production.pem": file_certificate("2024-06-01", "2036-01-01"),
    "clusters/staging/flux-system/gotk-sync.yaml": f"{SOURCE}---\n"
    + kustomization("flux-system", "clusters/staging"),
    "clusters/production/flux-system/gotk-sync.yaml": f"{SOURCE}---\n"
    + kustomization("flux-system", "clusters/production"),
    # protection
    "clusters/staging/plain.yaml": secret("plain"),
    "clusters/staging/list.yaml": LIST,
    "clusters/staging/token.enc.env": "TOKEN=kq83-throwaway\n",
    "clusters/staging/with-plain.yaml": encrypted(
        secret("with-plain"),
        *STAGING,
        then=lambda text: text.replace("stringData:\n", "stringData:\n  token: kq83-throwaway-added\n"),
    ),
    "clusters/staging/copied-1.yaml": encrypted(secret("copied-1"), *STAGING, then=with_copied),
    "clusters/staging/copied-2.yaml": encrypted(secret("copied-2"), *STAGING, then=with_copied),
    "clusters/staging/swapped.yaml": encrypted(
        secret("swapped", values={"a": "first-throwaway", "b": "second-throwaway"}), *STAGING, then=swapped
    ),
    "clusters/staging/moved.yaml": encrypted(secret("moved"), *STAGING, then=with_comment),
    "clusters/staging/no-block.yaml": encrypted(
        "# throwaway\n" + secret("no-block"), *STAGING, then=lambda text: text.partition("sops:")[0]
    ),
    "clusters/staging/no-mac.yaml": encrypted(secret("no-mac"), *STAGING, then=without_mac),
    "clusters/staging/renamed.yaml": encrypted(secret("renamed"), *STAGING, then=once()),
    "clusters/staging/annotated.yaml": encrypted(
        secret("annotated", more="  annotations: {db-password: kq83-throwaway-outside}"), *STAGING
    ),
    "apps/half/secret.yaml": secret("half") + "data: {token: dGhyb3dhd2F5}\n",
    "apps/loose/secret.yaml": secret("loose"),
    "somewhere/uncovered.yaml": secret("uncovered"),
    "clusters/staging/broken.yaml": "a: [\n",
    # recipients
    "clusters/staging/stranger.yaml": encrypted(secret("stranger"), *STAGING, "ssh_rsa"),
    "clusters/staging/single.yaml": encrypted(secret("single"), "alice"),
    "clusters/staging/quantum.yaml": encrypted(secret("quantum"), *STAGING, "postquantum"),
    "clusters/staging/carol.yaml": encrypted(secret("carol"), *STAGING, CAROL),
    "clusters/staging/dave.yaml": encrypted(secret("dave"), *STAGING, DAVE),
    "offboarding/dave.json": json.dumps(LEFT, indent=2) + "\n",
    "clusters/staging/groups.yaml": encrypted(
        secret("groups"),
        ("alice",),
        ("cluster",),
        threshold=2,
        then=lambda text: text.replace("shamir_threshold: 2", "shamir_threshold: 1"),
    ),
    "clusters/production/database.yaml": encrypted(
        secret("database", values={"shared_password": "kq83-throwaway-shared"}), *PRODUCTION, "cluster"
    ),
    # keys that services hold
    "clusters/staging/aws-1.yaml": for_services("aws-1", kms=[aws_key(context=CONTEXT)]),
    "clusters/staging/aws-2.yaml": for_services("aws-2", kms=[aws_key(context=CONTEXT)]),
    "clusters/staging/aws-alias.yaml": for_services(
        "aws-alias", kms=[aws_key(name="alias/sops", context=CONTEXT)]
    ),
    "clusters/staging/aws-copied.yaml": for_services(
        "aws-copied",
        kms=[
            aws_key("444455556666", role="arn:aws:iam::777788889999:role/example", aws_profile="team"),
            aws_key(partition="aws-cn", region="cn-north-1", context=CONTEXT),
        ],
        beside=True,
    ),
    "clusters/staging/others.yaml": for_services(
        "others",
        azure_kv=[{"vault_url": "https://waddle.vault.azure.net", "name": "sops", "version": ""}],
        hc_vault=[{"vault_address": "http://vault.waddle.example", "engine_path": "sops", "key_name": "k"}],
        hckms=[{"key_id": "eu-west-101:example"}],
        beside=True,
    ),
    UPDATED: WITH_CAROL,  # data-key-known: as `sops updatekeys` leaves it
    # age
    "clusters/staging/known.yaml": encrypted(
        secret("known", values={"password": "kq83-throwaway-known"}), *STAGING, CAROL, at=OLD
    ),
    "clusters/production/sealed.yaml": SEALED.replace("NAMESPACE", "apps").replace("NAME", "sealed"),
    # Flux
    "clusters/staging/apps.yaml": kustomization(
        "apps", "apps/web", decryption=False, more="dependsOn: [{name: databases}]\n"
    ),
    "apps/web/secret.yaml": encrypted(secret("web"), *STAGING),
    "clusters/staging/no-key.yaml": kustomization("no-key", "apps/generated").replace(
        ", secretRef: {name: sops-age}", ""
    ),
    "apps/generated/kustomization.yaml": GENERATOR,
    "apps/generated/settings.txt": encrypted("kq83-throwaway\n", *STAGING, selector=None),
    "clusters/staging/variables.yaml": kustomization(
        "variables",
        "apps/variables",
        more="postBuild: {substitute: {a: b}, substituteFrom: [{kind: Secret, name: settings}]}\n",
    ),
    "apps/variables/secret.yaml": encrypted(
        secret("variables", values={"password": '"kq83-throwaway-${c}"'}), *STAGING
    ),
    "clusters/staging/more.yaml": kustomization("more", "shared"),
    "shared/settings.yaml": encrypted(secret("settings", "flux-system"), *STAGING),
    "shared/web-again.yaml": encrypted(secret("web"), *STAGING),
    # path-of-other-environment: copied from production
    "clusters/production/orders.yaml": kustomization("orders", "apps/production", decryption=False),
    "clusters/staging/orders.yaml": kustomization("orders", "apps/production", decryption=False),
    "apps/production/app.yaml": pod("orders", uses="web"),
    # decryption-secret-elsewhere: Flux looks in flux-system
    "clusters/staging/tenant.yaml": kustomization("tenant", "apps/tenant").replace("sops-age", "tenant-age"),
    "clusters/staging/tenant-age.yaml": encrypted(
        secret("tenant-age", values={"age.agekey": "AGE-throwaway"}), *STAGING
    ),
    "apps/tenant/app.yaml": pod("tenant", uses="web"),
    "clusters/staging/sealed.yaml": SEALED.replace("NAMESPACE", "other").replace("NAME", "sealed"),
    "clusters/staging/external.yaml": EXTERNAL,
    "clusters/staging/grafana.yaml": RELEASE,
    "clusters/staging/pod.yaml": pod("pod", uses="annotated").replace(
        "envFrom:\n            - secretRef: {name: annotated}",
        "env:\n            - name: A\n              valueFrom: {secretKeyRef: {name: annotated, key: gone}}",
    ),
    # proposals: one that nobody folds, and one whose entry was lost
    "apps/proposed/kustomization.yaml": PROPOSED,
    "apps/proposed/secret.yaml": encrypted(secret("proposed"), *STAGING),
    "apps/proposed/secret.proposed-old.yaml": encrypted(
        secret("proposed", values={"old": "b2xkLXRocm93YXdheQ=="}, field="data"), *STAGING, at=OLD
    ),
    "apps/proposed/secret.proposed-lost.yaml": encrypted(
        secret("proposed", values={"lost": "bG9zdC10aHJvd2F3YXk="}, field="data"), *STAGING
    ),
    # git access
    "clusters/staging/sources.yaml": SOURCES,
    "clusters/staging/git-token.yaml": encrypted(
        secret("git-token", "flux-system", values={"username": "git", "password": "ghp_throwaway2Kq8Lx"}),
        *STAGING,
        at=OLD,
    ),
    "clusters/staging/git-open.yaml": secret("git-open", "flux-system", values={"identity": "throwaway"}),
    "clusters/staging/rbac.yaml": RBAC,
    # values
    "clusters/staging/commented.yaml": encrypted(
        "# was kq83-throwaway-old\n" + secret("commented", values={"password": "kq83-throwaway-old"}),
        *STAGING,
    ),
    "clusters/staging/values.yaml": encrypted(secret("values", values=VALUES), *STAGING),
}
SECOND = {
    ".sops.yaml": RULES,
    UPDATED: WITHOUT_CAROL,
    "clusters/staging/known.yaml": encrypted(
        secret("known", values={"password": "kq83-throwaway-known"}), *STAGING, at=OLD
    ),
}
NOW = {
    "clusters/staging/renamed.yaml": encrypted(
        secret("renamed"), *STAGING, then=once(lambda text: text.replace("name: renamed", "title: renamed"))
    )
}
FOLDERS = {"2024-01-10": FIRST, "2024-06-01": SECOND, "now": NOW}
GONE = {"2024-06-01": ["keys/carol.pub"]}


def main():
    assert RECIPIENTS["alice"] == ALICE
    for name, files in FOLDERS.items():
        folder = EXAMPLE / name
        shutil.rmtree(folder, ignore_errors=True)
        write(folder, files)
        if name in GONE:
            (folder / "REMOVED").write_text("\n".join(GONE[name]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
