"""ExternalSecrets, stores and generators read, and what is wrong with them."""

import pytest

from fluxsecrets.external.checks import (
    ProblemKind,
    check_external,
    check_places,
    check_references,
    check_store,
)
from fluxsecrets.external.model import Reference, read_external, read_generator, read_store
from fluxsecrets.repo.manifests import read_manifests


def read(text, reader=read_external):
    found = [reader(each) for each in read_manifests(text.encode(), "x.yaml").manifests]
    (only,) = [each for each in found if each is not None]
    return only


def external(spec, version="v1", kind="ExternalSecret"):
    body = "".join(f"  {line}\n" for line in spec.strip("\n").splitlines())
    return read(
        f"apiVersion: external-secrets.io/{version}\nkind: {kind}\n"
        f"metadata: {{name: db, namespace: apps}}\nspec:\n{body}"
    )


GOOD = """
secretStoreRef: {kind: ClusterSecretStore, name: vault}
target: {name: db-login, template: {type: x, metadata: {labels: {a: b}}}}
data:
  - secretKey: a
    remoteRef: {key: k, property: p, version: "3", decodingStrategy: Base64}
  - secretKey: b
    remoteRef: {key: k}
    sourceRef: {storeRef: {name: local}}
dataFrom:
  - extract: {key: all}
  - find: {name: {regexp: x}}
    rewrite: [{regexp: {source: a, target: b}}]
  - sourceRef: {generatorRef: {kind: Password, name: pw}}
"""


def kinds(problems):
    return [each.kind for each in problems]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_all_that_is_read(version):
    secret = external(GOOD, version)
    assert (secret.target, secret.external_name, secret.creation) == ("db-login", "db", "Owner")
    assert secret.store == Reference("ClusterSecretStore", "vault", 5)
    assert (secret.template.type, secret.template.labels) == ("x", {"a": "b"})
    first, second = secret.values
    assert (first.remote, first.property, first.version, first.decoding) == ("k", "p", "3", "Base64")
    assert second.source.kind == "SecretStore"
    assert [(each.kind, each.name) for each in secret.references] == [
        ("ClusterSecretStore", "vault"),
        ("SecretStore", "local"),
    ]
    assert [each.name for each in secret.generators] == ["pw"]
    assert [each.extract is not None for each in secret.sources] == [True, False, False]
    expected = [] if version == "v1" else [ProblemKind.OLD_VERSION]
    assert kinds(check_external(secret)) == expected


def test_a_cluster_external_secret_says_it_one_level_deeper():
    secret = external(
        """
externalSecretName: made
externalSecretMetadata: {labels: {a: b}}
namespaceSelectors: [{matchLabels: {x: y}}]
externalSecretSpec:
  secretStoreRef: {name: vault}
  data: [{secretKey: a, remoteRef: {key: k}}]
""",
        kind="ClusterExternalSecret",
    )
    assert (secret.target, secret.labels) == ("made", {"a": "b"})
    assert secret.values[0].line == 10
    assert not list(check_external(secret))


@pytest.mark.parametrize(
    ("spec", "kind", "words"),
    [
        ("secretStoreRef: {name: a}", "invalid", "neither data nor dataFrom"),
        ("data: [{secretKey: a, remoteRef: {key: k}}]", "missing-store", "no store is named for"),
        (
            "secretStoreRef: {name: s}\ndata:\n- {secretKey: a, remoteRef: {key: k}}\n"
            "- {secretKey: a, remoteRef: {key: l}}",
            "duplicate-key",
            "is in data twice, first in line 7",
        ),
        ("secretStoreRef: {name: s}\ndata: [{secretKey: a}]", "invalid", "no remoteRef.key"),
        ("secretStoreRef: {name: s}\ndata: [{remoteRef: {key: a}}]", "invalid", "no secretKey"),
        (
            "secretStoreRef: {name: s}\ndataFrom: [{key: a}]",
            "dropped-field",
            "no longer takes a key",
        ),
        ("secretStoreRef: {name: s}\ndataFrom: [{}]", "invalid", "needs extract, find or sourceRef"),
        (
            "secretStoreRef: {name: s}\ndataFrom: [{extract: {key: a}, find: {path: b}}]",
            "invalid",
            "more than one of extract",
        ),
        (
            "secretStoreRef: {name: s}\ntarget: {creationPolicy: Merge, deletionPolicy: Delete}\n"
            "dataFrom: [{extract: {key: a}}]",
            "invalid",
            "does not fit creationPolicy: Merge",
        ),
        (
            "secretStoreRef: {name: s}\ntarget: {template: {engineVersion: v1}}\n"
            "dataFrom: [{extract: {key: a}}]",
            "dropped-field",
            "engineVersion: v1 no longer exists",
        ),
        (
            "secretStoreRef: {name: s}\ntarget: {template: {type: bootstrap.kubernetes.io/token}}\n"
            "dataFrom: [{extract: {key: a}}]",
            "invalid",
            "does not create Secrets of the type",
        ),
    ],
)
def test_what_is_wrong_with_one(spec, kind, words):
    (problem,) = check_external(external(spec))
    assert problem.kind == kind
    assert words in problem.message
    assert problem.line is not None
    assert problem.hint


STORE = "apiVersion: external-secrets.io/{}\nkind: {}\nmetadata: {{name: vault{}}}\nspec:\n  provider: {}\n{}"


