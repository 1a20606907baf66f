import json
import logging
import sys
import threading

import pytest

from azureserver import ASSERTION, HSM, IMDS, LOGIN, PRIVATE_VAULT, TENANT, VAULT, Answer, failure
from fluxsecrets.clouds import azure as clouds
from fluxsecrets.clouds.azure_login import Credential, has_credentials, looked_in
from fluxsecrets.errors import ServiceError
from tables import each_row

KEY = "/keys/sops/"
posix = pytest.mark.skipif(sys.platform == "win32", reason="the programs of the tests are scripts")


def vault_of(azure, host=VAULT, *, timeout=5.0, credential=None, environ=None):
    environ = {**azure.environ, **(environ or {})}
    credential = credential or Credential(environ, timeout=timeout)
    return clouds.Vault(f"https://{host}", credential, environ, timeout=timeout)


def refusal_of(vault, path=KEY, method="GET", body=None):
    with pytest.raises(ServiceError) as caught:
        vault.ask(method, path, body)
    return caught.value


@pytest.fixture
def vault(azure, rsa_keys):
    azure.add_key(rsa_keys[0])
    return vault_of(azure)


# --- addresses --------------------------------------------------------------------------------------------


@each_row(
    ("url", "origin"),
    [
        ("https://team.vault.azure.net", "https://team.vault.azure.net"),
        ("HTTPS://Team.Vault.Azure.NET/", "https://team.vault.azure.net"),
        ("https://team.vault.azure.net:443", "https://team.vault.azure.net"),
        ("https://vault.stack.example:8443/", "https://vault.stack.example:8443"),
        ("http://team.vault.azure.net", None),
        ("https://user@team.vault.azure.net", None),
        ("https://user:word@team.vault.azure.net", None),
        ("https://evil.example\\@team.vault.azure.net", None),
        ("https://evil.example#@team.vault.azure.net", None),
        ("https://evil.example?.vault.azure.net", None),
        ("https://team.vault.azure.net/x", None),
        ("https://team.vault.azure.net?x=1", None),
        ("https://team.vault.azure.net#", None),
        ("https://team.vault.azure.net:99999", None),
        ("https://team.vault.azure.net\n.evil.example", None),
        ("https://te\tam.vault.azure.net", None),
        ("https://tëam.vault.azure.net", None),
        ("https://-.vault.azure.net", None),
        ("https://", None),
        ("team.vault.azure.net", None),
        ("", None),
    ],
)
def test_the_address_of_a_vault_has_one_spelling_or_is_none(url, origin):
    assert clouds.vault_origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://team.vault.azure.net",
        "https://team-1.managedhsm.azure.net",
        "https://team.vault.azure.cn",
        "https://team.managedhsm.usgovcloudapi.net",
    ],
)
def test_vaults_of_azures_clouds_are_known(url):
    assert clouds.is_azures(clouds.vault_origin(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://vault.azure.net",
        "https://team.vault.azure.net.evil.example",
        "https://a.team.vault.azure.net",
        "https://teamvault.azure.net",
        "https://team.vault.azure.net:8443",
        "https://team-.vault.azure.net",
        "https://team.vault.microsoftazure.de",
        "https://team.azure.net",
        "https://management.azure.com",
        "https://127.0.0.1",
    ],
)
def test_other_hosts_are_not_azures(url):
    assert not clouds.is_azures(clouds.vault_origin(url))


# --- requests ---------------------------------------------------------------------------------------------


def test_a_vault_tells_once_how_to_log_in(azure, vault):
    for _ in range(3):
        assert vault.ask("GET", KEY)["key"]["kty"] == "RSA"
    to_vault = [one.authorised for one in azure.asked if one.host == VAULT]
    assert to_vault == [False, True, True, True]
    assert azure.logins() == 1


