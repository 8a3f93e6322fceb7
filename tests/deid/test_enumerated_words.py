"""A report keeps the words of its structure, whatever its patient is called; other words are searched as ever."""

from __future__ import annotations

import pytest
from content_samples import code, file_of, report
from deid_samples import made, read, text
from pydicom import Dataset
from pydicom.sequence import Sequence

from curator.dicom.dictionary import tag_of
from curator.dicom.enumerated import is_enumerated
from curator.model.identity import Identifier, IdentifierKind

NAMES = [Identifier(IdentifierKind.PERSON_NAME, name) for name in ("Last Name^Enter Text", "Container^Obs Context")]


def test_words_of_the_structure_stay_though_a_name_holds_them() -> None:
    item = Dataset()
    item.RelationshipType, item.ValueType = "HAS OBS CONTEXT", "PNAME"
    item.ConceptNameCodeSequence = code("121008", "DCM", "Person Observer Name")
    item.PersonName = "Evil^Doctor"
    output = read(b"".join(made(report(item), identifiers=NAMES).chunks))
    assert output.ValueType == "CONTAINER"
    (kept,) = output.ContentSequence
    assert (kept.RelationshipType, kept.ValueType) == ("HAS OBS CONTEXT", "PNAME")
    assert "Evil" not in str(output)


@pytest.mark.parametrize("word", ["DRQUARZBERG", "QUARZBERG"])
def test_a_word_that_the_standard_does_not_list_is_searched(word: str) -> None:
    dataset = Dataset()
    dataset.ValueType = word
    dataset.ConceptNameCodeSequence = Sequence()
    output = b"".join(made(file_of(dataset), identifiers=[text("Quarzberg")]).chunks)
    assert b"QUARZBERG" not in output


def test_only_the_listed_words_of_an_attribute_are_enumerated() -> None:
    value_type, relationship = tag_of("ValueType"), tag_of("RelationshipType")
    assert is_enumerated(value_type, b"PNAME ") and is_enumerated(relationship, b"HAS OBS CONTEXT")
    assert not is_enumerated(value_type, b"CONTAINS") and not is_enumerated(relationship, b"PNAME")
    assert not is_enumerated(tag_of("Modality"), b"CT") and not is_enumerated(value_type, b"")
