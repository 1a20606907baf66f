import os
import sys
from functools import partial

import pytest

from fluxsecrets.errors import ConfigError, FormatError, LimitError, UnprotectedError
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.repo.discover import SecretKind, discover
from fluxsecrets.repo.tree import make_tree, walk_files
from fluxsecrets.sops.formats import Limits

MAC = f"ENC[AES256_GCM,data:eA==,iv:{'A' * 43}=,tag:{'A' * 22}==,type:str]"
BLOCK = f"sops:\n    mac: {MAC}\n"


SEALED = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\n"
EXTERNAL = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\n"


def secret(name="db", fields="stringData: {password: throw-away}", kind="Secret"):
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{fields}\n"


def encrypted(name="db"):
    return secret(name, f"stringData: {{password: '{MAC}'}}\n{BLOCK}")


def found(tree, **options):
    return {item.path: item for item in discover(tree, **options)}


def kinds(tree, **options):
    return {path: item.kind for path, item in found(tree, **options).items()}


def test_secret_manifests_in_any_document_of_yaml_and_json(tree_of):
    tree = tree_of(
        {
            "a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n" + secret(),
            "b.yml": secret(),
            "c.json": '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"c"},"data":{"a":"Yg=="}}',
            "d.YAML": secret(),
            "e.txt": secret(),
            "f.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n",
        }
    )
    result = found(tree)
    assert list(result) == ["a.yaml", "b.yml", "c.json", "d.YAML"]
    assert {item.kind for item in result.values()} == {SecretKind.MANIFEST}
    assert [item.format for item in result.values()] == ["yaml", "yaml", "json", "yaml"]
    assert (result["a.yaml"].line, result["a.yaml"].reason) == (5, "Secret db")
    assert not any(item.encrypted or item.in_list or item.error for item in result.values())


def test_what_is_not_a_secret(tree_of):
    tree = tree_of(
        {
            "sealed.yaml": SEALED,
            "external.yaml": EXTERNAL,
            "token.yaml": secret(fields="type: kubernetes.io/service-account-token"),
            "references.yaml": secret(fields="stringData: {a: op://vault/item/field, b: '${B}'}"),
            "release.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\n"
            "spec: {valuesFrom: [{kind: Secret, name: a}]}\n",
            "chart/Chart.yaml": "name: chart\n",
            "chart/templates/secret.yaml": secret(fields="data: {{ .Values.data }}"),
            "chart/templates/deep/secret.yaml": secret(),
            "sub/charts/x/Chart.yaml": "",
            "sub/charts/x/templates/a.yaml": secret(),
        }
    )
    assert found(tree) == {}


def test_templates_without_a_chart_are_secrets(tree_of):
    assert list(found(tree_of({"x/templates/a.yaml": secret(), "templates/b.yaml": secret()}))) == [
        "templates/b.yaml",
        "x/templates/a.yaml",
    ]


@pytest.mark.parametrize(
    "text",
    [
        secret(fields="data: {{ .Values.data }}"),
        secret() + "  bad indentation: [\n",
        secret().encode("utf-16"),
        secret() + "stringData: {again: twice}\n",
    ],
    ids=["template", "syntax", "utf-16", "duplicate"],
)
def test_what_looks_like_a_secret_and_cannot_be_parsed_is_an_error(tree_of, text):
    (item,) = discover(tree_of({"a.yaml": text, "harmless.yaml": "{{ not yaml\n"}))
    assert item.path == "a.yaml"
    assert isinstance(item.error, FormatError)
    assert item.error.path == "a.yaml"
    assert "throw-away" not in str(item.error)


def test_a_secret_in_a_list_is_flagged(tree_of):
    inner = secret().replace("\n", "\n  ").rstrip()
    tree = tree_of({"a.yaml": f"apiVersion: v1\nkind: List\nitems:\n- {inner}\n", "b.yaml": secret()})
    result = found(tree)
    assert result["a.yaml"].in_list
    assert not result["b.yaml"].in_list


