"""A Kustomization that applies encrypted files, and one that builds ciphertext into a Secret."""

from audit_tree import cluster, encrypted, kustomization, repository, secret, yaml

GENERATOR = yaml("""
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    secretGenerator:
      - name: generated
        files: [password.txt]
    """)

SILENT = repository(
    files={
        "apps/base/kustomization.yaml": GENERATOR,
        "apps/base/password.txt": encrypted("hunter2-throwaway", selector=None),
        "clusters/staging/apps.yaml": kustomization("apps", "apps/base"),
        "clusters/production/apps.yaml": kustomization("apps", "no/secrets", decryption=False),
        "no/secrets/readme.md": "nothing\n",
    }
)
TRIGGERS = SILENT.changed(
    {
        **cluster(decryption=False),
        "clusters/staging/apps.yaml": kustomization("apps", "apps/base", decryption=False),
        "clusters/staging/more.yaml": encrypted(secret("more")),
    }
)
