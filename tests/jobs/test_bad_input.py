"""Every kind of bad input through the real command line: a reason code, exit code 1, and the rest goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_samples import SECRETS, Slice, contents, digests, leaks, leaks_under, save_series, write_job

from curator.testing.bad_input import make_bad_inputs

NOBODY = 65534
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can give up its rights for a test"
)
# Two of a kind come in pairs; the loop is a link and the locked folder is one entry for what cannot be listed.
REASONS = {
    "not_dicom": 1,
    "empty_file": 1,
    "truncated": 1,
    "dicomdir": 1,
    "patient_id_missing": 1,
    "sop_instance_uid_conflict": 2,
    "patient_id_conflict": 2,
    "symlink_loop": 1,
    "unreadable": 1,
}


def run_as(user: int, home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, without root's power to read and write everything."""
    drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    command = [*drop, sys.executable, "-B", "-m", "curator", *map(str, arguments)]
    environment = {**os.environ, "HOME": str(home), "MPLCONFIGDIR": str(home / "mpl"), "TMPDIR": str(home)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home, check=False)


@pytest.fixture
def house() -> Iterator[Path]:
    """A folder for the unprivileged account; pytest keeps its own to their owner."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can give up its rights for a test")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        home = Path(made) / "home"
        home.mkdir()
        yield home
        for path in home.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


def given_away(home: Path) -> None:
    for path in (home, *home.rglob("*")):
        os.lchown(path, NOBODY, NOBODY)


@needs_root
def test_O01_each_kind_of_bad_input_has_its_reason_and_the_rest_goes_on(house: Path, run_curator) -> None:
    source, workspace = house / "source", house / "workspace"
    good = save_series(source, patient=1)
    make_bad_inputs(source / "bad", Slice(patient=5, study=5).save(house / "template"))
    job = write_job(house / "job.toml", workspace, [source])
    given_away(house)
    assert run_as(NOBODY, house, "init", workspace, "--keys", house / "keys" / "key.json").returncode == 0
    before = digests(source)

    done = run_as(NOBODY, house, "run", job, "--workers", "1", "--json")

    assert done.stdout, done.stderr
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    assert result["quarantined"] == REASONS
    assert result["released"] == len(good)
    assert result["files"] == result["released"] + sum(REASONS.values())
    assert digests(source) == before
    assert len(contents(workspace / "released")) == len(good)
    assert not [path for path in workspace.rglob("*") if "partial" in path.name]
    assert not leaks(done.stdout + done.stderr)
    assert not [name for name in ("bad", "text.dcm", "locked", "same_uid") if name in done.stdout + done.stderr]
    assert leaks_under(workspace) == []

    shown = run_curator("jobs", "quarantine", "-w", workspace)
    assert len(shown.out.splitlines()) == sum(REASONS.values()) + 1
    assert not leaks(shown.out)
    done = run_curator("jobs", "quarantine", "-w", workspace, "--json", "--reveal")
    assert done.code == 0, done.err
    revealed = done.json()
    sources = {entry["reason"]: entry["source"] for entry in revealed}
    assert sources["truncated"] == str(source / "bad" / "truncated.dcm")
    assert sources["unreadable"] == str(source / "bad" / "locked")


def test_a_second_run_over_bad_input_writes_nothing(site) -> None:
    bad = site.source / "bad"
    try:
        make_bad_inputs(bad, Slice(patient=5, study=5).save(site.root / "template"))
        first = site.run("run", site.job, "--workers", 1, "--json")
        assert first.code == 1
        before = digests(site.root)
        second = site.run("run", site.job, "--workers", 1, "--json")
        assert (second.code, second.json()) == (1, first.json() | {"released_new": 0})
        assert digests(site.root) == before
    finally:
        (bad / "locked").chmod(0o755)


@needs_root
def test_O01_an_output_that_cannot_be_written_is_a_reason_and_leaves_nothing(house: Path) -> None:
    source, workspace, out = house / "source", house / "workspace", house / "out"
    save_series(source, patient=1)
    out.mkdir()
    job = write_job(house / "job.toml", workspace, [source], f'[deid]\nout = "{out}"\n')
    given_away(house)
    assert run_as(NOBODY, house, "init", workspace, "--keys", house / "keys" / "key.json").returncode == 0
    out.chmod(0o555)
    done = run_as(NOBODY, house, "run", job, "--workers", "1", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["quarantined"] == {"output_unwritable": 3}
    assert list(out.rglob("*")) == []
    assert not leaks(done.stdout + done.stderr)

    out.chmod(0o755)
    done = run_as(NOBODY, house, "run", job, "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["released"] == 3
    assert len(contents(out)) == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this container may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_O01_O02_a_full_disk_holds_what_has_no_room_and_the_next_run_goes_on(site, small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"\0" * (256 - 28) * 1024)
    out = small_disk / "out"
    write_job(site.job, site.workspace, [site.source], f'[deid]\nout = "{out}"\n')
    before = digests(site.source)
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert done.code == 1, done.err
    result = done.json()
    assert set(result["quarantined"]) == {"disk_full"}
    assert result["released"] + result["quarantined"]["disk_full"] == result["files"] == 6
    assert 0 < result["released"] < 6
    whole = contents(out)
    assert len(whole) == result["released"]
    assert all(name.endswith(".dcm") for name in whole)
    assert digests(site.source) == before

    filler.unlink()
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["released"], done.json()["quarantined"]) == (0, 6, {})
    assert whole.items() <= contents(out).items()
    assert all(len(path.name) for path in out.rglob("*.dcm"))


def test_a_full_disk_under_the_workspace_stops_with_a_sentence(site, small_disk: Path) -> None:
    """Without its ledger nothing can go on; nothing half-written is left, and the next run does it all."""
    workspace = small_disk / "workspace"
    assert site.run("init", workspace, "--keys", site.key).code == 0
    (small_disk / "filler").write_bytes(b"\0" * (256 - 120) * 1024)
    job = write_job(site.root / "small.toml", workspace, [site.source])
    done = site.run("run", job, "--workers", 1)
    assert done.code in (1, 2)
    assert "Traceback" not in done.err
    assert not leaks(done.out + done.err)
    assert not [path for path in workspace.rglob("*") if "partial" in path.name]


def test_names_that_are_no_text_pass_through(site) -> None:
    """An old archive's folder in Latin-1, a line end in a name: reasons come, and the path can be shown again."""
    folder = Path(os.fsdecode(os.fsencode(site.source) + b"/M\xfcnchen\n2"))
    Slice(patient=3, study=3).save(folder / "1.dcm")
    (folder / "note.txt").write_text("nothing")
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["quarantined"]) == (1, {"not_dicom": 1})
    assert done.json()["released"] == 7
    shown = site.run("jobs", "quarantine", "-w", site.workspace, "--reveal")
    assert shown.code == 0
    assert len(shown.out.splitlines()) == 2
    assert "nchen\\n2/note.txt" in shown.out


def test_an_archive_under_a_locked_name_says_nothing_of_it(site) -> None:
    """What goes wrong with a source tells its kind, not its place."""
    write_job(site.job, site.workspace, [site.source, site.root / SECRETS[1]])
    done = site.run("run", site.job, "--workers", 1)
    assert done.code == 2
    assert not leaks(done.err)
    assert "path 2 of 2" in done.err
