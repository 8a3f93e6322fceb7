"""Who looks for a face finds one where it is and none where it was, and says so where it cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import repeat

import numpy as np
import pytest
from face_tools import SECRET, THREE_MM, with_stored
from scipy import ndimage
from treated_heads import TOOLS, TreatedHead, scan_of

from curator.adapters.dlib_heads import DlibHeads
from curator.bundled import bundled_folder
from curator.deid.faces.attack import ALL, IN_TURN, Seen, Was, _cuts, attacked, deep_levels
from curator.deid.faces.audit import AuditVerdict, audit_scan, shows_face
from curator.deid.faces.find import clearest_sight
from curator.deid.faces.ladder import attempts
from curator.deid.faces.likeness import LineUp, line_up
from curator.deid.faces.proof import geometry
from curator.deid.faces.render import shaded
from curator.deid.faces.tools import Wish
from curator.deid.faces.view import View, finer, head_frame, pixels_per_voxel, view_of
from curator.deid.faces.whether import Finding, whether
from curator.deid.faces.windows import landmark_points
from curator.imaging.frame import patient_frame
from curator.model.pixels import Box
from curator.policy.faces.defacing import load_face_rules
from curator.ports.faces import FaceSeen
from curator.testing.heads import Contrast, HeadPlan, make_head, random_heads

NUMBERS = TOOLS.rules.numbers
SHIPPED = load_face_rules(bundled_folder("rules"))
Study = dict[str, TreatedHead]


@pytest.fixture(scope="module")
def t1(study: Study) -> TreatedHead:
    return study["t1"]


@pytest.fixture(scope="module")
def view(t1: TreatedHead) -> View:
    return view_of(t1.scan, head_frame(t1.scan, TOOLS.resampler, TOOLS.judge), TOOLS.resampler)


@pytest.fixture(scope="module")
def lined(view: View, t1: TreatedHead) -> tuple[LineUp, Callable[[np.ndarray], np.ndarray]]:
    """The line-up of the T1, and what its camera sees of any stored values."""
    sight = clearest_sight(view, TOOLS.judge, TOOLS.resampler, NUMBERS)
    assert sight is not None
    seen = view_of(t1.scan, sight.frame, TOOLS.resampler, levels=view.levels)

    def picture(stored: np.ndarray) -> np.ndarray:
        after = view_of(with_stored(t1.scan, stored), sight.frame, TOOLS.resampler, levels=view.levels)
        return finer(shaded(after.skin))

    return line_up(sight, seen, TOOLS.judge, TOOLS.rules.gallery), picture


def test_the_audit_finds_an_original_face(t1: TreatedHead) -> None:
    audit = audit_scan(t1.scan, TOOLS)
    assert audit.verdict is AuditVerdict.FACE
    assert audit.numbers["hits"] > 0
    assert audit.to_json()["verdict"] == "face"


def test_the_audit_finds_none_in_what_was_defaced(t1: TreatedHead) -> None:
    audit = audit_scan(t1.scan_after, TOOLS)
    assert audit.verdict is AuditVerdict.CLEAN
    assert audit.numbers["hits"] == 0


def test_a_short_audit_finds_a_face_where_the_whole_one_does(t1: TreatedHead) -> None:
    assert shows_face(t1.scan, TOOLS)
    assert not shows_face(t1.scan_after, TOOLS)


def test_the_audit_finds_a_face_whose_shell_was_zeroed(t1: TreatedHead) -> None:
    """What lies behind a cut that follows the skin keeps the shape of a face."""
    inside = ndimage.binary_fill_holes(t1.before > 0.3 * np.percentile(t1.before, 90))
    under = ndimage.distance_transform_edt(inside, sampling=t1.scan.volume.spacing_mm)
    stored = t1.before.copy()
    stored[(under > 0) & (under <= 5.0)] = stored.min()
    audit = audit_scan(with_stored(t1.scan, stored), replace(TOOLS, rules=SHIPPED))
    assert audit.verdict is AuditVerdict.FACE


def test_the_audit_cannot_tell_of_a_few_slices(study: Study) -> None:
    for scan in (study["slice"].scan, study["slice"].scan_after, study["scout"].scan):
        assert audit_scan(scan, TOOLS).verdict is AuditVerdict.UNCLEAR


def test_a_face_is_seen_where_its_landmarks_are(t1: TreatedHead, lined) -> None:
    sight = lined[0].sight
    assert sight.score > NUMBERS.face_score
    assert sight.hits <= sight.looks
    assert abs(sight.yaw_deg) <= 10.0
    points = landmark_points(sight)
    truth = t1.head.landmarks_mm
    found = {
        "right pupil": points[36:42].mean(axis=0),
        "left pupil": points[42:48].mean(axis=0),
        "right mouth corner": points[48],
        "left mouth corner": points[54],
        "nose tip": points[30],
    }
    for name, point in found.items():
        # The points lie on a plane across the camera's way of looking, so that depth says nothing.
        off = (point - np.array(truth[name]))[[0, 2]]
        assert np.abs(off).max() < 18.0, name


@pytest.mark.parametrize(("seed", "number"), [(5, 13), (11, 18), (11, 0)])
def test_the_way_a_face_looks_is_found_though_a_detector_prefers_another(seed: int, number: int) -> None:
    """It scores two of these as high from 17 and 23 degrees aside."""
    head = make_head(random_heads(seed, number + 1)[number])
    scan = scan_of(head)
    seen = view_of(scan, head_frame(scan, TOOLS.resampler, TOOLS.judge), TOOLS.resampler)
    sight = clearest_sight(seen, TOOLS.judge, TOOLS.resampler, SHIPPED.numbers)
    assert sight is not None
    right, left = (np.array(head.landmarks_mm[f"{side} pupil"]) for side in ("right", "left"))
    across = left - right
    assert sight.yaw_deg == pytest.approx(np.rad2deg(np.arctan2(across[1], across[0])), abs=6.0)


def test_F01_a_header_that_names_another_part_never_hides_a_face(t1: TreatedHead, view: View) -> None:
    scan = replace(t1.scan, names_head=False)
    shown = whether(scan, view, TOOLS.judge, TOOLS.resampler, NUMBERS)
    assert shown.finding is Finding.FACE
    assert shown.score > NUMBERS.face_score


def test_an_attack_sees_an_original_and_ends_there(view: View) -> None:
    seen = attacked([view], TOOLS.judge, TOOLS.resampler, NUMBERS)
    assert seen.hits >= 1
    assert seen.best > NUMBERS.face_score
    assert not seen.is_clear(NUMBERS)
    assert seen.looks == 1


@dataclass(frozen=True)
class _OneBox(DlibHeads):
    """Sees one face in every picture, in the same box of 100 pixels."""

    box: Box = field(default_factory=lambda: Box(150, 100, 250, 200))

    def seen(self, picture: np.ndarray, *, least: float) -> tuple[FaceSeen, ...]:
        return (FaceSeen(1.0, self.box),)


@pytest.mark.parametrize("way", [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1)])
@pytest.mark.parametrize(
    ("share", "at_the_skin", "inside"),
    [(0.44, True, False), (0.46, False, True), (0.59, False, True), (0.61, False, False)],
)
def test_how_far_the_middle_of_a_face_may_lie_from_that_of_a_box(
    t1: TreatedHead, way: tuple[int, int], share: float, at_the_skin: bool, inside: bool
) -> None:
    """Shares of the box's side, less far at the skin, where all of a face is seen; an attack ends where it sees one."""
    assert t1.treated.zone is not None
    curtain = t1.treated.zone.curtains[0]
    view = view_of(t1.scan, curtain.frame, TOOLS.resampler)
    column, row = 150 + 100 * share * way[0], 200 + 100 * share * way[1]
    voxel = (column / pixels_per_voxel(), 0.0, view.frame.shape[0] - 1 - row / pixels_per_voxel())
    was = Was(view, curtain, view.frame.points_of(np.array([voxel])))
    seen = attacked([view], _OneBox(), TOOLS.resampler, NUMBERS, is_quick=True, was=was)
    assert (seen.best == 1.0, seen.bright == 1.0) == (at_the_skin, inside)
    assert (seen.beside > 0) is not at_the_skin


