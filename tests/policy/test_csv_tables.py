"""CSV tables are read whole or refused with the line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import ConfigurationError
from curator.policy.csv_tables import parse_csv
from curator.policy.tags import tag_mask_of, tag_of

COLUMNS = ("tag", "why")
CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS)))
def test_what_the_csv_module_writes_reads_back(rows: list[tuple[str, str]]) -> None:
    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
    read = parse_csv(stream.getvalue().encode(), name="t.csv", columns=COLUMNS)
    assert [(row["tag"], row["why"]) for row in read] == rows


def test_rows_know_their_lines() -> None:
    read = parse_csv(b'tag,why\n\n1,"two\nlines"\n2,x\n', name="t.csv", columns=COLUMNS)
    assert [row.name for row in read] == ["t.csv, line 4", "t.csv, line 5"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "t.csv: the columns must be tag, why, in this order"),
        (b"why,tag\n", "t.csv: the columns must be tag, why, in this order"),
        (b"tag,why,why\n", "t.csv: the columns must be tag, why, in this order"),
        (b"tag,whyy\n", "t.csv has no column 'whyy'; did you mean 'why'?"),
        (b"tag,why\n1\n", "t.csv, line 2: 1 cells, the header has 2"),
        (b"tag,why\n1,2\n1,2,3\n", "t.csv, line 3: 3 cells, the header has 2"),
        (b'tag,why\n1,"2\n', "t.csv is not CSV: "),
        (b"tag,why\n1,\xff\n", "t.csv is not CSV: "),
    ],
)
def test_a_table_of_another_form_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_csv(content, name="t.csv", columns=COLUMNS)
    assert str(caught.value).startswith(said)


def test_a_cell_outside_its_list_names_the_nearest() -> None:
    (row,) = parse_csv(b"tag,why\n1,tpo\n", name="t.csv", columns=COLUMNS)
    assert row.one_of("tag", ("1",)) == "1"
    with pytest.raises(ConfigurationError, match=r"\[t\.csv, line 2\] why: knows no 'tpo'; did you mean 'top'"):
        row.one_of("why", ("any", "top"))


@given(st.integers(0, 2**32 - 1))
def test_a_written_tag_is_that_tag(tag: int) -> None:
    assert tag_of(f"{tag:08X}", where="w") == tag
    assert tag_mask_of(f"{tag:08X}", where="w") == (tag, 0xFFFFFFFF)


def test_x_stands_for_any_digit() -> None:
    assert tag_mask_of("60xx3000", where="w") == (0x60003000, 0xFF00FFFF)


@pytest.mark.parametrize("written", ["", "0010001", "001000100", "0010001g", "0010001a", "(0010,0010)", "60xx3000"])
def test_anything_else_is_no_tag(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"w: .* is not a tag of eight upper-case hexadecimal digits"):
        tag_of(written, where="w")
