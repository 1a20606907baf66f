"""`sops-age` in the namespace of the applications, where Flux does not look for it."""

from audit_tree import cluster, encrypted, kustomization, repository, secret

KEY = {"age.agekey": "AGE-throwaway"}
PLAIN_ROOT = cluster(decryption=False)
APPS = {
    "clusters/staging/db.yaml": None,
    "clusters/staging/apps.yaml": kustomization("apps", "apps"),
    "clusters/staging/web.yaml": kustomization("web", "web"),
    "apps/db.yaml": encrypted(secret()),
    "web/db.yaml": encrypted(secret(namespace="web")),
}


def key(namespace, more=""):
    return secret("sops-age", namespace, values=KEY, more=more)


SILENT = repository(files={**PLAIN_ROOT, **APPS, "clusters/staging/sops-age.yaml": key("flux-system")})
TRIGGERS = SILENT.changed({"clusters/staging/sops-age.yaml": key("default")})
TRIGGERS_OUTSIDE_FLUX = SILENT.changed(
    {"clusters/staging/sops-age.yaml": None, "bootstrap/sops-age.yaml": key("default")}
)
SILENT_OUTSIDE_FLUX = SILENT.changed(
    {"clusters/staging/sops-age.yaml": None, "bootstrap/sops-age.yaml": key("flux-system")}
)
SILENT_WHERE_IT_IS_MADE_BY_HAND = SILENT.changed({"clusters/staging/sops-age.yaml": None})
SILENT_WHERE_THE_ROOT_NEEDS_IT = TRIGGERS.changed(cluster())
SILENT_WHERE_IT_IS_COPIED = SILENT.changed(
    {
        "clusters/staging/sops-age.yaml": key(
            "default", '  annotations: {reflector.v1.k8s.emberstack.com/reflection-auto-enabled: "true"}'
        )
    }
)
