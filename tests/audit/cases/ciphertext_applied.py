"""Files whose names say something else than what they are, and what a configMapGenerator reads."""

from audit_tree import encrypted, repository, secret, yaml

GENERATOR = yaml("""
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    namespace: apps
    secretGenerator:
      - name: settings
        files: [settings.json, notes.txt]
        envs: [app.env]
    configMapGenerator:
      - name: plain
        files: [plain.txt]
    """)
JSON = '{"password": "throwaway"}\n'
PATH = "clusters/staging/generated"


def compact(text):
    return text.replace('"mac": "', '"mac":"')


def yaml_text(_):
    from audit_tree import _encrypted

    return _encrypted("a.yaml", encrypted("password: throwaway\n", selector=None)).decode()


SILENT = repository(
    files={
        f"{PATH}/kustomization.yaml": GENERATOR,
        f"{PATH}/settings.json": encrypted(JSON, selector=None),
        f"{PATH}/notes.txt": encrypted("throwaway", selector=None),
        f"{PATH}/app.env": encrypted("A=throwaway\n", selector=None),
        f"{PATH}/plain.txt": "nothing secret\n",
    }
)
TRIGGERS = SILENT.changed(
    {
        f"{PATH}/settings.json": encrypted(JSON, selector=None, then=compact),
        f"{PATH}/notes.txt": encrypted("throwaway", selector=None, then=yaml_text),
        f"{PATH}/app.env": encrypted("A=throwaway\n", selector=None, then=yaml_text),
        f"{PATH}/plain.txt": encrypted("throwaway", selector=None),
        "clusters/staging/disabled.yaml": encrypted(
            secret("disabled").replace(
                "  name:", "  annotations: {kustomize.toolkit.fluxcd.io/decrypt: disabled}\n  name:"
            )
        ),
        "clusters/staging/comments.yaml": encrypted(
            secret("comments").replace("  password", "  # encrypt\n  password"),
            selector=("encrypted_comment_regex", "encrypt"),
        ),
    }
)
