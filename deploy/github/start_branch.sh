#!/usr/bin/env bash
# Puts the work tree at the state from which a month is built: the default branch, with every month merged in
# whose pull request is still open, oldest first. Used before the month is built, and again where it is pushed.
#
#   start_branch.sh BRANCH BASE [CARRIED ...]
#
# BRANCH is the month's own branch; where it exists already, it is gone on with, and never rewritten.
set -euo pipefail

branch=$1
base=$2
shift 2
git config user.name "living-review schedule"
git config user.email "living-review@users.noreply.github.com"
if git show-ref --verify --quiet "refs/remotes/origin/$branch"; then
    git switch --quiet --create "$branch" "origin/$branch"
else
    git switch --quiet --create "$branch" "origin/$base"
fi
for other in "origin/$base" "${@/#/origin/}"; do
    if ! git show-ref --verify --quiet "refs/remotes/$other"; then
        echo "$other is gone since: merged, or given up"
        continue
    fi
    if ! git merge --quiet --no-edit "$other"; then
        git merge --abort || true
        echo "$branch cannot take in $other by itself: merge it by hand, push, and start the month again" >&2
        exit 1
    fi
done
