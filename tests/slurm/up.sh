#!/usr/bin/env bash
# up.sh - start a real, single-machine, multi-node Slurm cluster without systemd.
#
# Needs (Debian 12): slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
#   REST:       slurmrestd slurm-wlm-jwt-plugin       (SIMSLURM_REST=1, the default)
#   accounting: slurmdbd slurm-wlm-mysql-plugin mariadb-server   (SIMSLURM_DBD=1)
# Everything lives under one state dir; all sockets are 127.0.0.1 or unix.
# Idempotent: a daemon that is already alive (pid file + matching command) is left alone.
# Stop with down.sh (same SIMSLURM_STATE).
set -euo pipefail

S=${SIMSLURM_STATE:-${TMPDIR:-/tmp}/simslurm}
CLUSTER=${SIMSLURM_CLUSTER:-simslurm}
GPU_NODES=${SIMSLURM_GPU_NODES:-2}        # gpu001..  in partition gpu
CPU_NODES=${SIMSLURM_CPU_NODES:-2}        # cpu001..  in partition normal
GPUS=${SIMSLURM_GPUS:-4}                  # fake GPUs per gpu node
GPU_TYPE=${SIMSLURM_GPU_TYPE:-a100}
CPUS=${SIMSLURM_CPUS:-32}                 # advertised, need not exist (config_overrides)
MEM_MB=${SIMSLURM_MEM_MB:-131072}
PORT=${SIMSLURM_PORT:-16800}              # +0 ctld, +1 dbd, +2 mariadb, +3 restd, +10.. slurmd
REST=${SIMSLURM_REST:-1}
DBD=${SIMSLURM_DBD:-0}
REST_USER=${SIMSLURM_REST_USER:-nobody}   # must be neither root nor SlurmUser
MIN_JOB_AGE=${SIMSLURM_MIN_JOB_AGE:-86400}
GATHER=${SIMSLURM_GATHER:-5}              # seconds between two looks at what a job uses
SCHEDULER=${SIMSLURM_SCHEDULER:-sched/backfill}
PRIORITY=${SIMSLURM_PRIORITY:-priority/multifactor}
SLURMD_TIMEOUT=${SIMSLURM_SLURMD_TIMEOUT:-60}   # seconds after which a node that does not answer is down
MESSAGE_TIMEOUT=${SIMSLURM_MESSAGE_TIMEOUT:-20} # and after which a message that got no answer is given up
KILL_WAIT=${SIMSLURM_KILL_WAIT:-5}

