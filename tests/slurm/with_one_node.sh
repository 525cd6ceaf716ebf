#!/usr/bin/env bash
# Runs a command beside a Slurm of one node on the loopback, and stops that Slurm however the command ends.
#
#   tests/slurm/with_one_node.sh COMMAND...
#
# Needs root and, where they are missing, Debian's packages slurm-wlm and munge, which it installs; says that it
# skips, and ends with 3, where it may not. Ends with 2 where the machine is part of a cluster already. Jobs find
# their controller through /etc/slurm/slurm.conf alone (a job step's environment is cleaned of SLURM_CONF), so that
# file is written, and removed in the end; a file there that is not its own is never touched.
set -euo pipefail

CONF=/etc/slurm/slurm.conf
MARK="# Written by living-review's tests/slurm/with_one_node.sh, which removes it."

skip() {
    echo "Slurm is not tested here: $1" >&2
    exit 3
}

[ "$(uname -s)" = Linux ] || skip "it runs on Linux only"
[ "$(id -u)" = 0 ] || skip "a node that starts other people's jobs has to be root, and this is $(id -un)"
if [ -e "$CONF" ] && [ "$(head -n 1 "$CONF")" != "$MARK" ]; then
    echo "$CONF is not ours: this machine is part of a cluster. Nothing was changed; run this elsewhere." >&2
    exit 2
fi
if pgrep -r D,R,S -x slurmctld > /dev/null || pgrep -r D,R,S -x slurmd > /dev/null; then
    echo "A Slurm is running here already. Nothing was changed; run this when it has ended." >&2
    exit 2
fi
if ! command -v slurmctld slurmd sbatch munged setpriv > /dev/null; then
    command -v apt-get > /dev/null || skip "slurmctld, slurmd and munged are missing, and so is apt-get to install them"
    echo "Installing Debian's packages slurm-wlm and munge" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge; } > /dev/null 2>&1 \
        || skip "Debian's packages slurm-wlm and munge could not be installed"
    # Where systemd runs, the package has started a munged of its own.
    systemctl stop munge > /dev/null 2>&1 || true
fi

state=$(mktemp -d /tmp/one-node-slurm.XXXXXX)
started=()
node=
stop() {
    # A second signal must not cut this short.
    trap - EXIT
    trap '' INT TERM HUP
    # The command first, since it submits; then jobs, then who started them.
    [ -z "$node" ] || kill -TERM -- "-$node" 2> /dev/null || true
    if [ -e "$state/ready" ]; then
        scancel --user=root > /dev/null 2>&1 || true
        # Jobs outlive the daemons that started them, so that these wait for their end.
        for _ in {1..150}; do [ -n "$(squeue --noheader 2> /dev/null)" ] || break; sleep 0.1; done
    fi
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill -TERM "${started[i]}" 2> /dev/null || true
        for _ in {1..50}; do kill -0 "${started[i]}" 2> /dev/null || break; sleep 0.1; done
        kill -KILL "${started[i]}" 2> /dev/null || true
    done
    rm -f "$CONF"
    rm -rf "$state"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# More CPUs than there are: jobs wait for each other and for the controller much of the time.
cpus=$(($(nproc) * 2))
mkdir -p "$(dirname "$CONF")" "$state/controller" "$state/node"
cat > "$CONF" << END
$MARK
ClusterName=one-node
SlurmctldHost=localhost(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
SlurmctldPort=17817
SlurmdPort=17818
AuthType=auth/munge
AuthInfo=socket=$state/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=600
KillWait=2
StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/node
SlurmctldPidFile=$state/slurmctld.pid
SlurmdPidFile=$state/slurmd.pid
SlurmctldLogFile=$state/slurmctld.log
SlurmdLogFile=$state/slurmd.log
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE
END

# In the foreground, and ended by the kernel if this script is killed before it could end them.
start() {
    setpriv --pdeathsig TERM "$@" > "$state/$(basename "$1").out" 2>&1 &
    started+=("$!")
}
wait_for() {
    local what=$1
    shift
    for _ in {1..150}; do
        ! "$@" > /dev/null 2>&1 || return 0
        sleep 0.2
    done
    echo "$what did not start in 30 seconds:" >&2
    tail -n 20 "$state"/*.out "$state"/*.log >&2 || true
    exit 1
}

chmod 711 "$state"
(umask 077 && head -c 1024 /dev/urandom > "$state/munge.key")
start munged --foreground --key-file="$state/munge.key" --socket="$state/munge.socket" \
    --pid-file="$state/munged.pid" --log-file="$state/munged.log" --seed-file="$state/munged.seed" --num-threads=2
wait_for munged test -S "$state/munge.socket"
start slurmctld -D
wait_for slurmctld scontrol ping
start slurmd -D -N localhost
wait_for slurmd sh -c 'sinfo --noheader --format=%T | grep -qx idle'
touch "$state/ready"

# In a process group of its own, so that all of it can be ended; waited for, so that a signal gets through.
set -m
setpriv --pdeathsig TERM "$@" &
node=$!
set +m
status=0
wait "$node" || status=$?
node=
exit "$status"
