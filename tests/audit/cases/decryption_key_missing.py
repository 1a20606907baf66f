"""Decryption without a Secret, and with one whose data key Flux passes over."""

from audit_tree import cluster, encrypted, repository, secret, yaml

KEY = {"identity.agekey": "AGE-throwaway"}
NO_SECRET = {
    path: text.replace(", secretRef: {name: sops-age}", "") for path, text in cluster("production").items()
}
FLAG = yaml("""
    apiVersion: fluxcd.controlplane.io/v1
    kind: FluxInstance
    metadata: {name: flux, namespace: flux-system}
    spec:
      kustomize:
        patches:
          - target: {kind: Deployment, name: kustomize-controller}
            patch: |
              - {op: add, path: /spec/template/spec/containers/0/args/-, value: --sops-age-secret=sops-age}
    """)

SILENT = repository(
    files={"clusters/staging/sops-age.yaml": encrypted(secret("sops-age", "flux-system", values=KEY))}
)
TRIGGERS = SILENT.changed(
    {
        **NO_SECRET,
        "clusters/production/db.yaml": encrypted(secret()),
        "clusters/staging/sops-age.yaml": encrypted(
            secret("sops-age", "flux-system", values={"age.key": "AGE-throwaway"})
        ),
    }
)
SILENT_WHERE_THE_CONTROLLER_HAS_A_KEY = repository(
    files={
        **NO_SECRET,
        "clusters/production/db.yaml": encrypted(secret()),
        "clusters/production/flux.yaml": FLAG,
    }
)
SILENT_WITHOUT_ENCRYPTED_FILES = repository(files=NO_SECRET)
