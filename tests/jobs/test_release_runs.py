"""Runs over one source that changes, and what is released after each."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from contextlib import closing

from archive_samples import Slice, contents, digests, rows, save, write_job
from pydicom import dcmread


def test_all_is_released_and_a_second_run_writes_nothing(site) -> None:
    first = site.run("run", site.job, "--workers", 1, "--json")
    assert first.code == 0, first.err
    assert first.json()["released"] == first.json()["released_new"] == first.json()["files"] == 6
    before = digests(site.root)

    second = site.run("run", site.job, "--workers", 1, "--json")
    assert second.json() == first.json() | {"released_new": 0}
    assert digests(site.root) == before


def test_one_more_file_is_all_that_is_written(site) -> None:
    assert site.run("run", site.job, "--workers", 1).code == 0
    before = digests(site.released)
    Slice(patient=1, study=1, instance=4).save(site.source / "added")
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["released"], done.json()["released_new"]) == (0, 7, 1)
    after = digests(site.released)
    assert before.items() <= after.items()
    assert len(after.keys() - before.keys()) == 1


def test_O03_the_same_source_and_key_give_the_same_release_elsewhere(site) -> None:
    assert site.run("run", site.job, "--workers", 1).code == 0
    other = site.root / "other"
    assert site.run("init", other, "--keys", site.key).code == 0
    job = write_job(site.root / "other.toml", other, [site.source])
    assert site.run("run", job, "--workers", 1).code == 0
    assert contents(other / "released") == contents(site.released)
    assert rows(other) == rows(site.workspace)


def test_other_options_release_all_again_and_leave_nothing_of_the_old(site) -> None:
    """With retained UIDs every instance lies elsewhere."""
    assert site.run("run", site.job, "--workers", 1).code == 0
    old = contents(site.released)
    write_job(site.job, site.workspace, [site.source], '[deid]\noptions = ["retain-uids"]\n')
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["released"], done.json()["released_new"]) == (0, 6, 6)
    new = contents(site.released)
    assert len(new) == 6
    assert old.keys().isdisjoint(new)
    assert [path for (path,) in rows(site.workspace, "SELECT path FROM instance ORDER BY path")] == sorted(new)


def test_a_gate_that_is_new_takes_back_what_it_would_have_held(site) -> None:
    """The header says so now: the same file, corrected at the source."""
    assert site.run("run", site.job, "--workers", 1).code == 0
    changed = Slice(patient=1, study=1, instance=2).dataset()
    changed.BodyPartExamined = "HEAD"
    save(changed, site.source / "Zwackelmann-1" / "2.dcm")
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert done.code == 1
    assert done.json()["released"] == 5
    assert done.json()["quarantined"] == {"face_possible": 1}
    assert len(contents(site.released)) == 5
    assert len(rows(site.workspace, "SELECT * FROM instance")) == 5


def test_a_file_that_becomes_unreadable_is_taken_back_and_comes_again(site) -> None:
    assert site.run("run", site.job, "--workers", 1).code == 0
    first = contents(site.released)
    victim = site.source / "Zwackelmann-1" / "2.dcm"
    content = victim.read_bytes()
    victim.write_bytes(content[:-200])
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert done.json()["quarantined"] == {"truncated": 1}
    assert len(contents(site.released)) == 5
    victim.write_bytes(content)
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["released_new"]) == (0, 1)
    assert contents(site.released) == first
    assert rows(site.workspace, "SELECT * FROM quarantine") == []


def test_a_corrected_patient_id_moves_the_whole_study_in_one_run(site) -> None:
    assert site.run("run", site.job, "--workers", 1).code == 0
    old = contents(site.released)
    for instance in (1, 2, 3):
        slice_of_another = Slice(patient=7, study=1, instance=instance)
        slice_of_another.save(site.source / "Zwackelmann-1" / f"{instance}.dcm")
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert done.code == 0, done.out
    assert (done.json()["released"], done.json()["released_new"]) == (6, 3)
    new = contents(site.released)
    assert len(new) == 6
    assert len(old.keys() & new.keys()) == 3
    assert site.run("run", site.job, "--workers", 1, "--json").json()["released_new"] == 0


def test_a_file_that_is_moved_at_the_source_stays_released_once(site) -> None:
    assert site.run("run", site.job, "--workers", 1).code == 0
    old = contents(site.released)
    shutil.move(site.source / "Zwackelmann-1", site.source / "elsewhere")
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["released"]) == (0, 6)
    assert contents(site.released) == old
    status = site.run("jobs", "status", "-w", site.workspace, "--json").json()
    assert status["stages"]["release"] == {"done": 6}

    # Held from where it lies now, it is taken back, though it was first released from where it lay.
    (site.source / "elsewhere" / "1.dcm").write_bytes(b"no longer an image")
    assert site.run("run", site.job, "--workers", 1, "--json").json()["released"] == 5
    assert len(contents(site.released)) == 5


def test_what_a_killed_run_wrote_and_did_not_record_is_taken_back_once_it_is_held(site) -> None:
    """As if the power failed between a file's writing and its recording, and the source was corrected since."""
    assert site.run("run", site.job, "--workers", 1).code == 0
    path = next(iter(contents(site.released)))
    uid = path.rpartition("/")[2].removesuffix(".dcm")
    with closing(sqlite3.connect(site.workspace / "curator.sqlite")) as connection, connection:
        connection.execute("DELETE FROM instance WHERE SOPInstanceUID = ?", (uid,))
        connection.execute("DELETE FROM work WHERE output_path = ?", (path,))
    for source in site.source.rglob("*.dcm"):
        changed = dcmread(source)
        changed.BodyPartExamined = "HEAD"
        save(changed, source)
    assert site.run("run", site.job, "--workers", 1, "--json").json()["released"] == 0
    assert contents(site.released) == {}


