"""Which Secrets and ConfigMaps an object uses and brings about."""

import pytest

from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.objects import object_of
from fluxsecrets.repo.references import provisions, uses

POD = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: job, namespace: shop}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          imagePullSecrets:
            - name: pull
          initContainers:
            - name: init
              envFrom:
                - configMapRef: {name: settings, optional: true}
                - secretRef:
                    name: all
          containers:
            - name: main
              env:
                - name: A
                  valueFrom:
                    secretKeyRef:
                      key: password
                      name: db
                      optional: true
                - name: B
                  valueFrom: {configMapKeyRef: {name: settings, key: b}}
          volumes:
            - name: v
              secret:
                secretName: mounted
            - name: w
              projected:
                sources:
                  - secret: {name: projected}
            - name: x
              configMap: {name: files}
"""


def start(api_version, kind, namespace="f"):
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a, namespace: {namespace}}}\n"


def read(text):
    (manifest,) = read_manifests(text.encode(), "a.yaml").manifests
    return object_of(manifest, "a.yaml")


def used(text):
    return [(use.kind, use.namespace, use.name, use.key, use.via, use.likely) for use in uses(read(text))]


def test_pods():
    assert used(POD) == [
        ("Secret", "shop", "pull", None, "imagePullSecret", False),
        ("ConfigMap", "shop", "settings", None, "envFrom", False),
        ("Secret", "shop", "all", None, "envFrom", False),
        ("Secret", "shop", "db", "password", "env", False),
        ("ConfigMap", "shop", "settings", "b", "env", False),
        ("Secret", "shop", "mounted", None, "volume", False),
        ("Secret", "shop", "projected", None, "volume", False),
        ("ConfigMap", "shop", "files", None, "volume", False),
    ]
    found = uses(read(POD))
    assert [use.optional for use in found] == [False, True, False, True, False, False, False, False]
    lines = POD.splitlines()
    assert all(use.name in lines[use.line - 1] for use in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            start("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
            + "spec: {decryption: {provider: sops, secretRef: {name: age}}, postBuild: {substituteFrom: "
            "[{kind: Secret, name: vars}, {kind: ConfigMap, name: more}]}, "
            "kubeConfig: {secretRef: {name: kc}}}\n",
            {
                ("Secret", "age", "decryption"),
                ("Secret", "vars", "substituteFrom"),
                ("ConfigMap", "more", "substituteFrom"),
                ("Secret", "kc", "secretRef"),
            },
        ),
        (
            start("helm.toolkit.fluxcd.io/v2", "HelmRelease")
            + "spec: {valuesFrom: [{kind: Secret, name: v, valuesKey: k}], "
            "values: {auth: {existingSecret: e}}}\n",
            {("Secret", "v", "valuesFrom"), ("Secret", "e", "values")},
        ),
        (
            start("source.toolkit.fluxcd.io/v1", "GitRepository")
            + "spec: {secretRef: {name: key}, proxySecretRef: {name: proxy}, "
            "verify: {secretRef: {name: pgp}}}\n",
            {
                ("Secret", "key", "secretRef"),
                ("Secret", "proxy", "secretRef"),
                ("Secret", "pgp", "secretRef"),
            },
        ),
        (
            start("networking.k8s.io/v1", "Ingress") + "spec: {tls: [{secretName: cert}]}\n",
            {("Secret", "cert", "tls")},
        ),
        (
            start("gateway.networking.k8s.io/v1", "Gateway")
            + "spec: {listeners: [{tls: {certificateRefs: [{name: cert}, {kind: Other, name: x}]}}]}\n",
            {("Secret", "cert", "tls")},
        ),
        (
            start("v1", "ServiceAccount") + "secrets: [{name: token}]\nimagePullSecrets: [{name: pull}]\n",
            {("Secret", "token", "serviceAccount"), ("Secret", "pull", "imagePullSecret")},
        ),
        (
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a, namespace: f}\n"
            "spec: {secretName: made, keystores: {jks: {passwordSecretRef: {name: p, key: k}}}}\n",
            {("Secret", "p", "secretRef")},
        ),
        (
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n"
            "spec: {secretRef: {name: no}}\n",
            set(),
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {secretName: no}\n", set()),
    ],
)
def test_other_kinds(text, expected):
    assert {(use.kind, use.name, use.via) for use in uses(read(text))} == expected


def test_fields_of_unknown_kinds_are_likely_only():
    text = (
        start("postgresql.cnpg.io/v1", "Cluster")
        + "spec: {superuserSecret: {name: su}, backup: {secretRef: {namespace: other, name: s3}}}\n"
    )
    assert used(text) == [
        ("Secret", "f", "su", None, "secretRef", True),
        ("Secret", "other", "s3", None, "secretRef", True),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            start("v1", "Secret", "n") + "data: {x: eQ==}\nstringData: {y: z}\n",
            [("n", "a", ("x", "y"), "plain")],
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {x: eQ==}\nsops: {mac: m}\n",
            [(None, "a", ("x",), "sops")],
        ),
        (
            start("bitnami.com/v1alpha1", "SealedSecret", "n")
            + "spec: {encryptedData: {x: y}, template: {data: {z: w}}}\n",
            [("n", "a", ("x", "z"), "sealed")],
        ),
        (
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a, namespace: n}\n"
            "spec: {target: {name: t}, data: [{secretKey: x}]}\n",
            [("n", "t", ("x",), "external")],
        ),
        (
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a, namespace: n}\n"
            "spec: {dataFrom: [{extract: {key: x}}], data: [{secretKey: x}]}\n",
            [("n", "a", None, "external")],
        ),
        (
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a, namespace: n}\n"
            "spec: {target: {template: {data: {k: '{{ .x }}'}}}, dataFrom: [{extract: {key: x}}]}\n",
            [("n", "a", ("k",), "external")],
        ),
        (
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a, namespace: n}\n"
            "spec: {secretName: t}\n",
            [("n", "t", ("tls.crt", "tls.key", "ca.crt"), "certificate")],
        ),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", []),
    ],
)
def test_provisions(text, expected):
    assert [(made.namespace, made.name, made.keys, made.how) for made in provisions(read(text))] == expected
