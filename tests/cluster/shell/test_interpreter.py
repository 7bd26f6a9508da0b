"""Running command lines: order, statuses, time, redirections and bounds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from mock_server.cluster.job import JobState
from tests.cluster.world import START, World, text


@pytest.mark.parametrize(
    ("command", "lines", "status"),
    [
        ("", [], 0),
        ("echo hi", ["hi"], 0),
        ("echo a; echo b", ["a", "b"], 0),
        ("echo a\necho b", ["a", "b"], 0),
        ("true && echo yes", ["yes"], 0),
        ("false && echo yes", [], 1),
        ("false || echo no", ["no"], 0),
        ("true || echo no", [], 0),
        ("false && echo a || echo b && echo c", ["b", "c"], 0),
        ("true || echo a && echo b", ["b"], 0),
        ("false; true", [], 0),
        ("true; false", [], 1),
        ("false; echo $?; echo $?", ["1", "0"], 0),
        ("exit", [], 0),
        ("exit 7; echo never", [], 7),
        ("false; exit", [], 1),
        ("exit -1", [], 255),
        ("exit x", ["sh: exit: x: numeric argument required"], 2),
        ("exit 99999999999999999999", ["sh: exit: 99999999999999999999: numeric argument required"], 2),
        ("exit 3 && echo never", [], 3),
        ("echo -n a; echo -n b; echo c", ["abc"], 0),
        ("echo -n open", ["open"], 0),
        ("echo", [""], 0),
        ("echo -n", [], 0),
        ("echo ok; echo 'oops", ["sh: syntax error: No closing quotation"], 2),
        (": nothing", [], 0),
        ("$UNSET", [], 0),
        ("sh -c 'echo inner; exit 4'; echo outer $?", ["inner", "outer 4"], 0),
        ("bash -c \"echo '$WHO'\"", ["alice smith"], 0),
        ("false; sh -c 'echo $?'", ["0"], 0),
        ("sh -c 'exit 3' || echo $?", ["3"], 0),
        ('sh -c "\'"; echo $?', ["sh: syntax error: No closing quotation", "2"], 0),
        ("echo $WHO '$WHO' \"${WHO}!\"", ["alice smith $WHO alice smith!"], 0),
    ],
)
def test_commands(world: World, command: str, lines: list[str], status: int) -> None:
    job = world.ran(command, environment={"WHO": "alice smith"})
    assert text(job) == lines
    assert job.exit_code == status


def test_streams_are_told_apart(world: World) -> None:
    job = world.ran("echo out; echo err >&2; echo both 2>&1; echo off > /dev/null; cat missing 2>/dev/null")
    assert [(line.number, line.text, line.stream) for line in job.log.lines] == [
        (1, "out", "stdout"),
        (2, "err", "stderr"),
        (3, "both", "stdout"),
    ]
    assert job.outputs == {}


def test_lines_appear_at_their_times(world: World) -> None:
    job = world.submit("echo a; sleep 1.5; echo b; sleep 1m && echo c")
    begin = START + 0.1
    world.backend.advance(begin)
    assert text(job) == ["a"]
    world.backend.advance(begin + 1.49)
    assert text(job) == ["a"]
    world.backend.advance(begin + 1.5)
    assert text(job) == ["a", "b"]
    world.finish()
    assert [line.at for line in job.log.lines] == pytest.approx([begin, begin + 1.5, begin + 61.5])
    assert job.ended_at == job.log.lines[-1].at


def test_an_open_line_is_delivered_once_it_is_complete(world: World) -> None:
    job = world.submit("echo -n wait; sleep 5; echo ' done'")
    world.wait(1)
    assert text(job) == []
    world.finish()
    assert text(job) == ["wait done"]


def test_outputs(world: World) -> None:
    job = world.ran(
        "echo one > a.txt; echo two >> a.txt; cat a.txt; echo x > b; echo y > b; > empty; echo z >> sub/c;"
        "cat missing > d 2>&1; echo hidden > d2 2>&1; cat a.txt b > all"
    )
    base = f"/outputs/{job.id}"
    assert {path: file.content.decode() for path, file in job.outputs.items()} == {
        f"{base}/a.txt": "one\ntwo\n",
        f"{base}/b": "y\n",
        f"{base}/empty": "",
        f"{base}/sub/c": "z\n",
        f"{base}/d": "cat: missing: No such file or directory\n",
        f"{base}/d2": "hidden\n",
        f"{base}/all": "one\ntwo\ny\n",
    }
    assert text(job) == ["one", "two"]


def test_outputs_have_the_time_of_their_last_write(world: World) -> None:
    job = world.ran("echo a > f; sleep 10; echo b >> f; sleep 10")
    (file,) = job.outputs.values()
    assert file.written_at == pytest.approx(START + 10.1)


@pytest.mark.parametrize(
    ("output_path", "target", "path"),
    [
        ("/data/run", "f", "/data/run/f"),
        ("/data/run/", "x/../f", "/data/run/f"),
        ("results", "/results/f", "/results/f"),
        ("//a/../b", "f", "/b/f"),
        ("/", "f", "/f"),
    ],
)
def test_output_path(world: World, output_path: str, target: str, path: str) -> None:
    assert list(world.ran(f"echo x > {target}", output_path=output_path).outputs) == [path]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../f", "Permission denied"),
        ("/etc/passwd", "Permission denied"),
        ("../job_10/f", "Permission denied"),
        ("a/../../f", "Permission denied"),
        (".", "Is a directory"),
        ("d/", "Is a directory"),
        ("$UNSET", "ambiguous redirect"),
    ],
)
def test_nothing_is_written_elsewhere(world: World, target: str, message: str) -> None:
    job = world.ran(f"echo x > {target}; echo $?; cat {target} >/dev/null")
    assert text(job)[:2] == [f"sh: {target}: {message}", "1"]
    assert job.outputs == {}


def test_an_unknown_program_takes_time_and_reports_progress(world: World) -> None:
    job = world.submit("python train.py")
    world.wait(1)
    assert job.state is JobState.RUNNING
    assert text(job) == ["train.py: started"]
    world.finish()
    assert job.started_at is not None
    assert job.ended_at is not None
    assert 2 < job.ended_at - job.started_at < 240
    assert text(job)[-1] == "train.py: finished"
    assert "(100%)" in text(job)[-2]


def test_unknown_programs_mostly_succeed_and_differ() -> None:
    world = World(nodes=50)
    jobs = [world.submit("./simulate") for _ in range(200)]
    world.finish()
    succeeded = [job for job in jobs if job.state is JobState.COMPLETED]
    assert 170 < len(succeeded) < 200
    assert len({job.ended_at for job in jobs}) > 190
    failed = next(job for job in jobs if job.state is JobState.FAILED)
    assert text(failed, "stderr")[0].startswith("simulate: error: step")


def test_the_seed_decides_what_unknown_programs_do() -> None:
    def life(seed: int) -> list[tuple[int, float, str, str]]:
        return list(map(tuple, World(seed=seed).ran("mpirun ./wrf").log.lines))  # type: ignore[arg-type]

    assert life(1) == life(1)
    assert life(1) != life(2)


def test_an_unknown_program_can_be_redirected_and_chained(world: World) -> None:
    job = world.ran("./prepare > prepare.log 2>&1; cat prepare.log > copy; echo next")
    assert text(job) == ["next"]
    assert job.outputs[f"/outputs/{job.id}/copy"].content.startswith(b"prepare: started\n")


def test_an_image_runs_its_default_program(world: World) -> None:
    assert text(world.ran("", image="pytorch/pytorch:2.0"))[0].endswith("pytorch:2.0: started")
    assert text(world.ran("echo hi", image="pytorch/pytorch:2.0")) == ["hi"]


def test_nothing_runs_before_its_time(world: World) -> None:
    began = time.process_time()
    job = world.submit("seq 1 1000000000; sleep 1000000000000000000; echo end")
    world.wait(10)
    assert job.state is JobState.RUNNING
    assert time.process_time() - began < 5
    assert len(job.log.lines) <= 10_000


def test_a_command_that_calls_itself_ends(world: World) -> None:
    job = world.ran('sh -c "$AGAIN"', environment={"AGAIN": 'sh -c "$AGAIN"; sh -c "$AGAIN"'})
    assert "sh: maximum nesting depth exceeded" in text(job)


def test_a_command_cannot_multiply_without_end(world: World) -> None:
    again = '; sh -c "$AGAIN"' * 20
    job = world.ran('sh -c "$AGAIN"', environment={"AGAIN": f"true{again}"})
    assert job.exit_code == 126
    assert job.ended_at is not None
    assert job.ended_at - START < 10

    many = world.ran('sh -c "$MANY";' * 50, environment={"MANY": ":;" * 5_000})
    assert text(many) == ["sh: too many commands"]


def test_too_long_arguments_fail(world: World) -> None:
    job = world.ran("echo $X$X$X; echo $?", environment={"X": "x" * 60_000})
    assert text(job) == ["sh: Argument list too long", "126"]


@given(st.text(alphabet="echoslpqtrufa0123456789 ;&|><'\"$\n\\.-/x", max_size=60))
def test_any_command_ends_and_keeps_the_cluster_whole(command: str) -> None:
    world = World()
    job = world.ran(command, environment={"x": "y z"})
    assert job.state.is_terminal
    assert all(path.startswith(f"/outputs/{job.id}/") for path in job.outputs)
