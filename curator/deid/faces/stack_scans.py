"""A stack of a study as the scan that defacing takes.

The law: what the header says of values and places is passed on as it is; nothing is converted.
"""

from __future__ import annotations

from curator.deid.faces.scan import Scan
from curator.imaging.stacks import Stack
from curator.model.volume import Volume

# PS3.3 C.8.2.1.1.1, and what vendors write instead.
_SCOUTS = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW"})


def scan_of(stack: Stack, volume: Volume, *, names_head: bool | None = None) -> Scan:
    """The scan of a stack whose values are `volume`'s, as `read_stack` gave them."""
    is_scaled_as_one = stack.rescales.only is not None
    low, high, padding = _bounds(stack)
    return Scan(
        volume=volume,
        frame_of_reference=stack.kind.FrameOfReferenceUID,
        modality=stack.kind.Modality,
        names_head=names_head,
        lowest=low,
        highest=high,
        padding=padding,
        is_projection=stack.kind.Modality == "CT" and not _SCOUTS.isdisjoint(stack.ImageType),
        slopes=() if is_scaled_as_one else tuple(stack.rescales.slopes.tolist()),
        intercepts=() if is_scaled_as_one else tuple(stack.rescales.intercepts.tolist()),
    )


def _bounds(stack: Stack) -> tuple[float, float, float | None]:
    """The lowest and the highest value that may be written, and one in between that may not."""
    low, high = map(float, stack.limits or (float("-inf"), float("inf")))
    padding = None
    for first, last in stack.paddings:
        if first == last and padding in (None, first):
            padding = float(first)
        elif first <= low:
            low = max(low, last + 1.0)
        elif last >= high:
            high = min(high, first - 1.0)
        else:
            # Of several ranges only one value in between can be said: the smaller rest goes with its range.
            low, high = (last + 1.0, high) if first - low < high - last else (low, first - 1.0)
    return low, high, padding
