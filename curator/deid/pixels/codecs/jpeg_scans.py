"""The scans of a sequential Huffman-coded JPEG frame, with the tables that each is coded by.

The law: what a decoder would stumble over is refused here; no decoder is asked about a stream that contradicts itself.

Sources: ITU-T T.81 B.2.2-B.2.4 (headers and tables), A.2.3 (interleaving), H.1.2 (lossless parameters).
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from curator.deid.pixels.codecs.jpeg_entropy import Table, table
from curator.deid.pixels.codecs.jpeg_segments import DHT, DRI, SOF_LOSSLESS, SOFS, SOS, JpegHeader, Segment
from curator.errors import ItemError
from curator.model.quarantine import Reason

_DQT, _COM = 0xDB, 0xFE
_APPLICATIONS = range(0xE0, 0xF0)
_KNOWN = frozenset({DHT, DRI, SOS, _DQT, _COM, *_APPLICATIONS})
_AC = 16
_MOST_TABLES, _MOST_UNIT_BLOCKS, _MOST_IN_SCAN = 4, 10, 4


class Member(NamedTuple):
    """A component in a scan: its place in the frame header and the numbers of its tables."""

    component: int
    dc: int
    ac: int


class PlannedScan(NamedTuple):
    """A scan, its members, the tables as they hold where it stands (AC from 16 on), coded units between restarts."""

    segment: Segment
    members: tuple[Member, ...]
    tables: dict[int, Table]
    restart_units: int

    @property
    def dc(self) -> tuple[Table, ...]:
        """The DC table of each member."""
        return tuple(self.tables[member.dc] for member in self.members)

    @property
    def ac(self) -> tuple[Table, ...]:
        """The AC table of each member; not for lossless frames."""
        return tuple(self.tables[_AC + member.ac] for member in self.members)


def planned_scans(stream: bytes, header: JpegHeader) -> tuple[PlannedScan, ...]:
    """The scans of a frame in order: every component in exactly one.

    Raises:
        ItemError: MALFORMED, the stream contradicts itself or is coded in a way that no sequential frame is.
    """
    is_lossless = header.kind == SOF_LOSSLESS
    tables: dict[int, Table] = {}
    quantisations: set[int] = set()
    restart_units, scans = 0, []
    for segment in header.segments:
        body = stream[segment.body : segment.coded]
        if segment.code == DHT:
            tables = tables | _huffman(body)
        elif segment.code == _DQT:
            quantisations |= _quantisation(body)
        elif segment.code == DRI:
            if len(body) != 2:
                _refuse("a broken restart interval")
            restart_units = int.from_bytes(body, "big")
        elif segment.code == SOS:
            members = _members(body, header)
            scan = PlannedScan(segment, members, tables, restart_units)
            _check_tables(scan, header, quantisations, is_lossless=is_lossless)
            scans.append(scan)
        elif segment.code not in _KNOWN | SOFS:
            _refuse(f"a segment {segment.code:02X}")
    held = sorted(member.component for scan in scans for member in scan.members)
    if held != list(range(len(header.components))):
        _refuse("components without a scan or in two")
    return tuple(scans)


def _refuse(what: str) -> NoReturn:
    raise ItemError(Reason.MALFORMED, f"a JPEG frame with {what}")


def _huffman(body: bytes) -> dict[int, Table]:
    found = {}
    while body:
        count = sum(body[1:17])
        if len(body) < 17 + count or body[0] >> 4 > 1 or body[0] & 15 >= _MOST_TABLES:
            _refuse("a broken Huffman table")
        found[body[0]] = table(body[1:17], body[17 : 17 + count])
        body = body[17 + count :]
    return found


def _quantisation(body: bytes) -> set[int]:
    found = set()
    while body:
        size = 1 + 64 * (1 + (body[0] >> 4))
        if len(body) < size or body[0] >> 4 > 1 or body[0] & 15 >= _MOST_TABLES:
            _refuse("a broken quantisation table")
        found.add(body[0] & 15)
        body = body[size:]
    return found


def _members(body: bytes, header: JpegHeader) -> tuple[Member, ...]:
    numbers = {each.identifier: number for number, each in enumerate(header.components)}
    count = body[0] if body else 0
    if not 1 <= count <= _MOST_IN_SCAN or len(body) != 4 + 2 * count or len(numbers) != len(header.components):
        _refuse("a broken scan header")
    pairs = [(body[1 + 2 * at], body[2 + 2 * at]) for at in range(count)]
    if any(identifier not in numbers for identifier, _ in pairs):
        _refuse("a scan of a component that it does not have")
    members = tuple(Member(numbers[identifier], tables >> 4, tables & 15) for identifier, tables in pairs)
    places = [member.component for member in members]
    blocks = sum(header.components[at].horizontal * header.components[at].vertical for at in places)
    if places != sorted(set(places)) or (count > 1 and blocks > _MOST_UNIT_BLOCKS):
        _refuse("components in a wrong order, or too many of them in a scan")
    return members


def _check_tables(scan: PlannedScan, header: JpegHeader, quantisations: set[int], *, is_lossless: bool) -> None:
    for member in scan.members:
        if member.dc not in scan.tables or not (is_lossless or _AC + member.ac in scan.tables):
            _refuse("a scan whose Huffman tables are wanting")
        if not is_lossless and header.components[member.component].quantisation not in quantisations:
            _refuse("a scan whose quantisation table is wanting")
        if scan.tables[member.dc].lengths[_AC + is_lossless :].any():
            _refuse("a Huffman table for differences that cannot be")
