"""The process of one client: it makes the calls it is told of on stdin and answers with their cost."""

from __future__ import annotations

import gc
import json
import sys
import time

from benchmarks.peers import Peer, load


def main() -> None:
    """Serve until stdin ends; the arguments are the name of a peer and the two origins."""
    try:
        peer = load(*sys.argv[1:4])
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        call, *arguments = json.loads(line)
        print(json.dumps(cost(peer, call, arguments)), flush=True)
    peer.close()


def cost(peer: Peer, call: str, arguments: list[int]) -> dict[str, float]:
    """Make one call and return what it cost for each unit of work."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    done: int = getattr(peer, call)(*arguments)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / done, "wall": wall / done, "done": done}


if __name__ == "__main__":
    main()
