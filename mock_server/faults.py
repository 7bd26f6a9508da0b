"""A fault plan as data: which requests go wrong, and how.

A rule selects requests by ``method`` and ``path`` (a glob), and of those the ``nth`` ones (a count from 1, or a list),
or each with a ``probability`` (drawn from the server's seed), at most ``times`` times.  What it does to them:

==================  ==================================================================================================
``status``          answer with this status before any work is done; with ``retry_after``, ``headers`` and ``body``
``storm``           refuse this many requests with 429 and ``Retry-After`` (``retry_after``, 1 by default)
``delay``           let the work take so many seconds longer
``reset``           ``before`` the work or ``after`` it, break the TCP connection (RST) instead of answering
``cut_body``        send only so many bytes of the body, then close the connection
``drip``            send the body ``bytes`` at a time, ``interval`` seconds apart
``content_length``  promise so many bytes more (or fewer) than the body has, then close the connection
``duplicate_header``  send this header of the answer twice
``cut_upload``      take only so many bytes of the request's body, then close the connection
``store_less``      of an upload, lose so many bytes at the end, and answer well with what was stored
``wrong_checksum``  let the digests of files in this answer be those of other bytes
``replace``         put other bytes of the same size in the place of the file just before this download of it
``ignore_range``    answer a request for a part of a file with all of it
``cut_socket``      break a WebSocket off after so many messages
``silence``         after so many messages of a WebSocket, send, answer and notice nothing any more
``delay_frames``    let so many seconds pass before each message of a WebSocket
``drop_update``     lose the update of this number (from 1, or a list) on its way into a WebSocket
``refuse_replay``   know nothing of the updates that a WebSocket wants to go on after
``dependency``      handle this request as if ``database``, ``redis`` or ``kubernetes`` were down (job service)
==================  ==================================================================================================

The first rule that selects a request wins.  The short form describes the fate of successive requests, here of the first
four: ``"POST /v1/jobs: reset-after*2, 503, ok"``.  Its words are ``ok``, a status (``503``, ``429;retry-after=2``),
``reset-before``, ``reset-after``, ``delay=0.5``, ``cut=10``, ``drip=5@0.01``, ``length=+3``, ``length=-3``,
``duplicate=Content-Type``, ``storm=3``, ``cut-upload=10``, ``store-less=1``, ``wrong-checksum``, ``replace``,
``ignore-range``, ``down=redis``, ``cut-socket=3``, ``silence=3``, ``delay-frames=0.1``, ``drop-update=2`` and
``refuse-replay``; ``*N`` repeats a word N times, and a word with ``*`` as the last one never
ends.  Leaving out the method or the path (``"*: 503*"``, ``"POST *: 503"``) matches all.
"""

from __future__ import annotations

import random
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EFFECTS = (
    *("status", "storm", "delay", "reset", "cut_body", "drip", "content_length", "duplicate_header"),
    *("cut_upload", "store_less", "wrong_checksum", "replace", "ignore_range", "dependency"),
    *("cut_socket", "silence", "delay_frames", "drop_update", "refuse_replay"),
)


class Drip(BaseModel):
    """A slow body: so many bytes at a time, so many seconds apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int = Field(gt=0)
    interval: float = Field(ge=0, le=60)


class Rule(BaseModel):
    """One line of a fault plan; see the module's description."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str | None = None
    path: str | None = None
    nth: int | tuple[int, ...] | None = None
    probability: float | None = Field(default=None, ge=0, le=1)
    times: int | None = Field(default=None, ge=1)

    status: int | None = Field(default=None, ge=200, le=599)
    retry_after: float | None = Field(default=None, ge=0)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    storm: int | None = Field(default=None, ge=1)
    delay: float | None = Field(default=None, ge=0, le=3600)
    reset: Literal["before", "after"] | None = None
    cut_body: int | None = Field(default=None, ge=0)
    drip: Drip | None = None
    content_length: int | None = None
    duplicate_header: str | None = None
    cut_upload: int | None = Field(default=None, ge=0)
    store_less: int | None = Field(default=None, ge=1)
    wrong_checksum: Literal[True] | None = None
    replace: Literal[True] | None = None
    ignore_range: Literal[True] | None = None
    cut_socket: int | None = Field(default=None, ge=0)
    silence: int | None = Field(default=None, ge=0)
    delay_frames: float | None = Field(default=None, ge=0, le=60)
    drop_update: int | tuple[int, ...] | None = None
    refuse_replay: Literal[True] | None = None
    dependency: Literal["database", "redis", "kubernetes"] | None = None
    start: int = Field(default=1, ge=1, description="first of the matching requests that counts")

    @model_validator(mode="after")
    def _has_safe_headers(self) -> Rule:
        for name, value in self.headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\t\x20-\x7e]*", value):
                raise ValueError(f"{name!r} is not a header that can be sent")
        return self

    @property
    def name(self) -> str:
        """Return the effects in one word, for the journal; ``ok`` for a rule that does nothing."""
        return "+".join(effect for effect in EFFECTS if getattr(self, effect) is not None) or "ok"

    @property
    def touches_frames(self) -> bool:
        """Whether the messages of a WebSocket have to be sent one by one."""
        return (self.cut_socket, self.silence, self.delay_frames) != (None, None, None)

    def drops(self, number: int) -> bool:
        """Tell whether the update of this number is to be lost."""
        dropped = self.drop_update
        return dropped is not None and number in ((dropped,) if isinstance(dropped, int) else dropped)

    def matches(self, method: str, path: str) -> bool:
        return (self.method is None or self.method == method) and (self.path is None or fnmatchcase(path, self.path))


