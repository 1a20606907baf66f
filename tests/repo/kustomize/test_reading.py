import pytest

from fluxsecrets.errors import FormatError
from fluxsecrets.repo.kustomize.entrypaths import format_for_env, format_for_key, is_remote
from fluxsecrets.repo.kustomize.kustomizationfile import Reference, SourceFile
from fluxsecrets.repo.kustomize.reading import kustomization_files, load_kustomization

PATH = "apps/db/kustomization.yaml"


@pytest.fixture
def load(tree_of):
    return lambda text: load_kustomization(tree_of({PATH: text}), PATH)


def messages(file):
    return [(note.line, note.message) for note in file.notes]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("config.yaml", "yaml"),
        ("config.yml", "yaml"),
        ("clients.json", "json"),
        (".dockerconfigjson", "json"),
        ("files/my.dockerconfigjson", "json"),
        ("app.env", "dotenv"),
        ("app.ini", "ini"),
        ("tls.key", "binary"),
        ("password", "binary"),
        ("config.YAML", "binary"),
    ],
)
def test_format_by_key(key, expected):
    assert format_for_key(key) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.env", "dotenv"), ("secrets", "dotenv"), ("a.txt", "dotenv"), ("a.yaml", "yaml"), ("a.json", "json")],
)
def test_format_of_env_files(path, expected):
    assert format_for_env(path) == expected


def test_paths_are_relative_to_the_root(load):
    file = load(
        "resources:\n- a.yaml\n- ../base\n- ./sub/\ncomponents: [../../components/x]\nbases:\n- ../../old\n"
    )
    assert file.resources == (
        Reference("apps/db/a.yaml", 2),
        Reference("apps/base", 3),
        Reference("apps/db/sub", 4),
        Reference("old", 7),
    )
    assert file.components == (Reference("components/x", 5),)
    assert file.notes == ()


def test_generators(load):
    file = load(
        "secretGenerator:\n"
        "- name: one\n"
        "  files:\n"
        "  - tls.key\n"
        "  - config.yaml=files/plain.txt\n"
        "  - .dockerconfigjson=files/docker.json\n"
        "  - password=files/a=b.yaml\n"
        "  envs:\n"
        "  - app.txt\n"
        "  - more.json\n"
        "- name: two\n"
        "  files: [../shared/ca.crt]\n"
    )
    one, two = file.generators
    assert (one.name, one.line, two.name, two.line) == ("one", 2, "two", 11)
    assert one.files == (
        SourceFile("apps/db/tls.key", "binary", 4),
        SourceFile("apps/db/files/plain.txt", "yaml", 5),
        SourceFile("apps/db/files/docker.json", "json", 6),
        SourceFile("apps/db/files/a=b.yaml", "binary", 7),
        SourceFile("apps/db/app.txt", "dotenv", 9),
        SourceFile("apps/db/more.json", "json", 10),
    )
    assert two.files == (SourceFile("apps/shared/ca.crt", "binary", 12),)
    assert file.notes == ()


def test_env_is_read_and_noted_since_flux_does_not_decrypt_it(load):
    file = load("secretGenerator:\n- name: one\n  env: app.env\n")
    assert file.generators[0].files == (SourceFile("apps/db/app.env", "dotenv", 3),)
    ((line, message),) = messages(file)
    assert line == 3
    assert "under `envs`" in message


def test_literals_are_noted_without_their_text(load):
    file = load("secretGenerator:\n- name: one\n  literals:\n  - password=hunter2\n")
    assert file.generators[0].literals == (4,)
    ((line, message),) = messages(file)
    assert line == 4
    assert "plain text" in message
    assert "hunter2" not in message


def test_config_maps_are_apart_from_secrets(load):
    file = load(
        "configMapGenerator:\n- name: c\n  files: [a.conf, k=b.conf]\n  envs: [c.env]\n  env: d.env\n"
    )
    assert [reference.path for reference in file.config_files] == [
        "apps/db/a.conf",
        "apps/db/b.conf",
        "apps/db/c.env",
        "apps/db/d.env",
    ]
    assert file.generators == ()


