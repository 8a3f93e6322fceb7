"""What a release says of itself: edition, options, policy, key, actions, proof and quarantine, by opaque names only."""

from __future__ import annotations

import json

from archive_samples import Slice, leaks, rows, save
from pydicom import dcmread

from curator.bundled import bundled_folder
from curator.policy.header import load_header_policy


def report_of(site) -> dict:
    done = site.run("report", site.workspace, "--out", site.root / "page.html", "--json")
    assert done.code == 0
    assert leaks(done.out) == []
    assert leaks((site.root / "page.html").read_bytes()) == []
    return json.loads(done.out)["release"]


def run(site):
    return site.run("run", site.job, "--workers", 1, "--json")


def test_R03_the_release_report_says_all_that_the_row_asks_for(site) -> None:
    dataset = Slice(patient=3, study=3).dataset()
    del dataset.PatientID
    save(dataset, site.source / "nobody.dcm")
    assert run(site).code == 1
    release = report_of(site)
    policy = load_header_policy(bundled_folder("rules"), options=("retain-long-modified-dates",))
    (stated,) = release["policies"]
    assert (stated["edition"], stated["digest"], stated["files"]) == ("2026d", policy.digest, 6)
    assert stated["options"] == [f"{one.code_value} {one.code_meaning}" for one in policy.methods]
    assert stated["dates"] == "MODIFIED"
    assert release["key_id"] in json.loads(site.key.read_text(encoding="utf-8")).__repr__()
    actions = {(one["rule_id"], one["action"]): one["count"] for one in release["actions"]}
    # One of each in each of six files.
    assert actions["PS3.15-E.1-1/00080080/Basic", "X"] == 6
    assert actions["PS3.15-E.1-1/00080020/retain-long-modified-dates", "S"] == 6
    proof = release["verification"]
    assert (proof["files"], proof["residuals"], proof["by_defect"], proof["withdrawn"]) == (6, 0, [], 0)
    ((item,),) = [rows(site.workspace, "SELECT item_id FROM quarantine")[0:1]]
    assert release["held_items"] == [{"item_id": item[0], "reason": "patient_id_missing", "stage": "release"}]
    page = (site.root / "page.html").read_text(encoding="utf-8")
    assert all(said in page for said in ("2026d", policy.digest, release["key_id"], item[0]))


def test_R03_counts_follow_what_is_released(site) -> None:
    assert run(site).code == 0
    before = {one["rule_id"]: one["count"] for one in report_of(site)["actions"]}
    next(site.source.rglob("1.dcm")).unlink()
    victim = next(iter(site.released.rglob("*.dcm")))
    dataset = dcmread(victim)
    dataset.SeriesInstanceUID = "1.2.3"
    dataset.save_as(victim)
    assert run(site).code == 1
    after = report_of(site)
    assert {one["rule_id"]: one["count"] for one in after["actions"]}.items() <= {
        rule: count * 5 // 6 for rule, count in before.items()
    }.items()
    assert after["verification"]["by_defect"] == [{"name": "foreign_uid", "count": 1}]
    assert (after["verification"]["residuals"], after["verification"]["withdrawn"]) == (0, 1)


def test_R03_a_proof_is_of_its_release_only(site) -> None:
    assert run(site).code == 0
    entries = rows(site.workspace, "SELECT count(*) FROM audit WHERE event = 'verified'")
    assert run(site).code == 0
    assert rows(site.workspace, "SELECT count(*) FROM audit WHERE event = 'verified'") == entries == [(1,)]
    assert report_of(site)["verification"]["files"] == 6


def test_M01_every_released_file_carries_the_markers_that_the_report_states(site) -> None:
    assert run(site).code == 0
    (stated,) = report_of(site)["policies"]
    for path in site.released.rglob("*.dcm"):
        one = dcmread(path)
        assert (one.PatientIdentityRemoved, one.LongitudinalTemporalInformationModified) == ("YES", stated["dates"])
        assert one.DeidentificationMethod == stated["method"]
        assert [f"{code.CodeValue} {code.CodeMeaning}" for code in one.DeidentificationMethodCodeSequence] == stated[
            "options"
        ]
        assert "BurnedInAnnotation" not in one
        assert "RecognizableVisualFeatures" not in one
