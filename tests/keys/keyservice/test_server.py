"""A key service on a real socket: who can reach it, what hostile clients get, and how it ends."""

import logging
import os
import socket
import stat
import sys
import threading
from functools import partial

import grpc
import pytest

import keyservers
from fluxsecrets.errors import FileAccessError, IdentityError, ServiceError
from fluxsecrets.keys.keyservice.client import RemoteKeys
from fluxsecrets.keys.keyservice.endpoints import Endpoint, parse_uri
from fluxsecrets.keys.keyservice.server import MainThread, listening
from fluxsecrets.keys.keyservice.sockets import check_owner, make_way
from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import age

SECRET = bytes(range(32))
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets with owners")


@pytest.fixture(scope="module")
def service(secrets):
    with keyservers.own_service("tcp://127.0.0.1:0", {"SOPS_AGE_KEY": secrets["alice"]}) as uri:
        yield uri


@pytest.fixture
def private(tmp_path):
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    return folder


def client(uri):
    return ServiceProvider(partial(RemoteKeys, parse_uri(uri)))


class Answers:
    def __init__(self, answer):
        self.answer = answer


def raw(uri, call="Decrypt"):
    channel = grpc.insecure_channel(
        uri.removeprefix("tcp://"), options=[("grpc.use_local_subchannel_pool", 1)]
    )
    return channel.unary_unary(f"/KeyService/{call}")


def test_round_trip(service, recipients):
    key = client(service).wrap(age(recipients["alice"]), SECRET)
    assert client(service).unwrap(key) == SECRET


@POSIX
def test_the_socket_is_for_its_owner_and_goes_with_the_service(private, secrets, recipients):
    path = private / "a b.sock"
    with keyservers.own_service(f"unix:{path}", {"SOPS_AGE_KEY": secrets["alice"]}) as uri:
        mode = path.lstat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        provider = client(f"unix:{path}")
        assert provider.unwrap(provider.wrap(age(recipients["alice"]), SECRET)) == SECRET
        assert uri == f"unix://{path}"
        with pytest.raises(FileAccessError, match="another process listens"):
            make_way(str(path))
    assert not path.exists()


@POSIX
def test_a_stale_socket_is_replaced_and_nothing_else(private):
    path = private / "stale.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    assert make_way(str(path)) is None
    assert not path.exists()
    path.write_text("not a socket")
    with pytest.raises(FileAccessError, match="is not a socket"):
        make_way(str(path))
    assert path.read_text() == "not a socket"
    link = private / "link"
    link.symlink_to(path)
    with pytest.raises(FileAccessError, match="is not a socket"):
        make_way(str(link))
    with pytest.raises(FileAccessError, match="no socket can be made"):
        make_way(str(private / "nowhere" / "s"))


@POSIX
def test_a_folder_that_others_can_change_is_refused_or_warned_of(private):
    private.chmod(0o770)
    with pytest.raises(FileAccessError, match="where others can replace it") as caught:
        make_way(str(private / "s"))
    assert "chmod go-w" in caught.value.hint
    private.chmod(0o1777)
    assert "others can put a socket" in make_way(str(private / "s"))


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives a file to another user")
def test_a_client_does_not_trust_a_socket_that_another_user_may_have_put_there(private):
    path = private / "s"
    path.touch()
    os.chown(path, 65534, 65534)
    check_owner(str(path), "it")
    private.chmod(0o1777)
    with pytest.raises(ServiceError, match="belongs to another user"):
        check_owner(str(path), "it")
    with pytest.raises(IdentityError, match="belongs to another user"):
        client(f"unix:{path}").unwrap(WrappedKey(age("age1x"), "enc"))
    os.chown(path, os.geteuid(), -1)
    check_owner(str(path), "it")


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("lure", ["a link", "a link to a folder", "a folder"])
def test_a_socket_behind_what_another_user_planted_gets_nothing(private, lure):
    """In a folder like /tmp, the first one has the name; the socket itself is in a folder of the attacker."""
    theirs, open_to_all = private / "theirs", private / "tmp"
    for folder in (theirs, open_to_all):
        folder.mkdir(mode=0o755)
    open_to_all.chmod(0o1777)
    if lure == "a folder":
        theirs = open_to_all / "service"
        theirs.mkdir()
    (theirs / "s").touch()
    for path in (theirs, theirs / "s"):
        os.chown(path, 65534, 65534)
    check_owner(str(private / "theirs" / "s"), "it")  # named by the user, as it is
    planted = open_to_all / "service"
    if lure != "a folder":
        planted.symlink_to(theirs / "s" if lure == "a link" else theirs)
        os.chown(planted, 65534, 65534, follow_symlinks=False)
    with pytest.raises(ServiceError, match="belongs to another user"):
        check_owner(str(planted if lure == "a link" else planted / "s"), "it")


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files to another user")
def test_a_service_in_the_folder_of_another_user_warns(private):
    theirs = private / "theirs"
    (theirs / "deep").mkdir(parents=True)
    assert make_way(str(theirs / "deep/s")) is None
    os.chown(theirs, 65534, 65534)
    assert "others can put a socket" in make_way(str(theirs / "deep/s"))


