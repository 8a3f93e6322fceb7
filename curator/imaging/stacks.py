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
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.imaging.frames import chosen_frames
from curator.imaging.geometry import DUPLICATE_MM, ORIENTATION_TOLERANCE, stacked
from curator.imaging.rescales import Rescales
from curator.imaging.slices import TOLD_APART_BY, Kind, Slice, Source, opened, slices_of
from curator.model.quarantine import Reason
from curator.model.volume import Affine, Volume

LARGEST_VOLUME_BYTES = 1 << 31
"""The most that the stored values of one stack may take."""

_LOCALIZER = "LOCALIZER"
# More orientations than a study in two planes has are those of a localizer.
_PLANES_OF_A_STUDY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One regular volume without its pixels: `places[z]` is the instance and the frame (both from 0) of slice z.

    `series` numbers the series of the study in the order of their UIDs; `part` tells stacks of one series apart, in the
    order of what distinguishes them. `rescales` has one slope and intercept for each slice.
    """

    kind: Kind
    series: int
    part: int = 0
    ImageType: tuple[str, ...]
    places: tuple[tuple[int, int], ...] = field(repr=False)
    affine_lps: Affine = field(repr=False)
    rescales: Rescales = field(repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxel counts `(Z, Y, X)`."""
        return (len(self.places), self.kind.Rows, self.kind.Columns)

    @property
    def instances(self) -> tuple[int, ...]:
        """The numbers of its instances, sorted."""
        return tuple(sorted({instance for instance, _ in self.places}))


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


def stacks_of(sources: Sequence[Source]) -> Stacks:
    """The stacks of the files of a series or study; instances are numbered as they are named here. None for no files.

    Only headers are read.
    """
    slices: list[Slice] = []
    problems: list[Unstacked] = []
    uids: dict[str, list[int]] = {}
    for instance, source in enumerate(sources):
        try:
            dataset = opened(source, with_pixels=False)
            uids.setdefault(str(dataset.get("SOPInstanceUID") or ""), []).append(instance)
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
    return _in_order(kept, problems)


def read_stack(stack: Stack, sources: Sequence[Source]) -> Volume:
    """The stored values of a stack in their native type, `sources` as `stacks_of` got them.

    Where slices differ in rescale the volume has slope 1 and intercept 0, and `stack.rescales` says what values mean.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT where all voxels hold one value; as `opened` and `chosen_frames`.
    """
    stored = np.empty(stack.shape, stack.kind.pixel_type)
    wanted: dict[int, list[tuple[int, int]]] = {}
    for z, (instance, frame) in enumerate(stack.places):
        wanted.setdefault(instance, []).append((frame, z))
    for instance, pairs in wanted.items():
        dataset = opened(sources[instance], with_pixels=True)
        ordered = sorted(pairs)
        decoded = chosen_frames(dataset, [frame for frame, _ in ordered])
        for (_, z), pixels in zip(ordered, decoded, strict=True):
            if pixels.dtype != stored.dtype or pixels.shape != stored.shape[1:]:
                raise ItemError(Reason.MALFORMED, "a frame of another size or type than its header says")
            stored[z] = pixels
    if (stored == stored.flat[0]).all():
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"all {len(stack.places)} slices hold one value")
    slope, intercept = stack.rescales.only or (1.0, 0.0)
    return Volume(stored=stored, affine_lps=stack.affine_lps, rescale_slope=slope, rescale_intercept=intercept)


def _in_order(kept: Mapping[Kind, Sequence[Slice]], problems: list[Unstacked]) -> Stacks:
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
        for made in _of_one_kind(placed, number):
            if isinstance(made, Unstacked):
                problems.append(made)
            else:
                stacks.append(_numbered(made, parts[number]))
                parts[number] += 1
    return Stacks(tuple(stacks), tuple(sorted(problems, key=lambda one: (one.instances, one.places))))


def _numbered(stack: Stack, part: int) -> Stack:
    return Stack(
        kind=stack.kind,
        series=stack.series,
        part=part,
        ImageType=stack.ImageType,
        places=stack.places,
        affine_lps=stack.affine_lps,
        rescales=stack.rescales,
    )


def _kind_order(kind: Kind) -> tuple[str, ...]:
    return tuple(
        str(getattr(kind, name)).rjust(8) if name in ("Rows", "Columns") else str(getattr(kind, name))
        for name in Kind.__dataclass_fields__
    )


def _of_one_kind(slices: Sequence[Slice], series: int) -> Iterable[Stack | Unstacked]:
    """Stacks of slices of one kind that have a place each."""
    finite = [one for one in slices if _is_finite(one)]
    if len(finite) < len(slices):
        rest = [one for one in slices if not _is_finite(one)]
        yield _problem(rest, Reason.GEOMETRY_INCONSISTENT, "a position or orientation is not a finite number")
    clusters = _by_orientation(finite)
    for cluster in clusters:
        may_part = len(clusters) > _PLANES_OF_A_STUDY or any(_LOCALIZER in one.ImageType for one in cluster)
        for together in _told_apart(cluster):
            try:
                yield _stack(together, series)
            except ItemError as error:
                if may_part and error.reason is Reason.GEOMETRY_INCONSISTENT:
                    yield from _single(together, series)
                else:
                    yield _problem(together, error.reason, error.detail)


