"""Vault's TLS variables, against a server with certificates of its own; and an agent in its place."""

import datetime as dt
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fluxsecrets.clouds import refusal, vault, vault_login
from fluxsecrets.errors import ServiceError
from transitserver import TOKEN

pytest.importorskip("hvac")


def make_certificate(folder, name, issuer=None):
    """Write a throw-away certificate and its key, signed by an issuer or by itself; both are returned."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    own, signer = (subject, key) if issuer is None else (issuer[0].subject, issuer[1])
    start = dt.datetime(2020, 1, 1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, key


class Handler(BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = json.dumps(
            {"data": {"token": self.headers.get("X-Vault-Token"), **json.loads(body)}}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A server with a certificate for vault.test only, which wants one of its client; and its folder."""
    folder = tmp_path_factory.mktemp("tls")
    authority = make_certificate(folder, "authority")
    make_certificate(folder, "vault.test", authority)
    make_certificate(folder, "client", authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "vault.test.pem", folder / "vault.test.key")
    context.load_verify_locations(folder / "authority.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    class Server(HTTPServer):
        def handle_error(self, *_args):
            pass

        def get_request(self):
            connection, address = super().get_request()
            connection.settimeout(2)
            return context.wrap_socket(connection, server_side=True), address

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _nothing_of_the_developers(environment, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


def ask(address, product=vault_login.VAULT, **environ):
    client = vault.make_client(address, environ, product=product)
    return vault.ask(client, "transit/encrypt/app", {"plaintext": "AAAA"}, "Vault")


def client_files(folder, prefix="VAULT"):
    return {
        f"{prefix}_CLIENT_CERT": str(folder / "client.pem"),
        f"{prefix}_CLIENT_KEY": str(folder / "client.key"),
    }


@pytest.mark.parametrize(("product", "prefix"), [(vault_login.VAULT, "VAULT"), (vault_login.OPENBAO, "BAO")])
def test_all_of_tls_is_in_the_environment(tls, product, prefix):
    folder, address = tls
    answer = ask(
        address,
        product,
        **client_files(folder, prefix),
        **{
            f"{prefix}_TOKEN": TOKEN,
            f"{prefix}_CACERT": str(folder / "authority.pem"),
            f"{prefix}_TLS_SERVER_NAME": "vault.test",
        },
    )
    assert answer == {"token": TOKEN, "plaintext": "AAAA"}


def test_skip_verify_is_the_users_own_word(tls):
    folder, address = tls
    assert ask(address, VAULT_TOKEN=TOKEN, VAULT_SKIP_VERIFY="true", **client_files(folder))["token"] == TOKEN


@pytest.mark.parametrize("missing", ["VAULT_CACERT", "VAULT_TLS_SERVER_NAME"])
def test_a_certificate_that_does_not_fit_gets_no_token(tls, missing):
    folder, address = tls
    environ = {
        "VAULT_TOKEN": TOKEN,
        "VAULT_CACERT": str(folder / "authority.pem"),
        "VAULT_TLS_SERVER_NAME": "vault.test",
        **client_files(folder),
    }
    del environ[missing]
    with pytest.raises(ServiceError, match="the certificate of Vault is not trusted") as error:
        ask(address, **environ)
    assert error.value.reason == refusal.UNVERIFIED
    assert TOKEN not in repr((error.value, error.value.__context__))


def test_a_file_that_is_no_certificate(tls, tmp_path):
    _, address = tls
    path = tmp_path / "ca.pem"
    path.write_text("throwaway")
    with pytest.raises(ServiceError) as error:
        ask(address, VAULT_TOKEN=TOKEN, VAULT_CACERT=str(path))
    assert error.value.reason in (refusal.FAILED, refusal.UNVERIFIED, refusal.OFFLINE)


def test_an_agent_gets_the_requests_with_or_without_a_token(transit):
    environ = {"VAULT_AGENT_ADDR": transit.address}
    vault_login.check_trusted(environ, "https://vault.example", tuple, "Vault")
    with pytest.raises(ServiceError, match="denied"):
        ask("https://vault.example", **environ)
    ask("https://vault.example", **environ, VAULT_TOKEN=TOKEN)
    assert [asked[2] for asked in transit.asked] == ["", TOKEN]


@pytest.mark.parametrize("address", ["unix:///run/vault.sock", "127.0.0.1:8100", "http://user@agent"])
def test_an_agents_address_is_one(address):
    with pytest.raises(ServiceError, match="VAULT_AGENT_ADDR is not the address of a server"):
        vault_login.check_trusted({"VAULT_AGENT_ADDR": address}, "https://vault.example", tuple, "Vault")


def test_an_agent_does_not_weaken_the_allowlist():
    environ = {"VAULT_AGENT_ADDR": "http://127.0.0.1:1", "SOPS_HC_VAULT_ALLOWLIST": "https://vault.example"}
    vault_login.check_trusted(environ, "https://vault.example", tuple, "Vault")
    with pytest.raises(ServiceError, match=r"does not name https://other\.example"):
        vault_login.check_trusted(environ, "https://other.example", tuple, "Vault")
