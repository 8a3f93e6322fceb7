"""The page: complete, escaped, self-contained, the same bytes everywhere."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_samples import HOSTILE, full_summary, hostile_summary

from curator.model.quarantine import REMEDY, Reason
from curator.model.summary import JobSummary, Verification
from curator.report.limits import limits_of
from curator.report.page import BAD, render, tiles_of, verdict_of

PARTS = [each.name for each in fields(JobSummary) if each.default is None]
_VOID = {"meta", "link", "br", "hr", "img", "input"}


class _Reader(HTMLParser):
    """What a browser would take from a page: elements, addresses, text, and whether tags are balanced."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: bytes) -> _Reader:
    reader = _Reader()
    reader.feed(page.decode())
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page() -> bytes:
    return render(full_summary())


@pytest.fixture(scope="module")
def words(page: bytes) -> str:
    return " ".join(" ".join(read(page).text).split())


def svgs(page: bytes) -> list[str]:
    return [f"<svg{part.split('</svg>')[0]}</svg>" for part in page.decode().split("<svg")[1:]]


def test_every_reason_stands_with_its_count_and_its_remedy(words: str) -> None:
    for each in full_summary().release.held:
        assert f"{each.reason.value} {each.count} " in words
        assert REMEDY[each.reason] in words


def test_the_first_screen_names_what_a_steward_answers_for(page: bytes, words: str) -> None:
    release = full_summary().release
    start = words[: words.index(Reason.INTERNAL_ERROR.value)]
    for fact in (str(release.files_in), str(release.released), str(release.held_count), release.key_id):
        assert fact in start
    policy = release.policies[0]
    assert policy.digest in start and policy.method in start and policy.options[0] in start
    assert "Residual identifiers in released files 0 1900 files searched again" in start


def test_every_score_stands_in_a_table(words: str) -> None:
    for group in full_summary().evaluation.groups:
        interval = f"{group.dice_low:.3f} – {group.dice_high:.3f}" if group.cases > 1 else "one case, none"
        row = f"{group.label} {group.cases} {group.dice_mean:.3f} {interval}"
        assert f"{group.group or 'all'} {row}" in words


def test_nothing_is_loaded_from_outside(page: bytes) -> None:
    for tag, attributes in read(page).tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "style"):
            address = attributes.get(name) or ""
            if name != "style":
                assert address.startswith(("#", "data:image/png,%89")) or not address
            for piece in address.split("url(")[1:]:
                assert piece.startswith("#")
    style = page.decode().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    assert b"default-src 'none'" in page


def test_text_from_files_is_never_markup() -> None:
    page = render(hostile_summary())
    reader = read(page)
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script"})
    assert not any(name.startswith("on") for _, attributes in reader.tags for name in attributes)
    text = " ".join(reader.text)
    assert HOSTILE in text and "$x^2$" in text
    assert b"<script" not in page


def test_the_same_summary_gives_the_same_bytes_in_another_process(page: bytes) -> None:
    program = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1])\n"
        "import matplotlib; matplotlib.rcParams.update({'font.size': 31, 'svg.hashsalt': 'x', 'lines.linewidth': 9})\n"
        "from report_samples import full_summary\nfrom curator.report.page import render\n"
        "print(hashlib.sha256(render(full_summary())).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77", "TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "1", "PATH": "/usr/bin"},
    )
    assert done.stdout.strip() == hashlib.sha256(page).hexdigest()


def test_figures_are_valid_xml_with_ids_of_their_own(page: bytes) -> None:
    seen: set[str] = set()
    found = svgs(page)
    assert len(found) == 7
    for svg in found:
        tree = ElementTree.fromstring(svg)
        ids = [value for each in tree.iter() if (value := each.get("id"))]
        assert len(ids) == len(set(ids)) and seen.isdisjoint(ids)
        seen.update(ids)
        used = {each.get("{http://www.w3.org/1999/xlink}href", "#")[1:] for each in tree.iter()}
        assert {one for one in used if one and not one.startswith("ata:")} <= set(ids)
    assert b"#0101" not in page and b"#0102" not in page


def test_hostile_figures_are_valid_xml() -> None:
    for svg in svgs(render(hostile_summary())):
        ElementTree.fromstring(svg)


def test_tables_and_figures_can_be_heard(page: bytes) -> None:
    tags = [tag for tag, _ in read(page).tags]
    assert tags.count("caption") == tags.count("table") > 10
    assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in read(page).tags if tag == "th")
    pictures = [attributes for _, attributes in read(page).tags if attributes.get("role") == "img"]
    assert len(pictures) == tags.count("figure") and all(one["aria-label"] for one in pictures)
    levels = [int(tag[1]) for tag in tags if tag in {"h1", "h2"}]
    assert levels[0] == 1 and levels.count(1) == 1


@pytest.mark.parametrize("kept", [set(), *({part} for part in PARTS)], ids=lambda kept: "-".join(kept) or "nothing")
def test_every_part_may_be_alone(kept: set[str]) -> None:
    summary = full_summary()
    page = read(render(replace(summary, **{part: None for part in PARTS if part not in kept})))
    assert "What this report does not prove" in page.text


def test_the_limits_follow_what_is_shown() -> None:
    summary = full_summary()
    stated = {name for name, _ in limits_of(summary)}
    for missing, limit in (
        ("release", "Pixels are not read."),
        ("agreement", "Agreement is not truth."),
        ("evaluation", "A gap has no cause."),
        ("rehearsal", "Phantoms are not patients."),
    ):
        assert limit in stated
        assert limit not in {name for name, _ in limits_of(replace(summary, **{missing: None}))}


def test_a_finding_is_the_verdict() -> None:
    summary = full_summary()
    release = summary.release
    worse = [
        replace(summary, release=replace(release, verification=Verification(files=3, residuals=1))),
        replace(summary, release=replace(release, files_in=release.files_in + 1)),
        replace(summary, rehearsal=replace(summary.rehearsal, surviving=1)),
    ]
    assert verdict_of(summary).state != BAD
    for one in worse:
        assert verdict_of(one).state == BAD
        assert any(tile.state == BAD for tile in tiles_of(one))
