import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.keys.keyservice import AskedServices
from fluxsecrets.keys.keyservice.endpoints import Endpoint, endpoint_of, from_environment, parse_uri


@pytest.mark.parametrize(
    ("text", "network", "address", "target"),
    [
        ("tcp://127.0.0.1:5000", "tcp", "127.0.0.1:5000", "127.0.0.1:5000"),
        (" tcp://keys.example:1/ ", "tcp", "keys.example:1", "keys.example:1"),
        ("tcp://[::1]:5000", "tcp", "[::1]:5000", "[::1]:5000"),
        ("unix:///run/user/1000/sops.sock", "unix", "/run/user/1000/sops.sock", None),
        ("unix:/run/s", "unix", "/run/s", "unix:/run/s"),
        ("unix:s.sock", "unix", "s.sock", "unix:s.sock"),
        ("unix:///with%20space", "unix", "/with space", "unix:/with%20space"),
    ],
)
def test_addresses_are_read_as_by_sops(text, network, address, target):
    found = parse_uri(text)
    assert (found.network, found.address) == (network, address)
    assert found.target == (target or f"unix:{address}")


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost:5000", "http://x:1", "tcp:x:1", "tcp://x", "tcp://:5000", "tcp://x:99999"),
        *(
            "tcp://a:b@x:1",
            "tcp://::1:5000",
            "tcp://x:1/path",
            "tcp://x y:1",
            "tcp://[::1]",
            "tcp://\x1b[31m:1",
        ),
        *("unix://", "unix:", "unix://host/path", "unix:///" + "a" * 103, "unix:///a%00b"),
    ],
)
def test_what_is_malformed_is_refused_and_not_shown(text):
    with pytest.raises(UsageError) as caught:
        parse_uri(text)
    assert "\x1b" not in str(caught.value)
    assert "a:b@" not in str(caught.value) + str(caught.value.hint)


def test_an_unknown_network_is_refused():
    with pytest.raises(UsageError, match="tcp or unix"):
        endpoint_of("udp", "127.0.0.1:5000")


@pytest.mark.parametrize(
    ("endpoint", "exposed"),
    [
        (Endpoint("unix", "/s"), False),
        (Endpoint("tcp", "127.0.0.1:1"), False),
        (Endpoint("tcp", "127.8.9.1:1"), False),
        (Endpoint("tcp", "[::1]:1"), False),
        (Endpoint("tcp", "LocalHost:1"), False),
        (Endpoint("tcp", "0.0.0.0:1"), True),
        (Endpoint("tcp", ":1"), True),
        (Endpoint("tcp", "[::]:1"), True),
        (Endpoint("tcp", "127.0.0.1.example:1"), True),
        (Endpoint("tcp", "10.0.0.1:1"), True),
    ],
)
def test_what_leaves_this_machine_is_known(endpoint, exposed):
    assert endpoint.exposed is exposed


def test_control_characters_of_a_path_are_escaped():
    assert str(Endpoint("unix", "/a\x1b[31m\n")) == "unix:///a\\x1b[31m\\n"


def test_variables():
    assert from_environment({}) == AskedServices()
    assert from_environment({"SOPS_KEYSERVICE": "", "SOPS_ENABLE_LOCAL_KEYSERVICE": ""}).usual
    found = from_environment(
        {
            "SOPS_KEYSERVICE": "unix:///a, tcp://b:1,unix:///a,",
            "SOPS_ENABLE_LOCAL_KEYSERVICE": "F",
        }
    )
    assert found == AskedServices(False, (Endpoint("unix", "/a"), Endpoint("tcp", "b:1")))
    assert not found.usual
    for broken in ({"SOPS_KEYSERVICE": "x"}, {"SOPS_ENABLE_LOCAL_KEYSERVICE": "no"}):
        with pytest.raises(UsageError):
            from_environment(broken)
