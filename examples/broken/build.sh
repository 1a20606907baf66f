#!/bin/sh
# Makes the broken repository in a folder: sh examples/broken/build.sh /tmp/broken
# Its folders are its commits, on top of each other; what is in now/ is not committed.
set -eu

if [ $# -ne 1 ] || [ -e "$1" ]; then
    echo "usage: $0 FOLDER, which must not exist" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
git init --quiet .
for day in 2024-01-10 2024-06-01; do
    cp -R "$here/$day/." .
    if [ -f REMOVED ]; then
        while read -r path; do rm "$path"; done < REMOVED
        rm REMOVED
    fi
    git add --all
    GIT_COMMITTER_DATE="${day}T12:00:00Z" git -c user.name=Throw-away -c user.email=throw-away@waddle.example \
        commit --quiet --date "${day}T12:00:00Z" --message "What went wrong until $day"
done
cp -R "$here/now/." .
