"""Narrow and wide creation rules: which files they make secrets, and which stay what they are."""

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.repo.discover import SecretKind, discover
from fluxsecrets.repo.rulenames import Files, RuleNames, exempt, looks_ordinary, read_path_rules
from fluxsecrets.sops.config import parse_config

PLAIN = "password: throw-away\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: b\n"
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: r\nspec: {}\n"
SEALED = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {}\n"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n"

REPOSITORY = {
    "README.md": "# here\n",
    "apps/podinfo/deployment.yaml": CONFIG_MAP.replace("ConfigMap", "Deployment"),
    "apps/podinfo/values.yaml": "replicas: 1\n",
    "apps/podinfo/db-secret.yaml": PLAIN,
    "apps/podinfo/secret-db.yml": PLAIN,
    "clusters/east/apps.yaml": CONFIG_MAP,
    "clusters/east/values.env": "A=b\n",
    "config/new.env": "A=b\n",
    "config/settings.yaml": "a: b\n",
    "deploy/values.yaml": "a: b\n",
    "infrastructure/external-secrets/release.yaml": RELEASE,
    "infrastructure/external-secrets/values.yaml": "a: b\n",
    "keys/alice.pub": "age1\n",
    "secrets/README.md": "# secrets\n",
    "secrets/config.yaml": CONFIG_MAP,
    "secrets/kustomization.yaml": KUSTOMIZATION,
    "secrets/prod.env": "A=b\n",
    "secrets/prod.yaml": PLAIN,
    "secrets/sealed.yaml": SEALED,
    "secrets.yml": PLAIN,
    "talos/controlplane.yaml": "machine: {token: throw-away}\n",
    "talos/patches/kubeconfig.yaml": "apiVersion: v1\nkind: Config\nclusters: []\n",
    "vault/token.txt": "throw-away\n",
}
IN_SECRETS = ["secrets/prod.env", "secrets/prod.yaml"]
TALOS = ["talos/controlplane.yaml", "talos/patches/kubeconfig.yaml"]

RULES = [
    # wide: they say how, not whether
    (None, []),
    (".*", []),
    (r".*\.yaml", []),
    (r".*\.ya?ml$", []),
    (r"\.(ya?ml|json|env)$", []),
    ("^clusters/.*", []),
    (r"^clusters/east/.*\.env", ["clusters/east/values.env"]),
    ("^clusters/east/", []),
    ("^(apps|infrastructure)/", []),
    (r"values\.yaml$", []),
    (r"/values.*", []),
    (r"^[a-z]+/[^/]+\.yaml$", []),
    # narrow by name
    (r"\.env$", ["clusters/east/values.env", "config/new.env", "secrets/prod.env"]),
    (r"^secrets\.ya?ml$", ["secrets.yml"]),
    (r".*/secret-.*\.ya?ml$", ["apps/podinfo/secret-db.yml"]),
    (r".*/[a-z]+-secret\.yaml$", ["apps/podinfo/db-secret.yaml"]),
    (r"(config/.*\.env|^vault/.*\.txt)$", ["config/new.env", "vault/token.txt"]),
    ("^deploy/values.yaml$", ["deploy/values.yaml"]),
    ("^config/settings.yaml$", ["config/settings.yaml"]),
    (r".*\.enc\.yaml$", []),
    # narrow by folder, and what stays plain in it
    ("^secrets/", IN_SECRETS),
    ("secrets/.*", IN_SECRETS),
    ("^secrets/.*|^apps/podinfo/.*", IN_SECRETS),
    ("talos/.*", TALOS),
    ("^(talos|vault)/", [*TALOS, "vault/token.txt"]),
    # some by their names; in external-secrets it takes the folder, which holds a HelmRelease
    (r".*secret.*\.yaml", ["apps/podinfo/db-secret.yaml", "secrets/prod.yaml"]),
    ("^keys/", []),
    ("README", []),
]


def config(*patterns):
    rules = "".join(
        "  - age: age1\n" if p is None else f"  - path_regex: '{p}'\n    age: age1\n" for p in patterns
    )
    return f"creation_rules:\n{rules}"


def ruled(tree):
    return [item.path for item in discover(tree) if item.kind is SecretKind.RULED and item.error is None]


@pytest.mark.parametrize(("pattern", "named"), RULES)
def test_what_a_rule_makes_a_secret(tree_of, pattern, named):
    assert ruled(tree_of({**REPOSITORY, ".sops.yaml": config(pattern)})) == sorted(named)


def test_the_first_rule_that_matches_decides(tree_of):
    assert ruled(tree_of({**REPOSITORY, ".sops.yaml": config(r"\.yaml$", "^secrets/")})) == [
        "secrets/prod.env"
    ]


def test_the_nearest_configuration_decides(tree_of):
    tree = tree_of({**REPOSITORY, ".sops.yaml": config("^secrets/"), "secrets/.sops.yaml": config(".*")})
    assert ruled(tree) == []
    tree = tree_of({**REPOSITORY, ".sops.yaml": config(".*"), "talos/.sops.yaml": config(r"plane\.yaml$")})
    assert ruled(tree) == ["talos/controlplane.yaml"]


