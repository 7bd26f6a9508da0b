"""Files of any size go through little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.contract.reference import ROOT
from tests.support.effort import effort

LARGE = effort(160 << 20, 2 << 30)
MIDDLE = effort(120 << 20, 400 << 20)
LIMIT = 100 << 20
pytestmark = [
    pytest.mark.slow,
    # ru_maxrss counts that of the process which started this one as well
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what /proc tells"),
]

PROGRAM = """
import sys
url, folder, code = sys.argv[1:]
from vantage_sdk import VantageClient
with VantageClient(api_key="your-api-key", base_url=url, trust_env=False) as client:
    storage = client.storage
    exec(code)
print(next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server in a process of its own, whose memory does not count."""
    command = [sys.executable, "-m", "mock_server", "--port", "0", "--world", "empty", "--no-rate-limits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
        server.terminate()


def peak(url: str, folder: Path, code: str) -> int:
    """Return the most memory, in bytes, that a process which does this had at any time."""
    command = [sys.executable, "-c", PROGRAM, url, str(folder), code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "VANTAGE_STATE_DIR": str(folder / "state")}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=110)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_large_file_up_and_down(url: str, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LARGE)
    up = peak(url, tmp_path, "storage.upload(folder + '/large', '/large')")
    down = peak(url, tmp_path, "storage.download('/large', folder + '/copy')")
    assert (tmp_path / "copy").stat().st_size == LARGE
    assert max(up, down) < LIMIT, (up >> 20, down >> 20)


def test_one_form_of_any_size(tmp_path: Path) -> None:
    """To a server that takes no pieces."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MIDDLE)
    with MockServer(world="empty", faults="OPTIONS *: 404*") as server:
        for source in ("folder + '/large'", f"(bytes(1 << 20) for _ in range({MIDDLE >> 20}))"):
            used = peak(server.url, tmp_path, f"storage.upload({source}, '/large', overwrite=True)")
            assert used < LIMIT, used >> 20
        assert server.storage.files() == {"/large": MIDDLE}
        assert not any(record.method == "PATCH" for record in server.journal)


@pytest.mark.parametrize(
    "code",
    [
        f"storage.upload((bytes(1 << 20) for _ in range({MIDDLE >> 20})), '/stream')",
        "storage.upload(open(folder + '/file', 'rb'), '/object')",
        "storage.upload_directory(folder + '/many', '/many')",
        "storage.download_to_file('/down', open('/dev/null', 'wb', buffering=0))",
        "for piece in storage.download_stream('/down'): pass",
        "storage.download('/down', folder + '/new', connections=4)",
        "storage.upload_directory(folder + '/many', '/same'); storage.upload_directory(folder + '/many', '/same', sync=True)",
    ],
)
def test_other_ways_take_no_more(code: str, url: str, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for name in ["file", *(f"many/{number}" for number in range(8))]:
        with (tmp_path / name).open("wb") as file:
            file.truncate(MIDDLE if name == "file" else MIDDLE >> 3)
    if "down" in code:
        peak(url, tmp_path, "storage.upload(folder + '/file', '/down', overwrite=True)")
    assert (used := peak(url, tmp_path, code)) < LIMIT, used >> 20
