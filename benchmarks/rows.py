"""What is measured: each row's legs, and the figures read off them with the goals set for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.payload import PAGES, PER_PAGE, ROWS as RESULT_ROWS

Metric = Literal["cpu", "wall", "rate", "memory", "stall"]
PEERS = ("vantage", "raw", "openai")
LINES = 20_000


@dataclass(frozen=True, slots=True)
class Call:
    """A leg that calls a peer again and again in one long-lived process; only ``count`` shrinks in a short run."""

    leg: str
    peer: str
    call: str
    count: int | None
    arguments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Spawn:
    """A leg that runs Python code in a fresh interpreter; ``{fast}`` stands for the origin that answers at once."""

    leg: str
    peer: str
    code: str


@dataclass(frozen=True, slots=True)
class Move:
    """A leg that moves files, in a fresh process each time; ``offer`` is what the server can do beyond the documented."""

    leg: str
    peer: str
    call: str
    arguments: tuple[int, ...] = ()
    offer: str = "parts"
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Shell:
    """A leg of commands one after the other; its text may name ``{url}``, ``{large}``, ``{new}`` and more of ``words``."""

    leg: str
    commands: tuple[str, ...]
    secure: bool = False
    peer: str = "curl"


Leg = Call | Spawn | Move | Shell


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: a leg over those of the other clients, or over another one of our own.

    A goal is the most that the ratio may be, of rates the least.
    """

    name: str
    leg: str = "vantage"
    raw: str | None = "raw"
    openai: str | None = "openai"
    own: str | None = None
    above: str | None = None
    goal_raw: float | None = None
    goal_openai: float | None = None
    goal_own: float | None = None
    metric: Metric = "cpu"
    curl: str | None = None
    goal_curl: float | None = None
    boto3: str | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """One line of the table that is no ratio: MiB that a leg needs at its peak beyond what its process had, or a time."""

    name: str
    leg: str
    raw: str | None
    goal: float
    metric: Metric = "memory"
    boto3: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Legs that are measured together, round by round, at ``most`` so often; ``group`` is the table they belong to."""

    key: str
    legs: tuple[Leg, ...]
    figures: tuple[Figure | Amount, ...]
    group: str = "calls"
    most: int = 99


def calls(call: str, count: int, *arguments: int, suffix: str = "") -> tuple[Call, ...]:
    """Return the same call for every peer."""
    return tuple(Call(f"{peer}{suffix}", peer, call, count, arguments) for peer in PEERS)


def in_flight(width: int, goal_raw: float, goal_openai: float | None = None) -> Figure:
    """Return the figure of the calls with so many in flight."""
    vantage, raw, openai = (f"{peer}@{width}" for peer in PEERS)
    name = f"get a job, async, {width} in flight"
    return Figure(name, vantage, raw, openai, goal_raw=goal_raw, goal_openai=goal_openai)


FIRST_VANTAGE = "from vantage_sdk import VantageClient as C\nC(api_key='k', base_url='{fast}').jobs.get('job_123').id"
FIRST_RAW = (
    "import json, httpx\nfrom pydantic import BaseModel\n"
    "json.loads(httpx.Client(base_url='{fast}/v1').get('/jobs/job_123').content)['id']"
)
FIRST_OPENAI = "from openai import OpenAI as C\nC(api_key='k', base_url='{fast}/v1').files.retrieve('file-123').id"

ROWS = (
    Row(
        "import",
        (
            Spawn("bare", "bare", "pass"),
            Spawn("vantage", "vantage", "import vantage_sdk"),
            Spawn("raw", "raw", "import httpx"),
            Spawn("openai", "openai", "import openai"),
        ),
        (Figure("import", above="bare", goal_raw=0.15),),
    ),
    Row(
        "first",
        (
            Spawn("bare", "bare", "pass"),
            Spawn("vantage", "vantage", FIRST_VANTAGE),
            Spawn("raw", "raw", FIRST_RAW),
            Spawn("openai", "openai", FIRST_OPENAI),
        ),
        (Figure("import to first answer (raw: httpx + pydantic)", above="bare", goal_raw=1.15, goal_openai=0.34),),
    ),
    Row("get", calls("get", 400), (Figure("get a job, 1 KB", goal_raw=0.80, goal_openai=0.55),)),
    Row("list", calls("page", 80), (Figure("list 100 jobs, 56 KB", goal_raw=1.5, goal_openai=0.40),)),
    Row(
        "async",
        (
            *calls("get_at_once", 400, 1, suffix="@1"),
            *calls("get_at_once", 480, 16, suffix="@16"),
            *calls("get_at_once", 320, 64, suffix="@64"),
            Call("kept@64", "raw", "get_at_once", 256, (64, 100)),
        ),
        (
            in_flight(1, goal_raw=0.86, goal_openai=0.60),
            in_flight(16, goal_raw=0.40),
            in_flight(64, goal_raw=0.15),
            Figure("the same, raw keeping 100 connections", "vantage@64", "kept@64", None, goal_raw=0.15),
            Figure("the same, 64 in flight over 1 in flight", "vantage@64", None, None, own="vantage@1", goal_own=1.5),
        ),
    ),
    Row(
        "logs",
        (*calls("lines", LINES, 200, suffix="/200"), *calls("lines", LINES // 4, 1, suffix="/1")),
        (
            Figure("log line, 200 a chunk", "vantage/200", "raw/200", "openai/200", goal_raw=0.95),
            Figure("log line, 1 a chunk", "vantage/1", "raw/1", "openai/1", goal_raw=0.91),
        ),
    ),
    Row(
        "rows",
        tuple(Call(peer, peer, "rows", None) for peer in PEERS if peer != "openai"),
        (Figure(f"execute a workflow and walk its {RESULT_ROWS:,} rows", openai=None, goal_raw=1.15),),
    ),
    Row(
        "pages",
        (
            *(Call(peer, peer, "walk", None, (0,)) for peer in PEERS),
            Call("ahead", "vantage", "walk", None, (1,)),
        ),
        (
            Figure(f"walk {PAGES} pages of {PER_PAGE}, one by one, wall", goal_raw=1.03, metric="wall"),
            Figure("the same, one page ahead, wall", "ahead", own="vantage", goal_own=0.78, metric="wall"),
        ),
    ),
)