def test_what_is_framed_far_from_the_middle_of_the_face_is_beside_it(t1: TreatedHead) -> None:
    """As the end of a neck may be: it is counted, and is no face of this head."""
    assert t1.treated.zone is not None
    curtain = t1.treated.zone.curtains[0]
    view = view_of(t1.scan, curtain.frame, TOOLS.resampler)
    x, y, z = t1.head.landmarks_mm["nose tip"]
    for off_mm, is_it in ((0.0, True), (20.0, True), (-250.0, False)):
        was = Was(view, curtain, np.array([[x, y, z + off_mm]]))
        seen = attacked([view], TOOLS.judge, TOOLS.resampler, NUMBERS, was=was)
        assert (seen.hits > 0) is is_it
        assert (seen.beside > 0) is not is_it
        assert (seen.best > NUMBERS.face_score) is is_it


def test_what_an_audit_would_find_beside_the_face_fails_too(t1: TreatedHead, view: View, lined) -> None:
    """The attack knows where the face was, and lets it pass; whoever is given the scan does not."""
    judge = _OneBox(box=Box(0, 0, 100, 100))
    rung = replace(TOOLS.rules.ladder[0], draws=1)
    tools = replace(TOOLS, judge=judge, rules=replace(TOOLS.rules, ladder=(rung,)))
    (found,) = attempts(t1.scan, view, lined[0].sight, tools, wish=Wish(), secret=SECRET)
    assert found.fails == "an audit still finds a face"
    assert found.judged.seen is not None
    assert found.judged.seen.is_clear(NUMBERS)
    assert found.judged.seen.beside == found.judged.seen.looks > 0
    assert found.judged.numbers()["after_audit"] == 1.0


