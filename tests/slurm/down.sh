#!/usr/bin/env bash
# down.sh - stop the cluster that up.sh started, by the pids it recorded.
# SIMSLURM_STATE: same as for up.sh.  --wipe: also delete the state dir.
set -uo pipefail
S=${SIMSLURM_STATE:-${TMPDIR:-/tmp}/simslurm}
export PATH=$PATH:/usr/sbin:/sbin SLURM_CONF=$S/etc/slurm.conf
[ -d "$S" ] || { echo "no cluster at $S" >&2; exit 0; }
exec 9>"$S/lock"; flock 9
# alive PID NAME: a zombie waiting for a slow init to reap it counts as gone
alive() {
  local st; st=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
  [ -n "$st" ] && [ "$st" != Z ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ]
}
stop() { # stop NAME GRACE_SECONDS PIDFILE... : TERM them all, then wait for each
  local name=$1 grace=$2 f p t0 pids=(); shift 2; t0=$(date +%s%3N)
  for f in "$@"; do # the daemons delete their own pid files, so read them all first
    p=$(cat "$f" 2>/dev/null); rm -f "$f"
    if [ -n "$p" ] && alive "$p" "$name"; then kill -TERM "$p" && pids+=("$p"); fi
  done
  for p in ${pids[@]+"${pids[@]}"}; do
    while alive "$p" "$name" && [ $(( $(date +%s%3N) - t0 )) -lt $(( grace * 1000 )) ]; do sleep 0.02; done
    if alive "$p" "$name"; then echo "$name $p ignored SIGTERM: SIGKILL" >&2; kill -KILL "$p" 2>/dev/null; fi
    echo "stopped $name $p ($(( $(date +%s%3N) - t0 )) ms)" >&2
  done
}
# slurmstepd survives its slurmd: cancel what runs first, so that no job is left behind
if timeout 5 scontrol ping >/dev/null 2>&1; then
  squeue -h -t R,CG,S -o %A 2>/dev/null | sort -u | xargs -r scancel 2>/dev/null
  for _ in $(seq 1 200); do [ -z "$(squeue -h -t R,CG,S 2>/dev/null)" ] && break; sleep 0.05; done
fi
stop slurmrestd 5 "$S/run/slurmrestd.pid"
stop slurmd 10 "$S"/run/slurmd.*.pid
# without a controller nobody has cancelled them: what their steps have started ends with these
for f in $(grep -lsx slurmstepd /proc/[0-9]*/comm); do
  f=${f%/comm}; case $(readlink "$f/cwd") in "$S"/*) ;; *) continue ;; esac
  for p in $(cat "$f"/task/*/children 2>/dev/null); do kill -KILL -- "-$p" "$p" 2>/dev/null; done
  kill -KILL "${f#/proc/}" 2>/dev/null
done
stop slurmctld 20 "$S/run/slurmctld.pid"
stop slurmdbd 20 "$S/run/slurmdbd.pid"
stop mariadbd 30 "$S/mysql-run/mariadbd.pid"
stop munged 5 "$S/munge/munged.pid"
[ "${1:-}" = --wipe ] && rm -rf --one-file-system "$S"
exit 0