class _Counter:
    """How often a rule has matched and struck."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.limit = rule.times if rule.storm is None else rule.storm
        self.matched = 0
        self.struck = 0

    def strikes(self, dice: random.Random) -> bool:
        self.matched += 1
        rule = self.rule
        if self.matched < rule.start or (self.limit is not None and self.struck >= self.limit):
            return False
        if rule.nth is not None and self.matched not in ((rule.nth,) if isinstance(rule.nth, int) else rule.nth):
            return False
        if rule.probability is not None and dice.random() >= rule.probability:
            return False
        self.struck += 1
        return True


class FaultPlan:
    """The faults of one server, to be read and replaced at any time."""

    def __init__(self, rules: Iterable[Rule] = (), *, seed: int = 0) -> None:
        self._seed = seed
        self._dice = random.Random(seed)
        self._counters = [_Counter(rule) for rule in rules]

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(counter.rule for counter in self._counters)

    def set(self, rules: Iterable[Rule | Mapping[str, Any] | str] | str) -> None:
        """Replace the plan; all counts start again."""
        counters = [_Counter(rule) for rule in parse_rules(rules)]
        self._dice = random.Random(self._seed)
        self._counters = counters

    def add(self, *rules: Rule | Mapping[str, Any] | str) -> None:
        """Add rules behind those that are there."""
        self._counters = [*self._counters, *(_Counter(rule) for rule in parse_rules(rules))]

    def clear(self) -> None:
        """Let everything go well again."""
        self._counters = []

    def pick(self, method: str, path: str) -> Rule | None:
        """Return the rule that strikes this request; every rule that matches counts it."""
        chosen: Rule | None = None
        for counter in self._counters:
            if counter.rule.matches(method, path) and counter.strikes(self._dice) and chosen is None:
                chosen = counter.rule
        return None if chosen is None or chosen.name == "ok" else chosen

    def as_list(self) -> list[dict[str, Any]]:
        """Return the plan as data, each rule with how often it ``matched`` and ``struck``."""
        return [
            {**counter.rule.model_dump(exclude_unset=True), "matched": counter.matched, "struck": counter.struck}
            for counter in self._counters
        ]


def parse_rules(rules: Iterable[Rule | Mapping[str, Any] | str] | str) -> list[Rule]:
    """Return the rules for data and short forms alike; a mistake raises ``ValueError``."""
    parsed: list[Rule] = []
    for rule in [rules] if isinstance(rules, str) else rules:
        if isinstance(rule, Rule):
            parsed.append(rule)
        elif isinstance(rule, str):
            parsed.extend(_parse_line(rule))
        else:
            parsed.append(Rule.model_validate(dict(rule)))
    return parsed


def _parse_line(line: str) -> list[Rule]:
    target, colon, script = line.rpartition(": ")
    if not colon:
        raise ValueError(f"a fault is written 'METHOD /path: effect, effect', not {line!r}")
    selector = _parse_target(target.strip())
    rules: list[Rule] = []
    position = 1
    for word in script.split(","):
        effect, star, times = word.strip().partition("*")
        if star and not times:
            rules.append(Rule.model_validate({**selector, **_parse_effect(effect), "start": position}))
            break
        count = int(times or 1)
        data = _parse_effect(effect)
        if "storm" in data:
            count = data["storm"]
        if data:
            rules.append(Rule.model_validate({**selector, **data, "nth": tuple(range(position, position + count))}))
        position += count
    return rules


def _parse_target(target: str) -> dict[str, str]:
    first, _, rest = target.partition(" ")
    method, path = (first, rest.strip()) if rest else ("*", first) if first.startswith("/") else (first, "*")
    return {key: value for key, value in (("method", method.upper()), ("path", path)) if value != "*"}


def _parse_effect(word: str) -> dict[str, Any]:
    word, _, option = word.partition(";")
    name, _, value = word.partition("=")
    extra = {"retry_after": float(option.partition("=")[2])} if option.startswith("retry-after=") else {}
    if option and not extra:
        raise ValueError(f"unknown option {option!r}")
    if name == "drip":
        size, _, interval = value.partition("@")
        return {"drip": {"bytes": int(size), "interval": float(interval or 0)}}
    simple: dict[str, dict[str, Any]] = {
        "ok": {},
        "reset-before": {"reset": "before"},
        "reset-after": {"reset": "after"},
        "wrong-checksum": {"wrong_checksum": True},
        "replace": {"replace": True},
        "ignore-range": {"ignore_range": True},
        "refuse-replay": {"refuse_replay": True},
    }
    if word in simple:
        return simple[word]
    if word.isdigit():
        return {"status": int(word), **extra}
    numbers = {
        "delay": "delay",
        "cut": "cut_body",
        "length": "content_length",
        "storm": "storm",
        "cut-upload": "cut_upload",
        "store-less": "store_less",
        "cut-socket": "cut_socket",
        "silence": "silence",
        "delay-frames": "delay_frames",
        "drop-update": "drop_update",
    }
    if name in numbers:
        return {numbers[name]: float(value) if name.startswith("delay") else int(value), **extra}
    if name in ("duplicate", "down"):
        return {"duplicate_header" if name == "duplicate" else "dependency": value}
    raise ValueError(f"unknown fault {word!r}")
