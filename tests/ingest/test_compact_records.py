"""Packed records come out as they went in, and what files say alike is in memory once."""

from __future__ import annotations

import pickle
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from curator.ingest.compact import packed, shared_part, unpacked
from curator.ingest.scanned import Held
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.instance import PlaneGeometry, SourceInstance
from curator.model.quarantine import Reason

_UIDS = st.sampled_from(["1.2.3", "1.2.4", "1.2.5.6"])
_IDENTIFIERS = st.frozensets(
    st.builds(Identifier, st.sampled_from(IdentifierKind), st.sampled_from(["1.2.3", "1.2.4", "Quarz", "19800101"]))
)
_PLANES = st.none() | st.just(
    PlaneGeometry(
        ImageOrientationPatient=(1.0, 0.0, 0.0, -0.0, 1.0, 0.0),
        ImagePositionPatient=(1.0, 2.0, 3.0),
        PixelSpacing=(0.5, 0.5),
        SliceThickness=2.0,
    )
)


def _instance(
    uid: str, identifiers: frozenset[Identifier], references: frozenset[str], plane: object
) -> SourceInstance:
    return SourceInstance(
        reference=f"/source/{uid}",
        content_id=uid,
        size_bytes=7,
        subject=SubjectKey("P1"),
        StudyInstanceUID="1.2",
        SeriesInstanceUID="1.2",
        SOPInstanceUID=uid,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        TransferSyntaxUID="1.2.840.10008.1.2.1",
        descriptors=("Thorax",),
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        identifiers=identifiers,
        references=references,
        plane=plane,
    )


_INSTANCES = st.builds(_instance, _UIDS, _IDENTIFIERS, st.frozensets(_UIDS), _PLANES)


@given(st.lists(_INSTANCES | st.just(Held(reference="/source/held", reason=Reason.NOT_DICOM)), max_size=5))
def test_nothing_is_lost(scanned: list[SourceInstance | Held]) -> None:
    sent = pickle.loads(pickle.dumps(packed(scanned)))
    for before, after in zip(scanned, unpacked(sent), strict=True):
        if isinstance(before, Held):
            assert after == before
            continue
        assert isinstance(after, SourceInstance)
        assert after.all_identifiers == before.all_identifiers == before.identifiers
        assert replace(after, identifiers=before.identifiers, own_uids=()) == before
        assert after.stamp == before.stamp
        # What was packed once is not packed otherwise a second time.
        assert unpacked(packed([after])) == (after,)


def test_files_of_one_series_share_what_they_say_alike() -> None:
    plane = PlaneGeometry(
        ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        ImagePositionPatient=(1.0, 2.0, 3.0),
        PixelSpacing=(0.5, 0.5),
    )
    series = [
        _instance(
            uid,
            frozenset({Identifier(IdentifierKind.ID, "P1"), Identifier(IdentifierKind.UID, uid)}),
            frozenset(),
            replace(plane, ImagePositionPatient=(1.0, 2.0, float(number))),
        )
        for number, uid in enumerate(("1.2.3", "1.2.4"))
    ]
    assert len(packed(series).alike) == 1
    first, second = unpacked(pickle.loads(pickle.dumps(packed(series))))
    assert isinstance(first, SourceInstance)
    assert isinstance(second, SourceInstance)
    assert first.identifiers is second.identifiers
    assert first.subject is second.subject
    assert first.own_uids == ("1.2.3",)
    assert first.plane == series[0].plane
    assert shared_part(first) == shared_part(second)
    assert len(pickle.dumps(packed(series * 8))) < 8 * len(pickle.dumps(series))


def test_nothing_packs_to_nothing() -> None:
    assert unpacked(packed([])) == ()
