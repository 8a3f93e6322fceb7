"""How well people hide: closed forms, laws, and the rules' own examples."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from curator.bundled import bundled_folder
from curator.catalog.database import write_transaction
from curator.catalog.query import instances, snapshot_digest
from curator.catalog.record import forget_instances, record_instances
from curator.catalog.risk import LEFT_OUT, Person, people_of, risk_report
from curator.catalog.risk_rules import OTHER, RULES, Quasi, RiskRules, coarser, load_risk_rules
from curator.catalog.vendors import bundled_vendor_names
from curator.errors import ConfigurationError
from curator.model.instance import ReleasedInstance
from curator.strict import read_toml

Make = Callable[..., ReleasedInstance]


def rules(*quasi: tuple[str, ...], k: int = 3, percent: int = 0, sensitive: tuple[str, ...] = ()) -> RiskRules:
    return RiskRules(
        k=k,
        l=2,
        most_suppressed_percent=percent,
        quasi=tuple(Quasi(rule_id=name, attribute=name, steps=steps) for name, *steps in quasi),  # type: ignore[arg-type]
        sensitive=sensitive,
    )


SEX, BODY = ("PatientSex", "as-is"), ("BodyPartExamined", "as-is")
AGE = ("PatientAge", "age:5", "age:20")


def people(*said: dict[str, str]) -> tuple[Person, ...]:
    return tuple(
        Person(f"P-{number}", {name: frozenset({value}) for name, value in one.items()})
        for number, one in enumerate(said)
    )


def test_R01_nobody_is_at_no_risk() -> None:
    found = risk_report((), rules(SEX))
    assert (found.anonymity.people, found.anonymity.k, found.anonymity.mean_risk) == (0, 0, 0.0)
    assert found.is_met
    assert (found.suggestions, found.to_leave_out, found.silent) == ((), (), ("PatientSex",))


def test_R01_measures_of_known_classes() -> None:
    """Classes of 4, 2 and 1 of seven people."""
    crowd = people(*[{"PatientSex": "F"}] * 4, *[{"PatientSex": "M"}] * 2, {"PatientSex": "O"})
    found = risk_report(crowd, rules(SEX))
    now = found.anonymity
    assert (now.people, now.classes, now.k) == (7, 3, 1)
    assert (now.unique_share, now.below_share, now.mean_risk) == pytest.approx((1 / 7, 3 / 7, 3 / 7))
    assert not found.is_met
    assert [(one.value, one.people) for one in found.rare] == [("M", 2), ("O", 1)]


def test_R01_two_examinations_make_one_person_easier_to_tell(released: Make) -> None:
    one = [released(0, patient_code="P-1", BodyPartExamined=part, SOPInstanceUID=f"2.25.{part}") for part in "AB"]
    others = [released(9, patient_code=f"P-{n}", BodyPartExamined="A", SOPInstanceUID=f"2.25.9{n}") for n in "23"]
    found = people_of([*one, *others], (), bundled_vendor_names())
    assert [sorted(person.values["BodyPartExamined"]) for person in found] == [["A", "B"], ["A"], ["A"]]
    assert risk_report(found, rules(BODY, k=2)).anonymity.k == 1


def test_R01_l_diversity_is_of_the_poorest_class() -> None:
    crowd = people(
        *({"PatientSex": "F", "Modality": kind} for kind in ("CT", "MR", "PT")),
        *[{"PatientSex": "M", "Modality": "PT"}] * 3,
    )
    (found,) = risk_report(crowd, rules(SEX, sensitive=("Modality",))).sensitive
    assert (found.attribute, found.least, found.below_share) == ("Modality", 1, 0.5)


def test_R01_the_step_that_helps_most_is_suggested_first_and_its_numbers_are_true() -> None:
    crowd = people(*({"PatientAge": f"{age:03d}Y", "PatientSex": "F"} for age in (20, 26, 31, 41, 47, 59)))
    found = risk_report(crowd, rules(SEX, AGE))
    assert found.anonymity.k == 1
    assert [(one.attribute, one.step, one.after.k, one.after.below_share) for one in found.suggestions] == [
        ("PatientAge", "age:20", 3, 0.0)
    ]
    assert found.to_leave_out == ()


def test_R01_a_few_who_stand_out_are_left_out_rather_than_all_made_coarser() -> None:
    crowd = people(*[{"PatientSex": "F"}] * 30, {"PatientSex": "O"})
    assert risk_report(crowd, rules(SEX, percent=5)).suggestions == ()
    assert risk_report(crowd, rules(SEX, percent=5)).to_leave_out == ("P-30",)
    strict = risk_report(crowd, rules(SEX, percent=0))
    assert [(one.step, one.after.k) for one in strict.suggestions] == [(LEFT_OUT, 31)]


def test_R02_rare_devices_and_centres_are_named_and_generalised() -> None:
    crowd = people(
        *[{"centre_code": "C-1", "device_model": "Siemens / Prisma"}] * 4,
        *({"centre_code": "C-1", "device_model": f"Siemens / {model}"} for model in ("Trio", "Vida", "Skyra")),
    )
    found = risk_report(crowd, rules(("centre_code", "as-is", "rare"), ("device_model", "as-is", "rare", "maker")))
    assert {(one.attribute, one.people) for one in found.rare} == {("device_model", 1)}
    assert [(one.attribute, one.step, one.after.k) for one in found.suggestions] == [("device_model", "rare", 3)]


steps = st.sampled_from(["F", "M", "O", ""])
crowds = st.lists(
    st.fixed_dictionaries({"PatientSex": steps, "BodyPartExamined": steps, "PatientAge": st.just("040Y")}), max_size=30
)


@given(crowds, st.integers(2, 6), st.randoms(use_true_random=False))
def test_R01_laws(said: list[dict[str, str]], k: int, random: object) -> None:
    crowd = people(*said)
    asked = rules(SEX, BODY, AGE)
    found = risk_report(crowd, asked, k=k)
    shuffled = list(crowd)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert risk_report(shuffled, asked, k=k) == found
    # Against counting by hand.
    sizes = Counter((one["PatientSex"], one["BodyPartExamined"]) for one in said)
    assert found.anonymity.k == min(sizes.values(), default=0)
    assert found.is_met == all(size >= k for size in sizes.values())
    after = [found.anonymity, *(one.after for one in found.suggestions)]
    if len(crowd) >= k:
        assert found.to_leave_out == ()
        assert after[-1].below_share == 0.0
    else:
        assert len(found.to_leave_out) == len(crowd)
    assert all(later.mean_risk <= earlier.mean_risk for earlier, later in pairwise(after))


def _examples() -> list[tuple[str, str, str]]:
    document = read_toml(bundled_folder("rules") / RULES, name="risk")
    return [
        (example["value"], example["step"], example["gives"])
        for rule in document.tables("rule")
        for example in rule.get("example", list)
    ]


@pytest.mark.parametrize(("value", "step", "gives"), _examples())
def test_R01_the_rules_own_examples(value: str, step: str, gives: str) -> None:
    assert coarser(value, step) == gives


@pytest.mark.parametrize("step", ["age:5", "number:10", "centimetres:10", "year:1"])
def test_R01_what_a_step_does_not_understand_is_no_finer_than_the_rest(step: str) -> None:
    assert coarser("nan", step) == coarser("Zwackelmann", step) == OTHER
    assert coarser("", step) == ""


@pytest.mark.parametrize("step", ["age", "age:0", "age:x", "as-is:3", "nonsense"])
def test_an_unknown_step_is_a_configuration_error(step: str) -> None:
    with pytest.raises(ConfigurationError, match="knows no step"):
        coarser("1", step)


def test_R01_the_bundled_rules_look_at_all_that_the_row_names() -> None:
    found = load_risk_rules()
    assert (found.k, found.l) == (5, 2)
    assert {one.attribute for one in found.quasi} >= {
        "PatientAge",
        "PatientSex",
        "EthnicGroup",
        "PatientWeight",
        "PatientSize",
        "centre_code",
        "device_model",
        "StudyDate",
        "BodyPartExamined",
    }


def test_characteristics_are_recorded_once_and_go_with_their_instance(engine: Engine, released: Make) -> None:
    plain, telling = released(0), released(1, PatientSex="F", PatientAge="043Y")

    def record(*given_instances: ReleasedInstance) -> int:
        with write_transaction(engine) as connection:
            return record_instances(connection, given_instances)

    def stored() -> Sequence[ReleasedInstance]:
        with engine.connect() as connection:
            return instances(connection)

    assert record(plain, telling) == 2
    assert list(stored()) == [plain, telling]
    with engine.connect() as connection:
        before = snapshot_digest(connection)
    assert record(telling, plain) == 0
    assert record(released(1)) == 1
    assert list(stored()) == [plain, released(1)]
    with engine.connect() as connection:
        assert snapshot_digest(connection) != before
    assert record(telling) == 1
    with write_transaction(engine) as connection:
        assert forget_instances(connection, [telling.SOPInstanceUID])
        assert connection.exec_driver_sql("SELECT count(*) FROM characteristics").scalar() == 0


def test_R01_risk_is_a_command(tmp_path: Path, run_curator: Callable[..., object]) -> None:
    workspace = tmp_path / "ws"
    assert run_curator("init", workspace, "--keys", tmp_path / "keys" / "key.json").code == 0  # type: ignore[attr-defined]
    assert run_curator("db", "upgrade", "-w", workspace).code == 0  # type: ignore[attr-defined]
    done = run_curator("catalog", "risk", "-w", workspace, "--json")
    assert done.code == 0  # type: ignore[attr-defined]
    assert json.loads(done.out)["anonymity"]["people"] == 0  # type: ignore[attr-defined]
