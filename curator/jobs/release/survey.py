"""What a scan said of every file of a job, on disk, so that a job over millions of files fits into memory.

The law: what lies on disk is sealed under a key that only this process has and that is written nowhere, in a file that
has no name; of each file 16 bytes stay in memory.

Workers scan files in batches and send back what they found as bytes, which nobody unpacks before they are asked for.
"""

from __future__ import annotations

import pickle
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import overload

from curator.identity.envelope import Envelope, new_data_key
from curator.ingest.compact import packed, unpacked
from curator.ingest.scan import ScanTask
from curator.ingest.scanned import Found, Held, Scanned

# Enough that little is said twice and sent alone, few enough that no worker waits for another at the end.
_MOST_FILES = 32
_MOST_BYTES = 64 << 20
_UNPACKED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class FilesToScan:
    """Some files in their order; `start` is the number of the first among all files of the job."""

    start: int
    files: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class ScannedFiles:
    """What a worker sends of them; `records` are pickled and packed."""

    start: int
    count: int
    held: int
    records: bytes


@dataclass(frozen=True, slots=True)
class ScanFiles:
    """Scans batches of files, in this process or in others."""

    task: ScanTask

    def __call__(self, batch: FilesToScan) -> ScannedFiles:
        """What each file of the batch is, or why it is held."""
        scanned = [self.task(found) for found in batch.files]
        held = sum(isinstance(one, Held) for one in scanned)
        return ScannedFiles(batch.start, len(scanned), held, pickled(scanned))


def pickled(scanned: Sequence[Scanned]) -> bytes:
    """Records as a worker sends them."""
    return pickle.dumps(packed(scanned), pickle.HIGHEST_PROTOCOL)


def batches(found: Sequence[Found]) -> Iterator[FilesToScan]:
    """All files in batches; one that is large goes alone. Nothing for none."""
    start, size = 0, 0
    for number in range(len(found)):
        size += found[number].size_bytes
        if number + 1 == len(found) or number + 1 - start == _MOST_FILES or size > _MOST_BYTES:
            yield FilesToScan(start, tuple(found[at] for at in range(start, number + 1)))
            start, size = number + 1, 0


class Survey(Sequence[Scanned]):
    """All records of a scan by number, whatever the order in which they came; `folder` is where they wait."""

    def __init__(self, folder: Path) -> None:
        # Its name is gone before anything is in it.
        self._stream = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the survey
        self._seal = Envelope(new_data_key())
        self._starts = array("Q")
        self._places = array("Q")
        self._lengths = array("Q")
        self._end = 0
        self._length = 0
        self._batch = lru_cache(maxsize=_UNPACKED_AT_ONCE)(self._read)

    def add(self, scanned: ScannedFiles) -> None:
        """Take in a batch; all have to be in before the first is asked for."""
        sealed = self._seal.seal(scanned.records, place=(str(scanned.start),))
        self._stream.write(sealed)
        at = bisect_right(self._starts, scanned.start)
        self._starts.insert(at, scanned.start)
        self._places.insert(at, self._end)
        self._lengths.insert(at, len(sealed))
        self._end += len(sealed)
        self._length += scanned.count

    def close(self) -> None:
        """Give the disk back."""
        self._stream.close()

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, number: int) -> Scanned: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[Scanned]: ...

    def __getitem__(self, number: int | slice) -> Scanned | Sequence[Scanned]:
        if isinstance(number, slice):
            return [self[at] for at in range(*number.indices(len(self)))]
        at = number + len(self) if number < 0 else number
        if not 0 <= at < len(self):
            raise IndexError(number)
        batch = bisect_right(self._starts, at) - 1
        return self._batch(batch)[at - self._starts[batch]]

    def __iter__(self) -> Iterator[Scanned]:
        for batch in range(len(self._starts)):
            yield from self._batch(batch)

    def _read(self, batch: int) -> tuple[Scanned, ...]:
        self._stream.flush()
        self._stream.seek(self._places[batch])
        sealed = self._stream.read(self._lengths[batch])
        records = self._seal.open(sealed, place=(str(self._starts[batch]),))
        # Our own bytes, as their seal has just shown.
        return unpacked(pickle.loads(records))
