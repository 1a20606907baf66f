"""What is wrong with a Secret is said before encryption hides it."""

import pytest

from fluxsecrets.errors import FormatError
from fluxsecrets.ops.policy.validity import faults, refuse_invalid
from fluxsecrets.sops.formats import Limits, make_format


def parsed(text):
    return make_format("yaml").parse(text.encode(), Limits())


def secret(body):
    return parsed(f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n{body}")


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("stringData:\n  port: 8080\n", 6, "stringData[port] is a number, expected a string"),
        ("stringData:\n  flag: true\n", 6, "stringData[flag] is a boolean, expected a string"),
        ("stringData:\n  conf:\n    a: b\n", 7, "stringData[conf] is a map, expected a string"),
        ("data:\n  pw: hunter2!\n", 6, "data[pw]: illegal base64 data at input byte 7"),
        ("type: kubernetes.io/tls\nstringData:\n  tls.crt: a\n", 5, "stringData[tls.key]: Required value"),
        ("type: kubernetes.io/tls\ndata:\n  tls.crt: YQ==\n", 5, "data[tls.key]: Required value"),
        (
            'type: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: "x"\n',
            7,
            "stringData[.dockerconfigjson]: Invalid value: <secret contents redacted>: it is not JSON",
        ),
        ("stringdata:\n  a: b\n", 6, 'unknown field "stringdata": Flux drops it'),
    ],
)
def test_a_fault_has_its_line_and_no_value(body, line, message):
    with pytest.raises(FormatError) as caught:
        refuse_invalid(secret(body))
    assert caught.value.line == line
    assert caught.value.message.endswith(message)
    assert "--allow-invalid" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_all_faults_are_told_in_their_order():
    with pytest.raises(FormatError) as caught:
        refuse_invalid(secret("stringData:\n" + "".join(f"  k{at}: {at}\n" for at in range(15))))
    assert caught.value.line == 6
    assert [line.split(":")[0] for line in caught.value.details[:2]] == ["line 7", "line 8"]
    assert caught.value.details[-1] == "... and 4 more"


@pytest.mark.parametrize(
    "body",
    [
        "stringData:\n  a: ${PORT}\n",
        "data:\n  a: ${ENCODED}\n  b: op://vault/item\n",
        "type: ${TYPE}\nstringData:\n  a: b\n",
        "stringData:\n  ${KEY}: b\n  '{{ key }}': b\n",
        "stringData:\n  a:\n",
        "data:\n  a: |\n    YWJj\n    ZGVm\n",
    ],
)
def test_what_may_be_replaced_later_is_taken_for_good(body):
    assert not list(faults(secret(body)))


def test_a_namespace_may_come_from_a_kustomization_file():
    assert not list(faults(secret("stringData:\n  a: b\n")))


def test_other_kinds_and_formats_are_no_matter():
    assert not list(faults(parsed("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\ndata: {a: 5}\n")))
    assert not list(faults(parsed("port: 8080\n")))


def test_what_was_wrong_before_does_not_block_a_change():
    before = secret("stringData:\n  port: 8080\n  a: b\n")
    refuse_invalid(secret("stringData:\n  port: 8081\n  a: c\n"), before)
    with pytest.raises(FormatError, match=r"stringData\[a\]"):
        refuse_invalid(secret("stringData:\n  port: 8080\n  a: 5\n"), before)


def test_the_type_of_a_ciphertext_is_enough():
    text = (
        "ENC[AES256_GCM,data:2GU8TQ==,iv:7IJGU4ZASVr69cq5kFOTHdxZrXnoXzpfbrTE0cmIZ5w=,"
        "tag:+pf1eQzSq8vmb5Nh3Ah0nQ==,type:{}]"
    )
    number, string = text.format("int"), text.format("str")
    (fault,) = faults(secret(f"stringData:\n  a: {number}\n  b: {string}\ndata:\n  c: {string}\n"))
    assert fault.message == "stringData[a] is a number, expected a string"
