"""The files that Flux decrypts before it builds."""

import json
import re
from base64 import b64decode

import pytest

from audit_tree import encrypted, secret
from fluxsecrets.flux.unknown import is_unknown

GENERATOR = "namespace: apps\nsecretGenerator: [{name: g, %s}]\n"


def generator(**fields):
    return GENERATOR % json.dumps(fields)[1:-1]


def compact(text):
    return text.replace('"mac": "', '"mac":"')


@pytest.mark.parametrize(
    ("name", "text", "fields", "expected"),
    [
        ("c.yaml", "a: b\n", {"files": ["c.yaml"]}, {"c.yaml": b"a: b\n"}),
        ("c.json", '{"a": "b"}', {"files": ["c.json"]}, {"c.json": b'{\n\t"a": "b"\n}\n'}),
        ("c.env", "A=b\n", {"envs": ["c.env"]}, {"A": b"b"}),
        ("c.env", "A=b\n", {"files": ["c.env"]}, {"c.env": b"A=b\n"}),
        ("c.ini", "[s]\nk = v\n", {"files": ["c.ini"]}, {"c.ini": b"[s]\nk = v\n"}),
        ("c.pem", "throwaway\n", {"files": ["c.pem"]}, {"c.pem": b"throwaway\n"}),
        ("c.json", '{"auths": {}}', {"files": [".dockerconfigjson=c.json"]},
         {".dockerconfigjson": b'{\n\t"auths": {}\n}\n'}),
        # The key has the suffix of another format: the value of the Secret is decrypted.
        ("c.yaml", "a: b\n", {"files": ["k.json=c.yaml"]}, {"k.json": b'{\n\t"a": "b"\n}\n'}),
        ("c.json", '{"a": {"b": "c"}}', {"files": ["k.yaml=c.json"]}, {"k.yaml": b"a:\n    b: c\n"}),
    ],
)  # fmt: skip
def test_a_generators_file_is_decrypted_by_its_key(verdict, name, text, fields, expected):
    found = verdict({"kustomization.yaml": generator(**fields), name: encrypted(text, selector=None)})
    (item,) = found.objects
    assert found.outcomes == ()
    assert {key: b64decode(value) for key, value in item.data["data"].items()} == expected


@pytest.mark.parametrize(
    ("name", "text", "fields", "reason"),
    [
        ("c.yaml", "a: b\n", {"files": ["k.txt=c.yaml"]}, "no binary data found in tree"),
        ("c.yaml", "a: b\n", {"files": ["k.ini=c.yaml"]}, "Section values should always be TreeBranches"),
        ("c.yaml", "a: {b: c}\n", {"files": ["k.env=c.yaml"]}, "cannot use complex value in dotenv file"),
        ("c.json", '{"data": 5}', {"files": ["k.txt=c.json"]}, "does not have a string value"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("keys", ["cluster", None])
def test_a_key_whose_format_cannot_hold_it(verdict, name, text, fields, reason, keys):
    files = {"kustomization.yaml": generator(**fields), name: encrypted(text, selector=None)}
    found = verdict(files, keys=keys)
    # Without a key the type of a value is that of its ciphertext.
    assert (found.verdict, reason in found.outcomes[0].reason) == ("fails", True)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"kustomization.yaml": generator(files=["none.yaml"])}, "source-missing"),
        ({"kustomization.yaml": generator(files=["/etc/hostname"])}, "source-missing"),
        ({"kustomization.yaml": generator(files=["../../../../../none"])}, "source-missing"),
        ({"kustomization.yaml": generator(files=["dir"]), "dir/x": "y"}, "source-not-a-file"),
        ({"kustomization.yaml": generator(files=["c"]), "c": "x" * (5 * 2**20 + 1)}, "source-too-large"),
        ({"kustomization.yaml": generator(files=["c.yml"]), "c.yml": "mac: ENC["}, "source-not-decrypted"),
        ({"kustomization.yaml": "resources: [sub]\n", "sub/a.yaml": secret()}, "no-kustomization-file"),
    ],
)  # fmt: skip
def test_what_stops_flux_before_the_build(verdict, files, expected):
    found = verdict(files)
    assert (found.verdict, found.outcomes[0].behaviour) == ("fails", expected)
    assert found.outcomes[0].reason.startswith("error decrypting sources: ")


def test_a_file_without_the_marker_of_its_format_is_left(verdict):
    file = encrypted('{"a": "b"}', selector=None, then=compact)
    found = verdict({"kustomization.yaml": generator(files=["c.json"]), "c.json": file})
    assert [each.behaviour for each in found.outcomes] == ["generator-not-decrypted"]


