#!/bin/sh
# The month of one review for cron: prints, and cron mails what is printed, only what has not been told yet.
# Safe to call every day: a month that is built costs seconds, one that failed goes on where it failed, and a
# laptop that was off on the 2nd makes up for it.
#
#   month.sh /srv/living-review/pain
#
# Ends with the status of the month (0, 10 and 20: built; 1 and 2: not; 75: another run is at it).
set -u

review=$1
home=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
run=${RUN:-$(date -u +%Y-%m)}
# Lines such as NCBI_API_KEY=...; readable by this job's user alone.
secrets=${SECRETS:-/etc/living-review/secrets.env}
if [ -r "$secrets" ]; then
    set -a
    # shellcheck source=/dev/null
    . "$secrets"
    set +a
fi
printed=$("${PYTHON:-$home/.venv/bin/python}" "$home/scripts/run_month.py" --directory "$review" --run "$run" 2>&1)
status=$?
if [ "$status" -eq 75 ]; then
    exit 75
fi
told=$review/logs/$run/told-by-cron
if [ "$status" -ne 0 ] && [ "$(cat "$told" 2> /dev/null)" != "$status" ]; then
    printf '%s\n' "$printed"
fi
if [ -d "$review" ]; then
    mkdir -p "$review/logs/$run" && echo "$status" > "$told"
fi
exit "$status"