def test_a_quarantined_file_that_is_removed_leaves_the_quarantine(site) -> None:
    (site.source / "note.txt").write_text("nothing")
    (site.source / "other.txt").write_text("nothing else")
    assert site.run("run", site.job, "--workers", 1).code == 1
    (site.source / "note.txt").unlink()
    write_job(site.job, site.workspace, [site.source], 'ignore = ["other.*"]\n')
    done = site.run("run", site.job, "--workers", 1, "--json")
    assert (done.code, done.json()["quarantined"]) == (0, {})
    assert site.run("jobs", "quarantine", "-w", site.workspace, "--json").json() == []


def test_two_jobs_that_contradict_each_other_do_not_undo_each_other(site) -> None:
    """Same SOP Instance UID, other content, in another job's folder: the later one is held, time after time."""
    assert site.run("run", site.job, "--workers", 1).code == 0
    before = contents(site.released)
    later = site.root / "later"
    Slice(patient=1, study=1, instance=2, shade=99).save(later / "a.dcm")
    Slice(patient=7, study=2, instance=9).save(later / "b.dcm")
    Slice(patient=1, study=1, instance=1).save(later / "c.dcm")
    job = write_job(site.root / "later.toml", site.workspace, [later])
    for _ in range(2):
        done = site.run("run", job, "--workers", 1, "--json").json()
        assert (done["files"], done["released"], done["released_new"]) == (3, 0, 0)
        assert done["quarantined"] == {
            "duplicate_content": 1,
            "sop_instance_uid_conflict": 1,
            "patient_id_conflict": 1,
        }
        assert contents(site.released) == before
    assert site.run("run", site.job, "--workers", 1, "--json").json()["released_new"] == 0

    # The steward decides for the later one by removing the earlier.
    (site.source / "Zwackelmann-1" / "2.dcm").unlink()
    done = site.run("run", job, "--workers", 1, "--json").json()
    assert (done["released"], done["released_new"]) == (1, 1)
    after = contents(site.released)
    assert after.keys() == before.keys()
    assert sum(after[path] != before[path] for path in after) == 1


def test_a_second_job_at_the_same_time_is_refused(site) -> None:
    with (site.workspace / "curator.toml").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = site.run("run", site.job, "--workers", 1)
    assert (done.code, done.out) == (2, "")
    assert "another job is running" in done.err
    assert not site.released.exists()
    assert site.run("run", site.job, "--workers", 1).code == 0
