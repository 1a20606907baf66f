#!/bin/sh
# Lints what others run: the ready CI jobs, the Dockerfile and our shell scripts. `make lint` calls this.
# Needs .venv with the extra `jobs`. SC2016: commands that are shown to people are in single quotes, with backticks.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$bin/zizmor" --quiet --offline --no-progress --persona=pedantic ci/github-actions.yml ci/forgejo-actions.yml
"$bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows ci/github-actions.yml ci/forgejo-actions.yml
"$bin/check-jsonschema" --quiet --builtin-schema vendor.gitlab-ci ci/gitlab-ci.yml
"$bin/hadolint" Dockerfile
"$bin/python" scripts/job_scripts.py "$scratch"
"$bin/shellcheck" --exclude=SC2016 "$scratch"/*.sh scripts/*.sh .ci/run
