"""Manifest tables: the record's columns, exact values, equal bytes, page checksums."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.dataset.rows import ROW_GROUP, read_rows, rows_bytes, schema_of
from curator.errors import IntegrityError
from curator.model.manifest import AnnotationRow, Item, Split, SplitRow
from curator.model.votes import PaletteRow

ROWS = st.lists(st.builds(SplitRow, split=st.sampled_from(Split), fold=st.integers(-1, 99)), max_size=20)
PALETTES = st.lists(
    st.builds(PaletteRow, pattern=st.integers(0, 65535), label_values=st.lists(st.integers(0, 255)).map(tuple),
              author_codes=st.lists(st.text(max_size=3)).map(tuple)), max_size=20,
)  # fmt: skip # one thought


@settings(deadline=None, max_examples=50)
@given(ROWS, PALETTES)
def test_rows_read_back_equal(tmp_path_factory, splits, palette):
    folder = tmp_path_factory.mktemp("rows")
    for record, rows in ((SplitRow, splits), (PaletteRow, palette)):
        path = folder / record.__name__
        path.write_bytes(rows_bytes(record, rows))
        assert read_rows(path, record) == rows
        assert rows_bytes(record, read_rows(path, record)) == path.read_bytes()


@pytest.mark.parametrize("record", [Item, AnnotationRow, SplitRow, PaletteRow])
def test_columns_are_the_fields_in_order_and_never_null(record, tmp_path):
    (tmp_path / "x").write_bytes(rows_bytes(record, []))
    schema = pq.read_schema(tmp_path / "x")
    assert schema.names == list(record.__dataclass_fields__)
    assert not any(field.nullable for field in schema)
    assert schema.equals(schema_of(record), check_metadata=False)
    assert read_rows(tmp_path / "x", record) == []


def test_row_groups_are_bounded_compressed_and_checked(tmp_path):
    rows = [SplitRow(item_id=f"{n:08}", patient_code="P", split=Split.TRAIN, fold=0) for n in range(ROW_GROUP + 5)]
    path = tmp_path / "x"
    content = rows_bytes(SplitRow, rows)
    path.write_bytes(content)
    footer = pq.ParquetFile(path).metadata
    assert [footer.row_group(n).num_rows for n in range(footer.num_row_groups)] == [ROW_GROUP, 5]
    column = footer.row_group(0).column(0)
    assert column.compression == "ZSTD"
    # A page's own checksum catches what no other check of Parquet would.
    changed = bytearray(content)
    changed[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(changed)
    with pytest.raises(IntegrityError):
        read_rows(path, SplitRow)


def test_other_columns_values_and_files_are_named(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(rows_bytes(PaletteRow, []))
    with pytest.raises(IntegrityError, match="has not the columns of SplitRow"):
        read_rows(path, SplitRow)
    row = SplitRow(item_id="i", patient_code="P", split="holdout", fold=0)  # type: ignore[arg-type]
    path.write_bytes(rows_bytes(SplitRow, [row]))
    with pytest.raises(IntegrityError, match="holds values that SplitRow does not know"):
        read_rows(path, SplitRow)
    path.write_bytes(b"PAR1")
    with pytest.raises(IntegrityError, match="cannot be read as Parquet"):
        read_rows(path, SplitRow)
    with pytest.raises(IntegrityError, match="cannot be read as Parquet"):
        read_rows(tmp_path / "missing", SplitRow)
