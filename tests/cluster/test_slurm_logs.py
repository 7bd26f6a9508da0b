"""What the real backend makes of the files that jobs print to; no Slurm is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mock_server.cluster.slurm import log as slurm_log
from mock_server.cluster.slurm.log import FileLog


def test_output_is_found_as_it_grows(tmp_path: Path) -> None:
    out, err = tmp_path / "1.out", tmp_path / "1.err"
    log = FileLog(("stdout", str(out)), ("stderr", str(err)))
    assert log.poll(1.0) is None
    out.write_text("one\ntwo\nhal")
    assert log.poll(2.0) == (1, 2)
    err.write_text("bad\n")
    out.write_text("one\ntwo\nhalf\nrest")
    assert log.poll(3.0) == (3, 4)
    assert log.poll(4.0, final=True) == (5, 5)
    assert [(line.number, line.at, line.text, line.stream) for line in log.after(1)] == [
        (2, 2.0, "two", "stdout"),
        (3, 3.0, "half", "stdout"),
        (4, 3.0, "bad", "stderr"),
        (5, 4.0, "rest", "stdout"),
    ]
    assert [line.number for line in log.lines] == [1, 2, 3, 4, 5]


def test_a_long_log_is_read_from_its_end_with_true_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_log, "BLOCK", 1000)
    monkeypatch.setattr(slurm_log, "PER_POLL", 20_000)
    monkeypatch.setattr(slurm_log, "WINDOW", 3000)
    path = tmp_path / "1.out"
    path.write_text("".join(f"line {number}\n" for number in range(1, 10_001)))
    log = FileLog(("stdout", str(path)))
    seen = 0
    while (found := log.poll(1.0)) is not None:
        assert found[0] == seen + 1
        seen = found[1]
    assert seen == 10_000
    lines = log.lines
    assert lines[-1] == (10_000, 1.0, "line 10000", "stdout")
    assert 0 < sum(len(line.text) + 1 for line in lines) <= 3000
    assert [line.text for line in log.after(4321)][:2] == ["line 4322", "line 4323"]
    assert log.after(10_000) == []


def test_a_line_without_an_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_log, "BLOCK", 10)
    path = tmp_path / "1.out"
    path.write_text("x" * 25)
    log = FileLog(("stdout", str(path)))
    log.poll(1.0)
    log.poll(1.0, final=True)
    assert [line.text for line in log.lines] == ["x" * 10, "x" * 10, "x" * 5]


def test_a_file_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    out, err = tmp_path / "1.out", tmp_path / "1.err"
    log = FileLog(("stdout", str(out)), ("stderr", str(err)))
    for now, text in enumerate(("one\n", "two\n", "three\n"), 1):
        with out.open("a") as file:
            file.write(text)
        log.poll(float(now))
    err.write_text("bad\n")
    log.poll(4.0)
    out.write_text("anew\nhal")
    assert log.poll(5.0) == (5, 5)
    out.write_text("anew\nhalf\n")
    assert log.poll(6.0) == (6, 6)
    assert [(line.number, line.text, line.stream) for line in log.lines] == [
        (4, "bad", "stderr"),
        (5, "anew", "stdout"),
        (6, "half", "stdout"),
    ]
    assert [line.text for line in log.after(5)] == ["half"]
    out.write_text("")
    assert [line.text for line in log.lines] == ["bad"]
    assert log.poll(7.0, final=True) is None
    assert [line.text for line in log.lines] == ["bad"]


def test_files_of_others_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password\n")
    (tmp_path / "1.out").symlink_to(secret)
    log = FileLog(("stdout", str(tmp_path / "1.out")), owner=os.geteuid() + 1)
    assert log.poll(1.0, final=True) is None
    os.mkfifo(tmp_path / "2.out")
    assert FileLog(("stdout", str(tmp_path / "2.out"))).poll(1.0, final=True) is None


@pytest.mark.parametrize("path", ["", "one", "one/two", "loop", "x" * 300, "/dev/full", "/dev/null"])
def test_what_is_no_file_that_can_be_read_is_an_empty_log(tmp_path: Path, path: str) -> None:
    (tmp_path / "one").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    log = FileLog(("stdout", str(tmp_path / path)), owner=os.geteuid())
    assert log.poll(1.0, final=True) is None
    assert log.lines == []
