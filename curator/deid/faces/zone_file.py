"""Zones as bytes, so that what follows from a study can be cut by them in another process.

The law: a zone holds numbers of places and nothing of what was there; what comes back is what went in, and nothing is
run that stands in the bytes.

Sources: NumPy's .npz format (no pickled objects).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

import numpy as np

from curator.deid.faces.zone import Curtain, Zone
from curator.errors import ItemError
from curator.imaging.frame import Frame
from curator.model.quarantine import Reason

_COUNT = "curtains"
_MAPS = ("weight", "skin", "back", "shell")


def zone_bytes(zone: Zone) -> bytes:
    """The zone, packed."""
    arrays = {_COUNT: np.array(len(zone.curtains))}
    for number, curtain in enumerate(zone.curtains):
        arrays[f"affine{number}"] = curtain.frame.affine_lps
        arrays[f"shape{number}"] = np.array(curtain.frame.shape, np.int64)
        arrays |= {f"{name}{number}": getattr(curtain, name) for name in _MAPS}
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type] # its stub takes no mapping
    return out.getvalue()


def zone_from(packed: bytes) -> Zone:
    """The zone that `zone_bytes` packed.

    Raises:
        ItemError: MALFORMED, these are no such bytes.
    """
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as found:
            return Zone(tuple(_curtain(found, number) for number in range(int(found[_COUNT]))))
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        raise ItemError(Reason.MALFORMED, "no zone") from None


def joined(zones: Iterable[Zone]) -> Zone:
    """One zone that holds what any of them holds; a curtain that several share is in it once."""
    curtains = {id(curtain): curtain for zone in zones for curtain in zone.curtains}
    return Zone(tuple(curtains.values()))


def _curtain(found: np.lib.npyio.NpzFile, number: int) -> Curtain:
    z, y, x = (int(length) for length in found[f"shape{number}"])
    maps = [np.asarray(found[f"{name}{number}"], np.float32) for name in _MAPS]
    if {one.shape for one in maps} != {(z, x)}:
        raise ValueError
    weight, skin, back, shell = maps
    frame = Frame(np.asarray(found[f"affine{number}"], np.float64), (z, y, x))
    return Curtain(frame, weight, skin, back, shell)
