"""Loading, options, conflicts, digests and identifiers of the header policy."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curator.errors import ConfigurationError, IntegrityError, RuleError
from curator.model.decision import Action, ElementRef
from curator.model.identity import IdentifierKind
from curator.policy.header import HeaderPolicy, decide, identifier_kind, load_header_policy, proven_of


@pytest.fixture
def copy(rules: Path, tmp_path: Path) -> Path:
    for name in ("header", "profiles", "pixels", "faces"):
        shutil.copytree(rules / name, tmp_path / name)
    return tmp_path


def test_options_that_are_not_built_are_refused_by_name(copy: Path) -> None:
    options = copy / "header" / "options.toml"
    text = options.read_text(encoding="utf-8")
    head, _, tail = text.rpartition("available = true\nverified")
    options.write_text(f"{head}available = false\nverified{tail}", encoding="utf-8")
    with pytest.raises(RuleError, match='"clean-recognizable-visual-features" is not available yet') as caught:
        load_header_policy(copy, options=["clean-recognizable-visual-features"])
    assert caught.value.exit_code == 2


def test_F02_each_option_that_has_to_be_proven_is_claimed_by_its_own_proof(rules: Path) -> None:
    text, face = "clean-pixel-data", "clean-recognizable-visual-features"
    policy = load_header_policy(rules, options=[text, face])
    assert [method.code_value for method in policy.methods] == ["113100"]
    only = proven_of(policy, face)
    assert [method.code_value for method in only.methods] == ["113100", "113102"]
    assert only.stated == {"RecognizableVisualFeatures": "NO"}
    both = proven_of(only, text)
    assert [method.code_value for method in both.methods] == ["113100", "113101", "113102"]
    assert both.stated == {"BurnedInAnnotation": "NO", "RecognizableVisualFeatures": "NO"}
    assert proven_of(proven_of(policy, text), face).stated == both.stated


def test_unknown_names_are_refused_with_the_nearest(rules: Path) -> None:
    with pytest.raises(RuleError, match="did you mean 'retain-uids'"):
        load_header_policy(rules, options=["retain-uid"])
    with pytest.raises(RuleError, match="did you mean 'basic'"):
        load_header_policy(rules, profile="basics")


def test_full_and_modified_dates_exclude_each_other(rules: Path) -> None:
    with pytest.raises(RuleError, match="exclude each other"):
        load_header_policy(rules, options=["retain-long-full-dates", "retain-long-modified-dates"])


@pytest.mark.parametrize(
    ("options", "temporal", "codes"),
    [
        ((), "REMOVED", ["113100"]),
        (("retain-long-full-dates",), "UNMODIFIED", ["113100", "113106"]),
        (("retain-long-modified-dates", "retain-uids"), "MODIFIED", ["113100", "113110", "113107"]),
        (("retain-institution-identity", "retain-patient-characteristics"), "REMOVED", ["113100", "113112", "113108"]),
        (("retain-device-identity",), "REMOVED", ["113100", "113109"]),
        (("retain-device-identity", "clean-pixel-data"), "REMOVED", ["113100", "113109"]),
    ],
)
def test_methods_and_temporal_say_what_is_applied(
    rules: Path, options: tuple[str, ...], temporal: str, codes: list[str]
) -> None:
    policy = load_header_policy(rules, options=options)
    assert policy.temporal == temporal
    assert [method.code_value for method in policy.methods] == codes
    assert all(method.coding_scheme == "DCM" for method in policy.methods)


def test_B01_the_code_of_an_option_that_has_to_be_proven_is_claimed_by_the_proof_alone(rules: Path) -> None:
    policy = load_header_policy(rules, options=["retain-long-full-dates", "clean-pixel-data"])
    proven = proven_of(policy, "clean-pixel-data")
    assert (policy.stated, policy.proven) == ({}, ())
    assert [method.code_value for method in policy.methods] == ["113100", "113106"]
    assert [method.code_value for method in proven.methods] == ["113100", "113106", "113101"]
    assert (proven.stated, proven.digest) == ({"BurnedInAnnotation": "NO"}, policy.digest)
    assert proven_of(proven, "clean-pixel-data") == proven
    for name in ("retain-long-full-dates", "clean-recognizable-visual-features"):
        with pytest.raises(RuleError, match="not chosen, or is claimed without"):
            proven_of(policy, name)


def test_conflicts_are_reported_and_the_most_protective_action_wins(rules: Path, basic: HeaderPolicy) -> None:
    policy = load_header_policy(rules, options=["retain-device-identity", "retain-long-modified-dates"])
    calibration = next(conflict for conflict in policy.conflicts if conflict.tag == "00181200")
    assert calibration.wanted == (("retain-device-identity", "K"), ("retain-long-modified-dates", "C"))
    assert calibration.applied is Action.SHIFT
    assert decide(policy, ElementRef(0x00181200, "DA")).action is Action.SHIFT
    assert basic.conflicts == ()


@pytest.mark.parametrize(
    "table", ["basic_profile.csv", "dictionary.csv", "iod_types.csv", "iod_class_sets.csv", "methods.csv"]
)
def test_an_altered_table_is_refused(copy: Path, table: str) -> None:
    path = copy / "header" / table
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=table) as caught:
        load_header_policy(copy)
    assert caught.value.exit_code == 3


def test_a_table_without_a_digest_is_refused(copy: Path) -> None:
    path = copy / "header" / "edition.toml"
    path.write_text("".join(part for part in path.read_text().partition("[[table]]")[:1]) + "table = []\n")
    with pytest.raises(ConfigurationError, match=r"no digest for basic_profile\.csv"):
        load_header_policy(copy)


def test_an_unknown_key_names_the_nearest(copy: Path) -> None:
    path = copy / "header" / "unlisted.toml"
    path.write_text(path.read_text().replace("option_actions =", "option_action =", 1))
    with pytest.raises(ConfigurationError, match="has no key 'option_action'; did you mean 'option_actions'") as caught:
        load_header_policy(copy)
    assert "header/unlisted.toml" in str(caught.value)
    assert "unlisted/uid" in str(caught.value)


def test_a_rule_for_an_option_that_is_none_is_refused(copy: Path) -> None:
    path = copy / "header" / "unlisted.toml"
    path.write_text(path.read_text().replace('{ "retain-uids" =', '{ "retain-uid" =', 1))
    with pytest.raises(
        ConfigurationError, match=r"option_actions.* has no key 'retain-uid'; did you mean 'retain-uids'"
    ):
        load_header_policy(copy)


def test_an_order_of_protection_that_leaves_an_action_out_is_refused(copy: Path) -> None:
    path = copy / "header" / "options.toml"
    path.write_text(path.read_text().replace('["X", "Z", ', '["X", ', 1))
    with pytest.raises(ConfigurationError, match="every action once"):
        load_header_policy(copy)


def test_digest_follows_every_input(rules: Path, copy: Path, basic: HeaderPolicy) -> None:
    assert load_header_policy(copy).digest == basic.digest
    seen = {basic.digest, load_header_policy(rules, options=["retain-uids"]).digest}
    for name in ("profiles/basic.toml", "header/unlisted.toml", "header/options.toml", "header/identifiers.toml"):
        with (copy / name).open("a") as stream:
            stream.write("# changed\n")
        seen.add(load_header_policy(copy).digest)
    path = copy / "header" / "kept_text.csv"
    path.write_bytes(path.read_bytes().replace(b"Manufacturer,K,any", b"Manufacturer,Z,any", 1))
    seen.add(load_header_policy(copy).digest)
    assert len(seen) == 7


def test_digest_is_the_same_under_another_hash_seed(rules: Path, basic: HeaderPolicy) -> None:
    code = (
        "import sys, pathlib; from curator.policy.header import load_header_policy as load; "
        "print(load(pathlib.Path(sys.argv[1])).digest)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(rules)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "12345"},
    )
    assert run.stdout.strip() == basic.digest


def test_a_policy_crosses_process_borders(basic: HeaderPolicy) -> None:
    element = ElementRef(0x00080050, "SH")
    assert decide(pickle.loads(pickle.dumps(basic)), element) == decide(basic, element)


def test_memory_of_hostile_paths_is_bounded(rules: Path) -> None:
    policy = load_header_policy(rules)
    for number in range(70_000):
        decide(policy, ElementRef(0x00080080, "LO", path=(number, number)))
    assert len(policy.remembered) <= 1 << 16


@pytest.mark.parametrize(
    ("element", "options", "kind"),
    [
        (ElementRef(0x00100020, "LO"), (), IdentifierKind.ID),
        (ElementRef(0x00100030, "DA"), (), IdentifierKind.DATE),
        (ElementRef(0x00100030, "DA"), ("retain-long-full-dates",), IdentifierKind.DATE),
        (ElementRef(0x00080020, "DA"), (), None),
        (ElementRef(0x0040A123, "PN", path=(0x0040A730,) * 4), (), IdentifierKind.PERSON_NAME),
        (ElementRef(0x00291008, "PN"), (), IdentifierKind.PERSON_NAME),
        (ElementRef(0x00081010, "SH"), (), IdentifierKind.TEXT),
        (ElementRef(0x00081010, "SH"), ("retain-device-identity",), None),
        (ElementRef(0x00081155, "UI", path=(0x00081140,)), (), IdentifierKind.UID),
        (ElementRef(0x00081155, "UI", path=(0x00081140,)), ("retain-uids",), None),
        (ElementRef(0x00081150, "UI"), (), None),
        (ElementRef(0x00020012, "UI"), (), None),
        (ElementRef(0x00204000, "LT"), (), None),
    ],
)
def test_identifier_kinds(
    rules: Path, element: ElementRef, options: tuple[str, ...], kind: IdentifierKind | None
) -> None:
    assert identifier_kind(load_header_policy(rules, options=options), element) is kind


def test_everything_listed_as_identifying_is_protected(rules: Path, basic: HeaderPolicy) -> None:
    for tag in basic.identifiers.by_tag:
        vr = basic.standard.vrs.find(tag)
        assert vr is not None
        assert decide(basic, ElementRef(tag, vr)).action not in (Action.KEEP, Action.CLEAN)