def test_files_under_env_and_of_a_configmap_generator_are_left(verdict):
    file = encrypted("A=b\n", selector=None)
    text = generator(env="c.env").replace("secretGenerator", "configMapGenerator")
    for kustomization in (generator(env="c.env"), text):
        assert verdict({"kustomization.yaml": kustomization, "c.env": file}).verdict == "ciphertext"


def test_the_first_use_of_a_file_decides_its_format(verdict):
    first = {"files": ["k.txt=c.yaml"], "name": "a"}
    second = {"files": ["c.yaml"], "name": "b"}
    file = encrypted("a: b\n", selector=None)

    def judged(*generators):
        text = f"namespace: apps\nsecretGenerator: {json.dumps(generators)}\n"
        return verdict({"kustomization.yaml": text, "c.yaml": file})

    assert judged(second, first).verdict == "applied"  # decrypted, then read under both keys
    assert judged(first, second).verdict == "fails"
    (source,) = judged(first, second).sources
    assert (source.format, str(source.treatment.fate)) == ("binary", "applied as it is")


def test_generators_of_components_and_of_included_folders_are_found(verdict):
    file = encrypted("a: b\n", selector=None)
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    found = verdict(
        {
            "kustomization.yaml": "resources: [base]\ncomponents: [part]\n",
            "base/kustomization.yaml": generator(files=["c.yaml"]),
            "base/c.yaml": file,
            "part/kustomization.yaml": component + generator(files=["d.yaml"]).replace("name: g", "name: h"),
            "part/d.yaml": file,
        }
    )
    assert found.outcomes == ()
    assert [each.path for each in found.sources] == ["apps/base/c.yaml", "apps/part/d.yaml"]


def test_an_encrypted_patch_is_decrypted_before_it_is_applied(verdict):
    files = {
        "kustomization.yaml": "resources: [db.yaml]\npatches: [{path: p.yaml}]\n",
        "db.yaml": secret(values={"user": "app"}),
        "p.yaml": encrypted(secret()),
    }
    (item,) = verdict(files).objects
    assert item.data["data"] == {"user": "YXBw", "password": "aHVudGVyMi10aHJvd2F3YXk="}
    (item,) = verdict(files, keys=None).objects
    assert is_unknown(item.data["data"]["password"])
    assert verdict(files, decryption=False).verdict == "ciphertext"


def test_an_encrypted_base_is_spoilt_by_an_encrypted_patch(verdict):
    files = {
        "kustomization.yaml": "resources: [db.yaml]\npatches: [{path: p.yaml}]\n",
        "db.yaml": encrypted(secret(values={"user": "app"})),
        "p.yaml": encrypted(secret()),
    }
    found = verdict(files)
    assert [each.behaviour for each in found.outcomes] == ["object-not-decrypted"]
    assert "does not match sops' data format" in found.outcomes[0].reason


def test_a_file_that_was_encrypted_as_one_value_under_a_key_of_json(verdict):
    file = encrypted('{"auths": {}}', selector=None)
    found = verdict({"kustomization.yaml": generator(files=[".dockerconfigjson=c.txt"]), "c.txt": file})
    assert [(str(each.effect), each.behaviour) for each in found.outcomes] == [
        ("altered", "envelope-applied")
    ]
    assert found.verdict == "applied"


def test_a_damaged_file_is_named(verdict):
    def damaged(text):
        return re.sub(r"a: ENC\[AES256_GCM,data:....", "a: ENC[AES256_GCM,data:AAAA", text, count=1)

    file = encrypted("a: throwaway\n", selector=None, then=damaged)
    found = verdict({"kustomization.yaml": generator(files=["c.yaml"]), "c.yaml": file})
    assert (found.verdict, found.outcomes[0].path) == ("fails", "apps/c.yaml")
    assert "message authentication failed" in found.outcomes[0].reason


def test_what_no_identity_at_hand_opens_is_not_known(verdict):
    files = {
        "kustomization.yaml": generator(files=["c.pem"], envs=["c.env", "d.env"]),
        "c.pem": encrypted("throwaway", selector=None),
        "c.env": encrypted("A=throwaway\n", selector=None),
        "d.env": encrypted("B=throwaway\n", selector=None),
    }
    (item,) = verdict(files, keys=None).objects
    values = item.data["data"]
    assert sorted(values) == ["A", "B", "c.pem"]
    assert all(map(is_unknown, values.values()))


def test_keys_that_are_not_known_are_left_out(verdict):
    files = {
        "kustomization.yaml": generator(envs=["c.json"]),
        "c.json": encrypted('{"data": "A=throwaway"}', selector=None, then=damaged_form),
    }
    found = verdict(files, keys=None)
    assert found.verdict == "fails"
    (item,) = found.objects
    assert not item.item.generated.complete
    assert item.data["data"] == {}


def damaged_form(text):
    return text.replace('"data": "ENC[AES256_GCM,', '"data": "ENC[AES256,')