export PATH=$PATH:/usr/sbin:/sbin
umask 022
HOST=$(hostname -s)
if [ "$(id -u)" = 0 ]; then SUSER=slurm; DUSER=root; else SUSER=$(id -un); DUSER=$SUSER; fi
export SLURM_CONF=$S/etc/slurm.conf
case $S in /*) ;; *) echo "SIMSLURM_STATE must be absolute" >&2; exit 2;; esac

log() { printf '[%s] %s\n' "$(date +%T.%3N)" "$*" >&2; }
die() { log "FATAL: $*"; grep -hE 'fatal|ERROR' "$S"/log/*.log 2>/dev/null | tail -3 >&2 || true; exit 1; }
for b in munged slurmctld slurmd scontrol; do command -v "$b" >/dev/null || die "$b is not installed"; done

# --- one start-up at a time
mkdir -p "$S"; chmod 755 "$S"
exec 9>"$S/lock"; flock 9

alive() { # alive NAME PIDFILE -> 0 when the recorded pid is that program
  local p; p=$(cat "$2" 2>/dev/null) || return 1
  [ -n "$p" ] && [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$1" ] &&
    ! grep -q '^State:[[:space:]]*Z' "/proc/$p/status" 2>/dev/null # a zombie waiting for a slow init counts as gone
}
wait_for() { # wait_for SECONDS CMD...
  local end=$(( $(date +%s%3N) + $1 * 1000 )); shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%3N)" -lt "$end" ] || return 1
    sleep 0.05
  done
}

mkdir -p "$S"/{etc,run,log,munge,state,spool,dev,jwt,out}
chmod 1777 "$S/out"

# --- munge: own key, own socket
if [ ! -s "$S/munge/munge.key" ]; then (umask 077; head -c 1024 /dev/urandom >"$S/munge/munge.key"); fi
chmod 400 "$S/munge/munge.key"; chmod 755 "$S/munge"
if ! alive munged "$S/munge/munged.pid"; then
  log "munged"
  rm -f "$S/munge/munge.socket.2" "$S/munge/munge.socket.2.lock" "$S/munge/munged.pid"
  munged --key-file="$S/munge/munge.key" --socket="$S/munge/munge.socket.2" \
         --pid-file="$S/munge/munged.pid" --log-file="$S/munge/munged.log" \
         --seed-file="$S/munge/munged.seed" --num-threads=2 9>&-
fi
wait_for 10 munge -n -S "$S/munge/munge.socket.2" || die "munged did not start"

# --- JWT key (slurmctld + slurmdbd read it, both as SlurmUser)
if [ ! -s "$S/jwt/jwt_hs256.key" ]; then (umask 077; head -c 32 /dev/urandom >"$S/jwt/jwt_hs256.key"); fi
ALT=""; ROOT=$(dirname "$(dirname "$(readlink -f "$(command -v slurmctld)")")")
JWT_SO=$(ls "$ROOT"/lib*/slurm/auth_jwt.so "$ROOT"/lib/*/slurm-wlm/auth_jwt.so 2>/dev/null | head -1 || true)
if [ -n "$JWT_SO" ]; then ALT="AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key=$S/jwt/jwt_hs256.key"; fi

# --- slurm.conf, gres.conf, cgroup.conf
gpu_last=$(printf 'gpu%03d' "$GPU_NODES"); cpu_last=$(printf 'cpu%03d' "$CPU_NODES")
nodes=""; parts=""; : >"$S/etc/gres.conf.new"; NODELIST=()
p=$((PORT + 10))
common="NodeHostname=$HOST NodeAddr=127.0.0.1 CPUs=$CPUS Boards=1 SocketsPerBoard=2 CoresPerSocket=$((CPUS/2)) ThreadsPerCore=1 RealMemory=$MEM_MB State=UNKNOWN"
for i in $(seq 1 "$GPU_NODES"); do
  n=$(printf 'gpu%03d' "$i"); NODELIST+=("$n")
  nodes+="NodeName=$n Port=$p $common Gres=gpu:$GPU_TYPE:$GPUS Feature=gpu,cuda"$'\n'; p=$((p+1))
  echo "NodeName=$n Name=gpu Type=$GPU_TYPE File=$S/dev/nvidia[0-$((GPUS-1))]" >>"$S/etc/gres.conf.new"
done
for i in $(seq 1 "$CPU_NODES"); do
  n=$(printf 'cpu%03d' "$i"); NODELIST+=("$n")
  nodes+="NodeName=$n Port=$p $common Feature=cpu"$'\n'; p=$((p+1))
done
# gres.conf File= must stat() to a character device: a symlink to /dev/null will do
for i in $(seq 0 $((GPUS-1))); do ln -sfn /dev/null "$S/dev/nvidia$i"; done
[ "$GPU_NODES" -gt 0 ] && parts+="PartitionName=gpu Nodes=gpu[001-${gpu_last#gpu}] Default=NO MaxTime=7-00:00:00 DefaultTime=02:00:00 PriorityTier=10 State=UP"$'\n'
[ "$CPU_NODES" -gt 0 ] && parts+="PartitionName=normal Nodes=cpu[001-${cpu_last#cpu}] Default=YES MaxTime=7-00:00:00 DefaultTime=02:00:00 State=UP"$'\n'
if [ "$DBD" = 1 ]; then
  ACCT="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT+1))
AccountingStoragePass=$S/munge/munge.socket.2
AccountingStorageTRES=gres/gpu,gres/gpu:$GPU_TYPE
AccountingStoreFlags=job_comment,job_env,job_script"
else # (AccountingStorageTRES=gres/gpu is fatal without slurmdbd)
  ACCT="AccountingStorageType=accounting_storage/none"; fi

cat >"$S/etc/slurm.conf.new" <<CONF
ClusterName=$CLUSTER
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SlurmdPort=$((PORT+10))
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=$SUSER
SlurmdUser=$DUSER
AuthType=auth/munge
AuthInfo=socket=$S/munge/munge.socket.2
CredType=cred/munge
$ALT
StateSaveLocation=$S/state
SlurmctldPidFile=$S/run/slurmctld.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdSpoolDir=$S/spool/%n
SlurmdPidFile=$S/run/slurmd.%n.pid
SlurmdLogFile=$S/log/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=info
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
DefMemPerCPU=256
SchedulerType=$SCHEDULER
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5,bf_continue,nohold_on_prolog_fail
PriorityType=$PRIORITY
PriorityWeightAge=100
PriorityWeightJobSize=100
PriorityWeightPartition=1000
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=$SLURMD_TIMEOUT
KillWait=$KILL_WAIT
InactiveLimit=0
Waittime=0
MinJobAge=$MIN_JOB_AGE
MaxJobCount=50000
MaxArraySize=10001
JobRequeue=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=$GATHER
JobCompType=jobcomp/filetxt
JobCompLoc=$S/state/jobcomp.txt
$ACCT
TCPTimeout=5
MessageTimeout=$MESSAGE_TIMEOUT
$nodes$parts
CONF
# slurmd looks for control groups that it may change, unless it is told not to; older ones do not know the word
VERSION=$(slurmctld -V | grep -oE '[0-9]+\.[0-9]+' | head -1)
newer() { [ "$(printf '%s\n' "$1" "$VERSION" | sort -V | head -1)" = "$1" ]; }
if newer 23.11; then echo 'CgroupPlugin=disabled' >"$S/etc/cgroup.conf"; else echo 'CgroupAutomount=no' >"$S/etc/cgroup.conf"; fi
CHANGED=0
for f in slurm gres; do
  if cmp -s "$S/etc/$f.conf.new" "$S/etc/$f.conf"; then rm "$S/etc/$f.conf.new"
  else mv "$S/etc/$f.conf.new" "$S/etc/$f.conf"; CHANGED=1; fi
done
if [ "$(id -u)" = 0 ]; then chown -R slurm "$S/state" "$S/jwt"; chown slurm "$S/run" "$S/log"; chown root "$S/spool"; fi

# --- accounting database
if [ "$DBD" = 1 ]; then
  DBUSER=$([ "$(id -u)" = 0 ] && echo mysql || id -un)
  mkdir -p "$S/mysql" "$S/mysql-run"; [ "$(id -u)" = 0 ] && chown mysql "$S/mysql" "$S/mysql-run"
  if [ ! -d "$S/mysql/mysql" ]; then
    log "mariadb-install-db"
    mariadb-install-db --no-defaults --user="$DBUSER" --datadir="$S/mysql" --tmpdir="$S/mysql-run" --skip-test-db \
      --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" >"$S/log/mariadb-install.log" 2>&1 9>&-
  fi
  if ! alive mariadbd "$S/mysql-run/mariadbd.pid"; then
    log "mariadbd"
    setsid mariadbd --no-defaults --user="$DBUSER" --datadir="$S/mysql" --tmpdir="$S/mysql-run" --socket="$S/mysql-run/sock" \
      --pid-file="$S/mysql-run/mariadbd.pid" --bind-address=127.0.0.1 --port=$((PORT+2)) \
      --innodb-buffer-pool-size=${SIMSLURM_INNODB_MB:-128}M --innodb-lock-wait-timeout=900 --skip-log-bin --skip-name-resolve \
      --performance-schema=OFF >"$S/log/mariadbd.log" 2>&1 </dev/null 9>&- &
  fi
  wait_for 30 mariadb-admin --no-defaults --socket="$S/mysql-run/sock" ping || die "mariadbd did not start (see $S/log/mariadbd.log)"
  [ -s "$S/etc/dbpass" ] || (umask 077; od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$S/etc/dbpass")
  mariadb --no-defaults --socket="$S/mysql-run/sock" -e "CREATE DATABASE IF NOT EXISTS slurm_acct_db;
    CREATE USER IF NOT EXISTS 'slurm'@'127.0.0.1' IDENTIFIED BY '$(cat "$S/etc/dbpass")';
    GRANT ALL ON slurm_acct_db.* TO 'slurm'@'127.0.0.1';"
  (umask 077; cat >"$S/etc/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$S/munge/munge.socket.2
$ALT
DbdHost=$HOST
DbdAddr=127.0.0.1
DbdPort=$((PORT+1))
SlurmUser=$SUSER
LogFile=$S/log/slurmdbd.log
PidFile=$S/run/slurmdbd.pid
DebugLevel=info
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((PORT+2))
StorageUser=slurm
StoragePass=$(cat "$S/etc/dbpass")
StorageLoc=slurm_acct_db
CONF
  )
  [ "$(id -u)" = 0 ] && chown slurm "$S/etc/slurmdbd.conf"
  if ! alive slurmdbd "$S/run/slurmdbd.pid"; then log "slurmdbd"; slurmdbd 9>&-; fi
  wait_for 30 sacctmgr -n show cluster || die "slurmdbd did not start (see $S/log/slurmdbd.log)"
  sacctmgr -n show cluster format=cluster%30 | grep -qw "$CLUSTER" || sacctmgr -i add cluster "$CLUSTER" >/dev/null
fi

# --- controller, nodes
if ! alive slurmctld "$S/run/slurmctld.pid"; then log "slurmctld"; slurmctld 9>&-
elif [ "$CHANGED" = 1 ]; then log "slurm.conf changed: scontrol reconfigure"; scontrol reconfigure; fi
wait_for 20 scontrol ping || die "slurmctld did not start (see $S/log/slurmctld.log)"
for n in "${NODELIST[@]}"; do
  mkdir -p "$S/spool/$n"
  if ! alive slurmd "$S/run/slurmd.$n.pid"; then log "slurmd $n"; slurmd -N "$n" 9>&-; fi
done
all_up() { [ -z "$(sinfo -h -N -o '%T' | grep -E 'unk|down|\*')" ]; }
# after an outage (munged died, say) the nodes are "down, Not responding" until they register again
wait_for 1 all_up || { log "kicking nodes"; scontrol reconfigure || true
  sinfo -h -N -t down -o '%N' | sort -u | while read -r n; do scontrol update nodename="$n" state=resume || true; done; }
wait_for 30 all_up || die "nodes not up: $(sinfo -h -N -o '%N %T %E' | tr '\n' ';')"

# --- REST
if [ "$REST" = 1 ] && command -v slurmrestd >/dev/null; then
  if ! alive slurmrestd "$S/run/slurmrestd.pid"; then
    log "slurmrestd"
    if [ "$(id -u)" = 0 ]; then
      set -- setpriv --reuid="$REST_USER" --regid="$(id -gn "$REST_USER")" --clear-groups
    else export SLURMRESTD_SECURITY=disable_user_check; set --; fi
    # what speaks for slurmdbd is fatal without it, so name the plugins; SIMSLURM_API says which version is spoken
    PLUGINS=$("$@" slurmrestd -s list 2>&1 | grep -oE 'openapi/[a-z0-9.]+' || true); VERSIONED=()
    if grep -q slurmctld <<<"$PLUGINS"; then
      API=openapi/slurmctld; [ "$DBD" = 1 ] && API="$API,openapi/slurmdbd"
      [ -n "${SIMSLURM_API:-}" ] && VERSIONED=(-d "$SIMSLURM_API")
    else
      API=$(grep -E 'openapi/v' <<<"$PLUGINS" | sort -V | tail -1 || true); API=${API:-openapi/v0.0.38}
      [ "$DBD" = 1 ] && API="$API,${API/openapi\/v/openapi\/dbv}"
    fi
    SLURM_JWT=daemon setsid "$@" slurmrestd -a rest_auth/jwt -s "$API" "${VERSIONED[@]}" "127.0.0.1:$((PORT+3))" \
       >"$S/log/slurmrestd.log" 2>&1 </dev/null 9>&- &
    echo $! >"$S/run/slurmrestd.pid"
  fi
  rest_up() { (exec 3<>"/dev/tcp/127.0.0.1/$((PORT+3))"); }
  wait_for 10 rest_up || die "slurmrestd did not start (see $S/log/slurmrestd.log)"
fi

cat >"$S/env" <<ENV
export SLURM_CONF=$S/etc/slurm.conf
export SIMSLURM_STATE=$S
export SIMSLURM_REST_URL=http://127.0.0.1:$((PORT+3))
ENV
log "up: $(sinfo -h -o '%P %D %T %G' | tr '\n' ';')  (source $S/env)"
