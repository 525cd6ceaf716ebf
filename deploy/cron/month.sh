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
# Lines such as NCBI_API_KEY=...; readable by this job's user alone. Read as systemd reads them, and not by the
# shell, to which a password may hold commands.
secrets=${SECRETS:-/etc/living-review/secrets.env}
if [ -r "$secrets" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        name=${line%%=*}
        value=${line#*=}
        case $name in
            "$line" | "" | [0-9]* | *[!A-Z0-9_]*) continue ;;
        esac
        case $value in
            \"*\" | \'*\') value=${value#?} value=${value%?} ;;
        esac
        export "$name=$value"
    done < "$secrets"
fi
printed=$("${PYTHON:-$home/.venv/bin/python}" "$home/scripts/run_month.py" --directory "$review" --run "$run" 2>&1)
status=$?
told=$review/logs/$run/told-by-cron
busy=$review/logs/$run/busy-by-cron
if [ "$status" -eq 75 ]; then
    # Somebody is at work, which is nothing to tell; on the day after, it may be something that hangs.
    if [ -e "$busy" ]; then
        printf '%s\n' "$printed"
    elif [ -d "$review" ]; then
        mkdir -p "$review/logs/$run" && : > "$busy"
    fi
    exit 75
fi
rm -f "$busy"
if [ "$status" -ne 0 ] && [ "$(cat "$told" 2> /dev/null)" != "$status" ]; then
    printf '%s\n' "$printed"
fi
if [ -d "$review" ]; then
    # Removed first: a link in its place would have another file written to.
    mkdir -p "$review/logs/$run" && rm -f "$told" && echo "$status" > "$told"
fi
exit "$status"
