"""Names of variables that decide which code runs; a file's value for one of them is refused unless allowed.

Anybody can encrypt a file for public recipients, so a file may be somebody else's work. What is listed makes
the dynamic loader, a shell, an interpreter or a common tool load or run what the value names, or look for its
programs, plug-ins, configuration or trust elsewhere. Where a value merely leads an application to another
address (a database URL, a proxy), that is what such files are for, and it is not listed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from fluxsecrets.errors import UsageError
from fluxsecrets.records import dataclass

ALLOW_VARIABLES = "FLUXSECRETS_ALLOW_VARIABLES"
"""Names that are allowed in every run, with a comma or blanks between them."""


@dataclass(frozen=True, slots=True)
class Group:
    """Variables that are refused for one reason.

    Attributes:
        reason: what they decide, to stand behind the name.
        names: a name each; with `*` at the end, all names that begin like this.
    """

    reason: str
    names: tuple[str, ...]

    def has(self, name: str, *, fold: bool) -> bool:
        """Whether a name is in the group; `fold` takes upper and lower case as the same, as Windows does."""
        shown = name.upper() if fold else name
        for each in self.names:
            known = each.upper() if fold else each
            if shown.startswith(known[:-1]) if known.endswith("*") else shown == known:
                return True
        return False


def _group(reason: str, names: str) -> Group:
    return Group(reason, tuple(names.split()))


GROUPS = (
    _group(
        "makes the dynamic loader or the C library load other code",
        "LD_* DYLD_* LDR_* LIBPATH SHLIB_PATH _RLD* GCONV_PATH LOCPATH NLSPATH GETCONF_DIR GLIBC_TUNABLES "
        "MALLOC_* HOSTALIASES RESOLV_HOST_CONF RES_OPTIONS LOCALDOMAIN NIS_PATH TZDIR TERMINFO* TERMCAP",
    ),
    _group(
        "decides which programs are found",
        "PATH PATHEXT COMSPEC SYSTEMROOT WINDIR SYSTEMDRIVE PROGRAMFILES* PROGRAMDATA ALLUSERSPROFILE SHELL",
    ),
    _group(
        "makes shells run commands",
        "BASH_* BASHOPTS ENV FPATH IFS SHELLOPTS PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND CDPATH GLOBIGNORE "
        "ZDOTDIR INPUTRC PSMODULEPATH PSModulePath POSIXLY_CORRECT",
    ),
    _group(
        "makes Perl run other code",
        "PERL5* PERLLIB PERLIO*",
    ),
    _group(
        "makes Python run other code",
        "PYTHON* PIP_* UV_* VIRTUAL_ENV",
    ),
    _group(
        "makes Ruby run other code",
        "RUBYOPT RUBYLIB RUBYPATH RUBYSHELL GEM_HOME GEM_PATH BUNDLE_*",
    ),
    _group(
        "makes JavaScript engines run other code",
        "NODE_OPTIONS NODE_PATH NODE_REPL_* NODE_ICU_DATA NPM_CONFIG_* npm_config_* YARN_* BUN_* DENO_DIR "
        "ELECTRON_*",
    ),
    _group(
        "makes Java run other code",
        "JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME CLASSPATH MAVEN_OPTS "
        "MAVEN_ARGS GRADLE_* SBT_OPTS ANT_OPTS ANT_ARGS CATALINA_OPTS",
    ),
    _group(
        "makes another interpreter or runtime run other code",
        "PHPRC PHP_INI_SCAN_DIR LUA_INIT* LUA_PATH* LUA_CPATH* R_PROFILE* R_ENVIRON* R_LIBS* JULIA_* "
        "ERL_* ELIXIR_ERL_* DOTNET_* CORECLR_* COR_* COMPLUS_* COMPlus_* GUILE_LOAD_* EMACSLOADPATH "
        "TCLLIBPATH",
    ),
    _group(
        "makes a build tool run other code",
        "MAKEFLAGS GNUMAKEFLAGS MAKEFILES RUSTC* RUSTFLAGS CARGO_HOME CARGO_BUILD_* CARGO_TARGET_* "
        "GOFLAGS GOENV GOROOT GOTOOLCHAIN GOTOOLDIR CMAKE_TOOLCHAIN_FILE",
    ),
    _group(
        "makes git, or what looks for a repository, run commands or look elsewhere",
        "GIT_*",
    ),
    _group(
        "names a program to be started",
        "SSH_ASKPASS* SUDO_ASKPASS SSH_AUTH_SOCK SSH_SK_PROVIDER EDITOR VISUAL SUDO_EDITOR KUBE_EDITOR "
        "PAGER MANPAGER BROWSER LESS LESSOPEN LESSCLOSE LESSKEY* KUBECTL_* SYSTEMD_EDITOR SYSTEMD_PAGER "
        "PARALLEL_SHELL TAR_OPTIONS RSYNC_RSH RSYNC_CONNECT_PROG",
    ),
    _group(
        "leads to configuration that can name programs or plug-ins",
        "HOME USERPROFILE HOMEDRIVE HOMEPATH APPDATA LOCALAPPDATA XDG_* TMPDIR TMP TEMP KUBECONFIG "
        "DOCKER_CONFIG DOCKER_HOST AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE CLOUDSDK_CONFIG "
        "CLOUDSDK_PYTHON* AZURE_CONFIG_DIR BOTO_CONFIG HELM_* TF_CLI_* TF_PLUGIN_* TF_DATA_DIR ANSIBLE_* "
        "OPENSSL_* KRB5_CONFIG SASL_PATH GTK_* QT_* GI_TYPELIB_PATH GIO_* CURL_HOME WGETRC NETRC PSQLRC "
        "PGSYSCONFDIR MYSQL_HOME",
    ),
    _group(
        "decides which servers are trusted",
        "SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE AWS_CA_BUNDLE NODE_EXTRA_CA_CERTS "
        "NODE_TLS_REJECT_UNAUTHORIZED SSLKEYLOGFILE CURL_SSL_BACKEND",
    ),
    _group(
        "decides which keys and settings fluxsecrets, sops and gpg use",
        "SOPS_* FLUXSECRETS_* GNUPGHOME",
    ),
)


def reason_of(name: str, *, fold: bool = os.name == "nt") -> str | None:
    """Return why a variable is refused, or None if it is not."""
    return next((group.reason for group in GROUPS if group.has(name, fold=fold)), None)


def allowed_names(environ: Mapping[str, str], named: Iterable[str] = ()) -> frozenset[str]:
    """Return the names that the user allows, in this run or in the environment."""
    return frozenset((*named, *environ.get(ALLOW_VARIABLES, "").replace(",", " ").split()))


def refuse_risky(names: Iterable[str], allowed: Collection[str], *, fold: bool = os.name == "nt") -> None:
    """Refuse a file with values for variables that decide which code runs.

    `fold` ignores case, as Windows does.

    Raises:
        UsageError: some are not allowed; the error names all of them, with the reason.
    """
    known = {name.upper() for name in allowed} if fold else set(allowed)
    refused = [
        (name, reason)
        for name in names
        if (reason := reason_of(name, fold=fold)) is not None
        and (name.upper() if fold else name) not in known
    ]
    if refused:
        names = [name for name, _ in refused]
        raise UsageError(
            f"sets {', '.join(names)}, and a file must not decide which code runs",
            hint=f"rename the key; if you know who wrote the file, allow it with {ALLOW_VARIABLES}="
            f"{','.join(names)} in your environment, or with `exec-env --allow-variable {names[0]}`",
            details=tuple(f"{name} {reason}" for name, reason in refused),
        )
