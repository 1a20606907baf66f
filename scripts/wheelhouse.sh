#!/bin/sh
# Collects what the container image installs in a folder: fluxsecrets and its dependencies as wheels for the image's Python.
# Needs .venv and a package index. sh scripts/wheelhouse.sh [FOLDER] [PYTHON]
set -eu
cd "$(dirname "$0")/.."
folder=${1:-dist/wheels} python=${2:-3.13} machine=$(uname -m)

[ "$machine" != arm64 ] || machine=aarch64 # as macOS calls it
rm -rf "$folder"
mkdir -p "$folder"
set -- --quiet --disable-pip-version-check
.venv/bin/python -m pip wheel "$@" --no-deps --wheel-dir "$folder" .
.venv/bin/python -m pip download "$@" --dest "$folder" --constraint scripts/constraints.txt --only-binary=:all: \
    --implementation cp --python-version "$python" \
    --platform "manylinux_2_28_$machine" --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
    "$folder"/fluxsecrets-*.whl
