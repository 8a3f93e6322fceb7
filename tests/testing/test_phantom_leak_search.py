"""The search finds what is there, in every disguise it claims to see through, and nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_hospital import MadeHospital

from curator.testing.leak_search import LeakSearch, find_leaks


@given(
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
    patterns=st.lists(st.binary(min_size=4, max_size=12).filter(lambda b: not b.isdigit()), min_size=1, max_size=8),
)
def test_agrees_with_a_plain_search(before: bytes, after: bytes, patterns: list[bytes]):
    content = before + patterns[0] + after
    expected = {pattern.lower() for pattern in patterns if pattern.lower() in content.lower()}
    assert LeakSearch(patterns).find(content) == expected


def test_a_date_inside_a_digest_is_no_date():
    search = LeakSearch([b"19430506"])
    assert not search.find(b"2.25.7719430506118")
    assert not search.find(b"deadbeef19430506aa")
    assert search.find(b"born 19430506, F")
    assert LeakSearch([b"1943050677"]).find(b"x9991943050677999")


def test_a_pattern_too_short_is_refused():
    with pytest.raises(ValueError, match="four bytes"):
        LeakSearch([b"abc"])


def test_finds_a_leak_in_bytes_names_gzip_and_parquet(hospital: MadeHospital, tmp_path: Path):
    family = next(plant.value for plant in hospital.key.plants if plant.place == "(0010,0010)")
    assert find_leaks(tmp_path, hospital.key) == []
    (tmp_path / "clean.txt").write_text("nothing here")
    assert find_leaks(tmp_path, hospital.key) == []
    (tmp_path / "plain.txt").write_text(f"seen: {family.upper()}")
    (tmp_path / f"{family}.txt").write_text("")
    (tmp_path / "packed.gz").write_bytes(gzip.compress(family.encode()))
    (tmp_path / "wide.bin").write_bytes(family.encode("utf-16-le"))
    pq.write_table(pa.table({"name": [family] * 50}), tmp_path / "cells.parquet", compression="zstd")
    found = {(leak.file, leak.where) for leak in find_leaks(tmp_path, hospital.key)}
    assert {
        ("plain.txt", "bytes"), (f"{family}.txt", "name"), ("packed.gz", "bytes"), ("wide.bin", "bytes"),
        ("cells.parquet", "cells"),
    } <= found  # fmt: skip


def test_the_hospital_itself_is_full_of_leaks(hospital: MadeHospital):
    found = {leak.value for leak in find_leaks(hospital.root, hospital.key)}
    planted = {p.pattern().lower() for p in hospital.key.plants if p.searchable}
    digits = {pattern for pattern in planted if pattern.isdigit()}
    assert planted - found <= digits  # a serial may stand inside longer numbers only