def _single(slices: Sequence[Slice], series: int) -> Iterable[Stack | Unstacked]:
    for one in slices:
        try:
            yield _stack([one], series)
        except ItemError as error:
            yield _problem([one], error.reason, error.detail)


def _stack(slices: Sequence[Slice], series: int) -> Stack:
    """The one stack of slices.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT, MALFORMED or UNSUPPORTED_OBJECT.
    """
    kind = slices[0].kind
    size = len(slices) * kind.Rows * kind.Columns * kind.pixel_type.itemsize
    if not 0 < size <= LARGEST_VOLUME_BYTES:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"a volume of {size} bytes")
    stack = stacked([one.plane for one in slices if one.plane is not None], may_shear=True)
    if not np.isfinite(np.linalg.inv(stack.affine_lps)).all():
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "the affine is singular")
    ordered = [slices[index] for index in stack.order]
    return Stack(
        kind=kind,
        series=series,
        ImageType=min(one.ImageType for one in ordered),
        places=tuple((one.instance, one.frame) for one in ordered),
        affine_lps=stack.affine_lps,
        rescales=Rescales.of([one.rescale for one in ordered]),
    )


def _by_orientation(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Slices that share an orientation, together."""
    clusters: list[tuple[NDArray[np.float64], list[Slice]]] = []
    for one in sorted(slices, key=_by_value):
        assert one.plane is not None
        cosines = np.array(one.plane.ImageOrientationPatient)
        for reference, members in clusters:
            if np.abs(reference - cosines).max() <= ORIENTATION_TOLERANCE:
                members.append(one)
                break
        else:
            clusters.append((cosines, [one]))
    return [members for _, members in clusters]


def _told_apart(slices: list[Slice]) -> list[list[Slice]]:
    """Slices of one orientation as sets of which none holds a place twice, as far as something tells them apart."""
    places = _place_numbers(slices)
    most = max(Counter(places).values(), default=0)
    if most <= 1:
        return [slices] if slices else []
    for at in range(len(TOLD_APART_BY)):
        groups: dict[str, list[int]] = {}
        for index, one in enumerate(slices):
            groups.setdefault(one.told_apart[at], []).append(index)
        partial = sum({places[index] for index in group} != set(places) for group in groups.values())
        # What varies from slice to slice tells slices apart, not volumes; the last of many may have broken off.
        if len(groups) > 1 and partial <= min(1, len(groups) - 2):
            ordered = sorted(groups.items(), key=lambda pair: (_number(pair[0]), pair[0]))
            return [part for _, group in ordered for part in _told_apart([slices[index] for index in group])]
    return _dealt(slices, places)


def _dealt(slices: Sequence[Slice], places: Sequence[int]) -> list[list[Slice]]:
    """The first at every place together, the second at every place, and so on, in the order of acquisition."""
    at: dict[int, list[Slice]] = {}
    for place, one in zip(places, slices, strict=True):
        at.setdefault(place, []).append(one)
    dealt: list[list[Slice]] = [[] for _ in range(max(map(len, at.values())))]
    for place in sorted(at):
        for number, one in enumerate(sorted(at[place], key=lambda one: one.acquired)):
            dealt[number].append(one)
    return dealt


def _place_numbers(slices: Sequence[Slice]) -> list[int]:
    """A number for each slice, the same for those at one place along the normal."""
    cosines = np.array([one.plane.ImageOrientationPatient for one in slices if one.plane is not None])
    positions = np.array([one.plane.ImagePositionPatient for one in slices if one.plane is not None])
    if not len(positions):
        return []
    along = positions @ np.cross(cosines[0, :3], cosines[0, 3:])
    order = np.argsort(along, kind="stable")
    numbers = np.empty(len(slices), np.intp)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(along[order]) >= DUPLICATE_MM)])
    return [int(number) for number in numbers]


def _number(text: str) -> float:
    """The number that a text begins with, so that 10 comes behind 9; 0 for another text."""
    try:
        number = float(text.split("\\")[0])
    except ValueError:
        return 0.0
    return number if np.isfinite(number) else 0.0


def _is_finite(one: Slice) -> bool:
    plane = one.plane
    assert plane is not None
    numbers = (*plane.ImagePositionPatient, *plane.ImageOrientationPatient, *plane.PixelSpacing)
    return bool(np.isfinite(numbers).all())


def _by_value(one: Slice) -> tuple[object, ...]:
    assert one.plane is not None
    return (one.plane.ImageOrientationPatient, one.plane.ImagePositionPatient, one.acquired)


def _problem(slices: Sequence[Slice], reason: Reason, detail: str) -> Unstacked:
    places = tuple(sorted((one.instance, one.frame) for one in slices))
    return Unstacked(tuple(sorted({instance for instance, _ in places})), reason, detail, places)