def test_generator_files_with_the_format_that_flux_takes_them_for(tree_of):
    tree = tree_of(
        {
            "x/kustomization.yaml": "secretGenerator:\n"
            "- name: a\n"
            "  files: [config.yaml=plain.txt, ../tls.key, gone.txt, empty.txt]\n"
            "  envs: [prod.txt]\n"
            "configMapGenerator:\n"
            "- {name: c, files: [config.txt]}\n",
            "x/plain.txt": "a: b",
            "x/prod.txt": "A=b",
            "x/config.txt": "",
            "x/empty.txt": "\n",
            "tls.key": "-----BEGIN",
        }
    )
    result = found(tree)
    assert {path: item.format for path, item in result.items()} == {
        "tls.key": "binary",
        "x/plain.txt": "yaml",
        "x/prod.txt": "dotenv",
    }
    item = result["x/plain.txt"]
    assert (item.kind, item.read_by, item.read_line) == (SecretKind.GENERATOR, "x/kustomization.yaml", 3)
    assert item.line is None


def test_a_generators_format_wins_over_what_the_file_is(tree_of):
    tree = tree_of({"kustomization.yaml": "secretGenerator: [{files: [raw=a.yaml]}]\n", "a.yaml": secret()})
    assert [(item.path, item.kind, item.format) for item in discover(tree)] == [
        ("a.yaml", SecretKind.GENERATOR, "binary")
    ]


def test_a_file_read_as_two_formats_is_an_error(tree_of):
    tree = tree_of(
        {
            "a/kustomization.yaml": "secretGenerator: [{files: [x.json=../s]}]\n",
            "b/kustomization.yaml": "secretGenerator: [{files: [x=../s]}]\n",
            "s": "{}",
        }
    )
    (item,) = discover(tree)
    assert isinstance(item.error, ConfigError)
    assert "as json by a/kustomization.yaml:1, as binary by b/kustomization.yaml:1" in item.error.message


def test_a_generator_that_cannot_be_read_is_an_error(tree_of):
    tree = tree_of({"kustomization.yaml": "secretGenerator: [\n", "x/kustomization.yaml": "resources: [\n"})
    (item,) = discover(tree)
    assert item.path == "kustomization.yaml"
    assert isinstance(item.error, FormatError)


def test_named_files_take_the_format_of_their_suffix(tree_of):
    tree = tree_of(
        {
            "values.sops.yaml": "a: b\n",
            "app.enc.env": "A=b\n",
            "key.enc.pem": "x",
            "empty.sops.yaml": "\n",
            ".sops.yaml": "creation_rules: []\n",
            "secret.enc.yaml": secret(),
        }
    )
    assert {path: (item.kind, item.format) for path, item in found(tree).items()} == {
        "app.enc.env": (SecretKind.NAMED, "dotenv"),
        "key.enc.pem": (SecretKind.NAMED, "binary"),
        "secret.enc.yaml": (SecretKind.MANIFEST, "yaml"),
        "values.sops.yaml": (SecretKind.NAMED, "yaml"),
    }


def test_a_named_file_that_is_sealed_or_refers_elsewhere_is_no_secret(tree_of):
    tree = tree_of(
        {
            "a.enc.yaml": f"---\n{SEALED}---\n{SEALED}",
            "b.enc.yaml": secret(fields="stringData: {a: op://vault/item/field}"),
            "c.enc.yaml": f"{SEALED}---\nvalues: 1\n",
        }
    )
    assert list(found(tree)) == ["c.enc.yaml"]


