"""How many days after a person's event a study was made.

The law: what is written follows from the shifted dates alone; where an instance has no date, nothing is claimed.

Sources: DICOM PS3.3 C.7.2.3 (Clinical Trial Study Module: (0012,0052), (0012,0053)); PS3.15 E.3.6.
"""

from __future__ import annotations

import struct

from curator.deid.headers.dates import day_of
from curator.deid.subject import Subject
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.dicom.encode import element

OFFSET_FROM_EVENT = tag_of("LongitudinalTemporalOffsetFromEvent")
EVENT_TYPE = tag_of("LongitudinalTemporalEventType")
# The study's own date, or the nearest to it that the instance has.
_DATES = tuple(map(tag_of, ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")))


def event_elements(data_set: DataSet, subject: Subject) -> dict[int, bytes]:
    """The two elements that place an instance, encoded for its syntax, by tag; none without an event.

    Where the instance has no date both are empty, so that nothing of an earlier event stays.
    """
    if subject.origin is None:
        return {}
    found = (data_set.first(tag) for tag in _DATES)
    texts = (data_set.raw(one).decode("latin-1").strip(" \0") for one in found if one is not None)
    day = next(filter(None, map(day_of, texts)), None)
    if day is None:
        return {OFFSET_FROM_EVENT: b"", EVENT_TYPE: b""}
    order, explicit = data_set.syntax.order, data_set.syntax.explicit
    offset = struct.pack(order + "d", float((day - subject.origin.day).days - subject.shift_days))
    return {
        OFFSET_FROM_EVENT: element(OFFSET_FROM_EVENT, "FD", offset, explicit=explicit, order=order),
        EVENT_TYPE: element(EVENT_TYPE, "CS", subject.origin.event_type.encode(), explicit=explicit, order=order),
    }
