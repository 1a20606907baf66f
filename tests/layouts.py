"""Repositories in small, each after a pattern that real ones follow. Every secret in them is made up."""

THROWAWAY = "throwaway-in-plain-text"

SECRET_AGE = "decryption: {provider: sops, secretRef: {name: sops-age}}"


def document(api_version, kind, name, body="", namespace=None):
    name, place = f'"{name}"' if "$" in name else name, f", namespace: {namespace}" if namespace else ""
    return f"---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}{place}}}\n{body}"


def secret(name, namespace=None, keys="password"):
    lines = "".join(f"  {key}: {THROWAWAY}\n" for key in keys.split())
    return document("v1", "Secret", name, f"stringData:\n{lines}", namespace)


def config_map(name, namespace=None, **data):
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return document("v1", "ConfigMap", name, f"data:\n{lines}" if lines else "", namespace)


def flux(name, path, *spec, namespace="flux-system", source="flux-system", kind="GitRepository"):
    lines = "".join(f"  {line}\n" for part in spec for line in part.splitlines())
    reference = f"sourceRef: {{kind: {kind}, name: {source}, namespace: flux-system}}"
    body = f"spec:\n  path: {path}\n  {reference}\n{lines}"
    return document("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, body, namespace)


def git_repository(name="flux-system", url="ssh://git@example.org/waddle/infra", *spec):
    body = f"spec:\n  url: {url}\n" + "".join(f"  {line}\n" for part in spec for line in part.splitlines())
    return document("source.toolkit.fluxcd.io/v1", "GitRepository", name, body, "flux-system")


def kustomization(*fields, kind="Kustomization"):
    version = "v1alpha1" if kind == "Component" else "v1beta1"
    head = f"apiVersion: kustomize.config.k8s.io/{version}\nkind: {kind}\n"
    return head + "".join(f"{field}\n" for field in fields)


def helm_release(name, body, namespace=None):
    return document("helm.toolkit.fluxcd.io/v2", "HelmRelease", name, body, namespace)


def bootstrapped(name):
    """`flux bootstrap --path clusters/NAME`."""
    root = f"clusters/{name}"
    return {
        f"{root}/flux-system/gotk-sync.yaml": git_repository() + flux("flux-system", f"./{root}"),
        f"{root}/flux-system/kustomization.yaml": kustomization("resources: [gotk-sync.yaml]"),
        f"{root}/infrastructure.yaml": flux("infrastructure", f"./infrastructure/{name}", SECRET_AGE),
        f"{root}/apps.yaml": flux(
            "apps", f"./apps/{name}", SECRET_AGE, "dependsOn: [{name: infrastructure}]"
        ),
        f"infrastructure/{name}/kustomization.yaml": kustomization(
            "namespace: infra", "resources: [../base, token.yaml]"
        ),
        f"infrastructure/{name}/token.yaml": secret("token"),
        f"apps/{name}/kustomization.yaml": kustomization(
            "namespace: shop",
            "resources: [../base]",
            "secretGenerator:\n- {name: db, envs: [db.env]}",
            "patches:\n- path: replicas.yaml",
        ),
        f"apps/{name}/db.env": f"password={THROWAWAY}\n",
        f"apps/{name}/replicas.yaml": document("apps/v1", "Deployment", "shop", "spec: {replicas: 2}\n"),
    }


CLUSTERS = {
    **bootstrapped("production"),
    **bootstrapped("staging"),
    "infrastructure/base/kustomization.yaml": kustomization("resources: [issuer.yaml]"),
    "infrastructure/base/issuer.yaml": document(
        "cert-manager.io/v1",
        "ClusterIssuer",
        "le",
        "spec:\n  acme: {solvers: [{dns01: {x: {apiTokenSecretRef: {name: token, key: password}}}}]}\n",
    ),
    "apps/base/kustomization.yaml": kustomization("resources: [shop.yaml]"),
    "apps/base/shop.yaml": document(
        "apps/v1",
        "Deployment",
        "shop",
        "spec:\n  template:\n    spec:\n      containers:\n      - name: shop\n"
        "        envFrom: [{secretRef: {name: db}}]\n",
    ),
}
"""`clusters/ENV` with what `flux bootstrap` wrote, and overlays beside."""


OPERATOR = {
    "kubernetes/apps/flux-system/kustomization.yaml": kustomization(
        "namespace: flux-system", "resources: [./flux-instance/ks.yaml]"
    ),
    "kubernetes/apps/flux-system/flux-instance/ks.yaml": flux(
        "flux-instance", "./kubernetes/apps/flux-system/flux-instance/app", namespace=None
    ),
    "kubernetes/apps/flux-system/flux-instance/app/helmrelease.yaml": helm_release(
        "flux-instance",
        "spec:\n  values:\n    instance:\n      sync:\n        kind: GitRepository\n"
        "        url: https://example.org/waddle/infra.git\n        path: kubernetes/flux/cluster\n"
        "      kustomize:\n        patches:\n        - target: {kind: Kustomization}\n          patch: |\n"
        "            - op: add\n              path: /spec/decryption\n"
        "              value: {provider: sops, secretRef: {name: sops-age}}\n",
    ),
    "kubernetes/flux/cluster/ks.yaml": flux("cluster-apps", "./kubernetes/apps", SECRET_AGE),
    "kubernetes/apps/media/kustomization.yaml": kustomization(
        "namespace: media", "components: [../../components/common]", "resources: [./player/ks.yaml]"
    ),
    "kubernetes/apps/media/player/ks.yaml": flux(
        "player",
        "./kubernetes/apps/media/player/app",
        "targetNamespace: media",
        "components: [../../../../components/backup]",
        "postBuild: {substitute: {APP: player}, substituteFrom: [{kind: Secret, name: cluster-secrets}]}",
        namespace=None,
    ),
    "kubernetes/apps/media/player/app/kustomization.yaml": kustomization("resources: [release.yaml]"),
    "kubernetes/apps/media/player/app/release.yaml": helm_release(
        "player", "spec: {values: {envFrom: [{secretRef: {name: player-secret}}]}}\n"
    ),
    "kubernetes/components/common/kustomization.yaml": kustomization(
        "resources: [cluster-secrets.yaml]", kind="Component"
    ),
    "kubernetes/components/common/cluster-secrets.yaml": secret("cluster-secrets", keys="DOMAIN"),
    "kubernetes/components/backup/kustomization.yaml": kustomization(
        "resources: [external.yaml]", kind="Component"
    ),
    "kubernetes/components/backup/external.yaml": document(
        "external-secrets.io/v1",
        "ExternalSecret",
        "${APP}-backup",
        'spec: {target: {name: "${APP}-secret", template: {data: {KEY: "{{ .KEY }}"}}}}\n',
    ),
}
"""One cluster under `kubernetes/`, synced by a FluxInstance that stands in a HelmRelease."""


WITHOUT_KUSTOMIZATION = {
    "fleet/lab/sources/git.yaml": git_repository(),
    "fleet/lab/self.yaml": flux("lab", "./fleet/lab", SECRET_AGE),
    "fleet/lab/deep/er/db.yaml": secret("db", "data"),
    "fleet/lab/own/kustomization.yaml": kustomization("namePrefix: lab-", "resources: [cache.yaml]"),
    "fleet/lab/own/cache.yaml": secret("cache", "data"),
    "fleet/lab/own/unlisted.yaml": secret("unlisted", "data"),
    ".sourceignore": "fleet/lab/drafts/\n",
    "fleet/lab/drafts/draft.yaml": secret("draft", "data"),
    "docs/example.yaml": secret("example"),
}
"""A root without any kustomization file, and without what a bootstrap writes."""


_TO_CHILDREN = """\
patches:
- target: {group: kustomize.toolkit.fluxcd.io, kind: Kustomization, labelSelector: "substitution!=disabled"}
  patch: |
    apiVersion: kustomize.toolkit.fluxcd.io/v1
    kind: Kustomization
    metadata: {name: _}
    spec:
      decryption: {provider: sops, secretRef: {name: sops-age}}
      postBuild:
        substituteFrom: [{kind: ConfigMap, name: settings}]
      patches:
      - target: {kind: Deployment}
        patch: |
          - op: add
            path: /spec/template/spec/imagePullSecrets
            value: [{name: registry}]
"""

PATCHED_CHILDREN = {
    "clusters/home/flux-system/gotk-sync.yaml": git_repository() + flux("flux-system", "./clusters/home"),
    "clusters/home/kustomization.yaml": kustomization("resources: [flux-system/gotk-sync.yaml, apps.yaml]"),
    "clusters/home/apps.yaml": flux("apps", "./apps", SECRET_AGE, _TO_CHILDREN),
    "apps/kustomization.yaml": kustomization(
        "namespace: flux-system", "resources: [settings.yaml, web/ks.yaml, plain/ks.yaml]"
    ),
    "apps/settings.yaml": config_map("settings", "flux-system", STAGE="live"),
    "apps/web/ks.yaml": flux("web", "./apps/web/app", "targetNamespace: web", namespace=None),
    "apps/web/app/web.yaml": document(
        "apps/v1",
        "Deployment",
        "web-${STAGE}",
        "spec: {template: {spec: {containers: [{name: web, env: [{name: A, valueFrom: "
        "{secretKeyRef: {name: 'web-${STAGE}', key: password}}}]}]}}}\n",
    ),
    "apps/web/app/secret.yaml": secret("web-${STAGE}"),
    "apps/plain/ks.yaml": flux("plain", "./apps/plain/app", namespace=None).replace(
        "metadata: {name: plain}", "metadata: {name: plain, labels: {substitution: disabled}}"
    ),
    "apps/plain/app/plain.yaml": config_map("plain", "plain"),
}
"""Children that get decryption, variables and patches from a patch of their parent."""


def _shared_root(name, region):
    root = f"kubernetes/{name}/flux"
    return {
        f"{root}/flux-system/gotk-sync.yaml": git_repository() + flux("flux-system", f"./{root}"),
        f"{root}/tenants.yaml": flux("tenants", f"./tenants/overlays/{region}", SECRET_AGE),
        f"{root}/monitoring.yaml": flux("monitoring", "./monitoring", SECRET_AGE),
        f"{root}/charts.yaml": flux("charts", "./", source="charts")
        + git_repository("charts", "https://example.org/other/charts"),
    }


SHARED = {
    **_shared_root("paris", "eu"),
    **_shared_root("lyon", "eu"),
    **_shared_root("boston", "us"),
    "tenants/base/kustomization.yaml": kustomization("resources: [tenant.yaml]"),
    "tenants/base/tenant.yaml": document(
        "v1", "ServiceAccount", "tenant", "imagePullSecrets: [{name: pull}]\n"
    ),
    "tenants/overlays/eu/kustomization.yaml": kustomization(
        "namespace: tenants", "nameSuffix: -eu", "resources: [../../base, pull.yaml]"
    ),
    "tenants/overlays/eu/pull.yaml": secret("pull"),
    "tenants/overlays/us/kustomization.yaml": kustomization(
        "namespace: tenants", "nameSuffix: -us", "resources: [../../base, pull.yaml]"
    ),
    "tenants/overlays/us/pull.yaml": secret("pull"),
    "monitoring/grafana.yaml": secret("grafana", "monitoring"),
}
"""Several roots that share overlays and a whole folder, and a source that is another repository."""


def _from_registry(name, path):
    return flux(name, path, SECRET_AGE, source=name, kind="ExternalArtifact", namespace=None)


ARTIFACT = {
    "kube/clusters/lab/operator/values.yaml": "---\ninstance:\n  sync:\n    kind: OCIRepository\n"
    "    url: oci://registry.example.org/waddle/infra\n    path: ./clusters/lab\n",
    "kube/clusters/lab/operator/kustomization.yaml": kustomization(
        "namespace: flux-system", "configMapGenerator:\n- {name: values, files: [values.yaml]}"
    ),
    "kube/clusters/lab/ks.yaml": flux("apps", "./apps/overlays/lab", SECRET_AGE, kind="OCIRepository"),
    "kube/apps/overlays/lab/kustomization.yaml": kustomization(
        "namespace: flux-system",
        "resources: [parts.yaml, ../../base/web/ks.yaml, ../../base/db/ks.yaml]",
    ),
    "kube/apps/overlays/lab/parts.yaml": document(
        "source.extensions.fluxcd.io/v1beta1",
        "ArtifactGenerator",
        "parts",
        "spec:\n  sources: [{alias: repo, kind: OCIRepository, name: flux-system}]\n  artifacts:\n"
        + "".join(
            f"  - {{name: {name}, copy: [{{from: '@repo/apps/base/{name}/app/', "
            f"to: '@artifact/apps/base/{name}/app/'}}]}}\n"
            for name in ("web", "db")
        ),
    ),
    "kube/apps/base/web/ks.yaml": _from_registry("web", "./apps/base/web/app"),
    "kube/apps/base/web/app/secret.yaml": secret("web", "web"),
    "kube/apps/base/db/ks.yaml": _from_registry("db", "./apps/base/db/app"),
    "kube/apps/base/db/app/secret.yaml": secret("db", "db"),
    "kube/apps/base/off/ks.yaml": _from_registry("off", "./apps/base/off/app"),
    "kube/apps/base/off/app/secret.yaml": secret("off", "off"),
    ".archive/old/ks.yaml": flux("old", "./old"),
}
"""Synced from an OCI artifact that is made of a folder of the repository, and taken apart into others."""
