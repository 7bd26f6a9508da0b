#!/usr/bin/env bash
# keep.sh - run up.sh for each line of the input, answering with its exit code, and down.sh --wipe at the input's end.
# That end comes when the other side of the pipe is gone, even if it was killed; so no cluster outlives who asked for it.
# Takes the variables of up.sh.
trap : PIPE # nobody may be there to read the answer; ignoring it would be handed down to the daemons and their jobs
here=$(dirname "$0")
while read -r _; do
  bash "$here/up.sh" </dev/null >&2
  echo $?
done
exec bash "$here/down.sh" --wipe </dev/null >&2
