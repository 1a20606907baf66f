"""Which certificate is sealed for: a file, a URL, the environment's, or the one of kubeseal's variable."""

import pytest

from fluxsecrets.errors import CertificateError, FileAccessError, UsageError
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.certificates import VARIABLE, certificate_for
from fluxsecrets.ops.sealing.fetch import FetchedCertificate
from fluxsecrets.repo.tree import make_tree, open_tree
from fluxsecrets.sealed.certificates import parse_certificate
from sealing import key_file, make_certificate

OLD, NEW = (parse_certificate(key_file(name)).fingerprint for name in ("sealing.crt", "sealing-new.crt"))
SETTINGS = "environments:\n  staging:\n    sealing_certificates: [old.pem]\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "old.pem").write_bytes(key_file("sealing.crt"))
    (tmp_path / "new.pem").write_bytes(key_file("sealing-new.crt"))
    return tmp_path


def session(folder, **environ):
    return Session(environ, folder)


def found(folder, *, tree=None, cert=None, environment=None, **environ):
    return certificate_for(session(folder, **environ), tree, cert=cert, environment=environment)


@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_file_url_is_a_file(folder, host):
    one = found(folder, cert=(folder / "old.pem").as_uri().replace("file://", f"file://{host}"))
    assert (one.certificate.fingerprint, one.shown) == (OLD, "old.pem")
    (folder / "with space.pem").write_bytes(key_file("sealing-new.crt"))
    assert found(folder, cert=(folder / "with space.pem").as_uri()).certificate.fingerprint == NEW


@pytest.mark.parametrize(
    ("cert", "error", "words"),
    [
        ("file://elsewhere/cert.pem", UsageError, "does not name a file on this machine"),
        ("file:///", UsageError, "does not name a file on this machine"),
        ("file:///missing.pem", FileAccessError, "missing.pem"),
        ("http://sealed.example", UsageError, "plain HTTP"),
        ("ftp://sealed.example", UsageError, "not a controller's address"),
        ("http://127.0.0.1:1/", CertificateError, "can't be reached"),
        ("c://x", FileAccessError, "c:/x"),  # a drive of Windows
    ],
)
def test_what_can_not_be_read(folder, cert, error, words, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(error, match=words):
        found(folder, cert=cert)


def test_the_variable_counts_where_nothing_else_names_a_certificate(folder):
    one = found(folder, **{VARIABLE: "new.pem"})
    assert (one.certificate.fingerprint, one.shown) == (NEW, f"new.pem (from {VARIABLE})")
    assert found(folder, cert="old.pem", **{VARIABLE: "new.pem"}).certificate.fingerprint == OLD
    tree = make_tree(folder, ["old.pem", "new.pem"])
    assert found(folder, tree=tree, **{VARIABLE: "new.pem"}).certificate.fingerprint == NEW
    with pytest.raises(CertificateError, match="no certificate to seal for"):
        found(folder, **{VARIABLE: ""})


def test_what_the_variable_names_must_be_usable_now(folder):
    (folder / "ended.pem").write_bytes(make_certificate(-9, -1))
    with pytest.raises(CertificateError, match="expired") as error:
        found(folder, **{VARIABLE: "ended.pem"})
    assert error.value.path == f"ended.pem (from {VARIABLE})"


def test_the_variable_does_not_overrule_an_environment(waddle):
    """The environment's controller could not open what is sealed for another."""
    (waddle / "old.pem").write_bytes(key_file("sealing.crt"))
    (waddle / "new.pem").write_bytes(key_file("sealing-new.crt"))
    (waddle / ".fluxsecrets.yaml").write_text(SETTINGS)
    tree = open_tree(waddle)
    for environment in ("staging", None):
        with pytest.raises(UsageError, match=f"{VARIABLE} names another certificate than .* for staging"):
            found(waddle, tree=tree, environment=environment, **{VARIABLE: "new.pem"})
        same = found(waddle, tree=tree, environment=environment, **{VARIABLE: "old.pem"})
        assert same.certificate.fingerprint == OLD
    # Nothing is listed for production.
    assert (
        found(waddle, tree=tree, environment="production", **{VARIABLE: "new.pem"}).certificate.fingerprint
        == NEW
    )


def test_a_url_is_fetched(folder, monkeypatch):
    data = key_file("sealing-new.crt")
    monkeypatch.setattr(
        "fluxsecrets.ops.sealing.fetch.fetch_certificate",
        lambda address: FetchedCertificate(address, data, parse_certificate(data)),
    )
    one = found(folder, cert="https://sealed.example/v1/cert.pem")
    assert (one.certificate.fingerprint, one.shown) == (NEW, "https://sealed.example/v1/cert.pem")
