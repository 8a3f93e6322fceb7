"""Which objects wait for the images they follow from."""

from pathlib import Path

import pytest

from curator.errors import ConfigurationError
from curator.policy.dependents import dependent_classes, load_dependents

CT, SEGMENTATION = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.66.4"
RULE = '[[rule]]\nid = "{id}"\nwhy = "w"\nsource = "s"\nexample = []\nsop_classes = [{classes}]\n'


def folder_with(folder: Path, text: str) -> Path:
    (folder / "faces").mkdir()
    (folder / "faces" / "dependents.toml").write_text(text)
    return folder


def test_what_is_drawn_on_images_follows_them(rules: Path) -> None:
    classes = load_dependents(rules)
    assert SEGMENTATION in classes
    assert {"1.2.840.10008.5.1.4.1.1.481.2", "1.2.840.10008.5.1.4.1.1.481.3"} <= classes
    assert CT not in classes
    assert set(dependent_classes(rules).values()) == {"dependent-geometry", "dependent-motion"}


def test_each_class_knows_its_rule(tmp_path: Path) -> None:
    text = RULE.format(id="a", classes='"1.2"') + RULE.format(id="b", classes='"1.3", "1.4"')
    assert dependent_classes(folder_with(tmp_path, text)) == {"1.2": "a", "1.3": "b", "1.4": "b"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs the key 'rule'"),
        ("rules = []", "has no key 'rules'; did you mean 'rule'"),
        ("rule = [", "faces/dependents.toml is not TOML"),
        (RULE.format(id="a", classes='"1.2"').replace("sop_classes", "sop_class"), "'sop_class'; did you mean 'sop_cl"),
        (RULE.format(id="a", classes='"1.2"').replace("sop_classes", "# "), "(a)] needs the key 'sop_classes'"),
        (RULE.format(id="a", classes='"1.2", "1.2"'), "sop_classes: names the same value twice"),
        (RULE.format(id="a", classes='"1.2"') + RULE.format(id="b", classes='"1.2"'), "1.2 is claimed by a already"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_dependents(folder_with(tmp_path, text))
    assert said in str(caught.value)
    assert "faces/dependents.toml" in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"faces/dependents\.toml cannot be read"):
        load_dependents(tmp_path)
