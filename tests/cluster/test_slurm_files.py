"""Files that jobs leave on the site: whatever they put there, the server shows nothing that is not theirs."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from mock_server.cluster.backend import DeniedError, RequestError
from mock_server.cluster.shared_files import MissingFileError
from mock_server.cluster.slurm import accounts, files
from mock_server.cluster.slurm.files import SiteFiles
from mock_server.cluster.slurm.settings import SlurmSettings

SECRET = "what only the server may read"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteFiles:
    monkeypatch.setattr(accounts, "_uids", {"jobs": os.geteuid()})
    (tmp_path / "secret").write_text(SECRET)
    found = SiteFiles(SlurmSettings("http://127.0.0.1:1", user="jobs", directory=str(tmp_path)))
    found.prepare()
    return found


@pytest.fixture
def folder(site: SiteFiles, tmp_path: Path) -> Path:
    place = tmp_path / "files" / "outputs" / "job_1"
    (place / "sub").mkdir(parents=True)
    (place / "a").write_text("first")
    (place / "sub" / "b").write_text("second")
    return place


def paths(site: SiteFiles, folder: str) -> list[str]:
    return sorted(file.path for file in site.below(folder))


def test_what_is_there_is_listed_and_read(site: SiteFiles, folder: Path) -> None:
    assert paths(site, "") == ["/outputs/job_1/a", "/outputs/job_1/sub/b"]
    own, folders = site.inside("/outputs/job_1")
    assert ([file.path for file in own], [each.path for each in folders]) == (
        ["/outputs/job_1/a"],
        ["/outputs/job_1/sub"],
    )
    found, content = site.open("/outputs/job_1/sub/b")
    with content:
        assert (content.read(), found.size) == (b"second", 6)
    assert site.at("/outputs/job_1/sub/b") == found
    for nothing in ("", "/", "/outputs", "/outputs/job_1", "/outputs/job_1/c", "/outputs/job_1/a/b", "/nowhere/a"):
        assert site.at(nothing) is None
        assert site.below(f"{nothing}/x") == []
        with pytest.raises(MissingFileError):
            site.open(nothing)


def test_a_version_changes_with_the_file(site: SiteFiles, folder: Path) -> None:
    before = site.at("/outputs/job_1/a")
    (folder / "a").write_text("other")
    os.utime(folder / "a", ns=(1, 1))
    after = site.at("/outputs/job_1/a")
    assert before is not None
    assert after is not None
    assert (before.size, before.version != after.version) == (after.size, True)


@pytest.mark.parametrize("trap", ["link", "hard link", "folder link", "pipe", "socket"])
def test_traps_are_not_seen(
    site: SiteFiles, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    place = folder / "trap"
    if trap == "link":
        place.symlink_to(tmp_path / "secret")
    elif trap == "hard link":
        place.hardlink_to(tmp_path / "secret")
    elif trap == "folder link":
        place.symlink_to(tmp_path)
    elif trap == "pipe":
        os.mkfifo(place)
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            monkeypatch.chdir(folder)  # the name of a socket may not be long
            listener.bind("trap")
    known = ["/outputs/job_1/a", "/outputs/job_1/sub/b"]
    assert paths(site, "") == known
    for path in ("/outputs/job_1/trap", "/outputs/job_1/trap/secret"):
        assert site.at(path) is None
        assert site.below(path) == []
        with pytest.raises(MissingFileError):
            site.open(path)
        site.remove(path)
    assert (tmp_path / "secret").read_text() == SECRET
    assert os.path.lexists(place)


def test_files_of_other_accounts_are_not_seen(site: SiteFiles, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_uids", {"jobs": os.geteuid() + 1})
    assert site.below("") == []
    with pytest.raises(MissingFileError):
        site.open("/outputs/job_1/a")
    site.remove("/outputs/job_1/a")
    assert (folder / "a").exists()


@pytest.mark.parametrize(
    "path", ["/../secret", "/outputs/../../secret", "/outputs//job_1/a", "/./outputs/job_1/a", "/a\0b"]
)
def test_no_path_leads_out(site: SiteFiles, folder: Path, path: str) -> None:
    assert site.at(path) is None
    assert site.below(path) == []
    assert site.inside(path) == ([], [])
    with pytest.raises(MissingFileError):
        site.open(path)


def test_a_link_in_the_place_of_the_root_is_not_followed(site: SiteFiles, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "files").rename(tmp_path / "moved")
    (tmp_path / "files").symlink_to(tmp_path / "moved")
    assert site.below("") == []


def test_what_was_a_file_when_it_was_listed_may_be_a_link_when_it_is_opened(
    site: SiteFiles, folder: Path, tmp_path: Path
) -> None:
    assert site.at("/outputs/job_1/a") is not None
    (folder / "a").unlink()
    (folder / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(MissingFileError):
        site.open("/outputs/job_1/a")


def test_names_that_no_file_of_the_storage_has_are_left_out(site: SiteFiles, folder: Path) -> None:
    (folder / "new\nline").write_text("x")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("x")
    (folder / "\u00fc \U0001f600").write_text("x")
    assert paths(site, "/outputs/job_1") == [
        "/outputs/job_1/a",
        "/outputs/job_1/sub/b",
        "/outputs/job_1/\u00fc \U0001f600",
    ]


def test_a_list_has_a_bound(site: SiteFiles, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST", 3)
    assert len(site.below("/outputs/job_1")) == 2
    (folder / "c").write_text("x")
    with pytest.raises(RequestError, match="further down"):
        site.below("/outputs/job_1")
    assert len(site.inside("/outputs/job_1")[0]) == 2
    assert paths(site, "/outputs/job_1/sub") == ["/outputs/job_1/sub/b"]


@pytest.mark.parametrize("hidden", ["links", "names"])
def test_what_is_not_shown_counts_as_well(
    site: SiteFiles, folder: Path, monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    monkeypatch.setattr(files, "MOST", 10)
    for number in range(10):
        place = folder / "sub" / (f"{number}\n" if hidden == "names" else str(number))
        place.symlink_to("nowhere")
    for look in (site.below, site.inside):
        with pytest.raises(RequestError, match="more than 10 entries"):
            look("/outputs/job_1/sub")
    assert len(site.inside("/outputs/job_1")[0]) == 1


def test_bytes_of_two_contents_are_not_mixed(site: SiteFiles, folder: Path) -> None:
    place = folder / "a"
    _, content = site.open("/outputs/job_1/a")
    with content:
        assert content.read(2) == b"fi"
        before = place.stat()
        with place.open("r+b") as file:
            file.write(b"other")
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(OSError, match="changed while it was read"):
            content.read(2)


def test_a_time_that_no_calendar_has_is_moved_into_it(
    site: SiteFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_LATEST", 1000.0)
    for at, shown in ((-(10**9), 0.0), (10**9, 1000.0)):
        for place in (folder / "a", folder / "sub"):
            os.utime(place, (at, at))
        own, folders = site.inside("/outputs/job_1")
        assert [each.written_at for each in (*own, *folders)] == [shown, shown]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_could_not_be_done_is_said(
    site: SiteFiles, folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(DeniedError, match="may not remove /outputs/job_1/a"):
        site.remove("/outputs/job_1/a")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DeniedError, match="may not read /outputs/job_1/a"):
        site.open("/outputs/job_1/a")
    code = errno.EIO
    with pytest.raises(OSError, match="no"):
        site.remove("/outputs/job_1/a")
    assert (folder / "a").exists()


@pytest.mark.parametrize("trap", ["link", "file", "foreign"])
def test_directories_that_somebody_else_has_made_first_are_not_used(tmp_path: Path, trap: str) -> None:
    place = tmp_path / "files"
    if trap == "link":
        place.symlink_to(tmp_path)
    elif trap == "file":
        place.touch()
    elif os.geteuid() == 0:
        place.mkdir()
        os.chown(place, 12345, 12345)
    else:
        pytest.skip("only root has directories of others")
    with pytest.raises(ValueError, match="somebody else"):
        SiteFiles(SlurmSettings("http://127.0.0.1:1", directory=str(tmp_path))).prepare()


def test_depth_has_a_bound(site: SiteFiles, folder: Path) -> None:
    deep = folder.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    assert paths(site, "") == ["/outputs/job_1/a", "/outputs/job_1/sub/b"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_huge_file_is_read_where_it_is_asked_for(site: SiteFiles, folder: Path) -> None:
    with open(folder / "huge", "wb") as file:
        file.truncate(1 << 40)
    found, content = site.open("/outputs/job_1/huge")
    with content:
        content.seek(1 << 39)
        assert (found.size, content.read(4)) == (1 << 40, b"\0\0\0\0")


def test_what_would_be_in_the_way_of_a_file(site: SiteFiles, folder: Path) -> None:
    assert [file.path for file in site.around("/outputs/job_1/a")] == ["/outputs/job_1/a"]
    assert [file.path for file in site.around("/outputs/job_1/a/b/c")] == ["/outputs/job_1/a"]
    assert len(site.around("/outputs")) == 1
    assert site.around("/outputs/job_1/new") == []
    site.remove("/outputs/job_1/a")
    assert not (folder / "a").exists()
    site.remove("/outputs/job_1/a")


def test_the_way_to_a_directory_is_made_where_the_server_is_in_charge(site: SiteFiles, tmp_path: Path) -> None:
    root = tmp_path / "files"
    site.make_way("/results/wind/2024")
    assert [(root / name).stat().st_mode & 0o7777 for name in ("results", "results/wind")] == [0o1777, 0o1777]
    assert not (root / "results/wind/2024").exists()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match="link"):
        site.make_way("/link/inside/x")
    assert not (tmp_path / "inside").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories of others")
def test_nothing_is_made_in_a_directory_of_another(site: SiteFiles, tmp_path: Path) -> None:
    theirs = tmp_path / "files" / "theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    site.make_way("/theirs/below/x")
    assert list(theirs.iterdir()) == []