# Looks at thresholds of skin, and inside tissue, from one frame.
_SKIN = (len(NUMBERS.attack_yaws_deg) + len(NUMBERS.attack_aside_deg)) * len(NUMBERS.attack_levels)
_TISSUE = len(NUMBERS.attack_yaws_deg) * len(NUMBERS.attack_bright)


@dataclass(frozen=True)
class _ALittle(DlibHeads):
    """Sees what looks a little like a face where a script says so, and in every look after its end."""

    script: Iterator[bool]
    score: float = -0.1
    looks: list[bool] = field(default_factory=list)

    def seen(self, picture: np.ndarray, *, least: float) -> tuple[FaceSeen, ...]:
        self.looks.append(next(self.script, True))
        return (FaceSeen(self.score, Box(150, 100, 250, 200)),) if self.looks[-1] else ()


def test_inside_tissue_the_back_of_a_head_excuses_a_strangers_front_alone(t1: TreatedHead, view: View) -> None:
    """What was made anew has to be as far from a face there as at its skin."""
    after = view_of(t1.scan_after, view.frame, TOOLS.resampler, levels=view.levels)
    found = {}
    for null_from in (None, NUMBERS.clean_score, NUMBERS.face_score):
        judge = _ALittle(iter([False] * _SKIN))
        asks_back = null_from is not None
        seen = attacked([after], judge, TOOLS.resampler, NUMBERS, null_from=null_from, asks_back=asks_back)
        found[null_from] = seen.bright, seen.null, seen.hits, seen.is_clear(NUMBERS), len(judge.looks)
    assert found[None] == (-0.1, -9.0, 0, False, _SKIN + 1)
    assert found[NUMBERS.clean_score] == (-0.1, -0.1, 0, True, _SKIN + 2 * _TISSUE)
    assert found[NUMBERS.face_score] == (-0.1, NUMBERS.face_score, 0, True, _SKIN + _TISSUE)


def test_a_draw_that_shows_the_old_surface_does_not_end_its_rung(t1: TreatedHead, view: View, lined) -> None:
    numbers = replace(NUMBERS, largest_recovery=-1.0)
    rung = replace(TOOLS.rules.ladder[0], draws=2)
    tools = replace(TOOLS, rules=replace(TOOLS.rules, numbers=numbers, ladder=(rung,)))
    found = list(attempts(t1.scan, view, lined[0].sight, tools, wish=Wish(), secret=SECRET))
    assert [one.fails for one in found] == ["the old surface can be had back"] * 2
    assert not np.array_equal(found[0].filled.stored, found[1].filled.stored)


@pytest.mark.parametrize(("above", "turns"), [(-0.05, 1), (0.05, 2)])
def test_up_to_what_backs_of_heads_show_anyway_none_is_looked_at(
    t1: TreatedHead, view: View, above: float, turns: int
) -> None:
    after = view_of(t1.scan_after, view.frame, TOOLS.resampler, levels=view.levels)
    judge = _ALittle(iter([False] * _SKIN), score=NUMBERS.tissue_score + above)
    seen = attacked([after], judge, TOOLS.resampler, NUMBERS, null_from=NUMBERS.tissue_score, asks_back=True)
    assert seen.bright > NUMBERS.clean_score
    assert seen.is_clear(NUMBERS)
    assert len(judge.looks) == _SKIN + turns * _TISSUE


