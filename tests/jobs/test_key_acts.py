"""Acts on keys through the command line: rotation, destruction, re-identification, and what a wrong key may do."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pydicom
import pytest
from archive_samples import SECRETS, Slice, contents, digests, leaks, leaks_under, rows, save, save_series, write_job

from curator.adapters.keyfile import Keyfile
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.ring import rotated
from curator.model.identity import SubjectKey

REASON = "quality call 12"


def run(site, *more: object, code: int = 0):
    done = site.run("run", site.job, "--workers", 1, "--json", *more)
    assert done.code == code, done.err
    return done


def keys(site, verb: str, *more: object, code: int = 0):
    done = site.run("keys", verb, *more, "-w", site.workspace)
    assert done.code == code, done.err
    return done


def codes(site) -> list[str]:
    return sorted(path.name for path in site.released.iterdir())


def configure(site, line: str) -> None:
    path = site.workspace / "curator.toml"
    text = path.read_text()
    (mode,) = (one for one in text.splitlines() if one.startswith("mode"))
    path.write_text(text.replace(mode, line))


def code_of(site, patient: int, epoch: int = 1) -> str:
    key = Keyfile(site.key).ring().at(epoch)
    return next(
        one
        for one in codes(site)
        if key is not None and one == Pseudonyms(key).patient_code(_subject(Slice(patient=patient)))
    )


def _subject(one: Slice) -> SubjectKey:
    return SubjectKey(one.patient_id)


def escrow(site) -> Path:
    return site.key.with_name("key.json.escrow")


def test_K01_no_secret_is_written_or_said_but_in_the_key_file(site) -> None:
    said = [run(site), keys(site, "rotate", "--reason", "yearly"), run(site), keys(site, "list")]
    said += [keys(site, "reidentify", codes(site)[0], "--reason", REASON), keys(site, "audit", "--json")]
    said.append(site.run("jobs", "quarantine", "-w", site.workspace, "--reveal"))
    ring = Keyfile(site.key).ring()
    secrets = [key.secret for key in (*ring.keys, *ring.wrapping)] + [ring.check]
    forms = {form for one in secrets for form in (one, one.hex().encode(), base64.b64encode(one), repr(one).encode())}
    written = [path for path in site.root.rglob("*") if path.is_file() and path != site.key]
    assert escrow(site) in written
    for content in (*(path.read_bytes() for path in written), *((one.out + one.err).encode() for one in said)):
        assert not any(form in content for form in forms)
    assert any(form in site.key.read_bytes() for form in forms)


def test_I02_without_a_patient_id_an_instance_is_held(site) -> None:
    for number, patient_id in enumerate(("", " ", "\u3000")):
        instance = Slice(patient=5, study=5 + number).dataset()
        instance.SpecificCharacterSet = "ISO_IR 192"
        instance.PatientID = patient_id
        save(instance, site.source / f"{number}.dcm")
    told = run(site, code=1).json()
    assert (told["quarantined"], told["released"]) == ({"patient_id_missing": 3}, 6)


@pytest.mark.parametrize("name", ["A^B^C^D^E", "A^B=山田^太郎=やまだ^たろう", "", "A B", "^^^"])
def test_I02_whatever_the_name_says_the_patient_id_decides(site, name: str) -> None:
    run(site)
    before = codes(site)
    instance = Slice(patient=1, study=1, instance=9).dataset()
    instance.SpecificCharacterSet = "ISO_IR 192"
    instance.PatientName, instance.PatientID = name, f" {instance.PatientID.lower()} "
    save(instance, site.source / "other.dcm")
    assert run(site).json()["released_new"] >= 1
    assert codes(site) == before


def test_K04_after_a_rotation_the_next_run_makes_everything_anew_and_takes_back_the_old(site) -> None:
    run(site)
    before, old = codes(site), contents(site.released)
    shutil.copytree(site.released, site.root / "handed-out")
    keys(site, "rotate", "--reason", "yearly")
    assert contents(site.released) == old
    listed = keys(site, "list", "--json").json()
    assert [(one["epoch"], one["state"], one["outputs"]) for one in listed] == [(1, "retired", 6), (2, "active", 0)]
    told = run(site).json()
    assert (told["released"], told["released_new"], told["residual_findings"]) == (6, 6, 0)
    assert not set(codes(site)) & set(before)
    assert not set(contents(site.released)) & set(old)
    assert {row[0] for row in rows(site.workspace, "SELECT patient_code FROM patient")} == set(codes(site))
    listed = keys(site, "list", "--json").json()
    assert [one["outputs"] for one in listed] == [0, 6]
    assert listed[1]["key_id"] in (site.workspace / "curator.toml").read_text()
    now = digests(site.root)
    assert run(site).json()["released_new"] == 0
    assert digests(site.root) == now
    # What was handed out under the old epoch can still be proven and led back.
    assert site.run("deid", "verify", site.root / "handed-out", "-w", site.workspace, "--workers", 1).code == 0
    assert Slice(patient=1).patient_id in keys(site, "reidentify", *before, "--reason", REASON).out


def test_K04_key_id_and_epoch_stand_by_each_output_and_nowhere_in_the_release(site) -> None:
    run(site)
    key = Keyfile(site.key).load()
    details = rows(site.workspace, "SELECT detail FROM work WHERE stage = 'release'")
    assert len(details) == 6 and all(str(detail).endswith(f":{key.key_id}/1") for (detail,) in details)
    for path in site.released.rglob("*.dcm"):
        assert key.key_id.encode() not in path.read_bytes()


def test_K04_a_destroyed_epoch_leads_back_to_nobody_and_jobs_go_on(site) -> None:
    run(site)
    before = codes(site)
    shutil.copytree(site.released, site.root / "handed-out")
    (site.source / "note.txt").write_text("nothing")
    run(site, code=1)
    keys(site, "rotate", "--reason", "yearly")
    run(site, code=1)
    assert keys(site, "shred", "--epoch", 2, "--reason", "x", code=3).err.count("active") == 1
    assert keys(site, "shred", "--epoch", 1, "--reason", "x", "--what-if", "--json").json()["people"] == 2
    assert keys(site, "shred", "--epoch", 1, "--reason", "project ended", "--json").json()["people"] == 2
    keys(site, "reidentify", before[0], "--reason", REASON, code=2)
    verified = site.run("deid", "verify", site.root / "handed-out", "-w", site.workspace, "--workers", 1, "--json")
    assert {one["defect"] for one in verified.json()["findings"]} == {"unknown_person"}
    assert run(site, code=1).json()["released_new"] == 0
    assert keys(site, "shred", "--epoch", 1, "--reason", "again", "--json").json()["people"] == 0
    assert [one["state"] for one in keys(site, "list", "--json").json()] == ["shredded", "active"]
    keys(site, "shred", "--epoch", 7, "--reason", "x", code=2)


def test_K04_a_destroyed_person_is_gone_from_every_epoch_and_is_held_back(site) -> None:
    run(site)
    first = code_of(site, 1)
    keys(site, "rotate", "--reason", "yearly")
    run(site)
    gone, stays = code_of(site, 1, epoch=2), code_of(site, 2, epoch=2)
    copy = escrow(site).read_bytes()
    assert keys(site, "shred", "--patient", gone, "--what-if", "--reason", "x", "--json").json()["people"] == 1
    assert escrow(site).read_bytes() == copy
    keys(site, "shred", "--patient", gone, "--reason", "consent withdrawn")
    for code in (gone, first):
        keys(site, "reidentify", code, "--reason", REASON, code=2)
    keys(site, "reidentify", stays, "--reason", REASON)
    told = run(site, code=1).json()
    assert (told["quarantined"], told["released"]) == ({"patient_not_mapped": 3}, 3)
    assert codes(site) == [stays]
    keys(site, "reidentify", gone, "--reason", REASON, code=2)
    # An older copy of the escrow does not open with the key file of today.
    escrow(site).write_bytes(copy)
    keys(site, "reidentify", gone, "--reason", REASON, code=3)


def test_K05_a_new_wrapping_key_leaves_every_value_and_code(site) -> None:
    run(site)
    query = "SELECT * FROM entry ORDER BY 1, 2, 3, 4"
    with closing(sqlite3.connect(escrow(site))) as connection:
        before = connection.execute(query).fetchall()
    old = site.key.read_bytes()
    told = keys(site, "rotate", "--wrapping", "--reason", "yearly", "--json").json()
    assert told["data_keys_wrapped_anew"] == 2
    with closing(sqlite3.connect(escrow(site))) as connection:
        assert connection.execute(query).fetchall() == before
    assert run(site).json()["released_new"] == 0
    keys(site, "reidentify", *codes(site), "--reason", REASON)
    site.key.write_bytes(old)
    run(site, code=3)


def _another_key(site) -> None:
    site.key.unlink()
    Keyfile(site.key).create(domain="default")


def _changed_domain(site) -> None:
    site.key.write_text(site.key.read_text().replace('"domain": "default"', '"domain": "other"'))


def _altered_escrow(site) -> None:
    with closing(sqlite3.connect(escrow(site))) as connection:
        connection.execute("DELETE FROM entry WHERE kind = 'person'")
        connection.commit()


def _damaged_escrow(site) -> None:
    escrow(site).write_bytes(escrow(site).read_bytes()[:5000])


def _older_key_file(site) -> None:
    old = site.key.read_bytes()
    assert site.run("keys", "rotate", "--reason", "yearly", "-w", site.workspace).code == 0
    site.key.write_bytes(old)


def _open_to_others(site) -> None:
    escrow(site).chmod(0o640)


@pytest.mark.parametrize(
    "spoil",
    [_another_key, _changed_domain, _altered_escrow, _damaged_escrow, _older_key_file, _open_to_others],
    ids=lambda act: act.__name__.strip("_"),
)
def test_K06_a_wrong_or_altered_key_or_escrow_stops_a_job_before_it_writes(site, spoil) -> None:
    run(site)
    save_series(site.source, patient=3)
    spoil(site)
    before = digests(site.root)
    for more in ((), ("--what-if",)):
        refused = run(site, *more, code=3)
        assert refused.out == "" and refused.err.count("\n") == 1
        assert not leaks(refused.err) and str(site.root) not in refused.err
    refused = site.run("deid", "run", site.source, "--out", site.root / "out", "-w", site.workspace, "--workers", 1)
    assert (refused.code, refused.out) == (3, "")
    for verb in (("reidentify", "P-1"), ("rotate",), ("shred", "--patient", "P-1")):
        keys(site, *verb, "--reason", REASON, code=3)
    assert digests(site.root) == before


def test_K07_a_code_is_led_back_with_key_and_reason_and_the_log_knows(site) -> None:
    run(site)
    first = code_of(site, 1)
    rows_found = keys(site, "reidentify", first, "--reason", REASON, "--json").json()
    assert rows_found == [
        {"code": first, "patient_id": Slice(patient=1).patient_id, "name": f"{SECRETS[1]}^{SECRETS[0]}"}
    ]
    log = keys(site, "audit", "--json")
    entry = log.json()[-1]
    assert (entry["event"], entry["fields"]["reason"], entry["fields"]["codes"]) == ("keys-reidentify", REASON, first)
    assert entry["at"].endswith("+00:00")
    assert leaks(log.out) == [] == leaks_under(site.workspace)
    assert f"{len(log.json())} entries, unbroken" in keys(site, "audit").out


def test_K07_without_reason_or_key_nothing_is_said_and_nothing_logged(site) -> None:
    run(site)
    first = code_of(site, 1)
    before = digests(site.root)
    for reason in ((), ("--reason", ""), ("--reason", "  "), ("--reason", f"asked by {SECRETS[1]}")):
        refused = keys(site, "reidentify", first, *reason, code=3)
        assert refused.out == "" and not leaks(refused.err)
    for verb in (("rotate",), ("rotate", "--wrapping"), ("shred", "--epoch", 1), ("shred", "--patient", first)):
        assert "--reason" in keys(site, *verb, code=3).err
    assert digests(site.root) == before
    site.key.rename(site.root / "away.json")
    refused = keys(site, "reidentify", first, "--reason", REASON, code=3)
    assert refused.out == "" and not leaks(refused.err)


def test_K07_an_original_that_is_asked_for_by_mistake_is_neither_said_nor_logged(site) -> None:
    run(site)
    refused = keys(site, "reidentify", code_of(site, 1), Slice(patient=1).patient_id, "--reason", REASON, code=2)
    assert (refused.out, leaks(refused.err)) == ("", [])
    assert "code 2 of 2" in refused.err
    assert leaks(keys(site, "audit").out) == []
    assert keys(site, "audit", "--json").json()[-1]["event"] == "keys-reidentify-unknown"


def test_K07_a_log_that_was_changed_or_cut_is_found(site) -> None:
    run(site)
    for reason in ("one", "two", "three"):
        keys(site, "reidentify", code_of(site, 1), "--reason", reason)
    entries = keys(site, "audit", "--json").json()
    head = entries[-1]["hash"]
    keys(site, "audit", "--head", head)
    database = site.workspace / "curator.sqlite"
    good = database.read_bytes()
    for statement, more in (
        ("UPDATE audit SET fields = replace(fields, 'two', 'ten')", ()),
        ("DELETE FROM audit WHERE fields LIKE '%two%'", ()),
        ("DELETE FROM audit WHERE fields LIKE '%three%'", ("--head", head)),
    ):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(statement)
            connection.commit()
        keys(site, "audit", *more, code=3)
        database.write_bytes(good)


def test_K07_uids_are_led_back_where_the_workspace_keeps_them(site) -> None:
    run(site)
    path = next(site.released.rglob("*.dcm"))
    keys(site, "reidentify", path.stem, "--reason", REASON, code=2)
    configure(site, "keep_uids = true")
    assert run(site).json()["released_new"] == 0
    (found,) = keys(site, "reidentify", path.stem, "--reason", REASON, "--json").json()
    sources = {str(pydicom.dcmread(one).SOPInstanceUID) for one in site.source.rglob("*.dcm")}
    assert found["code"] == path.stem and found["uid"] in sources
    assert not any(uid.encode() in escrow(site).read_bytes() for uid in sources)


def _digest_forms(value: str) -> set[bytes]:
    forms = set()
    for text in {value, value.lower(), value.upper(), f"{value}\0", f"{value} ", value.replace("^", " ")}:
        for name in ("md5", "sha1", "sha256", "sha512"):
            digest = hashlib.new(name, text.encode()).digest()
            coded = base64.b64encode(digest)
            # 16 of a digest's hex digits are as good as all of it.
            forms |= {digest[:8], digest.hex()[:16].encode(), coded[:11], base64.urlsafe_b64encode(digest)[:11]}
            forms |= {str(int.from_bytes(digest[:16], "big")).encode(), base64.b32encode(digest)[:13].lower()}
    return forms


def test_K08_no_unkeyed_digest_of_an_identifier_is_written_anywhere(site) -> None:
    configure(site, "keep_uids = true")
    log = run(site)
    keys(site, "rotate", "--reason", "yearly")
    told = run(site)
    keys(site, "reidentify", codes(site)[0], "--reason", REASON)
    planted = {SECRETS[1], SECRETS[2], f"{SECRETS[1]}^{SECRETS[0]}", SECRETS[3], "19551013"}
    for path in site.source.rglob("*.dcm"):
        instance = pydicom.dcmread(path)
        planted |= {str(instance[name].value) for name in ("PatientID", "SOPInstanceUID", "StudyInstanceUID")}
        planted |= {str(path), path.name, str(path.relative_to(site.source))}
    forms = set().union(*map(_digest_forms, planted))
    written = [path for path in site.root.rglob("*") if path.is_file() and site.source not in path.parents]
    assert len(written) > 8
    for content in (
        *(path.read_bytes() for path in written),
        *(one.out.encode() + one.err.encode() for one in (log, told)),
    ):
        folded = content.lower()
        assert not any(form in content or form.lower() in folded for form in forms)
    # The search finds what it looks for.
    assert hashlib.md5(SECRETS[2].encode()).hexdigest()[:16].encode() in forms


def test_K09_two_releases_share_nothing_that_links_a_patient(site) -> None:
    run(site)
    other = site.root / "other"
    assert site.run("init", other, "--keys", site.root / "keys" / "other.json", "--domain", "recipient-b").code == 0
    job = write_job(site.root / "other.toml", other, [site.source])
    assert site.run("run", job, "--workers", 1).code == 0

    def linking(folder: Path) -> set[str]:
        found = set()
        for path in (folder / "released").rglob("*.dcm"):
            instance = pydicom.dcmread(path)
            texts = [
                str(element.value) for element in instance.iterall() if element.VR in ("UI", "DA", "LO", "PN", "SH")
            ]
            found |= {text for text in texts if not text.startswith("1.2.840.10008")}
            found |= set(path.relative_to(folder / "released").with_suffix("").parts)
        return found

    own = linking(site.workspace) & linking(other)
    # What is equal says what kind of image it is and how it was treated.
    assert not any(text.startswith(("2.25.", "P-")) for text in own)
    assert not {row[0] for row in rows(site.workspace, "SELECT centre_code FROM instance")} & {
        row[0] for row in rows(other, "SELECT centre_code FROM instance")
    }
    refused = site.run("keys", "reidentify", codes(site)[0], "-w", other, "--reason", REASON)
    assert refused.code == 2


def test_K02_no_key_is_made_in_a_workspace_or_checkout_or_beside_the_database(site) -> None:
    (site.root / "checkout" / ".git").mkdir(parents=True)
    for place in (site.workspace / "k.json", site.workspace / "deep" / "k.json", site.root / "checkout" / "k.json"):
        for more in ((), ("--what-if",)):
            assert site.run("keys", "new", place, *more).code == 3
    new = site.root / "keys" / "new.json"
    assert site.run("keys", "new", new, "--what-if", "--json").json()["made"] is False
    assert not new.exists()
    told = site.run("keys", "new", new, "--domain", "trial", "--json").json()
    assert told["key_id"] == Keyfile(new).load().key_id and Keyfile(new).load().domain == "trial"
    assert base64.b64encode(Keyfile(new).load().secret).decode() not in json.dumps(told)
    assert site.run("keys", "new", new).code == 3
    text = (site.workspace / "curator.toml").read_text()
    (site.workspace / "curator.toml").write_text(text.replace("curator.sqlite", str(site.key.parent / "c.sqlite")))
    run(site, code=3)
    assert not (site.key.parent / "c.sqlite").exists()


def test_K02_a_key_in_the_output_is_refused(site) -> None:
    refused = site.run("deid", "run", site.source, "--out", site.key.parent, "-w", site.workspace, "--workers", 1)
    assert refused.code == 3
    assert [path.name for path in site.key.parent.iterdir()] == ["key.json"]


def test_a_key_file_that_is_ahead_of_the_workspace_is_the_workspaces(site) -> None:
    """A rotation that was cut off before it was noted, or was done from another workspace."""
    run(site)
    ring = Keyfile(site.key).ring()
    Keyfile(site.key).replace(rotated(ring, bytes(range(100, 132))))
    assert run(site).json()["released_new"] == 6
