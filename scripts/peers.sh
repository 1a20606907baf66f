#!/usr/bin/env bash
# Installs other programs that read and write the same files, so that `make test` and `make interop` meet them:
#
#   scripts/peers.sh FOLDER
#
# Executables go to FOLDER/bin, npm packages to FOLDER/node_modules; put the first on PATH and name the second in
# NODE_MODULES. A program that cannot be installed is named on one line, and that is not a failure. All compiling
# together takes PEER_SECONDS at most (300 by default); the next run continues a build that was cut off.
set -euo pipefail

folder=$1
mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
end=$((SECONDS + ${PEER_SECONDS:-300}))

has() { command -v "$1" >/dev/null; }

missing() { echo "peer not installed: $1 ($2)"; }

# debian PROGRAM PACKAGE
updated=
debian() {
    if has "$1"; then return; fi
    if ! has apt-get; then missing "$1" "there is no apt-get"; return; fi
    if [ "$(id -u)" != 0 ]; then missing "$1" "apt-get needs root"; return; fi
    if [ -z "$updated" ]; then
        timeout 120 apt-get update -qq >/dev/null 2>&1 || true
        updated=yes
    fi
    DEBIAN_FRONTEND=noninteractive timeout 120 apt-get install -y -qq --no-install-recommends "$2" >/dev/null 2>&1 ||
        missing "$1" "apt-get could not install $2"
}

# npm_package NAME VERSION
npm_package() {
    local package="$folder/node_modules/$1/package.json"
    if [ -f "$package" ] && grep -q "\"version\": \"$2\"" "$package"; then return; fi
    if ! has npm || ! has node; then missing "$1" "there is no npm"; return; fi
    timeout 120 npm install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts --save-exact "$1@$2" \
        >/dev/null 2>&1 || missing "$1" "npm could not install it"
}

# built TOOL NAME PROGRAMS COMMAND...: runs COMMAND, which builds PROGRAMS into FOLDER/NAME/bin.
built() {
    local tool=$1 name=$2 programs=$3 left=$((end - SECONDS)) code=0 program
    shift 3
    for program in $programs; do
        if [ ! -x "$folder/$name/bin/$program" ]; then
            if ! has "$tool"; then missing "$name" "there is no $tool"; return; fi
            if [ "$left" -le 0 ]; then missing "$name" "no time left to build it"; return; fi
            timeout "$left" "$@" >"$folder/$name.log" 2>&1 || code=$?
            break
        fi
    done
    case $code in
        0) for program in $programs; do ln -sf "$folder/$name/bin/$program" "$folder/bin/$program"; done ;;
        124) missing "$name" "its build was cut off; the next run continues it" ;;
        *) missing "$name" "its build failed: $(tail -n 1 "$folder/$name.log")" ;;
    esac
}

debian gpg gnupg
debian age age
npm_package sops-age 4.0.2
npm_package @linode/kubeseal-encrypt 1.0.1
# Last, since it takes longest.
built cargo rops-cli-0.1.7 rops \
    cargo install --quiet --locked --root "$folder/rops-cli-0.1.7" --target-dir "$folder/target" rops-cli@0.1.7
for program in sops kubeseal; do
    has "$program" || missing "$program" "no registry here holds it: put it on PATH"
done
