"""A stack of a study as the scan that defacing takes.

The law: what the header says of values and places is passed on as it is; nothing is converted.
"""

from __future__ import annotations

from curator.deid.faces.scan import Scan
from curator.imaging.stacks import Stack
from curator.model.volume import Volume


def scan_of(stack: Stack, volume: Volume, *, names_head: bool | None = None) -> Scan:
    """The scan of a stack whose values are `volume`'s, as `read_stack` gave them."""
    is_scaled_as_one = stack.rescales.only is not None
    low, high = stack.limits or (float("-inf"), float("inf"))
    return Scan(
        volume=volume,
        frame_of_reference=stack.kind.FrameOfReferenceUID,
        modality=stack.kind.Modality,
        names_head=names_head,
        lowest=low,
        highest=high,
        # Of a range only one value can be said; `patched` counts what becomes padding by any of them.
        padding=float(stack.paddings[0][0]) if stack.paddings else None,
        slopes=() if is_scaled_as_one else tuple(stack.rescales.slopes.tolist()),
        intercepts=() if is_scaled_as_one else tuple(stack.rescales.intercepts.tolist()),
    )
