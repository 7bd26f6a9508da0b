"""Scripts that enter their output directory, run as slurmd runs them; no Slurm is needed for these."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.backend import RequestError
from mock_server.cluster.job import JobRequest
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.submission import description, located, script

HOSTILE = "a 'b\" $(touch /tmp/hostile) `id` ${HOME} \\ ; & | * é"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "out root" / "files" / "outputs").mkdir(parents=True)
    return tmp_path / "out root" / "files"


def _run(root: Path, command: str, stdin: str = "", **fields: Any) -> subprocess.CompletedProcess[str]:
    """Run a job as number 17, or as the third task of number 17."""
    settings = SlurmSettings(directory=str(root.parent))
    request = located(JobRequest("name", command, "user", **fields), settings)
    job = description(request, "normal", "c", (0, 0, 38), settings)
    file = root.parent / "slurm_script"
    file.write_text(script(request, settings))
    file.chmod(0o700)
    variables = {"SLURM_JOB_ID": "19", "SLURM_ARRAY_JOB_ID": "17", "SLURM_ARRAY_TASK_ID": "3"}
    environment = {**job["environment"], **(variables if request.array else {"SLURM_JOB_ID": "17"})}
    directory = job["current_working_directory"]
    return subprocess.run(
        [str(file)],
        cwd=directory,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, "outputs/job_17"),
        ({"id_form": "jobservice"}, "outputs/job-17"),
        ({"id_form": "s9s", "array": (3, 4)}, "outputs/17_3"),
        ({"output_path": "/results/wind/"}, "results/wind"),
        ({"output_path": "../../../etc"}, "etc"),
        ({"output_path": HOSTILE}, HOSTILE),
        ({"output_path": "-p"}, "-p"),
        ({"output_path": "/"}, ""),
    ],
)
@pytest.mark.parametrize("command", ["pwd -P", "#!/bin/sh\npwd -P", "#!/bin/sh -e\npwd -P\nfalse\necho more"])
def test_where_a_job_begins(root: Path, command: str, fields: dict[str, Any], place: str) -> None:
    done = _run(root, command, **fields)
    assert (done.stdout, done.stderr) == (f"{root.resolve() / place}\n", "")
    assert done.returncode == ("-e" in command)
    assert not os.path.exists("/tmp/hostile")


def test_a_script_stays_what_it_is(root: Path) -> None:
    code = "import os, sys\nprint(sys.stdin.read(), os.getcwd(), sys.flags.optimize)\nraise SystemExit(7)"
    done = _run(root, f"#!{sys.executable} -O\n{code}", stdin="typed")
    assert (done.stdout, done.stderr) == (f"typed {root.resolve()}/outputs/job_17 1\n", "")
    assert done.returncode == 7


def test_a_script_knows_its_directory_and_not_how_it_came_there(root: Path) -> None:
    code = "import os\nprint(os.environ['VANTAGE_OUTPUT_DIRECTORY'], os.environ['WORD'], 'VANTAGE_ENTER' in os.environ)"
    done = _run(root, f"#!{sys.executable}\n{code}", environment={"WORD": HOSTILE})
    assert done.stdout == f"{root}/outputs/job_17 {HOSTILE} False\n"


def test_an_interpreter_may_have_any_name(root: Path) -> None:
    interpreter = root.parent.parent / "o'dd\\na$me"
    shutil.copy("/bin/sh", interpreter)
    done = _run(root, f"#!{interpreter}\npwd -P")
    assert (done.stdout, done.stderr) == (f"{root.resolve()}/outputs/job_17\n", "")


def test_a_first_line_must_not_be_too_long(root: Path) -> None:
    with pytest.raises(RequestError, match="first line is too long") as caught:
        _run(root, f"#!/{'x' * 200}\ntrue")
    assert caught.value.field == "command"
    with pytest.raises(FileNotFoundError):  # of the interpreter
        _run(root, f"#!/{'x' * 200}\ntrue", working_directory=str(root))


def test_a_job_that_names_a_directory_begins_there(root: Path) -> None:
    for command in ("pwd -P", "#!/bin/sh\npwd -P"):
        done = _run(root, command, working_directory=str(root.parent), output_path="/results")
        assert done.stdout == f"{root.parent.resolve()}\n"
    assert sorted(os.listdir(root)) == ["outputs"]
    assert _run(root, "pwd -P", working_directory="/no/such/place").stdout == f"{root.resolve()}/outputs/job_17\n"


def test_a_job_begins_again_where_it_was(root: Path) -> None:
    assert _run(root, "echo 1 > found").returncode == 0
    assert _run(root, "cat found").stdout == "1\n"


@pytest.mark.parametrize("trap", ["linked", "foreign", "a file"])
def test_a_directory_that_somebody_else_has_prepared_is_not_used(root: Path, trap: str) -> None:
    place = root / "outputs/job_17"
    if trap == "linked":
        place.symlink_to(root.parent)
    elif trap == "a file":
        place.touch()
    elif os.geteuid() == 0:
        place.mkdir(mode=0o777)
        os.chown(place, 65534, 65534)
    else:
        pytest.skip("only root makes directories of others")
    done = _run(root, "echo done > result")
    assert done.returncode == 1
    assert f"the output directory cannot be used: {place}" in done.stderr
    assert not (root.parent / "result").exists()


@pytest.mark.parametrize("output_path", ["a\nb", "\ud800", "a\0b", "x/" * 600, "y" * 2000, "é" * 600, "d/" * 33])
def test_an_output_path_that_no_file_can_be_below_is_refused(root: Path, output_path: str) -> None:
    with pytest.raises(RequestError) as caught:
        _run(root, "true", output_path=output_path)
    assert caught.value.field == "output_path"


SRUN = """#!/bin/sh
shift
cat > "$0.in"
for SLURM_PROCID in 0 1; do export SLURM_PROCID; "$@" < "$0.in" || exit; done
"""


@pytest.fixture
def members(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a gang whose ``srun`` starts two members here, one after the other."""
    programs, temporary = tmp_path / "programs", tmp_path / "temporary"
    programs.mkdir()
    temporary.mkdir()
    (programs / "srun").write_text(SRUN)
    (programs / "srun").chmod(0o755)
    return {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(temporary)}


def test_members_of_a_gang_run_a_script_with_its_own_interpreter(root: Path, members: dict[str, str]) -> None:
    python = f"#!{sys.executable} -u\nimport os, sys\nprint(os.environ['SLURM_PROCID'], os.getcwd(), sys.stdin.read(), 'END')"
    done = _run(root, python, gang=2, environment=members)
    place = root / "outputs" / "job_17"
    assert (done.stdout, done.stderr) == (f"0 {place}  END\n1 {place}  END\n", "")
    assert list(Path(members["TMPDIR"]).iterdir()) == []


@pytest.mark.parametrize("command", ["#!/bin/sh\nexit 7\n", "exit 7"])
def test_the_end_of_a_member_is_its_own(root: Path, members: dict[str, str], command: str) -> None:
    done = _run(root, command, gang=2, environment=members)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")


def test_a_member_may_have_a_long_script(root: Path, members: dict[str, str]) -> None:
    done = _run(root, "#!/bin/sh\n" + f"# {HOSTILE}\n" * 8000 + "echo $SLURM_PROCID", gang=2, environment=members)
    assert (done.stdout, done.stderr) == ("0\n1\n", "")
    assert not Path("/tmp/hostile").exists()
