"""Bounds of logs and output files."""

from __future__ import annotations

from mock_server.cluster.shell.streams import LINE_CHARACTERS, LOG_CHARACTERS, LOG_LINES, OUTPUT_BYTES, OUTPUT_FILES
from tests.cluster.world import World, text


def test_a_log_ends_with_a_clear_line(world: World) -> None:
    job = world.ran("seq 1 1000000000; echo after; echo err >&2; exit 5")
    assert len(job.log.lines) == LOG_LINES
    assert text(job)[:2] == ["1", "2"]
    assert text(job)[-2:] == [str(LOG_LINES - 1), f"[log truncated after {LOG_LINES - 1} lines]"]
    assert job.exit_code == 5


def test_a_log_is_bounded_in_characters_too(world: World) -> None:
    job = world.ran("echo $X\n" * 200, environment={"X": "x" * 8_000})
    assert sum(map(len, text(job))) <= LOG_CHARACTERS + 100
    assert text(job)[-1].startswith("[log truncated after")


def test_a_restart_does_not_lift_the_bound(world: World) -> None:
    job = world.submit("seq 20000; sleep 100")
    world.wait(10)
    world.fail_node(job.node_names[0])
    world.finish()
    assert job.restarts == 1
    assert sum(line.startswith("[log truncated") for line in text(job)) == 1
    assert len(job.log.lines) == LOG_LINES + 1


def test_lines_beyond_the_bound_are_dropped_within_one_write(world: World) -> None:
    job = world.ran("seq 9500 > f; cat f f; echo -n open; echo -n open >&2")
    assert len(job.log.lines) == LOG_LINES


def test_long_lines_are_broken(world: World) -> None:
    job = world.ran("echo $X; echo -n $X; echo", environment={"X": "x" * (LINE_CHARACTERS + 5)})
    assert [len(line) for line in text(job)] == [LINE_CHARACTERS, 5, LINE_CHARACTERS, 5, 0]


def test_output_files_are_bounded_together(world: World) -> None:
    job = world.ran("seq 1 1000000000 > f; echo $?; echo x > g; echo $?; > f; echo y > g; echo $?")
    full = "sh: write error: No space left on device"
    assert text(job) == [full, "1", full, "1", "0"]
    assert sum(len(file.content) for file in job.outputs.values()) == 2


def test_output_files_are_bounded_in_number(world: World) -> None:
    job = world.ran("".join(f"> {number};" for number in range(OUTPUT_FILES)) + "echo a >> new || > new2 || echo b > 1")
    assert len(job.outputs) == OUTPUT_FILES
    assert job.outputs[f"/outputs/{job.id}/1"].content == b"b\n"


def test_doubling_a_file_stops_at_the_bound(world: World) -> None:
    job = world.ran("echo 0123456789 > f\n" + "cat f >> f\n" * 40)
    (file,) = job.outputs.values()
    assert len(file.content) == OUTPUT_BYTES, OUTPUT_FILES
