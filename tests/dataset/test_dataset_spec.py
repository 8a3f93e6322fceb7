"""A specification is read strictly and written in one way."""

from __future__ import annotations

import tomllib

import pytest
from dataset_samples import spec_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.dataset.spec import ATTRIBUTES, ConsensusMethod, read_spec, spec_bytes, spec_from_table
from curator.errors import ConfigurationError
from curator.model.manifest import Split

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
TABLES = st.fixed_dictionaries(
    {"name": st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True), "version": st.just("0.3.1-rc.1+b")},
    optional={
        "seed": st.integers(0, 2**63 - 1),
        "size": st.one_of(st.just("all"), st.integers(1, 10**6)),
        "folds": st.integers(1, 9),
        "consensus": st.sampled_from(["majority", "staple"]),
        "balance_by": st.lists(st.sampled_from(ATTRIBUTES), unique=True),
        "stratify_by": st.lists(st.sampled_from(ATTRIBUTES), unique=True),
        "filters": st.fixed_dictionaries(
            {}, optional={"vendor": st.lists(TEXT, unique=True), "minimum_annotators": st.integers(0, 9)}
        ),
        "split": st.sampled_from([{"train": 1.0}, {"train": 0.1, "validation": 0.2, "test": 0.7}, {"test": 1}]),
        "labels": st.lists(
            st.fixed_dictionaries({"value": st.integers(1, 255), "name": TEXT}, optional={"code_value": TEXT}),
            unique_by=(lambda row: row["value"], lambda row: row["name"]),
        ),
    },
)


@settings(deadline=None, max_examples=150)
@given(TABLES)
def test_what_is_written_reads_back_equal(table):
    spec = spec_from_table(table)
    content = spec_bytes(spec)
    assert read_spec(content.decode()) == spec
    assert spec_bytes(read_spec(content.decode())) == content


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ballance_by": []}, "has no key 'ballance_by'; did you mean 'balance_by'"),
        ({"filters": {"modality": ["CT"]}}, "[dataset.filters] has no key 'modality'; did you mean 'Modality'"),
        ({"balance_by": ["vendr"]}, "balance_by: knows no 'vendr'; did you mean 'vendor'"),
        ({"balance_by": ["patient_code"]}, "balance_by: knows no 'patient_code'"),
        ({"consensus": "stapel"}, "consensus: knows no 'stapel'; did you mean 'staple'"),
        ({"split": {"train": 0.7, "test": 0.2}}, "must be shares between 0 and 1 that sum to 1"),
        ({"split": {"train": 1.5, "test": -0.5}}, "must be shares between 0 and 1 that sum to 1"),
        ({"split": {"valid": 1.0}}, "has no key 'valid'; did you mean 'validation'"),
        ({"version": "1.0"}, "must be a semantic version"),
        ({"version": "1.02.0"}, "must be a semantic version"),
        ({"name": "../etc"}, "must be 1 to 64 lower-case letters"),
        ({"seed": True}, "seed: must be of type int"),
        ({"seed": "7"}, "seed: must be of type int"),
        ({"size": 0}, "size: must be between 1"),
        ({"size": "most"}, "size: must be of type int"),
        ({"folds": 0}, "folds: must be between 1"),
        ({"filters": {"vendor": ["GE", "GE"]}}, "vendor: names the same value twice"),
        ({"filters": {"vendor": [1]}}, "vendor: must be a list of strings"),
        ({"labels": [{"value": 0, "name": "x"}]}, "value: must be between 1 and 255"),
        ({"labels": [{"name": "x"}]}, "needs the key 'value'"),
        ({"labels": [{"value": 1, "name": "x"}, {"value": 1, "name": "y"}]}, "labels: has the same value twice"),
        ({"labels": ["x"]}, "labels: must be an array of tables"),
    ],
)
def test_a_wrong_table_is_refused_with_the_key(change, sentence):
    with pytest.raises(ConfigurationError) as caught:
        spec_of(**change)
    assert sentence in str(caught.value)


def test_what_is_missing_is_named():
    with pytest.raises(ConfigurationError, match="needs the key 'version'"):
        spec_from_table({"name": "x"})
    with pytest.raises(ConfigurationError, match="needs the key 'dataset'"):
        read_spec("id = 'x'")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read_spec("[dataset")


def test_defaults_take_everything():
    spec = spec_from_table({"name": "x", "version": "1.0.0"})
    assert (spec.size, spec.folds, spec.consensus) == (None, 1, ConsensusMethod.MAJORITY)
    assert dict(spec.split) == {Split.TRAIN: 0.7, Split.VALIDATION: 0.15, Split.TEST: 0.15}
    assert spec.folder_name == "x@1.0.0"


@pytest.mark.parametrize(
    "path", sorted((bundled_folder("rules") / "datasets").glob("*.toml")), ids=lambda path: path.stem
)
def test_each_bundled_specification_is_one(path):
    text = path.read_text()
    spec = read_spec(text)
    assert tomllib.loads(text)["id"] == f"dataset-{path.stem}"
    assert read_spec(spec_bytes(spec).decode()) == spec
