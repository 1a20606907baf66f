#!/usr/bin/env bash
# Encrypts the staging environment of a scratch copy of examples/waddle-infra and shows what happened.
# Run it with `make demo`, or with fluxsecrets on PATH. The scratch folder is kept for trying more.
set -euo pipefail

example=$(cd "$(dirname "${BASH_SOURCE[0]}")/../examples/waddle-infra" && pwd)
scratch=$(cd "$(mktemp -d "${TMPDIR:-/tmp}/fluxsecrets-demo.XXXXXX")" && pwd -P)
repository=$scratch/waddle-infra

# Nothing of the caller's is used: no key, no git configuration, no home folder.
unset "${!SOPS_@}" "${!GIT_@}"
export HOME=$scratch/home XDG_CONFIG_HOME=$scratch/home/.config
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export SOPS_AGE_KEY_FILE=$scratch/key.txt
mkdir "$scratch/home"

bold='' dim='' green='' red='' off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' off=$'\e[0m'
fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
run() {
    printf '%s$ %s%s\n' "$dim" "$*" "$off"
    "$@" 2>&1
}
commit() {
    git add --all
    git -c user.name=demo -c user.email=demo@waddle.example commit --quiet --message "$1"
}
# Every made-up secret of the example holds the word `throwaway`, as it is or in base64.
plain_values() {
    { grep -rEo --exclude-dir=.git --exclude-dir=production \
        'throwaway|dGhyb3dhd2F5|Rocm93YXdhe|aHJvd2F3YX' . || true; } | wc -l | tr -d ' '
}

cp -R "$example" "$repository"
cd "$repository"
git -c init.defaultBranch=main init --quiet
commit "waddle-infra, with its secrets in plain text"

say "1. A key of your own"
run fluxsecrets keys generate
recipient=$(sed -n 's/^# public key: //p' "$SOPS_AGE_KEY_FILE")

say "2. .sops.yaml says who can read what: you take Alice's place"
sed "s/&alice age1[0-9a-z]*.*/\&alice $recipient # you/" .sops.yaml > "$scratch/rules"
cat "$scratch/rules" > .sops.yaml
printf '%s\n' "$recipient" > keys/alice.pub
commit "a new key for alice"
run git --no-pager show --stat --format= HEAD

before=$(plain_values)
say "3. Encrypt the staging environment: everything that Flux would apply there"
run fluxsecrets encrypt --env staging

say "4. Who can read it now?"
run fluxsecrets status --env staging

after=$(plain_values)
if [ "$before" -eq 0 ] || [ "$after" -ne 0 ]; then
    printf '\n%serror: %s of %s made-up secrets are still in plain text%s\n' "$red" "$after" "$before" "$off" >&2
    exit 1
fi
say "5. ${green}No plain text is left${off}${bold}: $before of the example's made-up secrets found before, $after now"
run git --no-pager diff --stat --stat-width=100

say "6. Reading prints: layout, comments and quotes are as they were"
run fluxsecrets decrypt apps/observability/overlays/staging/grafana-admin.yaml

say "Now you. Your copy is kept:"
cat <<END
  cd $repository
  export SOPS_AGE_KEY_FILE=$SOPS_AGE_KEY_FILE
  export PATH="$(dirname "$(command -v fluxsecrets)"):\$PATH"

  fluxsecrets explain apps/spicedb/overlays/production/registry.json    # which rule, and why
  fluxsecrets encrypt --check                                           # production is still in plain text
  fluxsecrets encrypt                                                   # the whole repository
  fluxsecrets decrypt apps/spicedb/overlays/staging/files/clients.json --extract '["clients"][0]["token"]'
END
