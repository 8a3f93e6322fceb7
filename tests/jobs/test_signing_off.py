"""The human check: a sample by risk, every text that is left, and a signature for exactly that."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from archive_samples import SECRETS, Slice, leaks, rows, save
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from curator.catalog.sample import CONDITIONS, draw, load_weights

EVERYBODY = {f"2.25.{number}": f"{number}.dcm" for number in range(40)}


def sampled(holds: dict[str, set[str]], *, count: int, seed: int) -> list[str]:
    return [one.SOPInstanceUID for one in draw(EVERYBODY, holds, load_weights(), count=count, seed=seed)]


@given(st.integers(), st.integers(0, 50), st.integers(0, 50))
def test_R04_a_sample_is_a_beginning_of_every_larger_one(seed: int, fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))
    larger = sampled({}, count=more, seed=seed)
    assert sampled({}, count=fewer, seed=seed) == larger[:fewer]
    assert len(set(larger)) == min(more, len(EVERYBODY))


def test_R04_risky_instances_are_drawn_as_much_more_often_as_their_weight_says() -> None:
    """First draws are by weight exactly: 1 of 14 against 13 plain ones of weight 1 each."""
    weights = {one.when: one.weight for one in load_weights()}
    total = 1 + weights["has_text_of_its_own"]
    firsts = Counter(sampled({"2.25.0": {"has_text_of_its_own"}}, count=1, seed=seed)[0] for seed in range(3000))
    expected = 3000 * total / (total + len(EVERYBODY) - 1)
    assert abs(firsts["2.25.0"] - expected) < 4 * expected**0.5
    assert set(weights) == set(CONDITIONS)


def shown(site, *more: object):
    done = site.run("deid", "sample", "-w", site.workspace, "--workers", 1, "--json", *more)
    assert done.code == 0
    return json.loads(done.out)


def attested(site, code: str, *more: object):
    by = ("--by", SECRETS[4], "--code", code, "--on", "2026-11-21", "--workers", 1)
    return site.run("deid", "attest", "-w", site.workspace, *by, *more)


@pytest.fixture
def released(site):
    assert site.run("run", site.job, "--workers", 1).code == 0
    return site


def test_R04_every_distinct_retained_text_is_listed(released) -> None:
    found = {(one["attribute"], one["value"]): (one["series"], one["files"]) for one in shown(released)["texts"]}
    assert found["ManufacturerModelName", "SOMATOM Force"] == (2, 6)
    assert found["Modality", "CT"] == (2, 6)
    assert found["ImageType", "AXIAL"] == (2, 6)
    # Against what pydicom reads: every text of every file, but markers, codes, numbers, days and UIDs.
    expected = set()
    for path in released.released.rglob("*.dcm"):
        for element in dcmread(path):
            if element.VR in ("LO", "SH", "CS", "ST", "LT", "UT", "PN", "AE") and element.tag.group != 0x0012:
                values = element.value if element.VM > 1 else [element.value]
                expected |= {(element.keyword, str(value)) for value in values if value}
    codes = {(name, value) for name, value in expected if name in ("PatientID", "PatientName")}
    assert set(found) == expected - codes - {("LongitudinalTemporalInformationModified", "MODIFIED")}
    assert leaks(json.dumps(sorted(found))) == []


def test_R04_the_sample_prefers_what_stands_out_and_is_the_same_twice(released) -> None:
    dataset = Slice(patient=1, study=1, instance=7).dataset()
    dataset.SeriesInstanceUID += ".5"
    dataset.ManufacturerModelName = "One Of Its Kind"
    save(dataset, released.source / "lone.dcm")
    assert released.run("run", released.job, "--workers", 1).code == 0
    first = shown(released, "--n", 7, "--seed", 3)
    assert first == shown(released, "--n", 7, "--seed", 3)
    assert len(first["sample"]) == 7
    rules = {one["path"]: one["rules"] for one in first["sample"]}
    assert sum("sample/lone-text" in found for found in rules.values()) == 1
    assert all((released.released / path).is_file() for path in rules)
    assert [one["path"] for one in shown(released, "--n", 2, "--seed", 3)["sample"]] == list(rules)[:2]


def test_R04_a_signature_is_for_what_was_shown_and_names_nobody(released) -> None:
    before = rows(released.workspace, "SELECT count(*) FROM audit")
    code = shown(released)["code"]
    assert attested(released, code, "--accept", "--what-if").code == 0
    assert rows(released.workspace, "SELECT count(*) FROM audit") == before
    done = attested(released, code, "--accept")
    assert (done.code, leaks(done.out + done.err)) == (0, [])
    ((fields, at),) = rows(released.workspace, "SELECT fields, at FROM audit WHERE event = 'attested'")
    written = json.loads(str(fields))
    assert (written["code"], written["accepted"], written["instances"], at) == (code, True, 6, "2026-11-21")
    assert written["by"].startswith("A-")
    assert leaks(str(fields)) == []
    assert shown(released)["code"] == code


def test_R04_another_release_needs_another_look(released) -> None:
    code = shown(released)["code"]
    Slice(patient=1, study=1, instance=8).save(released.source / "more.dcm")
    assert released.run("run", released.job, "--workers", 1).code == 0
    assert attested(released, code, "--reject").code == 3
    assert attested(released, shown(released)["code"], "--accept", "--seed", 1).code == 3
    assert rows(released.workspace, "SELECT count(*) FROM audit WHERE event = 'attested'") == [(0,)]
