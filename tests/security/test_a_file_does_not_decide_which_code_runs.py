"""`exec-env` hands no variable to a command that decides which code runs, unless the user named it."""

import os
import re
import sys

import pytest

from fluxsecrets.cli.dropin.entry import run as dropin
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.exec.variables import GROUPS, allowed_names, reason_of, refuse_risky
from tables import each_row

RISKY = (
    *(
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "GCONV_PATH",
        "LOCPATH",
        "NLSPATH",
    ),
    *(
        "GLIBC_TUNABLES",
        "MALLOC_CHECK_",
        "PATH",
        "SHELL",
        "COMSPEC",
        "PATHEXT",
        "PSModulePath",
        "BASH_ENV",
        "ENV",
    ),
    *(
        "BASH_FUNC_ls%%",
        "SHELLOPTS",
        "BASHOPTS",
        "IFS",
        "PS4",
        "PROMPT_COMMAND",
        "ZDOTDIR",
        "PERL5OPT",
        "PERL5LIB",
    ),
    *("PERLLIB", "RUBYOPT", "RUBYLIB", "NODE_OPTIONS", "NODE_PATH", "npm_config_script_shell", "PYTHONPATH"),
    *(
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "PYTHONINSPECT",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "JDK_JAVA_OPTIONS",
    ),
    *(
        "CLASSPATH",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_COUNT",
        "GIT_EXTERNAL_DIFF",
        "GIT_EXEC_PATH",
        "SSH_ASKPASS",
    ),
    *(
        "EDITOR",
        "VISUAL",
        "PAGER",
        "LESSOPEN",
        "LESSCLOSE",
        "HOME",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "KUBECONFIG",
    ),
    *(
        "AWS_CONFIG_FILE",
        "DOCKER_CONFIG",
        "OPENSSL_CONF",
        "SSL_CERT_FILE",
        "SOPS_AGE_KEY_CMD",
        "FLUXSECRETS_LOG",
    ),
    *(
        "GNUPGHOME",
        "DOTNET_STARTUP_HOOKS",
        "LUA_INIT",
        "MAKEFLAGS",
        "RUSTC_WRAPPER",
        "GOFLAGS",
        "TF_CLI_ARGS",
    ),
)
HARMLESS = (
    *(
        "PASSWORD",
        "DATABASE_URL",
        "API_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "NPM_TOKEN",
        "LDAP_PASSWORD",
    ),
    *(
        "http_proxy",
        "HTTPS_PROXY",
        "PATHS",
        "MY_PATH",
        "path",
        "home",
        "HOMEPAGE",
        "ENVIRONMENT",
        "EDITOR_TOKEN",
    ),
    *("GITLAB_TOKEN", "PERL_TOKEN", "NODE_ENV", "SSH_PRIVATE_KEY", "TF_VAR_password", "GOOGLE_API_KEY"),
    *("VAULT_TOKEN", "AGE_KEY", "DOCKER_PASSWORD", "JAVASCRIPT_KEY", "RAILS_MASTER_KEY", "SHELL_TOKEN"),
)


@each_row("name", RISKY)
def test_variables_that_decide_are_refused_and_can_be_allowed_by_name(name):
    with pytest.raises(UsageError) as caught:
        refuse_risky(["PASSWORD", name], ())
    assert name in caught.value.message
    assert reason_of(name) in caught.value.details[0]
    assert f"FLUXSECRETS_ALLOW_VARIABLES={name}" in caught.value.hint
    refuse_risky(["PASSWORD", name], allowed_names({"FLUXSECRETS_ALLOW_VARIABLES": f"X, {name}"}))
    refuse_risky(["PASSWORD", name], allowed_names({}, [name]))
    with pytest.raises(UsageError):
        refuse_risky([name], allowed_names({"FLUXSECRETS_ALLOW_VARIABLES": f"{name[:-1]} *"}, [f"{name}X"]))


@each_row("name", HARMLESS)
def test_what_an_application_reads_is_not(name):
    refuse_risky([name], (), fold=False)


