"""Compact records say what the records they were made of say, and say it in less memory."""

from __future__ import annotations

import pickle
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from curator.ingest.compact import compacted
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
        identifiers=identifiers,
        references=references,
        plane=plane,
    )


_INSTANCES = st.builds(_instance, _UIDS, _IDENTIFIERS, st.frozensets(_UIDS), _PLANES)


@given(st.lists(_INSTANCES | st.just(Held(reference="/source/held", reason=Reason.NOT_DICOM)), max_size=5))
def test_nothing_is_lost(scanned: list[SourceInstance | Held]) -> None:
    # As workers send them: no two share anything.
    sent = [pickle.loads(pickle.dumps(one)) for one in scanned]
    for before, after in zip(scanned, compacted(sent), strict=True):
        if isinstance(before, Held):
            assert after == before
            continue
        assert isinstance(after, SourceInstance)
        assert after.all_identifiers == before.all_identifiers == before.identifiers
        assert replace(after, identifiers=before.identifiers, own_uids=()) == before


def test_files_of_one_series_share_what_they_say_alike() -> None:
    one, other = (
        _instance(
            uid,
            frozenset({Identifier(IdentifierKind.ID, "P1"), Identifier(IdentifierKind.UID, uid)}),
            frozenset(),
            None,
        )
        for uid in ("1.2.3", "1.2.4")
    )
    first, second = compacted(pickle.loads(pickle.dumps([one, other])))
    assert isinstance(first, SourceInstance)
    assert isinstance(second, SourceInstance)
    assert first.identifiers is second.identifiers
    assert first.subject is second.subject
    assert first.own_uids == ("1.2.3",)
