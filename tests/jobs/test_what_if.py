"""The per-element difference: what truly happens to each element, without a value of the source and without writing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archive_samples import SECRETS, Slice, contents, digests, leaks, save
from pydicom import dcmread
from pydicom.dataset import Dataset

from curator.jobs.differences import file_differences

SHIFTED = ("--option", "retain-long-modified-dates")


def sample(folder: Path) -> Path:
    dataset = Slice(patient=1, study=1, instance=9).dataset()
    dataset.PatientComments = f"saw {SECRETS[0]}"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113076", "DCM", SECRETS[1]
    nested = Dataset()
    nested.PurposeOfReferenceCodeSequence = [code]
    nested.ReferencedSOPClassUID = dataset.SOPClassUID
    nested.ReferencedSOPInstanceUID = "1.2.3.99"
    dataset.SourceImageSequence = [nested]
    return save(dataset, folder / "one.dcm")


def by_place(text: str) -> dict[str, dict[str, str]]:
    return {one["place"]: one for one in json.loads(text)}


def test_a_difference_shows_every_element_and_no_value_of_the_source(site) -> None:
    path = sample(site.root / "one")
    done = site.run("deid", "explain", path, "--diff", "--json")
    assert done.code == 0
    rows = by_place(done.out)
    assert leaks(done.out) == []
    assert not any(value in done.out for value in ("1.2.3.99", "19551013", "20190430", "SIEMENS"))
    assert rows["(0010,4000)"] | {"why": ""} == {
        "place": "(0010,4000)",
        "keyword": "PatientComments",
        "action": "X",
        "rule_id": "PS3.15-E.1-1/00104000/Basic",
        "change": "removed",
        "before": "LT, 14 bytes",
        "after": "",
        "why": "",
    }
    assert rows["(0010,0010)"]["change"] == "replaced"
    assert rows["(0010,0010)"]["after"] == "PN, 14 bytes"  # made by a key that nobody keeps
    assert rows["(0028,0010)"]["change"] == "kept"
    assert rows["(0012,0062)"] | {"why": ""} == {
        "place": "(0012,0062)",
        "keyword": "PatientIdentityRemoved",
        "action": "=",
        "rule_id": rows["(0012,0062)"]["rule_id"],
        "change": "added",
        "before": "",
        "after": "CS, 4 bytes: YES",
        "why": "",
    }
    meaning = rows["(0008,2112)[0]/(0040,A170)[0]/(0008,0104)"]
    assert (meaning["change"], meaning["after"]) == ("replaced", "LO, 12 bytes: Segmentation")
    text = site.run("deid", "explain", path, "PatientComments", "--diff")
    assert text.out == "(0010,4000)  PatientComments  X  removed  LT, 14 bytes  [PS3.15-E.1-1/00104000/Basic]\n"


def test_the_key_holder_sees_the_values_that_the_job_would_write(site) -> None:
    path = sample(site.source / "more")
    before = contents(site.root)
    done = site.run("deid", "explain", path, "--diff", "--json", "-w", site.workspace, *SHIFTED)
    assert done.code == 0
    assert contents(site.root) == before
    rows = by_place(done.out)
    assert leaks(done.out) == []
    assert site.run("run", site.job, "--workers", 1).code in (0, 1)
    written = {one.SOPInstanceUID: one for one in map(dcmread, site.released.rglob("*.dcm"))}
    uid = rows["(0008,0018)"]["after"].split(": ")[1]
    one = written[uid]
    assert rows["(0010,0020)"]["after"].endswith(f": {one.PatientID}")
    assert rows["(0008,0020)"]["after"] == f"DA, 8 bytes: {one.StudyDate}"
    # Row by row what pydicom sees in the file itself.
    source = dcmread(path)
    for element in source:
        change = rows[f"({element.tag.group:04X},{element.tag.element:04X})"]["change"]
        if element.tag not in one:
            assert change == "removed"
        elif element.VR != "SQ":
            same = one[element.tag].value == element.value
            assert change == ("kept" if same else "replaced" if str(one[element.tag].value or "") else "emptied")
    assert {place for place in rows if rows[place]["change"] == "added"} == {
        f"({element.tag.group:04X},{element.tag.element:04X})" for element in one if element.tag not in source
    } | {place for place in rows if place.startswith("(0012,0064)[") and rows[place]["change"] == "added"}


@pytest.mark.parametrize("more", [(), ("--diff",), ("--diff", "-w", "WORKSPACE"), ("--diff", "--json")])
def test_old_values_are_for_the_key_holder_on_a_terminal_only(site, more: tuple[str, ...]) -> None:
    path = sample(site.root / "one")
    done = site.run(
        "deid", "explain", path, "--show-values", *(site.workspace if one == "WORKSPACE" else one for one in more)
    )
    assert done.code == 2
    assert leaks(done.out + done.err) == []


def test_old_values_are_shown_there(site) -> None:
    path = sample(site.root / "one")
    rows = file_differences(path, workspace=site.workspace, profile="basic", options=(), show_old=True)
    shown = {one.place: one.before for one in rows}
    assert shown["(0010,4000)"] == f"LT, 14 bytes: saw {SECRETS[0]}"
    assert SECRETS[0] in shown["(0010,0010)"]
    hidden = file_differences(path, workspace=None, profile="basic", options=(), show_old=True)
    assert not any(secret in one.before for one in hidden for secret in SECRETS)


def test_what_would_be_held_says_so(site) -> None:
    dataset = Slice(patient=1, study=1).dataset()
    del dataset.PatientID
    path = save(dataset, site.root / "one" / "nobody.dcm")
    done = site.run("deid", "explain", path, "--diff")
    assert (done.code, "patient_id_missing" in done.err) == (1, True)


def test_a_rehearsal_for_machines_tells_of_every_element_that_changes_and_writes_nothing(site) -> None:
    before = digests(site.root)
    out = site.root / "out"
    done = site.run(
        "deid", "run", site.source, "--out", out, "-w", site.workspace, "--what-if", "--json", "--workers", 1, *SHIFTED
    )
    assert done.code == 0
    assert digests(site.root) == before
    assert leaks(done.out + done.err) == []
    found = json.loads(done.out)
    assert found["would_release"] == len(found["instances"]) == 6
    assert not any(row["change"] == "kept" for one in found["instances"] for row in one["elements"])
    names = {row["keyword"] for row in found["instances"][0]["elements"]}
    assert {"PatientName", "StudyDate", "InstitutionName", "DeidentificationMethod"} <= names
    shown = {row["after"].split(": ")[-1] for one in found["instances"] for row in one["elements"]}
    assert site.run("deid", "run", site.source, "--out", out, "-w", site.workspace, "--workers", 1, *SHIFTED).code == 0
    assert {dcmread(path).SOPInstanceUID for path in out.rglob("*.dcm")} <= shown