def test_patches_and_other_files(load):
    file = load(
        "patches:\n"
        "- path: patch.yaml\n"
        "- patch: |\n"
        "    - op: remove\n"
        "      path: /spec\n"
        "- path: https://example.org/patch.yaml\n"
        "patchesStrategicMerge:\n"
        "- merge.yaml\n"
        "- |\n"
        "  apiVersion: v1\n"
        "patchesJson6902:\n"
        "- path: six.json\n"
        "crds: [crd.json]\n"
        "configurations: [names.yaml]\n"
        "generators: [gen.yaml]\n"
        "replacements:\n"
        "- path: replace.yaml\n"
        "- source: {kind: ConfigMap}\n"
        "helmCharts:\n"
        "- name: x\n"
        "  valuesFile: values.yaml\n"
        "  additionalValuesFiles: [more.yaml]\n"
        "openapi: {path: schema.json}\n"
    )
    assert file.patches == (SourceFile("apps/db/patch.yaml", "yaml", 2),)
    assert {reference.path.removeprefix("apps/db/") for reference in file.others} == {
        "merge.yaml", "six.json", "crd.json", "names.yaml", "gen.yaml", "replace.yaml", "values.yaml",
        "more.yaml", "schema.json",
    }  # fmt: skip
    assert [line for line, _ in messages(file)] == [6]


@pytest.mark.parametrize(
    "place",
    [
        "https://example.org/base.yaml",
        "github.com/org/repo//base?ref=v1",
        "github.com/org/repo",
        "git@github.com:org/repo.git",
        "git::https://example.org/x",
        "ssh://git@example.org/x.git//base",
        "../base?ref=v1",
        "file:///etc/passwd",
    ],
)
def test_remote_resources_are_noted(load, place):
    assert is_remote(place)
    file = load(f"resources:\n- '{place}'\n- a.yaml\n")
    assert file.resources == (Reference("apps/db/a.yaml", 3),)
    ((line, message),) = messages(file)
    assert line == 2
    assert "fetched from elsewhere" in message


@pytest.mark.parametrize("place", ["a.yaml", "../base", "./github.com", "v1@2.yaml", "ref=1.yaml"])
def test_local_resources_are_not_remote(place):
    assert not is_remote(place)


@pytest.mark.parametrize("place", ["../../..", "../../../other/a.yaml", "/etc/passwd"])
def test_paths_out_of_the_repository_are_noted(load, place):
    file = load(f"resources: ['{place}']\nsecretGenerator:\n- files: ['k={place}']\n")
    assert file.resources == ()
    assert file.generators[0].files == ()
    assert [line for line, _ in messages(file)] == [1, 3]
    assert all("out of the repository" in message for _, message in messages(file))


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "- a\n- b\n", "just text\n", "resources: a.yaml\n", "resources: [1, {a: b}]\n"],
)
def test_odd_files_refer_to_nothing(load, text):
    file = load(text)
    assert file.resources == ()
    assert file.generators == ()


def test_a_second_document_is_noted(load):
    file = load("resources: [a.yaml]\n---\nresources: [b.yaml]\n")
    assert [reference.path for reference in file.resources] == ["apps/db/a.yaml"]
    assert [line for line, _ in messages(file)] == [3]


def test_broken_yaml_is_an_error_with_its_place(load):
    with pytest.raises(FormatError) as caught:
        load("resources:\n  - a\n - b\n")
    assert caught.value.path == PATH
    assert caught.value.line is not None


def test_the_names_of_kustomization_files(tree_of):
    tree = tree_of(
        {
            "kustomization.yaml": "",
            "a/kustomization.yml": "",
            "b/Kustomization": "",
            "b/kustomization.yaml": "",
        }
    )
    assert kustomization_files(tree, "") == ("kustomization.yaml",)
    assert kustomization_files(tree, "a") == ("a/kustomization.yml",)
    assert kustomization_files(tree, "b") == ("b/kustomization.yaml", "b/Kustomization")
    assert kustomization_files(tree, "c") == ()