def test_many_threads_log_in_once(azure, rsa_keys):
    azure.add_key(rsa_keys[0])
    azure.add_key(rsa_keys[0], host="other.vault.azure.net")
    credential = Credential(azure.environ)
    vaults = [vault_of(azure, host, credential=credential) for host in (VAULT, "other.vault.azure.net")]
    threads = [threading.Thread(target=each.ask, args=("GET", KEY)) for each in vaults * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert azure.logins() == 1
    assert sum(not one.authorised for one in azure.asked if one.host != LOGIN) == 2
    assert len(azure.calls()) == 16


def test_threads_that_wait_to_log_in_share_a_failure(azure, rsa_keys):
    azure.add_key(rsa_keys[0])
    azure.login_faults += [Answer(503, {"error": "temporarily_unavailable"})] * 50
    azure.gate.clear()
    vault, reasons = vault_of(azure), []
    threads = [threading.Thread(target=lambda: reasons.append(refusal_of(vault).reason)) for _ in range(8)]
    for thread in threads:
        thread.start()
    azure.gate.set()
    for thread in threads:
        thread.join()
    assert reasons == ["unavailable"] * 8
    assert azure.logins() < 8
    azure.login_faults.clear()
    assert vault_of(azure).ask("GET", KEY)


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("POST", "/keys/sops/1/decrypt", "Key Vault Crypto User"),
        ("GET", "/secrets/x", "Key Vault Secrets User"),
        ("PUT", "/secrets/x", "Key Vault Secrets Officer"),
    ],
)
def test_the_role_that_is_missing(azure, vault, method, path, role):
    azure.faults.append(failure(403, "Forbidden", "", "ForbiddenByRbac"))
    assert refusal_of(vault, path, method).hint == f"ask for the role {role}"


def test_a_managed_hsm_is_asked_with_a_token_of_its_own(azure, rsa_keys):
    azure.add_key(rsa_keys[0], host=HSM)
    assert vault_of(azure, HSM).ask("GET", KEY)["key"]["kty"] == "RSA"
    assert {audience for _, audience in azure.tokens.values()} == {"https://managedhsm.azure.net"}