def test_listed_files(tree_of):
    tree = tree_of(
        {"talos/a.yaml": "x: 1", "talos/deep/b.yaml": "x: 1", "c/.npmrc": "token", "d.yaml": "x: 1"}
    )
    assert kinds(tree, extra=["talos/**", ".npmrc"]) == dict.fromkeys(
        ["c/.npmrc", "talos/a.yaml", "talos/deep/b.yaml"], SecretKind.LISTED
    )
    assert kinds(tree, extra=["talos/*.yaml"]) == {"talos/a.yaml": SecretKind.LISTED}


def test_encrypted_files_are_returned_as_such(tree_of):
    tree = tree_of(
        {
            "a.yaml": encrypted(),
            "b.sops.yaml": f"a: {MAC}\n{BLOCK}",
            "talos.yaml": f"a: {MAC}\n{BLOCK}",
            "key.pem": f'{{"data": "{MAC}", "sops": {{"mac": "{MAC}"}}}}',
            "kustomization.yaml": "secretGenerator: [{envs: [s.env]}]\n",
            "s.env": f"A={MAC}\nsops_mac={MAC}\n",
            "two.yaml": f"{encrypted()}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n{BLOCK}",
        }
    )
    result = found(tree)
    assert all(item.encrypted and item.error is None for item in result.values())
    assert {path: (item.kind, item.format) for path, item in result.items()} == {
        "a.yaml": (SecretKind.MANIFEST, "yaml"),
        "b.sops.yaml": (SecretKind.NAMED, "yaml"),
        "key.pem": (SecretKind.ENCRYPTED, "binary"),
        "s.env": (SecretKind.GENERATOR, "dotenv"),
        "talos.yaml": (SecretKind.ENCRYPTED, "yaml"),
        "two.yaml": (SecretKind.MANIFEST, "yaml"),
    }


def test_a_large_encrypted_binary_is_known_by_its_ends(tree_of):
    text = f'{{"data": "{"x" * 400_000}", "sops": {{"age": [], "mac": "{MAC}"}}}}'
    tree = tree_of({"big.bin": text, "other.bin": text[1:], "plain.bin": b"\x00" * 400_000})
    assert kinds(tree) == {"big.bin": SecretKind.ENCRYPTED}


def test_a_plain_secret_beside_encrypted_documents_is_an_error(tree_of):
    (item,) = discover(tree_of({"a.yaml": f"{encrypted('old')}---\n{secret('new')}"}))
    assert not item.encrypted
    assert isinstance(item.error, UnprotectedError)
    assert "'new'" in item.error.message
    assert item.error.line == 9


def test_files_over_the_limit_fail_closed(tree_of):
    padding = "# padding\n" * 50
    tree = tree_of(
        {
            "secret.yaml": padding + secret(),
            "config.yaml": padding + "a: b\n",
            "a.enc.bin": padding,
            "data.bin": padding,
            "kustomization.yaml": "secretGenerator: [{files: [s]}]\n",
            "s": padding,
        },
        limits=Limits(size=400),
    )
    result = found(tree)
    assert list(result) == ["a.enc.bin", "s", "secret.yaml"]
    assert all(isinstance(item.error, LimitError) for item in result.values())


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a file that may not be read")
def test_a_manifest_that_may_not_be_read_is_an_error(tree_of):
    tree = tree_of({"a.yaml": secret(), "b.txt": "x"})
    for path in tree.paths:
        (tree.root / path).chmod(0)
    (item,) = discover(tree)
    assert item.path == "a.yaml"
    assert item.error is not None


