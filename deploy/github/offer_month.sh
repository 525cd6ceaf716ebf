#!/usr/bin/env bash
# Pushes a month's snapshot to its branch and opens a pull request for it, or brings the open one up to date.
# The work tree is at the branch (start_branch.sh). All text comes from files: none of it is read as shell.
#
#   offer_month.sh FOLDER RUN BRANCH BASE HANDED
#
# FOLDER is the review's, HANDED holds snapshot.tar, title.txt and body.md. Needs gh, and GH_TOKEN.
set -euo pipefail

folder=$1
run=$2
branch=$3
base=$4
handed=$5
snapshot=$folder/data/searches/$run

# Only the snapshot is taken from the archive, whatever else might be in it, and only where nothing stands yet.
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
tar --extract --file "$handed/snapshot.tar" --directory "$unpacked" --no-same-owner
if [ -n "$(find "$unpacked" ! -type f ! -type d -print -quit)" ]; then
    echo "snapshot.tar holds what is neither file nor folder; nothing was pushed" >&2
    exit 1
fi
if [ -d "$unpacked/$snapshot" ]; then
    tar --create --directory "$unpacked" --file - "$snapshot" | tar --extract --file - --skip-old-files
fi
if [ -d "$snapshot" ]; then
    git add -- "$snapshot"
fi
git diff --cached --quiet || git commit --quiet --file "$handed/title.txt"
if [ "$(git rev-parse HEAD)" = "$(git rev-parse "origin/$base")" ] \
    || git diff --quiet "origin/$base" HEAD; then
    echo "The month is in $base already: there is nothing to merge"
    exit 0
fi
git push --quiet origin "HEAD:refs/heads/$branch"

title=$(head -n 1 "$handed/title.txt")
number=$(gh pr list --head "$branch" --state open --json number --jq '.[0].number // empty')
if [ -n "$number" ]; then
    # Not "gh pr edit", which asks for rights on projects that this token need not have.
    gh api --silent --method PATCH "repos/{owner}/{repo}/pulls/$number" --raw-field "title=$title" --field "body=@$handed/body.md"
elif ! gh pr create --head "$branch" --base "$base" --title "$title" --body-file "$handed/body.md"; then
    echo "The branch $branch is pushed, the pull request is not open. Does the repository let workflows open" \
        "them (Settings, Actions, General, Workflow permissions)?" >&2
    exit 1
fi
# A pull request that a workflow's own token opened starts no other workflow; a dispatch does, and its checks
# belong to the same commit.
gh workflow run ci.yml --ref "$branch" || echo "::warning::The checks of $branch were not started; start ci.yml by hand"