@pytest.mark.parametrize("added", ["secrets/ordinary.yaml", "config/ordinary.yaml"])
def test_files_that_are_added_do_not_widen_a_rule_that_says_secrets_or_goes_by_names(tree_of, added):
    rules = config("^secrets/", r"^config/.*\.env$")
    before = ruled(tree_of({**REPOSITORY, ".sops.yaml": rules}))
    assert ruled(tree_of({**REPOSITORY, ".sops.yaml": rules, added: CONFIG_MAP})) == before


def test_a_folder_of_another_name_is_one_of_secrets_while_nothing_ordinary_is_in_it(tree_of):
    tree = tree_of({**REPOSITORY, ".sops.yaml": config("^vault/")})
    assert ruled(tree) == ["vault/token.txt"]
    tree = tree_of({**REPOSITORY, ".sops.yaml": config("^vault/"), "vault/map.yaml": CONFIG_MAP})
    assert ruled(tree) == []
    names = RuleNames(Files(str(tree.root), tree.paths))
    assert "vault/map.yaml" in names.naming("vault/token.txt").why


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".sops.yaml",
            "secrets/.sops.yaml",
            "secrets/.fluxsecrets.yaml",
            "secrets/kustomization.yml",
            "keys/a.pub",
        ),
        *(
            "secrets/README.md",
            "secrets/.gitkeep",
            "secrets/chart/templates/a.txt",
            "secrets/chart/Chart.yaml",
        ),
    ],
)
def test_what_git_flux_and_charts_read_stays_plain(tree_of, path):
    tree = tree_of(
        {"secrets/chart/Chart.yaml": "name: c\n", path: PLAIN, ".sops.yaml": config("secrets/|keys/|s.yaml")}
    )
    assert path not in {item.path for item in discover(tree) if item.error is None}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (CONFIG_MAP, True),
        (CONFIG_MAP + "---\n" + RELEASE, True),
        (SEALED, True),
        (CONFIG_MAP + "---\npassword: x\n", False),
        ("password: x\n---\n" + CONFIG_MAP, False),
        ("apiVersion: v1\nkind: List\nitems:\n- " + "\n  ".join(SEALED.splitlines()) + "\n", True),
        ("apiVersion: v1\nkind: Config\nusers: []\n", False),
        ("apiVersion: v1alpha1\nkind: WireguardConfig\nprivateKey: x\n", False),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n", False),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", True),
        ("apiVersion: v1\nkind: Secret\nstringData: {a: b}\n", False),
        ("kind: [\n", False),
        ("", True),
        (" \n", True),
        ("a: b\n", False),
    ],
)
def test_objects_are_secrets_by_their_kind(data, expected):
    assert exempt("secrets/a.yaml", data.encode()) is expected
    assert not (looks_ordinary(data.encode()) and not expected)


def test_two_objects_of_a_list_do_not_stand_for_a_document(tree_of):
    items = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"- {{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {{name: {name}}}}}\n"
        for name in "ab"
    )
    tree = tree_of({"a.sops.yaml": items + "---\npassword: throw-away\n"})
    assert [item.path for item in discover(tree)] == ["a.sops.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "creation_rules:\n  - path_regex: [a]\n",
        "creation_rules:\n  - path_regex: '('\n    age: age1\n",
        "creation_rules:\n  - path_regex: a\n  broken\n",
        "creation_rules: {path_regex: a}\n",
    ],
)
def test_rules_that_cannot_be_read_are_an_error(tree_of, text):
    tree = tree_of({**REPOSITORY, ".sops.yaml": text})
    found = {item.path: item for item in discover(tree)}
    assert isinstance(found[".sops.yaml"].error, ConfigError)
    assert found[".sops.yaml"].error.path == ".sops.yaml"
    (of_one,) = discover(tree, paths=["config/new.env"])
    assert of_one.path == ".sops.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "creation_rules:\n  - path_regex: a\n    age: &x age1\n  - age: *x\n",
        "creation_rules:\n  - path_regex: ''\n  - path_regex: b$\n",
        "creation_rules:\n  - path_regex: ~\n  - path_regex: null\n  - {path_regex: 'a'}\n",
        "x: &x {path_regex: merged}\ncreation_rules:\n  - <<: *x\n",
        "creation_rules:\n  - path_regex: 12\n",
        "creation_rules:\n  - path_regex: !!str a\n",
        "creation_rules: []\npath_regex: a\n",
        "creation_rules:\ndestination_rules:\n  - path_regex: a\n",
        '{"creation_rules": [{"path_regex": "\\\\.env$"}]}',
    ],
)
def test_the_quick_reading_of_rules_says_what_the_full_one_does(text):
    def of(read):
        try:
            return read()
        except ConfigError:
            return "error"

    quick = of(
        lambda: [rule.pattern and rule.pattern.pattern for rule in read_path_rules(text.encode(), "c")]
    )
    full = of(lambda: [rule.path_regex for rule in parse_config(text.encode(), path="c").rules])
    assert quick == full


def test_a_file_may_be_nested_deeper_than_the_stack(tmp_path, shallow_stack):
    (tmp_path / ".sops.yaml").write_text("creation_rules: [{path_regex: '\\.env$', age: age1}]\n")
    path = "/".join(["d"] * shallow_stack + ["a.env"])
    names = RuleNames(Files(str(tmp_path), [path]))
    assert list(names.broken([path])) == []
    assert names.secret(path)
    assert names.secret(path.removeprefix("d/"))