@pytest.mark.parametrize(("above", "fails"), [(-0.05, ""), (0.05, "a detector still sees a face")])
def test_after_the_last_rung_what_backs_of_heads_show_is_let_pass_and_no_more(
    t1: TreatedHead, view: View, lined, above: float, fails: str
) -> None:
    """First nothing inside tissue may look even a little like a face; the same skin is tried again, in both frames."""
    frame = [*[False] * (_SKIN // 2), *[True] * (_TISSUE // 2)]
    judge = _ALittle(iter([*[False] * (_SKIN // 2), True, *frame, *frame]), score=NUMBERS.tissue_score + above)
    rung = replace(TOOLS.rules.ladder[0], draws=1)
    tools = replace(TOOLS, judge=judge, rules=replace(TOOLS.rules, ladder=(rung,)))
    first, again = attempts(t1.scan, view, lined[0].sight, tools, wish=Wish(), secret=SECRET)
    assert first.fails == "a detector still sees a face"
    assert again.fails == fails
    assert np.array_equal(first.filled.stored, again.filled.stored)
    assert again.judged.seen is not None
    assert (again.judged.seen.bright, again.judged.seen.null) == (judge.score, NUMBERS.tissue_score)


def test_from_far_aside_the_skin_alone_is_looked_at(view: View) -> None:
    looks = []
    for aside in ((), (-45.0, 45.0)):
        judge = _ALittle(repeat(False))
        attacked([view], judge, TOOLS.resampler, replace(NUMBERS, attack_aside_deg=aside))
        looks.append(len(judge.looks))
    assert looks[1] - looks[0] == 2 * len(NUMBERS.attack_pitches_deg) * len(NUMBERS.attack_levels)


def test_a_face_that_is_seen_in_the_second_frame_alone_is_seen(t1: TreatedHead, view: View) -> None:
    """The second is only looked at, and made, where the first showed nothing."""
    after = view_of(t1.scan_after, view.frame, TOOLS.resampler, levels=view.levels)
    made = []

    def views(*all_views: View) -> Iterator[View]:
        for one in all_views:
            made.append(one)
            yield one

    clean = attacked(views(after), TOOLS.judge, TOOLS.resampler, NUMBERS)
    both = attacked(views(after, view), TOOLS.judge, TOOLS.resampler, NUMBERS)
    assert clean.is_clear(NUMBERS)
    assert not both.is_clear(NUMBERS)
    assert both.looks == clean.looks + 1
    assert len(made) == 3
    attacked(views(view, after), TOOLS.judge, TOOLS.resampler, NUMBERS)
    assert made[3:] == [view]
    assert attacked([], TOOLS.judge, TOOLS.resampler, NUMBERS) == Seen()


def test_two_frames_share_all_thresholds_and_the_audit_takes_those_that_the_second_has_not(
    t1: TreatedHead, view: View, lined
) -> None:
    looks = {}
    after = view_of(t1.scan_after, view.frame, TOOLS.resampler, levels=view.levels)
    for name, shares in (("all", ALL), ("in turn", IN_TURN)):
        judge = _ALittle(repeat(False))
        attacked([after, after], judge, TOOLS.resampler, NUMBERS, shares=shares)
        looks[name] = len(judge.looks)
    assert looks["all"] == 2 * looks["in turn"] == 2 * (_SKIN + _TISSUE)
    cuts = _cuts(view, SHIPPED.numbers, None)
    one, other = (cuts.part(share) for share in IN_TURN)
    assert sorted(one.skin + other.skin) == list(SHIPPED.numbers.attack_levels)
    assert sorted(one.values + other.values) == list(cuts.values)
    judge = _ALittle(repeat(False))
    shows_face(t1.scan_after, replace(TOOLS, judge=judge))
    short = len(judge.looks)
    judge.looks.clear()
    audit_scan(t1.scan_after, replace(TOOLS, judge=judge))
    assert len(judge.looks) - short == (_SKIN + _TISSUE) / 2
    rung = replace(TOOLS.rules.ladder[0], draws=1)
    judge = _ALittle(repeat(False))
    tools = replace(TOOLS, judge=judge, rules=replace(TOOLS.rules, ladder=(rung,)))
    (found,) = attempts(t1.scan, view, lined[0].sight, tools, wish=Wish(), secret=SECRET)
    assert found.judged.seen is not None
    assert found.judged.seen.looks == _SKIN + _TISSUE


def test_two_looks_are_as_bad_as_the_worse() -> None:
    one = Seen(best=-0.5, bright=-0.1, null=-9.0, hits=0, looks=5, network=0.1, beside=1)
    other = Seen(best=-0.4, bright=-0.6, null=-0.2, hits=2, looks=7, network=0.0, beside=0)
    both = Seen(best=-0.4, bright=-0.1, null=-0.2, hits=2, looks=12, network=0.1, beside=1)
    assert one.and_also(other) == other.and_also(one) == both
    assert one.and_also(Seen()) == one


def test_a_threshold_that_skin_does_not_reach_lies_inside_tissue() -> None:
    """A PET's brain outshines its skin; in other scans all thresholds of skin meet it."""
    deep = {}
    for contrast in (Contrast.PET, Contrast.T1, Contrast.CT):
        scan = scan_of(make_head(HeadPlan(spacing_mm=THREE_MM, contrast=contrast)))
        seen = view_of(scan, patient_frame(scan.volume, step_mm=2.0), TOOLS.resampler)
        deep[contrast] = deep_levels(seen, SHIPPED.numbers)
    assert deep[Contrast.T1] == deep[Contrast.CT] == ()
    assert 0 < len(deep[Contrast.PET]) < len(SHIPPED.numbers.attack_levels)
    assert max(SHIPPED.numbers.attack_levels) in deep[Contrast.PET]


def test_a_threshold_that_never_showed_what_was_taken_out_is_not_attacked(t1: TreatedHead) -> None:
    """Here nothing at all is seen of the original at any, and so none of what a detector would say counts."""
    assert t1.treated.zone is not None
    curtain = t1.treated.zone.curtains[0]
    after = view_of(t1.scan_after, curtain.frame, TOOLS.resampler)
    before = view_of(t1.scan, curtain.frame, TOOLS.resampler)
    blank = View(before.frame, before.levels, np.zeros_like(before.smooth), before.even)
    looks = {
        name: attacked([after], TOOLS.judge, TOOLS.resampler, NUMBERS, was=was)
        for name, was in (("unknown", None), ("seen", Was(before, curtain)), ("never seen", Was(blank, curtain)))
    }
    assert looks["unknown"] == looks["seen"]
    assert looks["never seen"].looks < looks["seen"].looks
    assert looks["never seen"].best == looks["seen"].best


_CLEAR = Seen(best=-0.5, bright=-0.5, null=-9.0, hits=0, looks=9, network=0.0)


@pytest.mark.parametrize(
    ("changed", "is_clear"),
    [({}, True), ({"hits": 1}, False), ({"best": -0.1}, False), ({"network": 0.9}, False), ({"bright": -0.1}, False),
     ({"bright": -0.1, "null": -0.05}, True), ({"bright": 0.2, "null": 0.5}, False)],
)  # fmt: skip
def test_each_number_of_an_attack_counts(changed: dict[str, float], is_clear: bool) -> None:
    """Inside tissue the back of the same head is as good a limit, but never beyond a face."""
    assert replace(_CLEAR, **changed).is_clear(NUMBERS) is is_clear


def test_an_untouched_surface_is_had_back_and_a_new_one_is_not(t1: TreatedHead) -> None:
    assert t1.treated.zone is not None
    curtain = t1.treated.zone.curtains[0]
    affine = t1.scan.volume.affine_lps
    before = view_of(t1.scan, curtain.frame, TOOLS.resampler)
    after = view_of(t1.scan_after, curtain.frame, TOOLS.resampler, levels=before.levels)
    untouched = geometry(before, before, np.zeros_like(t1.mask), affine, curtain, NUMBERS)
    assert untouched.rays > 1000
    assert untouched.recovered > 0.9
    assert untouched.unchanged == untouched.rays
    assert not untouched.is_proven(NUMBERS)
    new = geometry(before, after, t1.mask, affine, curtain, NUMBERS)
    assert new.rays == untouched.rays
    assert new.is_proven(NUMBERS)
    # A mask that says nothing changed is no proof, whatever the new surface looks like.
    assert not geometry(before, after, np.zeros_like(t1.mask), affine, curtain, NUMBERS).is_proven(NUMBERS)


def test_an_untouched_original_is_the_most_alike_and_a_defaced_one_is_not(t1: TreatedHead, lined) -> None:
    people, picture = lined
    same, other = (people.likeness(picture(stored), TOOLS.judge) for stored in (t1.before, t1.after))
    assert same.rank == 1
    assert same.distance < 0.05
    assert same.gallery == len(TOOLS.rules.gallery) + 18 + 1 == other.gallery
    assert other.rank >= NUMBERS.least_rank
    assert other.distance > 0.3


def test_lookalikes_are_like_the_original_and_not_it(lined) -> None:
    people, _ = lined
    alike = people.others[len(TOOLS.rules.gallery) :]
    far = np.linalg.norm(people.others[: len(TOOLS.rules.gallery)] - people.original, axis=1)
    near = np.linalg.norm(alike - people.original, axis=1)
    assert len(alike) == 18
    assert near.min() > 0.0
    assert np.median(near) < np.median(far)
