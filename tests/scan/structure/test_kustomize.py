"""kustomize-literal and plain-secret-file: what kustomize makes Secrets of, and files that are secrets."""

import pytest

ENC = "ENC[AES256_GCM,data:aGk=,iv:" + "A" * 43 + "=,tag:" + "A" * 22 + "==,type:str]"
GENERATOR = (
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n  - name: db\n"
)


def test_literals_are_found_value_by_value(scanner):
    text = (
        f"{GENERATOR}    literals:\n"
        "      - user=app\n"
        "      - password=hunter2\n"
        "      - later=REPLACE_ME\n"
        "      - none=\n"
    )
    assert scanner(text, "kustomization.yaml") == ["6 kustomize-literal", "7 kustomize-literal"]
    assert "the secretGenerator 'db' has the literal 'password'" in scanner.findings(text)[1].message


def test_literals_of_a_config_map_are_judged_by_their_names(scanner):
    text = (
        "configMapGenerator:\n"
        "  - name: a\n"
        "    literals:\n"
        "      - LOG_LEVEL=info\n"
        "      - DB_PASSWORD=hunter2-throwaway\n"
    )
    assert scanner(text, "kustomization.yaml") == ["5 manifest-value"]


@pytest.mark.parametrize(
    "entry", ["files: [conf/a.txt]", "files: [key=conf/a.txt]", "envs: [conf/a.txt]", "env: conf/a.txt"]
)
def test_a_plain_file_that_a_generator_reads_is_found(scanner, entry):
    files = {
        "app/kustomization.yaml": f"{GENERATOR}    {entry}\n",
        "app/conf/a.txt": "anything\n",
        "a.txt": "x\n",
    }
    assert scanner.together(files) == ["app/conf/a.txt:1 plain-secret-file"]
    assert scanner.together(dict(reversed(files.items()))) == ["app/conf/a.txt:1 plain-secret-file"]


@pytest.mark.parametrize(
    "content",
    [
        f'{{"data": "{ENC}", "sops": {{"mac": "{ENC}", "lastmodified": "x"}}}}\n',
        f"A={ENC}\nsops_mac={ENC}\n",
        "",
        "\n",
    ],
)
def test_an_encrypted_or_empty_one_is_fine(scanner, content):
    files = {"app/kustomization.yaml": f"{GENERATOR}    files: [a.txt]\n", "app/a.txt": content}
    assert scanner.together(files) == []


def test_where_a_finding_says_more_the_file_as_a_whole_is_not_told_again(scanner):
    files = {
        "kustomization.yaml": f"{GENERATOR}    envs: [a.env]\n",
        "a.env": "DB_PASSWORD=hunter2-throwaway\n",
    }
    assert scanner.together(files) == ["a.env:1 env-file"]


@pytest.mark.parametrize("path", ["a.sops.yaml", "b/c.enc.json", "x.sops.txt"])
def test_a_file_that_is_a_secret_as_a_whole_is_found(scanner, path):
    assert scanner("a: b\n", path, whole="its name says so") == ["1 plain-secret-file"]
    assert scanner("\n", path, whole="its name says so") == []