def test_a_port_that_is_taken_is_refused_with_the_reason(service):
    with (
        pytest.raises(FileAccessError, match=r"can't listen there: .*in use"),
        keyservers.own_service(service, {}),
    ):
        pass
    with (
        pytest.raises(FileAccessError, match="can't listen there"),
        listening(Endpoint("tcp", "192.0.2.1:5000"), Answers(None)),
    ):
        pass


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (b"", grpc.StatusCode.NOT_FOUND),
        (bytes(2**20), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
)
def test_what_a_hostile_client_sends_is_answered_with_an_error(service, message, code):
    with pytest.raises(grpc.RpcError) as caught:
        raw(service)(message, timeout=5)
    assert caught.value.code() is code


def test_there_is_nothing_but_two_calls(service):
    for method in (
        "/KeyService/Other",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Check",
    ):
        channel = grpc.insecure_channel(service.removeprefix("tcp://"))
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(method)(b"", timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_bytes_that_are_not_grpc_do_not_end_it(service, recipients):
    host, _, port = service.removeprefix("tcp://").partition(":")
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 900):
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(data)
    test_round_trip(service, recipients)


def test_an_unexpected_error_shows_its_kind_alone(caplog, capfd):
    def answer(call, message, waiting):
        raise ZeroDivisionError(f"the key is {SECRET.hex()}")

    with (
        caplog.at_level(logging.DEBUG),
        listening(Endpoint("tcp", "127.0.0.1:0"), Answers(answer)) as bound,
        pytest.raises(grpc.RpcError) as caught,
    ):
        raw(str(bound))(b"", timeout=5)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == "unexpected ZeroDivisionError"
    assert SECRET.hex() not in caplog.text + "".join(capfd.readouterr())


def test_more_requests_than_it_takes_are_turned_away():
    end, entered = threading.Event(), threading.Semaphore(0)

    def answer(call, message, waiting):
        entered.release()
        end.wait(10)
        return b""

    with listening(Endpoint("tcp", "127.0.0.1:0"), Answers(answer)) as bound:
        futures = [raw(str(bound)).future(b"", timeout=10) for _ in range(32)]
        for _ in futures:
            assert entered.acquire(timeout=5)
        with pytest.raises(grpc.RpcError) as caught:
            raw(str(bound))(b"", timeout=5)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        end.set()
        assert {future.result(5) for future in futures} == {b""}


def test_it_ends_at_once_while_a_request_waits(service):
    end, entered = threading.Event(), threading.Event()

    def answer(call, message, waiting):
        entered.set()
        end.wait(10)
        return b""

    with listening(Endpoint("tcp", "127.0.0.1:0"), Answers(answer)) as bound:
        future = raw(str(bound)).future(b"", timeout=10)
        assert entered.wait(5)
    with pytest.raises(grpc.RpcError):
        future.result(5)
    end.set()


def test_questions_are_asked_in_one_thread():
    main, done = MainThread(), []

    def ask():
        done.append(main.ask(threading.current_thread))
        with pytest.raises(ValueError, match="no answer"):
            main.ask(lambda: (_ for _ in ()).throw(ValueError("no answer")))
        main.ask(lambda: (_ for _ in ()).throw(KeyboardInterrupt()))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        main.serve()
    assert done == [threading.current_thread()]
