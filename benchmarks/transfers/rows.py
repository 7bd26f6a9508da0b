"""What is measured of transfers, with the goals.

Ours always verifies.  The others do with a second program, or with a line more, and are measured with and without.
"""

from __future__ import annotations

from benchmarks.rows import Figure, Memory, Metric, Move, Row, Shell

GET = "curl -sSf -o {new} {url}"
SECURE = GET + " --cacert {authority}"
RANGES = "curl -Z " + " --next ".join(f"-sSf -r {{range{part}}} -o {{new}}{part} {{url}}" for part in range(4))
PUT, FORM = "curl -sSf -T {large} {scrap}", "curl -sSf -o {nowhere} -F path=/large -F file=@{large} {files}"
OPENSSL = "openssl dgst -sha256 -r "
NEW, NEW_PARTS, LARGE = OPENSSL + "{new}", OPENSSL + "{new}0 {new}1 {new}2 {new}3", OPENSSL + "{large}"


def both(
    name: str,
    leg: str,
    metric: Metric,
    curl: str = "curl",
    *,
    goal_curl: float | None = None,
    goal: float | None = None,
) -> tuple[Figure, Figure]:
    """Return the figures beside peers that verify, which ``goal_curl`` is for, and beside peers that do not."""
    verifying = f"{curl}+openssl"
    return (
        Figure(f"{name}, all verify", leg, "raw+sha256", metric=metric, curl=verifying, goal_curl=goal_curl),
        Figure("the same, only ours verifies", leg, "raw", metric=metric, curl=curl, goal_raw=goal),
    )


def moves(call: str, *, secure: bool = False) -> tuple[Move, Move]:
    """Return the legs of plain httpx, without and with a digest."""
    names = ("raw", "raw+sha256")
    return Move(names[0], "raw", call, (0,), secure=secure), Move(names[1], "raw", call, (1,), secure=secure)


DOWNLOAD = Row(
    "download",
    (
        Move("vantage", "vantage", "download", (1,)),
        Move("async", "vantage", "download_async", (1,)),
        Move("vantage@4", "vantage", "download", (4,)),
        *moves("download"),
        Shell("curl", (GET,)),
        Shell("curl+sha256sum", (GET, "sha256sum {new}")),
        Shell("curl+openssl", (GET, NEW)),
        Shell("curl@4", (RANGES,)),
        Shell("curl@4+openssl", (RANGES, NEW_PARTS)),
    ),
    (
        *both("download, rate", "vantage", "rate", goal_curl=0.95),
        Figure("the same, curl with sha256sum", raw=None, metric="rate", curl="curl+sha256sum", goal_curl=0.95),
        *both("download, CPU", "vantage", "cpu", goal=0.45),
        Memory("download, memory", "vantage", "raw", 12),
        Figure("download, async, CPU", "async", None, own="vantage", goal_own=1.1),
        Memory("download, async, memory", "async", "raw", 12),
        *both("download, 4 connections, rate", "vantage@4", "rate", "curl@4", goal_curl=1.0),
        Memory("download, 4 connections, memory", "vantage@4", "raw", 24),
    ),
    "transfers",
)
UPLOAD = Row(
    "upload",
    (
        Move("pieces", "vantage", "upload", offer="pieces"),
        Move("parts", "vantage", "upload", offer="parts"),
        Move("form", "vantage", "upload", offer="forms"),
        *moves("upload"),
        Shell("curl", (PUT,)),
        Shell("curl+openssl", (PUT, LARGE)),
        Shell("curl form", (FORM,)),
        Shell("curl form+openssl", (FORM, LARGE)),
    ),
    (
        *both("upload in pieces, rate", "pieces", "rate", goal_curl=0.95),
        *both("upload in pieces, CPU", "pieces", "cpu", goal=0.70),
        Memory("upload in pieces, memory", "pieces", "raw", 12),
        *both("upload in 4 parts, rate", "parts", "rate", goal_curl=0.95),
        Memory("upload in 4 parts, memory", "parts", "raw", 24),
        *both("upload as a form, rate", "form", "rate", "curl form", goal_curl=0.95),
        *both("upload as a form, CPU", "form", "cpu", "curl form", goal=0.70),
        Memory("upload as a form, memory", "form", "raw", 12),
    ),
    "transfers",
)
TLS = Row(
    "tls",
    (
        Move("vantage", "vantage", "download", (1,), secure=True),
        *moves("download", secure=True),
        Shell("curl", (SECURE,), secure=True),
        Shell("curl+openssl", (SECURE, NEW), secure=True),
    ),
    both("download over TLS, CPU", "vantage", "cpu", goal_curl=1.3),
    "transfers",
)
FILES = Row(
    "files",
    (
        Move("up", "vantage", "upload_files"),
        Move("raw up", "raw", "upload_files"),
        Move("down", "vantage", "download_files"),
        Move("raw down", "raw", "download_files"),
    ),
    (
        Figure("upload small files, 8 at a time, wall", "up", "raw up", metric="wall"),
        Figure("download small files, 8 at a time, wall", "down", "raw down", metric="wall"),
    ),
    "transfers",
)
TRANSFERS = (DOWNLOAD, UPLOAD, TLS, FILES)
