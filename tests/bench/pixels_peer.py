"""presidio-image-redactor with tesseract on the same files, in an environment of its own.

The law: no model is loaded from anywhere. spaCy's pipeline is blank, so presidio has its patterns, the checks of its
recognisers and, with hints, the header's own values; what tesseract reads at all is given beside it, the most that any
setting of presidio could redact.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from curator.model.pixels import Box

_ENGINE = """
import json, os, sys, time, warnings, logging
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
import spacy, pydicom, tldextract, tldextract.tldextract
offline = tldextract.TLDExtract(suffix_list_urls=(), fallback_to_snapshot=True)
tldextract.extract = tldextract.tldextract.extract = tldextract.tldextract.TLD_EXTRACTOR = offline
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
from presidio_image_redactor import DicomImagePiiVerifyEngine, DicomImageRedactorEngine
from presidio_image_redactor import ImageAnalyzerEngine, TesseractOCR

class Watched(TesseractOCR):
    words = None
    def perform_ocr(self, image, **options):
        self.words = super().perform_ocr(image, **options)
        return self.words

def analyzer():
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}],
                            ner_model_configuration=NerModelConfiguration(labels_to_ignore=[]))
    engine.nlp = {"en": spacy.blank("en")}
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])

ocr = Watched()
looking = ImageAnalyzerEngine(analyzer_engine=analyzer(), ocr=ocr)
redactor = DicomImageRedactorEngine(image_analyzer_engine=looking)
verifier = DicomImagePiiVerifyEngine(ocr_engine=ocr, image_analyzer_engine=looking)
PADDING = 25

def boxes(found):
    return [[b["top"], b["left"], b["top"] + b["height"], b["left"] + b["width"]] for b in found]

def words():
    read = ocr.words
    return [{"label": read["text"][i], "top": read["top"][i] - PADDING, "left": read["left"][i] - PADDING,
             "width": read["width"][i], "height": read["height"][i]}
            for i in range(len(read["text"])) if read["text"][i].strip()]

def spent():
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system
"""
_REDACT = """
for file, hints in json.load(sys.stdin):
    data = pydicom.dcmread(file)
    before = spent()
    try:
        _, found = redactor.redact_and_return_bbox(data, padding_width=PADDING, use_metadata=hints)
        answer = {"redacted": boxes(found), "read": boxes(words()), "error": ""}
    except Exception as error:
        answer = {"redacted": [], "read": [], "error": type(error).__name__}
    print(json.dumps({"file": file, "seconds": spent() - before, **answer}), flush=True)
"""
_MEASURE = """
def measured(found, read, truth, tolerance):
    found = verifier._remove_duplicate_entities([dict(box) for box in found])
    positives = verifier._label_all_positives(truth, read, found, tolerance)
    return [verifier.calculate_precision(truth, positives), verifier.calculate_recall(truth, positives)]

for file, hints, truth, tolerances, ours in json.load(sys.stdin):
    _, read, theirs = verifier.verify_dicom_instance(pydicom.dcmread(file), PADDING, False, use_metadata=hints)
    ours = [{"entity_type": "PERSON", "score": 1.0, "top": t, "left": l, "height": b - t, "width": r - l}
            for t, l, b, r in ours]
    print(json.dumps({"measures": [[measured(found, read, truth, tolerance) for found in (ours, theirs)]
                                   for tolerance in tolerances]}), flush=True)
"""
Measure = tuple[float, float]
_PACKAGE = "presidio-image-redactor"


@dataclass(frozen=True, slots=True)
class PeerLook:
    """What presidio makes of one file: boxes it redacts, boxes of all words read, CPU seconds with tesseract's."""

    redacted: tuple[Box, ...]
    read: tuple[Box, ...]
    seconds: float
    error: str


def presidio_python(folder: Path) -> Path | None:
    """The Python of presidio's own environment under a folder, made once; None where it, or tesseract, is missing."""
    if shutil.which("tesseract") is None:
        return None
    python = folder / _PACKAGE / "bin" / "python"
    if not python.exists():
        made = subprocess.run(["uv", "venv", "-q", "--python", "3.11", str(python.parents[1])], check=False)
        command = ["uv", "pip", "install", "-q", "--python", str(python), _PACKAGE]
        if made.returncode or subprocess.run(command, capture_output=True, check=False).returncode:
            shutil.rmtree(python.parents[1], ignore_errors=True)
            return None
    return python


def presidio_looks(python: Path, files: Sequence[tuple[Path, bool]]) -> list[PeerLook]:
    """What presidio makes of each file; the flag says whether it may use the header's values.

    Raises:
        RuntimeError: presidio did not start.
    """
    lines = _run(python, _REDACT, [(str(file), hints) for file, hints in files])
    return [
        PeerLook(_boxes(line["redacted"]), _boxes(line["read"]), float(str(line["seconds"])), str(line["error"]))
        for line in lines
    ]


def presidio_measures(
    python: Path,
    file: tuple[Path, bool],
    truth: Sequence[Mapping[str, object]],
    tolerances: Sequence[int],
    ours: Sequence[Box],
) -> list[tuple[Measure, Measure]]:
    """For each tolerance precision and recall by presidio's own measure, of our boxes and of its own.

    `truth` and `ours` are padded as presidio pads; the file's flag says whether presidio may use the header's values.

    Raises:
        RuntimeError: presidio did not start.
    """
    boxes = [(box.top, box.left, box.bottom, box.right) for box in ours]
    (line,) = _run(python, _MEASURE, [(str(file[0]), file[1], truth, tolerances, boxes)])
    rows = json.loads(json.dumps(line["measures"]))
    return [((ours_[0], ours_[1]), (theirs[0], theirs[1])) for ours_, theirs in rows]


def _run(python: Path, program: str, work: object) -> list[dict[str, object]]:
    done = subprocess.run(
        [str(python), "-c", _ENGINE + program],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"presidio failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _boxes(rows: object) -> tuple[Box, ...]:
    return tuple(Box(*row) for row in rows) if isinstance(rows, list) else ()
