"""Rules of the repository itself: what a reviewer would otherwise have to remember.

Each failing rule says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/seekgate").rglob("*.py"))
LOCKS = ("bootstrap", "tls-scan", "run", "dev")
FILE_LINES, FUNCTION_LINES = 400, 60

# Hosts of package registries (the machine's configuration chooses those) and paths of somebody's own machine. Written
# with a character class, so that this file does not contain what it forbids.
FORBIDDEN = {
    "a package registry's host": r"(pypi|pythonhosted|debian)[.]or[g]\b|npmj[s][.]|npmmirror[.]co[m]",
    "a path of one machine": r"/wor[k]/(main|shared)|/far[m]\b|/roo[t]/",
    "an unfinished place": r"\b(TOD[O]|FIXM[E]|XX[X])\b",
}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _requirements() -> dict[str, list[Requirement]]:
    """What each lock file has to satisfy, from pyproject.toml and requirements/*.in."""
    project = _project()
    core, extras = project["project"]["dependencies"], project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    lines = {path.stem: path.read_text().splitlines() for path in (ROOT / "requirements").glob("*.in")}
    wanted = {
        **{name: [line for line in each if line and line[0] != "#"] for name, each in lines.items()},
        "run": [*core, *extras["engine"], *groups["build"]],
        "dev": [*core, *(line for lines in (*extras.values(), *groups.values()) for line in lines)],
    }
    return {name: [Requirement(line) for line in lines] for name, lines in wanted.items()}


def _locked(name: str) -> dict[str, set[str]]:
    """Package name to the versions that a lock file pins (several when they differ by marker)."""
    pins: dict[str, set[str]] = {}
    for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines():
        if line and line[0] not in "# ":
            package, version = line.removesuffix("\\").split(";")[0].strip().split("==")
            pins.setdefault(canonicalize_name(package), set()).add(version)
    return pins


def _texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file that is in git or could be: what a commit of everything would hold."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in names:
        path = ROOT / name
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            yield name, data.decode()


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_the_project(name: str) -> None:
    pins = _locked(name)
    for requirement in _requirements()[name]:
        versions = pins.get(canonicalize_name(requirement.name), set())
        fitting = [
            version for version in versions if requirement.specifier.contains(version, prereleases=True)
        ]
        assert fitting, f"requirements/{name}.txt has {sorted(versions)} for '{requirement}': run make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_hashes_and_names_no_host(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    assert "://" not in text, f"requirements/{name}.txt names a host: run make lock"
    assert "--index" not in text
    for entry in re.split(r"\n(?=\S)", text):
        if not entry.startswith("#"):
            assert "--hash=sha256:" in entry, f"requirements/{name}.txt: no hash for {entry.splitlines()[0]}"


def test_what_is_tested_is_what_runs() -> None:
    run, dev = _locked("run"), _locked("dev")
    assert {name: dev.get(name) for name in run} == run, (
        "run.txt and dev.txt pin different versions: run make lock"
    )


def test_every_dependency_is_explained() -> None:
    page = (ROOT / "docs/dependencies.md").read_text()
    explained = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    wanted = {canonicalize_name(line.name) for lines in _requirements().values() for line in lines}
    assert not (wanted - explained), (
        "docs/dependencies.md lacks these packages: say what for and why this one"
    )
    assert not (explained - wanted), (
        "docs/dependencies.md explains packages that pyproject.toml does not name"
    )


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name}:{number}: {match.group()}"
        for name, text in _texts()
        if name != "LICENSE"
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]
    assert not found, f"these name {what}:\n" + "\n".join(found)


def test_every_source_file_has_its_test() -> None:
    missing = []
    for path in SOURCES:
        functions = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
        ]
        test = ROOT / "tests/unit" / path.relative_to(ROOT / "src/seekgate").with_name(f"test_{path.name}")
        if functions and path.name not in ("__init__.py", "__main__.py") and not test.is_file():
            missing.append(f"{path.relative_to(ROOT)}: write {test.relative_to(ROOT)}")
    assert not missing, "every source file with functions has a test file of its own:\n" + "\n".join(missing)


def test_every_unit_test_file_has_its_source() -> None:
    """``test_name.py`` or ``test_name_aspect.py`` stands where ``name.py`` stands in the source tree."""
    lost = []
    for test in (ROOT / "tests/unit").rglob("test_*.py"):
        place = test.parent.relative_to(ROOT / "tests/unit")
        words = test.stem.split("_")[1:]
        names = {"_".join(words[: n + 1]) for n in range(len(words))}
        sources = {path.stem.strip("_") for path in (ROOT / "src/seekgate" / place).glob("*.py")}
        if place.parts[:1] != ("bench",) and test != Path(__file__) and not names & sources:
            lost.append(str(test.relative_to(ROOT)))
    assert not lost, "tests/unit mirrors src/seekgate; these mirror nothing (renamed?):\n" + "\n".join(lost)


def test_files_and_functions_fit_in_the_head() -> None:
    long = []
    for path in SOURCES:
        text = path.read_text()
        if (lines := text.count("\n")) > FILE_LINES:
            long.append(
                f"{path.relative_to(ROOT)}: {lines} lines (at most {FILE_LINES}): is there a second noun in it?"
            )
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert not long, "split these:\n" + "\n".join(long)


def test_tests_neither_skip_nor_sleep() -> None:
    pattern = re.compile(
        r"^\s*(await )?(time|asyncio)\.slee[p]\((?!0\))|pytest\.(ski[p]|importorski[p])|mark\.(ski[p]|xfai[l])"
    )
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in _texts()
        if re.match(r"tests/.*/(test_\w+|conftest)[.]py$", name)  # helpers may: a slow fake, a wait
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "wait on a condition, and start the part instead of skipping:\n" + "\n".join(found)


