"""The wheel works outside the checkout: rules and migrations travel with it."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from curator.bundled import bundled_folder

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", str(out), str(CHECKOUT)], check=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def curator(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of a clean environment that holds the wheel; its dependencies come from this one."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env" / "bin" / "python"
    target = next((folder / "env" / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    # Dependencies are borrowed by path; the editable checkout is not on that path, its .pth file is not read.
    borrowed = [entry for entry in sys.path if entry.endswith("site-packages")]
    runner = f"import sys; sys.path += {borrowed!r}; from curator.cli import main; main(sys.argv[1:])"
    return [str(python), "-I", "-c", runner]


def run(command: list[str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, text=True, env=environment, check=False)


def test_carries_rules_and_migrations(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "curator/_bundled/rules/header/edition.toml" in names
    assert any(name.startswith("curator/_bundled/migrations/versions/") for name in names)
    assert any(name.startswith("trainers/") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_installed_copy_is_the_one_that_runs(curator: list[str], tmp_path: Path) -> None:
    probe = [*curator[:3], curator[3].split("; from")[0] + "; import curator; print(curator.__file__)"]
    found = run(probe, cwd=tmp_path)
    assert Path(found.stdout.strip()).is_relative_to(Path(curator[0]).parents[1]), found.stderr


@pytest.mark.parametrize(
    "arguments", [("--version",), ("rules", "check"), ("db", "upgrade", "--url", "sqlite:///fresh.sqlite")]
)
def test_command_works_in_a_clean_environment(curator: list[str], tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(curator, *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


def test_a_checkout_wins_over_bundled_copies() -> None:
    assert bundled_folder("rules") == CHECKOUT / "rules"
    assert bundled_folder("migrations") == CHECKOUT / "migrations"
