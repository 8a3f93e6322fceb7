"""The deid package and ours on the same files: one recipe in, element by element out."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import DataElement, Dataset, Sequence, dcmread

from curator.deid.headers.rewrite import Rewriter
from curator.deid.headers.stated import stated_elements
from curator.deid.headers.terms import Terms
from curator.deid.subject import Subject
from curator.dicom.encode import file_meta
from curator.dicom.parse import parse
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.identity.search import needles_of
from curator.model.decision import Action, Decision, ElementRef
from curator.model.keys import Key
from curator.policy.recipe.overlay import overlay_of
from curator.policy.recipe.read import parse_recipe

with warnings.catch_warnings():
    # The deid package uses names that pydicom is about to drop.
    warnings.simplefilter("ignore")
    from deid.config import DeidRecipe
    from deid.dicom.parser import DicomParser
    from deid.logger import bot

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
SECRET = bytes(range(32))
PSEUDONYMS = Pseudonyms(Key(key_id_of(SECRET), "release", SECRET))
SUBJECT = Subject(patient_code="CODE", shift_days=7, needles=needles_of(()))


@contextlib.contextmanager
def silenced():
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        warnings.simplefilter("ignore")
        before = bot.level
        bot.level = 0
        try:
            yield
        finally:
            bot.level = before


@dataclass(frozen=True)
class Both:
    """What each makes of a file: values by place."""

    theirs: dict[str, str]
    ours: dict[str, str]

    @property
    def differing(self) -> dict[str, tuple[str | None, str | None]]:
        places = sorted({*self.theirs, *self.ours})
        return {
            place: (self.theirs.get(place), self.ours.get(place))
            for place in places
            if self.theirs.get(place) != self.ours.get(place)
        }


def content_of(file: str) -> bytes:
    """The bytes of a bundled file; "dates" is one of them with dates of every kind put in."""
    if file != "dates":
        return (BUNDLED / file).read_bytes()
    with silenced():
        data_set = dcmread(BUNDLED / "CT_small.dcm")
        data_set.AcquisitionDateTime = "20230101011721.621000"
        data_set.FrameReferenceDateTime = "20240229235959.000000"
        data_set.DateOfLastCalibration = ["20230131", "20240101"]
        data_set.StartAcquisitionDateTime = "20200101101010"
        data_set.ContentDate = ""
        item = Dataset()
        item.InstanceCreationDate = "19991231"
        data_set.ReferencedStudySequence = [item]
        stream = io.BytesIO()
        data_set.save_as(stream)
    return stream.getvalue()


def recipe_text(*lines: str) -> str:
    """A recipe of header lines, or of whole sections where the first line opens one."""
    head = [] if lines and lines[0].startswith("%") else ["%header"]
    return "\n".join(["FORMAT dicom", *head, *lines]) + "\n"


def both(content: bytes, text: str, tmp_path: Path, values: dict[str, str] | None = None) -> Both:
    return Both(theirs(content, text, tmp_path, values or {}), ours(content, text, values or {}))


def theirs(content: bytes, text: str, tmp_path: Path, values: dict[str, str]) -> dict[str, str]:
    path = tmp_path / "recipe.dicom"
    path.write_text(text)
    with silenced():
        data_set = dcmread(io.BytesIO(content), force=True)
        parser = DicomParser(data_set, recipe=DeidRecipe(str(path)))
        parser.lookup.update(values)
        parser.parse()
        return written(parser.dicom)


def ours(content: bytes, text: str, values: dict[str, str]) -> dict[str, str]:
    data_set = parse(content)
    recipe = parse_recipe(text.encode(), values=values, digest="")
    overlay = overlay_of(recipe, data_set, named=())
    rewriter = Rewriter(
        data_set,
        Terms(kept, PSEUDONYMS, SUBJECT, ""),
        set_elements=stated_elements(overlay.added, data_set.syntax, SUBJECT),
        overlay=overlay.decisions,
    )
    meta = file_meta(
        sop_class_uid="1.2", sop_instance_uid="1.2", syntax_uid=data_set.syntax.uid, implementation=("1.2", "X")
    )
    with silenced():
        return written(dcmread(io.BytesIO(b"".join((meta, *rewriter.chunks())))))


def kept(_: ElementRef) -> Decision:
    """Everything stays, as in the deid package, so that only the recipe speaks."""
    return Decision(Action.KEEP, "all", "")


def written(data_set: Dataset, before: str = "") -> dict[str, str]:
    """The text of every value by its place; a sequence is how many items it has."""
    found: dict[str, str] = {}
    for element in data_set:
        if element.tag.element == 0:
            continue
        place = f"{before}{element.tag}"
        found[place] = _text(element)
        for number, item in enumerate(element.value if isinstance(element.value, Sequence) else ()):
            found |= written(item, f"{place}[{number}]/")
    return found


def _text(element: DataElement) -> str:
    value = element.value
    if isinstance(value, Sequence):
        return f"{len(value)} items"
    if value is None or value == "" or value == b"":
        return ""
    if isinstance(value, bytes):
        # The pad byte is the writer's; text in an unknown VR is text all the same.
        text = value.rstrip(b"\0 ").decode("latin-1")
        return text if text.isprintable() else value.hex()
    parts = value if isinstance(value, pydicom.multival.MultiValue) else str(value).split("\\")
    return "\\".join(str(part).strip(" \0") for part in parts)
