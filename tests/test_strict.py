"""TOML is understood completely or refused with the key."""

from pathlib import Path

import pytest

from curator.errors import ConfigurationError
from curator.strict import parse_toml, read_toml


def test_required_and_optional_keys() -> None:
    table = parse_toml(b"a = 1\nb = 2\n", name="t.toml")
    table.only(("b", "c"), required=("a",))
    with pytest.raises(ConfigurationError, match=r"\[t\.toml\] needs the key 'c'"):
        table.only(required=("a", "b", "c"))
    with pytest.raises(ConfigurationError, match=r"\[t\.toml\] has no key 'b'"):
        table.only(required=("a",))


def test_a_value_that_may_be_absent() -> None:
    table = parse_toml(b"yes = true\nno = false\nword = 'x'\n", name="t.toml")
    assert [table.maybe(key, bool) for key in ("yes", "no", "none")] == [True, False, None]
    with pytest.raises(ConfigurationError, match=r"\[t\.toml\] word: must be of type bool"):
        table.maybe("word", bool)


def test_tables_of_an_array_are_told_apart() -> None:
    table = parse_toml(b"[[rule]]\nid = 'one'\n[[rule]]\nid = 2\n[[rule]]\n", name="t.toml")
    assert [rule.name for rule in table.tables("rule")] == ["t.toml.rule 1 (one)", "t.toml.rule 2", "t.toml.rule 3"]


@pytest.mark.parametrize("content", [b"a = ", b"a = 1\na = 2", b"# \xff"])
def test_what_is_not_toml_is_refused_by_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "secret-name.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^t is not TOML: ") as caught:
        read_toml(path, name="t")
    assert "secret-name" not in str(caught.value)


def test_a_missing_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^t cannot be read: No such file or directory$"):
        read_toml(tmp_path / "secret-name.toml", name="t")
