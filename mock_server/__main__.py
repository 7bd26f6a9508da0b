"""The command ``vantage-mock``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING

from mock_server.cluster.founding import SCHEDULERS
from mock_server.cluster.slurm.settings import DIRECTORY, SlurmSettings
from mock_server.server import MockServer, is_loopback
from mock_server.world import WORLDS

if TYPE_CHECKING:
    from types import FrameType


MAX_SECRET = 64 * 1024


def main(arguments: list[str] | None = None) -> int:
    """Run a server until it is interrupted."""
    options = _parser().parse_args(arguments)
    try:
        server = MockServer(
            host=options.host,
            port=options.port,
            seed=options.seed,
            clock=options.clock,
            world=options.world,
            scheduler=options.scheduler,
            preemption=options.preemption,
            rate_limits=not options.no_rate_limits,
            state=options.state,
            storage_quota=options.storage_quota,
            s9s_port=options.s9s_port,
            anonymous_s9s=options.anonymous_s9s,
            tls=_tls(options),
            client_ca=options.client_ca,
            jwt_secret=None if options.jwt_secret_file is None else _secret(options.jwt_secret_file),
            jwks=options.jwks,
            jwt_audience=options.jwt_audience,
            jwt_issuer=options.jwt_issuer,
            slurm=_slurm(options),
        )
        done = threading.Event()

        def stop(_number: int, _frame: FrameType | None) -> None:
            done.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        server.start()
    except (OSError, ValueError) as error:
        print(f"vantage-mock: {error}", file=sys.stderr)
        return 1
    print(f"Listening on {server.url}", flush=True)
    if options.s9s_port is not None:
        print(f"S9S on {server.s9s_url}", flush=True)
    if not is_loopback(options.host):
        print("The control API is off: other machines can reach this server.", flush=True)
    done.wait()
    server.stop()
    return 0


def _tls(options: argparse.Namespace) -> tuple[str, str] | None:
    """Return the files of the server's certificate and key."""
    if (options.tls_cert is None) != (options.tls_key is None):
        raise ValueError("--tls-cert and --tls-key need each other")
    return None if options.tls_cert is None else (options.tls_cert, options.tls_key)


def _slurm(options: argparse.Namespace) -> SlurmSettings | None:
    """Return the real cluster that the jobs shall run on."""
    if options.backend == "simulated":
        return None
    users = dict(_pair(text) for text in options.slurm_map_user)
    return SlurmSettings(
        options.slurm_url,
        user=options.slurm_user,
        users=users,
        operator=options.slurm_operator,
        token_file=options.slurm_token_file,
        directory=options.slurm_directory,
        slurm_conf=options.slurm_conf,
        bin_directory=options.slurm_bin,
        partition=options.slurm_partition,
    )


def _pair(text: str) -> tuple[str, str]:
    user, separator, account = text.partition("=")
    if not user or not separator or not account:
        raise ValueError(f"--slurm-map-user must be USER=ACCOUNT, but is {text!r}")
    return user, account


def _secret(path: str) -> bytes:
    """Return what a file holds, without the end of its line."""
    with open(path, "rb") as file:
        return file.read(MAX_SECRET).rstrip(b"\r\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vantage-mock", description="Serve the Vantage APIs over a simulated cluster."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="makes ids and chance repeatable (default: %(default)s)")
    parser.add_argument("--clock", default="real", help="real, xN, manual or auto (default: %(default)s)")
    parser.add_argument("--world", default="documented", choices=sorted(WORLDS), help="what exists at the start")
    parser.add_argument(
        "--scheduler", default="fcfs", choices=sorted(SCHEDULERS), help="who may overtake whom in a queue"
    )
    parser.add_argument(
        "--preemption", action="store_true", help="let jobs of a better quality of service take nodes from running ones"
    )
    parser.add_argument("--state", metavar="DIR", help="keep stored files here (default: a temporary directory)")
    parser.add_argument("--storage-quota", type=int, metavar="BYTES", help="size of all files together (default: any)")
    parser.add_argument("--no-rate-limits", action="store_true", help="count requests, but never refuse one")
    parser.add_argument("--s9s-port", type=int, metavar="N", help="give S9S a port of its own, 0 for a free one")
    parser.add_argument("--anonymous-s9s", action="store_true", help="let S9S callers in who show no credentials")
    parser.add_argument("--tls-cert", metavar="FILE", help="encrypt with this certificate (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="the key of --tls-cert (PEM)")
    parser.add_argument(
        "--client-ca", metavar="FILE", help="let S9S callers in with certificates of this authority (PEM)"
    )
    parser.add_argument(
        "--jwt-secret-file", metavar="FILE", help="tokens of the job service are signed with this secret"
    )
    parser.add_argument("--jwks", metavar="FILE", help="or with one of these keys (a JSON Web Key Set)")
    parser.add_argument("--jwt-audience", metavar="NAME", help="tokens must be for this audience (default: any)")
    parser.add_argument("--jwt-issuer", metavar="NAME", help="tokens must be by this issuer (default: any)")
    parser.add_argument(
        "--backend",
        default="simulated",
        choices=("simulated", "slurm"),
        help="what runs the jobs (default: %(default)s)",
    )
    slurm = parser.add_argument_group("a real cluster, with --backend slurm")
    slurm.add_argument(
        "--slurm-url", metavar="URL", help="where slurmrestd answers, without a version (default: use Slurm's commands)"
    )
    slurm.add_argument("--slurm-user", default="nobody", metavar="ACCOUNT", help="who runs jobs (default: %(default)s)")
    slurm.add_argument(
        "--slurm-map-user", action="append", default=[], metavar="USER=ACCOUNT", help="who runs the jobs of one user"
    )
    slurm.add_argument("--slurm-operator", metavar="ACCOUNT", help="who acts on jobs and nodes (default: --slurm-user)")
    slurm.add_argument(
        "--slurm-token-file", metavar="FILE", help="their token (default: $SLURM_JWT, else scontrol token)"
    )
    slurm.add_argument(
        "--slurm-directory", default=DIRECTORY, metavar="DIR", help="where jobs write, on the nodes as here"
    )
    slurm.add_argument(
        "--slurm-partition", metavar="NAME", help="the default partition, where commands do not tell which it is"
    )
    slurm.add_argument("--slurm-conf", metavar="FILE", help="slurm.conf for the commands (default: Slurm's own)")
    slurm.add_argument(
        "--slurm-bin", metavar="DIR", help="where the commands are, on the nodes as here (default: on PATH)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
