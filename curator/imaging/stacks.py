"""The instances of a series or a study as stacks: regular volumes, each slice with the instance and frame it came from.

    classic slices, in whatever order                    one stack
    the same places several times                        a stack for each echo, direction, time point ...
    localizers                                           a stack for each orientation, or each slice
    a tilted gantry                                      a stack whose affine shears
    gaps, mixed spacing, no place, colour, a mosaic      a problem, with its reason

The law: the same files give the same stacks in whatever order they are named, and every frame of every file is in
exactly one stack or in one problem.

Sources: DICOM PS3.3 C.7.6.2, C.7.6.16, C.8.9.1 (PET rescales each slice on its own).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from curator.errors import ItemError
from curator.imaging.frames import chosen_frames
from curator.imaging.geometry import bridged, stacked
from curator.imaging.rescales import Rescales
from curator.imaging.slices import Kind, Slice, Source, instance_uid, opened, slices_of
from curator.imaging.told_apart import by_orientation, told_apart_sets
from curator.model.quarantine import Reason
from curator.model.volume import Affine, Volume

LARGEST_VOLUME_BYTES = 1 << 31
"""The most that the stored values of one stack may take."""

FARTHEST_MM = 1e6
"""Farther than a kilometre from its origin no patient lies; what is said to do overflows."""

_LOCALIZER = "LOCALIZER"
# More orientations than a study in two planes has are those of a localizer.
_PLANES_OF_A_STUDY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One regular volume without its pixels: `places[z]` is the instance and the frame (both from 0) of slice z.

    A place is None where a slice of the grid is missing; there are such only where they were asked for.

    `series` numbers the series of the study in the order of their UIDs; `part` tells stacks of one series apart, in the
    order of what distinguishes them. `rescales` has one slope and intercept for each slice; `limits` are the lowest and
    highest stored value that fit into all, None for real numbers; `paddings` are ranges of stored values that stand for
    no image in some.
    """

    kind: Kind
    series: int
    part: int = 0
    ImageType: tuple[str, ...]
    places: tuple[tuple[int, int] | None, ...] = field(repr=False)
    affine_lps: Affine = field(repr=False)
    rescales: Rescales = field(repr=False)
    limits: tuple[int, int] | None = None
    paddings: tuple[tuple[int, int], ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxel counts `(Z, Y, X)`."""
        return (len(self.places), self.kind.Rows, self.kind.Columns)

    @property
    def instances(self) -> tuple[int, ...]:
        """The numbers of its instances, sorted."""
        return tuple(sorted({place[0] for place in self.places if place is not None}))

    @property
    def missing(self) -> tuple[int, ...]:
        """The slices that no instance holds."""
        return tuple(z for z, place in enumerate(self.places) if place is None)


@dataclass(frozen=True, slots=True)
class Unstacked:
    """Frames that are in no stack, and why; `places` is empty where the instances could not be read that far."""

    instances: tuple[int, ...]
    reason: Reason
    detail: str
    places: tuple[tuple[int, int], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Stacks:
    """What a set of files gives."""

    stacks: tuple[Stack, ...]
    problems: tuple[Unstacked, ...]


def stacks_of(sources: Sequence[Source], *, most_missing: int = 0) -> Stacks:
    """The stacks of the files of a series or study; instances are numbered as they are named here. None for no files.

    Only headers are read. At most `most_missing` slices in a row may be missing inside of a stack; by default none.
    """
    slices: list[Slice] = []
    problems: list[Unstacked] = []
    uids: dict[str, list[int]] = {}
    for instance, source in enumerate(sources):
        try:
            dataset = opened(source, with_pixels=False)
            uids.setdefault(instance_uid(dataset), []).append(instance)
            slices += slices_of(dataset, instance=instance)
        except ItemError as error:
            problems.append(Unstacked((instance,), error.reason, error.detail))
    twice = {one for uid, numbers in uids.items() if uid and len(numbers) > 1 for one in numbers}
    kept: dict[Kind, list[Slice]] = {}
    for one in slices:
        if one.instance not in twice:
            kept.setdefault(one.kind, []).append(one)
    if twice:
        detail = f"{len(twice)} files share a SOP Instance UID with another one"
        problems.append(Unstacked(tuple(sorted(twice)), Reason.SOP_INSTANCE_UID_CONFLICT, detail))
    return _in_order(kept, problems, most_missing)


def read_stack(stack: Stack, sources: Sequence[Source]) -> Volume:
    """The stored values of a stack in their native type, `sources` as `stacks_of` got them.

    A missing slice is the mean of its neighbours. Where slices differ in rescale the volume has slope 1 and intercept
    0, and `stack.rescales` says what values mean.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT where all voxels hold one value; as `opened` and `chosen_frames`.
    """
    return StackReader(sources).read(stack)


class StackReader:
    """Reads one stack after the other; an instance that holds several of them is opened once."""

    __slots__ = ("_last", "_sources")

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._last: tuple[int, Dataset] | None = None

    def read(self, stack: Stack) -> Volume:
        """The stored values of a stack; see `read_stack`.

        Raises:
            ItemError: as `read_stack`.
        """
        stored = np.empty(stack.shape, stack.kind.pixel_type)
        wanted: dict[int, list[tuple[int, int]]] = {}
        for z, place in enumerate(stack.places):
            if place is not None:
                wanted.setdefault(place[0], []).append((place[1], z))
        for instance, pairs in wanted.items():
            ordered = sorted(pairs)
            decoded = chosen_frames(self._opened(instance), [frame for frame, _ in ordered])
            for (_, z), pixels in zip(ordered, decoded, strict=True):
                if pixels.dtype != stored.dtype or pixels.shape != stored.shape[1:]:
                    raise ItemError(Reason.MALFORMED, "a frame of another size or type than its header says")
                stored[z] = pixels
        _bridge(stored, stack.missing)
        if (stored == stored.flat[0]).all():
            raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"all {len(stack.places)} slices hold one value")
        slope, intercept = stack.rescales.only or (1.0, 0.0)
        return Volume(stored=stored, affine_lps=stack.affine_lps, rescale_slope=slope, rescale_intercept=intercept)

    def _opened(self, instance: int) -> Dataset:
        if self._last is None or self._last[0] != instance:
            self._last = None
            self._last = (instance, opened(self._sources[instance], with_pixels=True))
        return self._last[1]


def _bridge(stored: NDArray[np.generic], missing: Sequence[int]) -> None:
    """Put the mean of the nearest slices that there are into those that are missing, in order."""
    for z in missing:
        after = next(later for later in range(z + 1, len(stored)) if later not in missing)
        share = 1.0 / (after - z + 1)
        mean = stored[z - 1].astype(np.float64) * (1 - share) + stored[after].astype(np.float64) * share
        stored[z] = (mean if stored.dtype.kind == "f" else np.rint(mean)).astype(stored.dtype)


def _in_order(kept: Mapping[Kind, Sequence[Slice]], problems: list[Unstacked], most_missing: int) -> Stacks:
    """Stacks of all kinds, numbered by series and part."""
    series = {uid: number for number, uid in enumerate(sorted({kind.SeriesInstanceUID for kind in kept}))}
    stacks: list[Stack] = []
    parts = Counter[int]()
    for kind in sorted(kept, key=_kind_order):
        number = series[kind.SeriesInstanceUID]
        placed = [one for one in kept[kind] if one.plane is not None]
        unplaced = [one for one in kept[kind] if one.plane is None]
        if unplaced:
            detail = f"{len(unplaced)} of {len(kept[kind])} images have no position"
            problems.append(_problem(unplaced, Reason.GEOMETRY_INCONSISTENT, detail))
        for made in _of_one_kind(placed, number, most_missing):
            if isinstance(made, Unstacked):
                problems.append(made)
            else:
                stacks.append(replace(made, part=parts[number]))
                parts[number] += 1
    return Stacks(tuple(stacks), tuple(sorted(problems, key=lambda one: (one.instances, one.places))))


def _kind_order(kind: Kind) -> tuple[str, ...]:
    return tuple(
        str(getattr(kind, name)).rjust(8) if name in ("Rows", "Columns") else str(getattr(kind, name))
        for name in Kind.__dataclass_fields__
    )


def _of_one_kind(slices: Sequence[Slice], series: int, most_missing: int) -> Iterable[Stack | Unstacked]:
    """Stacks of slices of one kind that have a place each."""
    finite = [one for one in slices if _is_finite(one)]
    if len(finite) < len(slices):
        rest = [one for one in slices if not _is_finite(one)]
        yield _problem(rest, Reason.GEOMETRY_INCONSISTENT, "a position or spacing that is no number of mm")
    clusters = by_orientation(finite)
    for cluster in clusters:
        may_part = len(clusters) > _PLANES_OF_A_STUDY or any(_LOCALIZER in one.ImageType for one in cluster)
        for together in told_apart_sets(cluster):
            try:
                yield _stack(together, series, most_missing)
            except ItemError as error:
                if may_part and error.reason is Reason.GEOMETRY_INCONSISTENT:
                    yield from _single(together, series)
                else:
                    yield _problem(together, error.reason, error.detail)


def _single(slices: Sequence[Slice], series: int) -> Iterable[Stack | Unstacked]:
    for one in slices:
        try:
            yield _stack([one], series, 0)
        except ItemError as error:
            yield _problem([one], error.reason, error.detail)


def _stack(slices: Sequence[Slice], series: int, most_missing: int) -> Stack:
    """The one stack of slices.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT, MALFORMED or UNSUPPORTED_OBJECT.
    """
    kind = slices[0].kind
    planes = [one.plane for one in slices if one.plane is not None]
    if most_missing:
        stack, at = bridged(planes, most_missing=most_missing)
    else:
        stack, at = stacked(planes, may_shear=True), tuple(range(len(planes)))
    size = (at[-1] + 1) * kind.Rows * kind.Columns * kind.pixel_type.itemsize
    if not 0 < size <= LARGEST_VOLUME_BYTES:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"a volume of {size} bytes")
    if not np.finfo(np.float32).tiny < abs(np.linalg.det(stack.affine_lps)) < np.inf:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "the affine is singular")
    ordered = [slices[index] for index in stack.order]
    limits = [one.limits for one in ordered if one.limits is not None]
    places: list[tuple[int, int] | None] = [None] * (at[-1] + 1)
    rescales = [ordered[0].rescale] * len(places)
    for z, one in zip(at, ordered, strict=True):
        places[z] = (one.instance, one.frame)
        # A missing slice means what the one before it does.
        rescales[z:] = [one.rescale] * (len(places) - z)
    return Stack(
        kind=kind,
        series=series,
        ImageType=min(one.ImageType for one in ordered),
        places=tuple(places),
        affine_lps=stack.affine_lps,
        rescales=Rescales.of(rescales),
        limits=(max(low for low, _ in limits), min(high for _, high in limits)) if limits else None,
        paddings=tuple(sorted({one.padding for one in ordered if one.padding is not None})),
    )


def _is_finite(one: Slice) -> bool:
    plane = one.plane
    assert plane is not None
    numbers = (*plane.ImagePositionPatient, *plane.ImageOrientationPatient, *plane.PixelSpacing)
    return bool((np.abs(numbers) <= FARTHEST_MM).all())


def _problem(slices: Sequence[Slice], reason: Reason, detail: str) -> Unstacked:
    places = tuple(sorted((one.instance, one.frame) for one in slices))
    return Unstacked(tuple(sorted({instance for instance, _ in places})), reason, detail, places)
