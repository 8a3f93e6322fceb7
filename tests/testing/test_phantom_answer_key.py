"""A leak test is worth what its answer key is worth: each planted value really is where the key says."""

from __future__ import annotations

from collections import defaultdict

import pydicom
from made_hospital import MadeHospital
from pydicom.tag import Tag

from curator.testing import AnswerKey, Plant, PlantKind


def test_every_planted_value_is_in_the_bytes_of_its_file(hospital: MadeHospital):
    by_file: dict[str, list[Plant]] = defaultdict(list)
    for plant in hospital.key.plants:
        by_file[plant.file].append(plant)
    missing = []
    for file, plants in by_file.items():
        content = hospital.content(file)
        for plant in plants:
            if plant.kind is PlantKind.FILE_NAME:
                present = plant.value in file
            else:
                present = plant.kind is PlantKind.PIXEL_TEXT or plant.pattern() in content
            if not present:
                missing.append((file, plant.place, plant.kind))
    assert not missing


def test_places_lead_to_the_element_that_holds_the_value(hospital: MadeHospital):
    checked = 0
    for made in hospital.files("SR", "PR", "SEG", "RTSTRUCT"):
        dataset = pydicom.dcmread(hospital.root / made.file)
        for plant in hospital.key.plants_in(made.file):
            if not plant.place.startswith("(") or plant.place.startswith("(0002"):
                continue
            here = dataset
            *path, last = plant.place.split("/")
            for step in path:
                tag, index = step.rstrip("]").split("[")
                here = here[_tag(tag)].value[int(index)]
            value = here[_tag(last)].value
            text = value.decode() if isinstance(value, bytes) else str(value)
            assert plant.value in text
            checked += 1
    assert checked > 1000


def _tag(text: str) -> int:
    group, element = text.strip("()").split(",")
    return int(Tag(int(group, 16), int(element, 16)))


def test_every_odd_place_is_planted(hospital: MadeHospital):
    tops = {plant.place.split("/")[0].split("[")[0] for plant in hospital.key.plants}
    expected = {
        "preamble", "trailing", "pixels", "file_name", "content", "descrip", "(0002,0016)", "(0002,0102)",
        "(0008,2218)", "(0008,9999)", "(0010,4F00)", "(6004,4000)", "(6000,1500)", "(600E,3000)",
        "(FFFC,FFFC)", "(0088,0200)",
        "(0400,0561)", "(FFFA,FFFA)", "(5000,3000)", "(501E,2500)", "(0029,1001)", "(0031,1001)", "(0033,1001)",
        "(0020,4000)", "(0008,1250)", "(0018,1002)", "(0008,1190)", "(0020,0012)", "(0040,0275)", "(0040,A730)",
        "(0070,0001)", "(0042,0011)", "(0010,1002)",
    }  # fmt: skip
    assert expected <= tops
    deepest = max(plant.place.count("/") for plant in hospital.key.plants)
    assert deepest == 8


def test_searched_values_cannot_come_up_by_chance(hospital: MadeHospital):
    values = hospital.key.values_to_search()
    assert len(values) > 400
    assert min(len(pattern) for pattern in hospital.key.bytes_to_search()) >= 7
    encodings = {plant.encoding for plant in hospital.key.plants}
    assert {"ascii", "latin-1", "utf-8", "iso2022_jp", "iso8859_5", "utf-16-le"} <= encodings
    dates = {p.value for p in hospital.key.plants if p.kind is PlantKind.DATE and p.searchable}
    assert dates
    assert all(any(str(year) in value for year in range(1931, 1971)) for value in dates)


def test_every_uid_is_covered_by_a_searched_root(hospital: MadeHospital):
    roots = {p.value for p in hospital.key.plants if p.kind is PlantKind.UID and p.searchable}
    for path in hospital.dicom():
        header = pydicom.dcmread(path, stop_before_pixels=True)
        for uid in (header.SOPInstanceUID, header.SeriesInstanceUID, header.StudyInstanceUID):
            assert any(uid.startswith(root) for root in roots)


def test_the_key_survives_json(hospital: MadeHospital):
    back = AnswerKey.from_json(hospital.key.to_json())
    assert back.seed == hospital.key.seed
    assert back.files == hospital.key.files
    assert sorted(back.plants) == sorted(hospital.key.plants)


def test_no_value_shows_in_a_repr(hospital: MadeHospital):
    plant = hospital.key.plants[0]
    made = hospital.key.files[0]
    assert plant.value not in repr(plant)
    assert made.file not in repr(made)
