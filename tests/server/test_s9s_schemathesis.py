"""The foreign judge of the other families, on S9S."""

from __future__ import annotations

from pathlib import Path

import pytest

from mock_server import MockServer
from mock_server.families import FAMILIES
from mock_server.openapi import describe
from tests.server import test_schemathesis


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_schemathesis, "CONFIG", test_schemathesis.CONFIG.with_name("schemathesis_s9s.toml"))
    with MockServer(clock="auto", rate_limits=False) as server:
        done = test_schemathesis.run(server.s9s_url, tmp_path, "/v1/openapi.json", "YOUR_TOKEN")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    count = sum(len(item) for item in describe(FAMILIES[-1])["paths"].values())
    assert f"{count} selected / {count} total" in done.stdout
    assert not [record for record in server.journal if record.status is not None and record.status >= 500]