def store(
    kind="ClusterSecretStore", namespace="", provider="{vault: {server: 'https://v', path: kv}}", more=""
):
    return read(
        STORE.format("v1", kind, f", namespace: {namespace}" if namespace else "", provider, more), read_store
    )


def test_stores():
    found = store(more="  conditions: [{namespaces: [apps, web]}]\n")
    assert (found.provider, found.setting("path"), found.namespaces) == ("vault", "kv", ("apps", "web"))
    assert store(more="  conditions: [{namespaces: [a], namespaceRegexes: [b]}]\n").namespaces == ()
    assert not list(check_store(found))
    assert "several providers" in next(check_store(store(provider="{vault: {}, aws: {}}"))).message
    assert "no provider" in next(check_store(store(provider="{}"))).message
    dropped = next(check_store(store(provider="{device42: {host: x}}")))
    assert (dropped.kind, "has the provider device42" in dropped.message) == (
        ProblemKind.DROPPED,
        True,
    )
    assert "neither v1 nor v2" in next(check_store(store(provider="{vault: {version: v3}}"))).message
    old = read(STORE.format("v1alpha1", "SecretStore", "", "{vault: {}}", ""), read_store)
    assert kinds(check_store(old)) == [ProblemKind.OLD_VERSION]


def test_generators():
    text = "apiVersion: generators.external-secrets.io/v1alpha1\nkind: {}\nmetadata: {{name: pw}}\n{}"
    password = read(text.format("Password", ""), read_generator)
    cluster = read(text.format("ClusterGenerator", "spec: {kind: Password}\n"), read_generator)
    assert (password.makes, cluster.makes) == ("Password", "Password")
    secret = external("dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: pw}}}]")
    assert not list(check_references(secret, (), (password,), "apps"))
    (problem,) = check_references(secret, (), (cluster,), "apps")
    assert problem.message == "there is no Password 'pw'"


@pytest.mark.parametrize(
    ("stores", "message", "hint"),
    [
        ([], "there is no SecretStore 'vault' in the namespace apps", "apply the store"),
        ([store()], "there is no SecretStore 'vault'", "add `kind: ClusterSecretStore`"),
        ([store("SecretStore", "web")], "there is no SecretStore 'vault'", "one in the namespace web"),
    ],
)
def test_stores_that_are_not_there(stores, message, hint):
    secret = external("secretStoreRef: {name: vault}\ndataFrom: [{extract: {key: a}}]")
    (problem,) = check_references(secret, stores, (), "apps")
    assert message in problem.message
    assert hint in problem.hint
    assert problem.line == 5
    assert not list(check_references(secret, [store("SecretStore", "apps")], (), "apps"))


def test_a_store_for_other_namespaces():
    secret = external(
        GOOD.replace("sourceRef: {storeRef: {name: local}}", "").replace("generatorRef", "none")
    )
    limited = store(more="  conditions: [{namespaces: [web]}]\n")
    assert kinds(check_references(secret, [limited], (), "apps")) == [ProblemKind.STORE_SCOPE]


def store_of(provider, settings="a: b"):
    return read(
        f"apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: s}}\n"
        f"spec: {{provider: {{{provider}: {{{settings}}}}}}}\n",
        read_store,
    )


@pytest.mark.parametrize(
    ("provider", "reference", "words"),
    [
        ("doppler", "{key: A, property: b}", ["Doppler does not support `property`"]),
        ("onepassword", "{key: a, property: b, version: '1'}", ["1Password does not support `version`"]),
        ("azurekv", "{key: secret/a-b, version: abc}", []),
        ("azurekv", "{key: a_b}", ["'a_b' is not a key of Azure Key Vault"]),
        ("azurekv", "{key: 'a-${ENV}'}", []),
        ("gcpsm", "{key: a/b}", ["'a/b' is not a key of Google Secret Manager"]),
        ("gcpsm", "{key: a/b, metadataPolicy: Fetch}", []),
        ("akeyless", "{key: a, property: b}", []),
    ],
)
def test_references_fit_the_kind_of_store(provider, reference, words):
    secret = external(f"secretStoreRef: {{name: s}}\ndata: [{{secretKey: a, remoteRef: {reference}}}]\n")
    problems = list(check_places(secret, [store_of(provider)]))
    assert kinds(problems) == [ProblemKind.UNFIT] * len(words)
    assert all(text in problem.message for text, problem in zip(words, problems, strict=True))
    # Two stores of that name, of different kinds: nobody can tell.
    assert not list(check_places(secret, [store_of(provider), store_of("fake")]))
    assert not list(check_places(secret, []))


@pytest.mark.parametrize(
    ("provider", "settings", "missing"),
    [
        ("azurekv", "authType: ManagedIdentity", ["azurekv.vaultUrl"]),
        ("onepassword", "vaults: {a: 1}", ["onepassword.connectHost"]),
        ("infisical", "secretsScope: {projectSlug: a}", ["infisical.secretsScope.environmentSlug"]),
        ("bitwardensecretsmanager", "organizationID: a, projectID: b", []),
    ],
)
def test_settings_that_a_store_needs(provider, settings, missing):
    found = [each.message for each in check_store(store_of(provider, settings))]
    assert found == [f"{name} is missing" for name in missing]
