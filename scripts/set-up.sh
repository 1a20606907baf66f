#!/bin/sh
# Makes .venv and installs the project into it, with the extras that are named: `set-up.sh dev`. `make` calls
# this when pyproject.toml changed; it needs nothing but Python >= 3.11.
set -eu
cd "$(dirname "$0")/.."

is_good() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! is_good .venv/bin/python; then
    python=
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        if is_good "$candidate"; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "error: no Python 3.11 or newer found (looked for ${PYTHON:-python3.13, 3.12, 3.11, python3, python})" >&2
        echo "hint: install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
        exit 2
    fi
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "error: $python cannot make virtual environments: its venv or ensurepip module is missing" >&2
        echo "hint: on Debian and Ubuntu, install the package python3-venv" >&2
        exit 2
    fi
    echo "making .venv with $("$python" --version)" >&2
    "$python" -m venv --clear .venv
fi

extras=${1:-}
case $extras in
    "") echo "installing fluxsecrets into .venv (this takes a moment, once)" >&2 ;;
    *) echo "installing fluxsecrets and its tools ($extras) into .venv (this takes a minute, once)" >&2 ;;
esac
# From pip 25.2 on, the scripts that start commands import no `re`. Without it they start later, and work as well.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 0 --timeout 10 'pip>=25.2' \
    2>/dev/null || :
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint scripts/constraints.txt \
    --editable ".${extras:+[$extras]}"
