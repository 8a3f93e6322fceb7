"""Where patient codes come from: the key, a draw that is kept, a site's own list."""

from __future__ import annotations

from pathlib import Path

import pydicom
from archive_samples import Slice, contents, digests, leaks, leaks_under, rows, save_series
from test_key_acts import REASON, codes, configure, escrow, keys, run

from curator.adapters.keyfile import Keyfile
from curator.identity.pseudonyms import Pseudonyms
from curator.model.identity import SubjectKey

HEADER = "PatientID,IssuerOfPatientID,code\n"


def derived(site, patient: int) -> str:
    return Pseudonyms(Keyfile(site.key).load()).patient_code(SubjectKey(Slice(patient=patient).patient_id))


def mapping(site, text: str) -> Path:
    path = site.key.with_name("map.csv")
    path.write_text(HEADER + text)
    path.chmod(0o600)
    configure(site, f'mode = "csv"\nmapping = "{path}"')
    return path


def test_drawn_codes_are_not_the_derived_ones_and_stay(site) -> None:
    configure(site, 'mode = "random"')
    run(site)
    before = codes(site)
    assert len(before) == 2 and not {derived(site, 1), derived(site, 2)} & set(before)
    state = digests(site.root)
    assert run(site).json()["released_new"] == 0
    assert digests(site.root) == state
    # A third patient, who comes first in the order of Patient IDs, changes nothing for those who are there.
    save_series(site.source, patient=0)
    assert run(site).json()["released_new"] == 3
    assert set(before) < set(codes(site))
    path = next(site.released.rglob("*.dcm"))
    uids = {
        Pseudonyms(Keyfile(site.key).load()).uid(str(pydicom.dcmread(one).SOPInstanceUID))
        for one in site.source.rglob("*.dcm")
    }
    assert path.stem in uids
    found = keys(site, "reidentify", *codes(site), "--reason", REASON, "--json").json()
    assert {one["patient_id"] for one in found} == {Slice(patient=number).patient_id for number in (0, 1, 2)}


def test_a_run_that_starts_over_gives_the_drawn_codes_and_shifts_again(site) -> None:
    configure(site, 'mode = "random"')
    run(site)
    before = contents(site.released)
    for path in [*site.released.rglob("*.dcm"), site.workspace / "curator.sqlite"]:
        path.unlink()
    run(
        site,
    )
    assert contents(site.released) == before


def test_K06_drawn_codes_that_were_lost_stop_the_job_before_it_writes(site) -> None:
    configure(site, 'mode = "random"')
    run(site)
    older = escrow(site).read_bytes()
    save_series(site.source, patient=3)
    run(site)
    for content in (None, b"", older):
        escrow(site).unlink(missing_ok=True)
        if content is not None:
            escrow(site).write_bytes(content)
            escrow(site).chmod(0o600)
        before = contents(site.root)
        assert "drawn" in run(site, code=3).err
        assert contents(site.root) == before


def test_a_rotation_draws_anew(site) -> None:
    configure(site, 'mode = "random"')
    run(site)
    before = codes(site)
    keys(site, "rotate", "--reason", "yearly")
    assert run(site).json()["released_new"] == 6
    assert len(codes(site)) == 2 and not set(before) & set(codes(site))


def test_another_mode_makes_everything_anew(site) -> None:
    run(site)
    assert codes(site) == sorted(derived(site, number) for number in (1, 2))
    configure(site, 'mode = "random"')
    assert run(site).json()["released_new"] == 6
    assert not set(codes(site)) & {derived(site, 1), derived(site, 2)}


def test_a_listed_code_stands_and_who_is_not_listed_is_held(site) -> None:
    path = mapping(site, f"{Slice(patient=1).patient_id},,SITE-001\n")
    told = run(site, code=1).json()
    assert (told["quarantined"], told["released"]) == ({"patient_not_mapped": 3}, 3)
    assert codes(site) == ["SITE-001"]
    instance = pydicom.dcmread(next(site.released.rglob("*.dcm")))
    assert (instance.PatientID, str(instance.PatientName)) == ("SITE-001", "SITE-001")
    assert leaks_under(site.workspace) == []
    held = site.run("jobs", "quarantine", "-w", site.workspace).out
    assert "not in the mapping file" in held and leaks(held) == []
    path.write_text(path.read_text() + f"{Slice(patient=2).patient_id},,SITE-002\n")
    assert run(site).json()["released_new"] == 3
    # A corrected code moves the person.
    path.write_text(path.read_text().replace("SITE-002", "SITE-003"))
    assert run(site).json()["released_new"] == 3
    assert codes(site) == ["SITE-001", "SITE-003"]
    # Who is taken off the list is taken back.
    path.write_text(HEADER + f"{Slice(patient=1).patient_id},,SITE-001\n")
    run(site, code=1)
    assert codes(site) == ["SITE-001"]
    assert rows(site.workspace, "SELECT patient_code FROM patient") == [("SITE-001",)]


def test_a_wrong_list_stops_the_job_before_it_writes(site) -> None:
    patient_id = Slice(patient=1).patient_id
    path = mapping(site, f"{patient_id},,A\n{patient_id.lower()},,B\n")
    before = digests(site.root)
    for more in ((), ("--what-if",)):
        refused = run(site, *more, code=2)
        assert "twice" in refused.err and leaks(refused.err) == []
    path.chmod(0o644)
    run(site, code=3)
    path.chmod(0o600)
    assert contents(site.root) == {name: digest for name, (digest, _) in before.items() if digest}
    path.rename(site.workspace / "map.csv")
    configure_path = site.workspace / "curator.toml"
    configure_path.write_text(configure_path.read_text().replace(str(path), "map.csv"))
    run(site, code=3)


def test_modes_are_configured_whole(site) -> None:
    for line, named in (
        ('mode = "ranom"', "random"),
        ('mode = "csv"', "mapping"),
        ('mode = "keyed"\nmapping = "map.csv"', "mapping"),
        ("keep_uid = true", "keep_uids"),
    ):
        text = (site.workspace / "curator.toml").read_text()
        configure(site, line)
        assert named in run(site, code=2).err
        (site.workspace / "curator.toml").write_text(text)
