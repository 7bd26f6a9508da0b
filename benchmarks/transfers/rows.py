"""What is measured of transfers, with the goals.

Ours verifies unless told not to.  The others do with a second program, or with a line more: each figure is shown where
nobody does and where all do, and what it costs us.
"""

from __future__ import annotations

from benchmarks.rows import Amount, Figure, Metric, Move, Row, Shell

GET = "curl -sSf -o {new} {url}"
SECURE = GET + " --cacert {authority}"
RANGES = "curl -Z " + " --next ".join(f"-sSf -r {{range{part}}} -o {{new}}{part} {{url}}" for part in range(8))
PUT, FORM = "curl -sSf -T {large} {scrap}", "curl -sSf -o {nowhere} -F path=/large -F file=@{large} {files}"
OPENSSL = "openssl dgst -sha256 -r "
NEW, LARGE = OPENSSL + "{new}", OPENSSL + "{large}"


def proven(name: str, leg: str, metric: Metric, curl: str = "curl", *, goal: float | None = None) -> Figure:
    """Return the figure of a verified transfer beside peers that verify; ``goal`` is that of curl."""
    return Figure(name, leg, "raw+sha256", metric=metric, curl=f"{curl}+openssl", goal_curl=goal)


def moves(call: str, *, secure: bool = False) -> tuple[Move, Move]:
    """Return the legs of plain httpx, without and with a digest."""
    names = ("raw", "raw+sha256")
    return Move(names[0], "raw", call, (0,), secure=secure), Move(names[1], "raw", call, (1,), secure=secure)


DOWNLOAD = Row(
    "download",
    (
        Move("plain", "vantage", "download", (1, 0)),
        Move("verified", "vantage", "download", (1, 1)),
        Move("async", "vantage", "download_async", (1, 0)),
        Move("watched", "vantage", "download_watched", (1, 0)),
        Move("eight", "vantage", "download", (8, 0)),
        Move("default", "vantage", "download", (4, 1)),
        Move("boto3", "boto3", "download", offer="s3"),
        *moves("download"),
        Shell("curl", (GET,)),
        Shell("curl+openssl", (GET, NEW)),
        Shell("curl@8", (RANGES,)),
    ),
    (
        Figure("download, rate, nobody verifies", "plain", metric="rate", curl="curl", goal_curl=0.95),
        Figure("download, CPU, nobody verifies", "plain", curl="curl", goal_raw=0.45),
        proven("download, rate, all verify", "verified", "rate", goal=0.95),
        proven("download, CPU, all verify", "verified", "cpu"),
        Figure("CPU with sha256 over CPU without", "verified", None, own="plain"),
        Figure("download, 8 connections, rate", "eight", None, metric="rate", curl="curl@8", goal_curl=1.0),
        Figure("download as it comes, rate", "default", "raw", metric="rate", boto3="boto3"),
        Figure("download as it comes, CPU", "default", "raw", boto3="boto3"),
        Figure("download, async over blocking, CPU", "async", None, own="plain", goal_own=1.1),
        Amount("download, async, longest stall of the loop", "watched", None, 5, "stall"),
        Amount("download, memory", "verified", "raw", 12),
        Amount("download, async, memory", "async", "raw", 12),
        Amount("download, 8 connections, memory", "eight", "raw", 24, boto3="boto3"),
    ),
    "transfers",
)
UPLOAD = Row(
    "upload",
    (
        Move("pieces", "vantage", "upload", (0,), offer="pieces"),
        Move("pieces verified", "vantage", "upload", (1,), offer="pieces"),
        Move("parts", "vantage", "upload", (0,), offer="parts"),
        Move("default", "vantage", "upload", (1,), offer="parts"),
        Move("form", "vantage", "upload", (0,), offer="forms"),
        Move("form verified", "vantage", "upload", (1,), offer="forms"),
        Move("boto3", "boto3", "upload", offer="s3"),
        *moves("upload"),
        Shell("curl", (PUT,)),
        Shell("curl+openssl", (PUT, LARGE)),
        Shell("curl form", (FORM,)),
        Shell("curl form+openssl", (FORM, LARGE)),
    ),
    (
        Figure("upload in pieces, rate, nobody verifies", "pieces", metric="rate", curl="curl", goal_curl=0.95),
        Figure("upload in pieces, CPU, nobody verifies", "pieces", curl="curl", goal_raw=0.70),
        proven("upload in pieces, rate, all verify", "pieces verified", "rate", goal=0.95),
        proven("upload in pieces, CPU, all verify", "pieces verified", "cpu"),
        Figure("CPU with sha256 and CRC-32C over CPU without", "pieces verified", None, own="pieces"),
        Figure("upload in 4 parts, rate, nobody verifies", "parts", metric="rate", curl="curl", goal_curl=0.95),
        Figure("upload as a form, rate, nobody verifies", "form", metric="rate", curl="curl form", goal_curl=0.95),
        Figure("upload as a form, CPU, nobody verifies", "form", curl="curl form", goal_raw=0.70),
        proven("upload as a form, rate, all verify", "form verified", "rate", "curl form", goal=0.95),
        Figure("upload as it comes, rate", "default", "raw", metric="rate", boto3="boto3"),
        Figure("upload as it comes, CPU", "default", "raw", boto3="boto3"),
        Amount("upload in pieces, memory", "pieces verified", "raw", 12),
        Amount("upload as a form, memory", "form verified", "raw", 12),
        Amount("upload as it comes, memory", "default", "raw", 24, boto3="boto3"),
    ),
    "transfers",
)
TLS = Row(
    "tls",
    (
        Move("plain", "vantage", "download", (1, 0), secure=True),
        Move("verified", "vantage", "download", (1, 1), secure=True),
        *moves("download", secure=True),
        Shell("curl", (SECURE,), secure=True),
        Shell("curl+openssl", (SECURE, NEW), secure=True),
    ),
    (
        Figure("download over TLS, CPU, nobody verifies", "plain", curl="curl", goal_curl=1.3),
        proven("download over TLS, CPU, all verify", "verified", "cpu", goal=1.3),
    ),
    "transfers",
    most=3,
)
FILES = Row(
    "files",
    (
        Move("up", "vantage", "upload_files"),
        Move("raw up", "raw", "upload_files"),
        Move("down", "vantage", "download_files"),
        Move("raw down", "raw", "download_files"),
        Move("far up", "vantage", "upload_files", offer="far"),
        Move("far up singly", "vantage", "upload_singly", offer="far"),
        Move("far down", "vantage", "download_files", offer="far"),
        Move("far down singly", "vantage", "download_singly", offer="far"),
    ),
    (
        Figure("upload small files, 8 at a time, rate", "up", "raw up", metric="rate"),
        Figure("download small files, 8 at a time, rate", "down", "raw down", metric="rate"),
        Figure(
            "upload a directory over one by one, rate", "far up", None, own="far up singly", metric="rate", goal_own=5
        ),
        Figure("download a directory, the same", "far down", None, own="far down singly", metric="rate", goal_own=5),
    ),
    "transfers",
    most=3,
)
TRANSFERS = (DOWNLOAD, UPLOAD, TLS, FILES)
