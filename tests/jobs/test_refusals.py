"""What stops a job before it writes anything, and what a job file may say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from archive_samples import contents, digests, leaks, rows, save_series, write_job

SECRET = re.compile(r"[A-Za-z0-9+/]{43}=")  # 32 bytes in base64
LABELS = '[[label]]\nvalue = 1\nname = "liver"\n'
DATASET = '[dataset]\nname = "d"\nversion = "1.0.0"\n'


def lose(site) -> None:
    site.key.unlink()


def replace_by_another(site) -> None:
    site.key.unlink()
    assert site.run("init", site.root / "another", "--keys", site.key).code == 0


def open_to_others(site) -> None:
    site.key.chmod(0o644)


def move_into_the_workspace(site) -> None:
    moved = site.workspace / "key.json"
    shutil.move(site.key, moved)
    text = (site.workspace / "curator.toml").read_text()
    (site.workspace / "curator.toml").write_text(text.replace(str(site.key), str(moved)))


def put_into_a_checkout(site) -> None:
    (site.key.parent / ".git").mkdir()


def alter(site) -> None:
    secret = SECRET.findall(site.key.read_text())[0]
    site.key.write_text(site.key.read_text().replace(secret, secret[::-1].lstrip("=") + "="))


def make_the_output_hold_the_key(site) -> None:
    write_job(site.job, site.workspace, [site.source], f'[deid]\nout = "{site.key.parent}"\n')


def read_the_workspace(site) -> None:
    write_job(site.job, site.workspace, [site.source, site.workspace / "released"])


def write_into_the_source(site) -> None:
    write_job(site.job, site.workspace, [site.source], f'[deid]\nout = "{site.source}/out"\n')


def report_into_the_source(site) -> None:
    write_job(site.job, site.workspace, [site.source], f'[report]\nout = "{site.source}/report.html"\n')


def link_the_output_to_the_source(site) -> None:
    (site.root / "link").symlink_to(site.source)
    write_job(site.job, site.workspace, [site.source], '[deid]\nout = "link/out"\n')


@pytest.mark.parametrize("command", [(), ("--what-if",)], ids=["run", "what-if"])
@pytest.mark.parametrize(
    "spoil",
    [
        lose,
        replace_by_another,
        open_to_others,
        move_into_the_workspace,
        put_into_a_checkout,
        alter,
        make_the_output_hold_the_key,
        read_the_workspace,
        write_into_the_source,
        report_into_the_source,
        link_the_output_to_the_source,
    ],
)
def test_what_is_unsafe_stops_before_anything_is_written(site, spoil, command) -> None:
    spoil(site)
    before = digests(site.root)
    done = site.run("run", site.job, "--workers", 1, *command)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("curator: ") and done.err.count("\n") == 1
    assert digests(site.root) == before
    assert not leaks(done.err)


def test_a_run_after_the_key_is_back_is_as_if_it_had_never_been_away(site) -> None:
    assert site.run("run", site.job, "--workers", 1).code == 0
    before = digests(site.root)
    site.key.rename(site.root / "away.json")
    assert site.run("run", site.job, "--workers", 1).code == 3
    (site.root / "away.json").rename(site.key)
    assert site.run("run", site.job, "--workers", 1).code == 0
    assert digests(site.root) == before


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("[deid]\nprofil = 'basic'\n", "'profile'"),
        ("[deidd]\n", "'deid'"),
        ("[deid]\noptions = ['retain-uid']\n", "retain-uids"),
        ("[deid]\nprofile = 'basc'\n", "basic"),
        ("[annotate]\nlabel = 'x'\n", "'labels'"),
        ("[annotate]\nlabels = 'missing.toml'\n", "labels cannot be read"),
        ("[annotate]\nlabels = 'labels.toml'\nindex = 'missing.csv'\n", "index cannot be read"),
        ("[dataset]\nname = 'd'\nversion = '1.0.0'\nconsensus = 'stapel'\n", "'staple'"),
        ("[dataset]\nname = 'd'\nversion = '1.0.0'\nfilter = {}\n", "'filters'"),
        ("[dataset]\nname = 'd'\n", "'version'"),
        (DATASET + "[train]\nstep = 3\n", "'steps'"),
        (DATASET + "[train]\nsteps = 0\n", "steps"),
        ("[train]\nsteps = 3\n", "[dataset]"),
        ("[report]\n", "'out'"),
        ("[report]\nto = 'x'\n", "'out'"),
        ("ignore = 3\n", "ignore"),
        ("[deid]\noptions = 'retain-uids'\n", "options"),
        ("[deid]\nprofile = 3\n", "profile"),
    ],
)
def test_a_wrong_job_file_is_refused_before_anything_is_read(site, more: str, named: str) -> None:
    (site.root / "labels.toml").write_text(LABELS)
    write_job(site.job, site.workspace, [site.source], more)
    before = digests(site.root)
    for arguments in ((), ("--what-if",)):
        done = site.run("run", site.job, "--workers", 1, *arguments)
        assert (done.code, done.out) == (2, "")
        assert named in done.err
        assert done.err.count("\n") == 1
        assert digests(site.root) == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('name = "a"\n', "'workspace'"),
        ('workspace = "w"\n', "'name'"),
        ('name = "a"\nworkspace = "w"\n[ingest]\n', "paths"),
        ('name = "a"\nworkspace = "w"\n[ingest]\npaths = ["x"]\n', "curator init"),
        ("name = \n", "not TOML"),
        ("\xff", "not TOML"),
    ],
)
def test_a_job_needs_its_parts(tmp_path: Path, run_curator, text: str, named: str) -> None:
    job = tmp_path / "job.toml"
    job.write_bytes(text.encode("latin-1"))
    done = run_curator("run", job)
    assert (done.code, done.out) == (2, "")
    assert named in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["job.toml"]


def test_paths_count_from_the_job_file_wherever_the_command_is_called(site, monkeypatch) -> None:
    folder = site.root / "jobs" / "of mine"
    folder.mkdir(parents=True)
    job = folder / "job.toml"
    job.write_text(
        'name = "r"\nworkspace = "../../workspace"\n[ingest]\npaths = ["../../source"]\n[deid]\nout = "out"\n'
    )
    monkeypatch.chdir(site.source)
    assert site.run("run", job, "--workers", 1).code == 0
    assert len(contents(folder / "out")) == 6
    assert list(site.source.glob("*")) == sorted(site.source.glob("Zwackelmann-*"))


def test_a_rehearsal_writes_nothing_and_tells_what_the_run_does(site) -> None:
    (site.source / "note.txt").write_text("nothing")
    (site.source / "empty").write_bytes(b"")
    before = digests(site.root)
    rehearsed = site.run("run", site.job, "--workers", 1, "--what-if", "--json")
    assert (rehearsed.code, digests(site.root)) == (0, before)
    told = rehearsed.json()
    text = site.run("run", site.job, "--workers", 1, "--what-if").out
    done = site.run("run", site.job, "--workers", 1, "--json").json()
    assert (
        told
        | {
            "files": done["files"],
            "would_release": done["released"],
            "would_quarantine": done["quarantined"],
            "stages_behind": [],
        }
        == told
    )
    lines = {" ".join(line.split()) for line in text.splitlines()}
    assert {"files 8", "would release 6", "would quarantine 2", "empty_file 1", "not_dicom 1"} <= lines


def test_deid_run_is_the_same_job_without_a_file(site) -> None:
    out = site.root / "out"
    arguments = ("deid", "run", site.source, "--out", out, "-w", site.workspace, "--workers", 1)
    before = digests(site.root)
    told = site.run(*arguments, "--what-if").json()
    assert (told["would_release"], digests(site.root)) == (6, before)
    assert site.run(*arguments).code == 0
    write_job(site.job, site.workspace, [site.source], f'[deid]\nout = "{out}"\n')
    before = digests(site.root)
    assert site.run("run", site.job, "--workers", 1, "--json").json()["released_new"] == 0
    assert digests(site.root) == before


def test_init_makes_a_key_for_its_owner_alone_and_takes_one_that_is_there(tmp_path: Path, run_curator) -> None:
    key = tmp_path / "keys" / "key.json"
    told = run_curator("init", tmp_path / "a", "--keys", key, "--what-if", "--json").json()
    assert (told["made"], told["key_exists"], list(tmp_path.iterdir())) == (False, False, [])
    first = run_curator("init", tmp_path / "a", "--keys", key, "--json").json()
    assert key.stat().st_mode & 0o777 == 0o600
    secrets = SECRET.findall(key.read_text())
    assert secrets
    assert not [secret for secret in secrets if secret in (tmp_path / "a" / "curator.toml").read_text()]
    before = key.read_bytes()
    second = run_curator("init", tmp_path / "b", "--keys", key, "--json").json()
    assert second["key_id"] == first["key_id"]
    assert key.read_bytes() == before


@pytest.mark.parametrize("what_if", [(), ("--what-if",)], ids=["init", "what-if"])
@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("workspace/key.json", 3),
        ("workspace/inner/../key.json", 3),
        ("link/key.json", 3),
        ("checkout/deep/key.json", 3),
        ("readable.json", 3),
        ("text.json", 3),
        ("dangling.json", 3),
        ("good.json", 2),
    ],
)
def test_init_refuses(tmp_path: Path, run_curator, key: str, code: int, what_if: tuple[str, ...]) -> None:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    (tmp_path / "checkout" / "deep").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "workspace")
    (tmp_path / "text.json").write_text("{}")
    (tmp_path / "text.json").chmod(0o600)
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nowhere")
    assert run_curator("init", tmp_path / "other", "--keys", tmp_path / "good.json").code == 0
    shutil.copy(tmp_path / "good.json", tmp_path / "readable.json")
    (tmp_path / "readable.json").chmod(0o640)
    workspace = tmp_path / ("other" if key == "good.json" else "workspace")
    before = digests(tmp_path)
    done = run_curator("init", workspace, "--keys", tmp_path / key, *what_if)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("curator: ")
    assert digests(tmp_path) == before


def test_init_without_a_key_file_puts_it_into_the_users_own_folder(tmp_path: Path, run_curator, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    told = run_curator("init", tmp_path / "one" / "w", "--json").json()
    other = run_curator("init", tmp_path / "two" / "w", "--json").json()
    assert Path(told["key_file"]).is_relative_to(tmp_path / "config")
    assert told["key_file"] != other["key_file"]
    assert told["key_id"] != other["key_id"]
    assert oct(Path(told["key_file"]).stat().st_mode & 0o777) == "0o600"


def test_status_and_quarantine_of_a_workspace(site) -> None:
    (site.source / "note.txt").write_text("nothing")
    assert site.run("run", site.job, "--workers", 1).code == 1
    status = site.run("jobs", "status", "-w", site.workspace, "--json").json()
    assert status == {
        "stages": {"release": {"done": 6, "quarantined": 1}, "annotate": {}},
        "quarantined": {"not_dicom": 1},
    }
    text = site.run("jobs", "status", "-w", site.workspace).out
    assert "done 6" in text and "not_dicom" in text

    (entry,) = site.run("jobs", "quarantine", "-w", site.workspace, "--json").json()
    assert entry.keys() == {"item", "reason", "stage", "detail", "remedy"}
    (entry,) = site.run(
        "jobs", "quarantine", "-w", site.workspace, "--json", "--reveal", "--reason", "not_dicom"
    ).json()
    assert entry["source"] == str(site.source / "note.txt")
    assert site.run("jobs", "quarantine", "-w", site.workspace, "--json", "--reason", "empty_file").json() == []
    done = site.run("jobs", "quarantine", "-w", site.workspace, "--reason", "not_dicm")
    assert (done.code, "'not_dicom'" in done.err) == (2, True)
    site.key.unlink()
    assert site.run("jobs", "quarantine", "-w", site.workspace).code == 0
    done = site.run("jobs", "quarantine", "-w", site.workspace, "--reveal")
    assert (done.code, done.out) == (3, "")


def test_a_new_workspace_has_done_nothing_yet(site) -> None:
    assert "nothing yet" in site.run("jobs", "status", "-w", site.workspace).out
    assert site.run("jobs", "quarantine", "-w", site.workspace, "--json").json() == []
    assert not (site.workspace / "curator.sqlite").exists()


def test_an_empty_source_is_an_empty_release(site) -> None:
    empty = site.root / "nothing here"
    empty.mkdir()
    write_job(site.job, site.workspace, [empty])
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["files"]) == (0, 0)
    assert rows(site.workspace, "SELECT 1 FROM work", "SELECT 1 FROM instance", "SELECT 1 FROM quarantine") == []


def test_many_files_more_than_one_group(site) -> None:
    save_series(site.source, patient=4, count=70)
    done = site.run("run", site.job, "--workers", 1, "--json").json()
    assert (done["files"], done["released"]) == (76, 76)
    assert len(contents(site.released)) == 76
