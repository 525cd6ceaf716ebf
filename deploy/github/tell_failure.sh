#!/usr/bin/env bash
# Keeps one issue about a month that failed: opens it, brings it up to date, or closes it.
#
#   tell_failure.sh open TITLE BODY_FILE
#   tell_failure.sh close TITLE
set -euo pipefail

what=$1
export TITLE=$2
number=$(gh issue list --state open --limit 500 --json number,title --jq 'map(select(.title == env.TITLE))[0].number // empty')
case $what in
    open)
        if [ -n "$number" ]; then
            gh api --silent --method PATCH "repos/{owner}/{repo}/issues/$number" --field "body=@$3"
        else
            gh issue create --title "$TITLE" --body-file "$3"
        fi
        ;;
    close)
        if [ -n "$number" ]; then
            gh issue close "$number" --comment "The month was built since."
        fi
        ;;
    *)
        echo "tell_failure.sh: found '$what'; allowed: open, close" >&2
        exit 2
        ;;
esac