@each_row("name", RISKY)
def test_windows_knows_no_case(name):
    for spelled in (name.upper(), name.lower(), name.title()):
        with pytest.raises(UsageError):
            refuse_risky([spelled], (), fold=True)
        refuse_risky([spelled], [name], fold=True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the program files of this system")
@pytest.mark.parametrize("program", ["bash", "python", "perl"])
def test_what_the_programs_here_read_is_known(program):
    """Names that a program's binary holds and that begin like its own variables are all in the table."""
    path = sys.executable if program == "python" else f"/usr/bin/{program}"
    if not os.path.exists(path):  # noqa: PTH110
        pytest.skip(f"no {program} here")
    with open(os.path.realpath(path), "rb") as file:  # noqa: PTH123
        found = set(re.findall(rb"(?:BASH_[A-Z]+|PYTHON[A-Z]{3,}|PERL5[A-Z]+)(?=\0)", file.read()))
    assert all(reason_of(name.decode()) for name in found), found


def test_a_name_or_prefix_stands_once():
    names = [name for group in GROUPS for name in group.names]
    assert len(names) == len(set(names))


@pytest.fixture
def file(folder, cli):
    folder.write("e.yaml", "LD_PRELOAD: /tmp/evil.so\nPATH: /tmp/evil\nPASSWORD: hunter2-throwaway\n")
    assert cli("encrypt", "e.yaml").exit_code == 0
    return "e.yaml"


SHOW = ("--", sys.executable, "-c", "import os; print(os.environ['PATH'], os.environ.get('LD_PRELOAD'))")


@pytest.mark.parametrize("extra", [(), ("--pristine",), ("--same-process",)])
def test_the_command_does_not_start(file, cli, extra, capfd):
    result = cli("exec-env", *extra, file, *SHOW)
    assert result.exit_code == 2
    assert "e.yaml: sets LD_PRELOAD, PATH" in result.stderr
    assert "/tmp/evil" not in result.stderr + result.stdout + "".join(capfd.readouterr())


@pytest.mark.skipif(os.name == "nt", reason="a POSIX command")
def test_allowed_by_name_it_does(folder, cli, capfd, monkeypatch):
    folder.write("e.yaml", "PATH: /tmp/mine\nHOME: /tmp/home\n")
    assert cli("encrypt", "e.yaml").exit_code == 0
    assert cli("exec-env", "--allow-variable", "PATH", "e.yaml", *SHOW).exit_code == 2
    assert (
        cli("exec-env", "--allow-variable", "PATH", "--allow-variable", "HOME", "e.yaml", *SHOW).exit_code
        == 0
    )
    monkeypatch.setenv("FLUXSECRETS_ALLOW_VARIABLES", "PATH HOME")
    assert cli("exec-env", "e.yaml", *SHOW).exit_code == 0
    assert capfd.readouterr().out == "/tmp/mine None\n" * 2


@pytest.mark.skipif(os.name == "nt", reason="the drop-in runs a shell")
def test_the_drop_in_refuses_too(file, capfd, monkeypatch):
    assert dropin(["exec-env", file, "echo started"]) not in (0, None)
    shown = capfd.readouterr()
    assert "started" not in shown.out
    assert "FLUXSECRETS_ALLOW_VARIABLES" in shown.err
    monkeypatch.setenv("FLUXSECRETS_ALLOW_VARIABLES", "PATH,LD_PRELOAD")
    assert dropin(["exec-env", file, "echo started; echo $PATH"]) == 0
    assert capfd.readouterr().out == "started\n/tmp/evil\n"


def test_names_with_control_characters_are_refused(folder, cli):
    for name in ("A\\nB", "A\\x1b[0m", "A=B", "A\\0"):
        folder.write("e.yaml", f'"{name}": x\n')
        assert cli("encrypt", "e.yaml").exit_code == 0
        assert "cannot be the name of a variable" in cli("exec-env", "e.yaml", *SHOW).stderr
        os.unlink("e.yaml")  # noqa: PTH108
