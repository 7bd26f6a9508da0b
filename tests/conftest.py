"""Fixtures that every layer of the tests uses."""

from __future__ import annotations

import ctypes
import gc
import inspect
import os
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support.faces import FACES, Face


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> Face:
    return Face(request.param)


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="auto") as running:
        yield running


@pytest.fixture(scope="session")
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names for a folder of each test; most tests never make theirs."""
    base = tmp_path_factory.mktemp("own")
    return (base / str(number) for number in count())


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, own_folders: Iterator[Path]) -> None:
    folder = next(own_folders)
    for name in ("API_KEY", "BASE_URL", "ORGANIZATION", "PROFILE", "LOG", "WORKFLOWS_URL", "WORKFLOWS_KEY"):
        monkeypatch.delenv(f"VANTAGE_{name}", raising=False)
    for name in ("VANTAGE_JOB_SERVICE_URL", "VANTAGE_JOB_SERVICE_TOKEN", "S9S_API_URL", "S9S_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("VANTAGE_STATE_DIR", str(folder / "state"))


def pytest_configure() -> None:
    """Give all threads one heap, because what glibc keeps for those of a thousand servers that are gone is half a gigabyte."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-8, 1)  # M_ARENA_MAX


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Have one process more than there are processors, because now and then each of them only waits."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long, so that none of them is still to be done when all else is."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Take what pytest keeps of all tests out of the garbage collector's way, which the tests start time and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test on the face it asked for."""
    face: Any = pyfuncitem.funcargs.get("face")
    if not isinstance(face, Face) or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    face.run(partial(pyfuncitem.obj, **arguments))
    return True