@pytest.mark.parametrize(
    ("answer", "reason", "shown"),
    [
        (failure(401, "Unauthorized", "", "TokenExpired"), "bad-credentials", "Unauthorized: TokenExpired"),
        (failure(403, "Forbidden", "", "KeyDisabled"), "disabled", "Forbidden: KeyDisabled"),
        (failure(403, "Forbidden", "", "ForbiddenByRbac"), "denied", "ForbiddenByRbac"),
        (failure(403, "Forbidden", "", "ForbiddenByPolicy"), "denied", "ForbiddenByPolicy"),
        (failure(403, "Forbidden", "", "AccessDenied"), "denied", "AccessDenied"),
        (failure(403, "Forbidden", "", "ForbiddenByFirewall"), "denied", "ForbiddenByFirewall"),
        (failure(403, "Forbidden", "", "ForbiddenByConnection"), "denied", "ForbiddenByConnection"),
        (failure(403, "Forbidden", ""), "denied", "Forbidden"),
        (failure(404, "KeyNotFound", ""), "not-found", "KeyNotFound"),
        (failure(404, "SecretNotFound", ""), "not-found", "SecretNotFound"),
        (failure(400, "BadParameter", ""), "rejected", "BadParameter"),
        (failure(429, "Throttled", "", Retry_After="7"), "throttled", "Throttled"),
        (failure(500, "InternalServerError", ""), "unavailable", "InternalServerError"),
        (failure(503, "ServiceUnavailable", ""), "unavailable", "ServiceUnavailable"),
        (Answer(502, "<html>bad gateway"), "unavailable", "502"),
        (Answer(404, ""), "not-found", "404"),
        (Answer(418, {"error": "teapot"}), "failed", "418"),
        (Answer(403, {"error": {"code": ["x"], "innererror": 3}}), "denied", "403"),
        (Answer(302, "", {"Location": "https://evil.example/"}), "failed", "302"),
        (Answer(200, "not JSON"), "failed", "malformed answer"),
        (Answer(200, ["a list"]), "failed", "malformed answer"),
        (Answer(200, "[" * 100_000), "failed", "malformed answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_answers_of_a_vault_have_reasons(azure, vault, answer, reason, shown):
    azure.faults.append(answer)
    error = refusal_of(vault)
    assert error.reason == reason
    assert shown in error.message
    assert error.hint
    assert error.retry_after == (7.0 if reason == "throttled" else None)
    assert all(one.host in (VAULT, LOGIN) for one in azure.asked)


def test_a_challenge_for_a_resource_elsewhere_gets_no_token(azure, vault):
    azure.challenges[VAULT] = (
        f'Bearer authorization="https://{LOGIN}/{TENANT}", resource="https://management.azure.com"'
    )
    error = refusal_of(vault)
    assert (error.reason, azure.logins(), azure.calls()) == ("failed", 0, [])
    assert "does not log in as a vault does" in error.message


@pytest.mark.parametrize(
    "resource",
    ["https://evil.example", "https://ault.azure.net", "https://team.vault.azure.net", "vault.azure.net", ""],
)
def test_a_challenge_has_to_name_the_vaults_own_domain(azure, vault, resource):
    azure.challenges[VAULT] = f'Bearer authorization="https://{LOGIN}/{TENANT}", resource="{resource}"'
    assert refusal_of(vault).reason == "failed"
    assert azure.logins() == 0


@pytest.mark.parametrize(
    "challenge", ["Bearer", "Basic realm=x", "Bearer claims=e30", "Bearer authorization=x"]
)
def test_a_malformed_challenge_is_an_error(azure, vault, challenge):
    azure.challenges[VAULT] = challenge
    assert refusal_of(vault).reason in ("failed", "bad-credentials")
    assert azure.logins() == 0


def test_a_vault_names_a_tenant_but_no_place_to_log_in(azure, vault):
    """A hostile server could name another place; the client's secret goes to AZURE_AUTHORITY_HOST only."""
    azure.challenges[VAULT] = (
        f'Bearer authorization="https://{PRIVATE_VAULT}/{TENANT}", resource="https://vault.azure.net"'
    )
    vault.ask("GET", KEY)
    assert {one.host for one in azure.asked} == {VAULT, LOGIN}


def test_a_client_of_one_tenant_does_not_log_in_at_another(azure, vault):
    other = TENANT.replace("1", "3")
    azure.tenants[other] = dict(azure.tenants[TENANT])
    azure.challenges[VAULT] = (
        f'Bearer authorization="https://{LOGIN}/{other}", resource="https://vault.azure.net"'
    )
    error = refusal_of(vault)
    assert (error.reason, azure.logins(), azure.calls()) == ("bad-credentials", 0, [])


def test_a_token_is_not_sent_to_where_a_vault_redirects(azure, vault, rsa_keys):
    azure.add_key(rsa_keys[0], host=PRIVATE_VAULT)
    azure.faults.append(Answer(307, "", {"Location": f"https://{PRIVATE_VAULT}{KEY}"}))
    assert refusal_of(vault).reason == "failed"
    assert not [one for one in azure.asked if one.host == PRIVATE_VAULT]


def test_a_host_that_does_not_exist_is_offline(azure):
    error = refusal_of(vault_of(azure, "nobody.vault.azure.net"))
    assert (error.reason, azure.asked) == ("offline", [])
    assert "the vault's name" in error.hint


def test_a_silent_vault_times_out(azure, rsa_keys):
    azure.gate.clear()
    assert refusal_of(vault_of(azure, timeout=0.2)).reason == "timed-out"


def test_a_certificate_that_nobody_knows_is_refused(azure, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    error = refusal_of(vault_of(azure, environ={"SSL_CERT_FILE": ""}))
    assert (error.reason, azure.asked) == ("unverified", [])


# --- logging in -------------------------------------------------------------------------------------------


def entra(status, number, error="invalid_client"):
    return Answer(status, {"error": error, "error_description": f"AADSTS{number}: text. Trace ID: 1"})


@pytest.mark.parametrize(
    ("answer", "reason", "shown"),
    [
        (entra(401, 7000215), "bad-credentials", "AADSTS7000215"),
        (entra(401, 7000222), "expired", "AADSTS7000222"),
        (entra(400, 700016, "unauthorized_client"), "bad-credentials", "AADSTS700016"),
        (entra(401, 700024), "clock-skew", "AADSTS700024"),
        (entra(400, 50076, "interaction_required"), "expired", "AADSTS50076"),
        (Answer(400, {"error": "odd"}), "bad-credentials", "ClientAuthenticationError"),
        (Answer(503, {"error": "temporarily_unavailable"}), "unavailable", "Microsoft Entra ID"),
        (Answer(500, "<html>"), "unavailable", "Microsoft Entra ID"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_logins_have_reasons(azure, vault, answer, reason, shown):
    azure.login_faults.append(answer)
    error = refusal_of(vault)
    assert error.reason == reason
    assert shown in error.message
    assert "text" not in error.message
    assert error.hint


@pytest.mark.parametrize(("waits", "reason"), [(False, "offline"), (True, "timed-out")])
def test_a_place_to_log_in_that_can_not_be_reached(azure, vault, monkeypatch, waits, reason):
    vault.ask("GET", KEY)  # so that it is known how to log in
    azure.login_gate.clear()
    if not waits:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert refusal_of(vault_of(azure, timeout=0.2)).reason == reason


def test_a_wrong_secret_is_refused_and_nowhere_shown(azure, rsa_keys, caplog, monkeypatch, capsys):
    caplog.set_level(logging.DEBUG)
    azure.add_key(rsa_keys[0])
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "throwaway-wrong-secret")
    error = refusal_of(vault_of(azure))
    assert error.reason == "bad-credentials"
    shown = json.dumps([error.message, error.hint, repr(error.__cause__), caplog.text, *capsys.readouterr()])
    assert "throwaway-wrong-secret" not in shown


def test_no_token_is_in_the_libraries_logs(azure, vault, caplog):
    caplog.set_level(logging.DEBUG)
    vault.ask("GET", KEY)
    azure.faults.append(failure(403, "Forbidden", ""))
    refusal_of(vault)
    assert azure.tokens
    assert not [token for token in azure.tokens if token in caplog.text]


# --- where credentials come from --------------------------------------------------------------------------


@pytest.fixture
def nowhere(azure, rsa_keys, monkeypatch, tmp_path):
    """Azure for a user without credentials; returns the environment."""
    azure.add_key(rsa_keys[0])
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))
    return azure


def add_program(folder, name, text):
    path = folder / name
    path.write_text(f"#!{sys.executable} -IS\n{text}", encoding="utf-8")
    path.chmod(0o755)


@posix
def test_no_credentials_are_found_once(nowhere, tmp_path):
    add_program(tmp_path, "az", f"open({str(tmp_path / 'ran')!r}, 'a').write('x'); exit('run az login')")
    credential = Credential(nowhere.environ)
    for host in (VAULT, "other.vault.azure.net"):
        error = refusal_of(vault_of(nowhere, host, credential=credential))
        assert (error.reason, nowhere.calls()) == ("no-credentials", [])
        assert "az login" in error.hint
    assert (tmp_path / "ran").read_text() == "x"


@posix
def test_a_token_of_the_azure_cli_is_asked_for_once(nowhere, tmp_path):
    """It is run without a shell, with the vault's tenant, and each token it prints serves all vaults."""
    nowhere.tokens["throwaway.cli"] = (TENANT, "https://vault.azure.net")
    add_program(
        tmp_path,
        "az",
        f"import json, sys; open({str(tmp_path / 'ran')!r}, 'a').write(json.dumps(sys.argv[1:]))\n"
        "print(json.dumps({'accessToken': 'throwaway.cli', 'expires_on': 4102444800}))",
    )
    nowhere.add_key(next(iter(nowhere.keys[VAULT, "sops"].values())).key, host="other.vault.azure.net")
    credential = Credential(nowhere.environ)
    for host in (VAULT, "other.vault.azure.net", VAULT):
        vault_of(nowhere, host, credential=credential).ask("GET", KEY)
    assert json.loads((tmp_path / "ran").read_text()) == [
        *("account", "get-access-token", "--output", "json"),
        *("--resource", "https://vault.azure.net", "--tenant", TENANT),
    ]


@posix
def test_a_program_that_fails_lets_the_next_one_try(nowhere, tmp_path):
    nowhere.tokens["throwaway.azd"] = (TENANT, "https://vault.azure.net")
    add_program(tmp_path, "az", "exit('AADSTS700082: the login has expired')")
    add_program(tmp_path, "azd", 'print(\'{"token": "throwaway.azd", "expiresOn": "2099-01-01T00:00:00Z"}\')')
    assert vault_of(nowhere).ask("GET", KEY)


@posix
def test_a_program_that_hangs_is_given_up(nowhere, tmp_path):
    add_program(tmp_path, "az", "import time; time.sleep(60)")
    assert refusal_of(vault_of(nowhere, timeout=1)).reason == "no-credentials"


@pytest.mark.parametrize(("token", "reason"), [(ASSERTION, None), ("throwaway.old.token", "clock-skew")])
def test_a_workload_of_kubernetes(azure, rsa_keys, monkeypatch, tmp_path, token, reason):
    azure.add_key(rsa_keys[0])
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    if reason is None:
        assert vault_of(azure).ask("GET", KEY)
    else:
        error = refusal_of(vault_of(azure))
        assert (error.reason, token in f"{error.message}{error.hint}") == (reason, False)
        assert "AZURE_FEDERATED_TOKEN_FILE" in error.hint


@posix
def test_no_credentials_for_one_tenant_say_nothing_of_another(nowhere, tmp_path):
    other = TENANT.replace("1", "3")
    nowhere.tokens["throwaway.cli"] = (TENANT, "https://vault.azure.net")
    add_program(
        tmp_path,
        "az",
        f"import json, sys\nif {other!r} in sys.argv: exit('no account in this tenant')\n"
        "print(json.dumps({'accessToken': 'throwaway.cli', 'expires_on': 4102444800}))",
    )
    credential = Credential(nowhere.environ)
    nowhere.challenges["other.vault.azure.net"] = (
        f'Bearer authorization="https://{LOGIN}/{other}", resource="https://vault.azure.net"'
    )
    refused = refusal_of(vault_of(nowhere, "other.vault.azure.net", credential=credential))
    assert refused.reason == "no-credentials"
    assert vault_of(nowhere, credential=credential).ask("GET", KEY)


def test_the_identity_of_a_machine_of_azures(nowhere):
    nowhere.machine = True
    assert vault_of(nowhere).ask("GET", KEY)
    assert [one.path for one in nowhere.asked if one.host == IMDS] == ["/metadata/identity/oauth2/token"] * 2


def test_a_kind_of_credential_that_does_not_exist(nowhere, monkeypatch):
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "Nonsense")
    error = refusal_of(vault_of(nowhere))
    assert error.reason == "no-credentials"
    assert "AZURE_TOKEN_CREDENTIALS" in error.hint


def test_a_tenant_that_is_none(azure, rsa_keys, monkeypatch):
    azure.add_key(rsa_keys[0])
    monkeypatch.setenv("AZURE_TENANT_ID", "x y")
    assert refusal_of(vault_of(azure)).reason == "no-credentials"


@pytest.mark.parametrize("missing", ["azure.identity", "azure.keyvault.keys"])
def test_a_library_that_is_not_installed(azure, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    error = refusal_of(vault_of(azure))
    assert error.reason == "missing-extra"
    assert error.hint == "run `pip install 'fluxsecrets[azure]'`"


CLIENT_VARIABLES = {"AZURE_TENANT_ID": "x", "AZURE_CLIENT_ID": "x"}


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, False),
        (CLIENT_VARIABLES, False),
        ({**CLIENT_VARIABLES, "AZURE_CLIENT_SECRET": ""}, False),
        ({**CLIENT_VARIABLES, "AZURE_CLIENT_SECRET": "x"}, True),
        ({**CLIENT_VARIABLES, "AZURE_CLIENT_CERTIFICATE_PATH": "x"}, True),
        ({**CLIENT_VARIABLES, "AZURE_FEDERATED_TOKEN_FILE": "x"}, True),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1"}, True),
    ],
)
def test_whether_there_may_be_credentials(environ, found, tmp_path):
    assert has_credentials({"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), **environ}) is found


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        (".azure/azureProfile.json", '\ufeff{"subscriptions": [{"id": "x"}]}', True),
        (".azure/azureProfile.json", '{"subscriptions": []}', False),
        (".azure/azureProfile.json", "[]", False),
        (".azure/azureProfile.json", "{", False),
        (".azd/auth.json", "{}", True),
    ],
)
def test_logins_of_programs_are_found_without_running_them(path, text, found, tmp_path):
    file = tmp_path / path
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    environ = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": ""}
    assert has_credentials(environ) is found
    program = "az" if "azureProfile" in path else "azd"
    assert f"{program} ({'logged in' if found else 'not logged in'})" in looked_in(environ)
    assert not has_credentials(
        {**environ, "AZURE_CONFIG_DIR": str(tmp_path), "AZD_CONFIG_DIR": str(tmp_path)}
    )


def test_where_credentials_are_looked_for(tmp_path):
    environ = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    assert looked_in(environ)[0] == "Azure's variables (none is set)"
    set_variables = looked_in({**environ, **CLIENT_VARIABLES})[0]
    assert set_variables == "Azure's variables (AZURE_TENANT_ID, AZURE_CLIENT_ID)"