def test_a_file_that_goes_away_meanwhile_is_an_error(tree_of):
    tree = tree_of({"a.yaml": secret(), "b.txt": "x"})
    for path in tree.paths:
        (tree.root / path).unlink()
    assert [item.path for item in discover(tree) if item.error] == ["a.yaml"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")
def test_links_are_not_followed(tmp_path, write):
    generator = "secretGenerator: [{files: [k]}]\n"
    write({"repo/a.yaml": secret(), "outside/b.yaml": secret(), "repo/kustomization.yaml": generator})
    repo = tmp_path / "repo"
    (repo / "in.yaml").symlink_to("a.yaml")
    (repo / "out.yaml").symlink_to("../outside/b.yaml")
    (repo / "folder").symlink_to("../outside")
    (repo / "k").symlink_to("../outside/b.yaml")
    assert list(found(make_tree(repo, walk_files(repo)))) == ["a.yaml"]


def test_only_chosen_paths_are_judged_but_all_generators_are_known(tree_of):
    tree = tree_of(
        {"x/kustomization.yaml": "secretGenerator: [{files: [../s]}]\n", "s": "x", "a.yaml": secret()}
    )
    assert list(found(tree, paths=["s", "not/in/the/tree.yaml"])) == ["s"]
    assert list(found(tree, paths=[])) == []


def test_encrypted_at_head(committed, write):
    opened = committed(
        {
            "talos.yaml": f"a: {MAC}\n{BLOCK}",
            "same.yaml": f"a: {MAC}\n{BLOCK}",
            "secret.yaml": encrypted(),
            "sealed.yaml": encrypted(),
            "emptied.yaml": f"a: {MAC}\n{BLOCK}",
            "gone.yaml": f"a: {MAC}\n{BLOCK}",
            "plain.yaml": "a: 1\n",
        }
    )
    write(
        {
            "talos.yaml": "a: throw-away\n",
            "secret.yaml": secret(),
            "sealed.yaml": SEALED,
            "emptied.yaml": "",
            "plain.yaml": "a: 2\n",
            "new.yaml": secret(),
        }
    )
    tree = opened()
    (tree.root / "gone.yaml").unlink()
    result = found(opened())
    assert {path: (item.kind, item.encrypted, item.encrypted_at_head) for path, item in result.items()} == {
        "new.yaml": (SecretKind.MANIFEST, False, False),
        "same.yaml": (SecretKind.ENCRYPTED, True, False),
        "secret.yaml": (SecretKind.MANIFEST, False, True),
        "talos.yaml": (SecretKind.ENCRYPTED_AT_HEAD, False, True),
    }


def test_too_large_at_head_fails_closed(committed, write):
    padding = "# padding\n" * 50
    opened = committed({"a.yaml": padding, "b.bin": padding})
    write({"a.yaml": "a: 1\n", "b.bin": "x"})
    tree = opened()
    small = make_tree(tree.root, tree.paths, repository=tree.repository, limits=Limits(size=400))
    (item,) = discover(small)
    assert item.path == "a.yaml"
    assert isinstance(item.error, LimitError)


def test_ignored_files_are_nobodys_secret(committed, write):
    opened = committed({".gitignore": "*.local.yaml\n"})
    write({"a.local.yaml": secret(), "b.yaml": secret()})
    assert list(found(opened())) == ["b.yaml"]


def test_the_order_is_that_of_the_paths(tree_of):
    names = ["b.yaml", "a/z.yaml", "a.yaml", "a-b.yaml", "Z.yaml"]
    tree = tree_of({name: secret() for name in names})
    assert [item.path for item in discover(tree)] == sorted(names)
    assert discover(tree) == discover(tree)


def test_other_processes_say_the_same(tree_of, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    files = {f"apps/{number}/secret.yaml": secret(f"db-{number}") for number in range(8)}
    broken = {"apps/broken.yaml": secret() + " x: [", "apps/encrypted.yaml": encrypted(), "a.sops.env": "A=1"}
    tree = tree_of({**files, **broken, "apps/service.yaml": "kind: Service\n"})
    here, elsewhere = discover(tree), discover(tree, spread=partial(run_jobs, chunk=2))
    assert len(here) == 11
    assert elsewhere == here
    assert [str(item.error) for item in elsewhere] == [str(item.error) for item in here]


def test_no_value_is_in_a_repr(tree_of):
    assert "throw-away" not in repr(discover(tree_of({"a.yaml": secret(), "b.yaml": secret() + " x: ["})))