# Groups whose rounds match wholly or fail at their first character.
_SAFE_POSSESSIVE = (r'(?:\\.[^"\\]*+)*+', r"(?:\\\\)*+")


def test_no_possessive_group_may_fail_in_the_middle() -> None:
    """Python up to 3.11.4 takes what such a round has matched for matched (cpython issue 106052): write
    ``(?>(?:…)*)`` for ``(?:…)*+``."""
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for safe in _SAFE_POSSESSIVE:
                line = line.replace(safe, "")
            if re.search(r"(?<![\\)])\)(?:[*+?]|\{[0-9,]+\})\+(?!,)", line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "an atomic group is right in every Python:\n" + "\n".join(found)


def test_the_commands_page_is_current() -> None:
    from tools import cli_reference

    page = (ROOT / "docs/reference/cli.md").read_text()
    assert page == cli_reference.render(), (
        "docs/reference/cli.md is not what the commands say: run make reference"
    )


def test_the_errors_page_is_current() -> None:
    from tools import error_reference

    page = (ROOT / "docs/reference/errors.md").read_text()
    assert page == error_reference.render(), (
        "docs/reference/errors.md is not what the code says: run make reference"
    )


def _blocks(page: str) -> list[str]:
    """Fenced code blocks, with their language."""
    return re.findall(r"^```(\w*\n.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def test_both_readmes_say_the_same() -> None:
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    levels = [re.findall(r"^(#+) ", page.read_text(), re.MULTILINE) for page in (english, chinese)]
    assert levels[0] == levels[1], "README.md and README.zh-CN.md have different headings"
    assert _blocks(english.name) == _blocks(chinese.name), (
        "README.md and README.zh-CN.md show different commands"
    )
    links = [set(re.findall(r"\]\(([\w./-]+)\)", page.read_text())) for page in (english, chinese)]
    assert links[0] - {chinese.name} == links[1] - {english.name}, "the READMEs link to different pages"


@pytest.mark.parametrize(
    "page",
    ["README.md", "docs/tutorial/first-steps.md", "docs/how-to/clients.md", "docs/how-to/providers.md"],
)
def test_configurations_shown_are_valid(page: str, tmp_path: Path) -> None:
    """A page's fragments, laid one over the other, are a configuration."""
    from seekgate import settings

    whole: dict[str, Any] = {"keys": [{"name": "me", "secret": "env:KEY"}]}
    for block in _blocks(page):
        if block.startswith("yaml\n"):
            for name, value in yaml.safe_load(block.removeprefix("yaml\n")).items():
                whole[name] = {**whole.get(name, {}), **value} if isinstance(value, dict) else value
    assert len(whole) > 1, f"{page} shows no configuration"
    loaded = settings.load_text(yaml.safe_dump(whole), environ={}, folder=tmp_path)
    assert not loaded.warnings, f"{page}: {loaded.warnings}"


@pytest.mark.parametrize(
    "page", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    broken = [link for link in links if not (ROOT / link).exists()]
    assert not broken, f"{page} links to files that are not there: {broken}"


def test_every_page_is_in_the_navigation() -> None:
    navigation = set(re.findall(r"[\w/.-]+\.md$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert pages == navigation, "mkdocs.yml's navigation and the pages in docs/ differ"


def test_every_degraded_mode_has_its_proof() -> None:
    rows = re.findall(
        r"^\| \*\*(.+?)\*\*.*\|([^|]*)\|$", (ROOT / "docs/degraded-modes.md").read_text(), re.MULTILINE
    )
    assert rows
    lost = []
    for mode, proofs in rows:
        names = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proofs)
        lost += [f"{mode}: names no test"] * (not names)
        lost += [
            f"{mode}: {path}::{name} is not there"
            for path, name in names
            if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text()
        ]
    assert not lost, "docs/degraded-modes.md:\n" + "\n".join(lost)
