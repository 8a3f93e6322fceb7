"""Manifest records as Parquet files.

The law: the schema is the record's fields in their order, rows are sorted by the caller, and nothing in the file says
when or where it was written. No statistics beyond Parquet's own, no pandas, no Arrow schema blob.

Sources: Apache Parquet format (page checksums, logical types).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from curator.errors import IntegrityError

ROW_GROUP = 32_768
_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
R = TypeVar("R")


def schema_of(record: type[Any]) -> pa.Schema:
    """The Arrow schema of a record class: strings, int64, float64, booleans and lists of them, never null."""
    hints = get_type_hints(record)
    return pa.schema([pa.field(each.name, _arrow_type(hints[each.name]), nullable=False) for each in fields(record)])


def _arrow_type(hint: Any) -> pa.DataType:  # noqa: ANN401 # a type hint has no narrower type
    if get_origin(hint) is tuple:
        return pa.list_(pa.field("element", _arrow_type(get_args(hint)[0]), nullable=False))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return pa.string()
    return _SCALARS[hint]


def rows_bytes(record: type[R], rows: Sequence[R]) -> bytes:
    """`rows` as the bytes of a Parquet file; a file with a schema and no rows where there are none."""
    schema = schema_of(record)
    columns: dict[str, list[object]] = {name: [] for name in schema.names}
    for row in rows:
        for name, value in asdict(row).items():  # type: ignore[call-overload] # R is one of our dataclasses
            columns[name].append(list(value) if isinstance(value, tuple) else value)
    table = pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema}, schema=schema)
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        row_group_size=ROW_GROUP,
        write_page_checksum=True,
        store_schema=False,
    )
    return sink.getvalue()


def read_rows(path: Path, record: type[R]) -> list[R]:
    """The records in a Parquet file, in file order.

    Raises:
        IntegrityError: it is missing, is not Parquet, a page checksum is wrong or the columns are not the record's.
    """
    hints = get_type_hints(record)
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise IntegrityError(f"{path.name} cannot be read as Parquet") from error
    if table.schema.names != list(hints):
        raise IntegrityError(f"{path.name} has not the columns of {record.__name__}")
    try:
        columns = {
            name: _revived(column.to_pylist(), hints[name]) for name, column in zip(hints, table.columns, strict=True)
        }
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"{path.name} holds values that {record.__name__} does not know") from error
    return [record(**dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)]


def _revived(values: list[Any], hint: Any) -> list[Any]:  # noqa: ANN401 # as above
    if get_origin(hint) is tuple:
        return [tuple(value) for value in values]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return [hint(value) for value in values]
    return values
