from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seekgate.config.problems import ConfigError
from seekgate.config.tree import Mark
from seekgate.config.yaml_file import MAX_BYTES, parse_tree, read_tree, typed


def data(text: str, **variables: str) -> Any:
    tree, problems = parse_tree(text, "f", variables)
    assert problems == [], [str(problem) for problem in problems]
    return tree.data


def wrong(text: str, **variables: str) -> list[str]:
    try:
        _, problems = parse_tree(text, "f", variables)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("no", "no"),
        ("yes", "yes"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("8080", 8080),
        ("-5", -5),
        ("010", 10),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5e3", 500.0),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1" * 5000, "1" * 5000),
        ("2026-11-24", "2026-11-24"),
        ("=", "="),
    ],
)
def test_plain_values_follow_the_core_schema(text: str, value: object) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)


def test_quoted_values_and_keys_are_text() -> None:
    assert data("a: '1'\nb: \"true\"\n1: x\nc: |\n  2\n") == {"a": "1", "b": "true", "1": "x", "c": "2\n"}
    assert data("a: !!str 1\n") == {"a": "1"}


def test_empty_files_are_empty_mappings() -> None:
    assert data("") == data("# nothing\n") == data("---\n") == {}


def test_positions() -> None:
    tree, _ = parse_tree("a: 1\nb:\n  - x\n  - {c: [1,\n 2]}\n", "f", {})
    assert tree.marks[("a",)] == Mark(1, 4)
    assert tree.key_marks[("a",)] == Mark(1, 1)
    assert tree.marks[("b",)] == Mark(2, 1)
    assert tree.marks[("b", 1, "c", 1)] == Mark(5, 2)


def test_every_equal_key_is_reported_and_the_first_counts() -> None:
    text = "a: 1\nb: {x: 1, x: 2}\na: {y: '${GONE}'}\n"
    assert wrong(text) == [
        "f:2: b: the key 'x' stands here a second time (first on line 2)",
        "f:3: the key 'a' stands here a second time (first on line 1)",
    ]
    assert parse_tree(text, "f", {})[0].data == {"a": 1, "b": {"x": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: !!python/object:os.system x",
            "f:1: a: the tag '!!python/object:os.system' is not supported",
        ),
        ("a: !include b", "f:1: a: tags are not supported (text that begins with ! needs quotes)"),
        ("a: !!int 3", "f:1: a: the tag '!!int' is not supported"),
        ("a: &x 1\nb: {<<: *x}", "f:2: b: merge keys (<<) are not supported"),
        ("? [a]\n: b", "f:1: a key that is not plain text"),
        (
            "a: *gone",
            "f:1: an alias without a complete anchor above it (text that begins with * needs quotes)",
        ),
        ("a: &x [*x]", "f:1: an alias without a complete anchor above it"),
        ("a: 1\n---\nb: 2\n", "f:2: a second document; expected one document in a file"),
        ("[1, 2]", "f:1: the file is not a mapping"),
        ("just text", "f:1: the file is not a mapping"),
        ("a: [1\n", "f:2: not valid YAML: while parsing a flow sequence that begins on line 1: did not find"),
        ("a: b: c", "f:1: not valid YAML: mapping values are not allowed"),
        ("a: \x00", "f: not valid YAML: a character that YAML does not allow"),
        ("a: ${GONE}", "f:1: a: the environment variable GONE is not set"),
        ("a: ${", "f:1: a: a variable is not closed or misnamed"),
        ("a: ${1x}", "f:1: a: a variable is not closed or misnamed"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    found = wrong(text)
    assert len(found) == 1
    assert found[0].startswith(message)


def test_aliases_work_and_bombs_do_not() -> None:
    assert data("a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n")["d"] == [{"b": [1]}, {"b": [1]}]
    bomb = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
    assert wrong(bomb)[-1].endswith("more than 50000 values, aliases included")


def test_depth_is_bounded() -> None:
    assert wrong("a: " + "[" * 2000 + "]" * 2000)[-1].endswith("nested more than 32 levels deep")


def test_variables() -> None:
    text = "a: ${N:-1}\nb: '${N:-1}'\nc: x${N}y\nd: $${N}\ne: ${E:-d}\nf: ${E}\ng: $N\nh: ${X:-}\n"
    assert data(text, N="2", E="") == {
        "a": 2, "b": "2", "c": "x2y", "d": "${N}", "e": "d", "f": None, "g": "$N", "h": None,
    }  # fmt: skip
    assert data("a: ${N:-1}") == {"a": 1}


def test_a_variable_cannot_bring_structure() -> None:
    assert data("a: ${N}", N="{b: 1}\nc: 2") == {"a": "{b: 1}\nc: 2"}


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xe4\xbd\xa0\xe5\xa5\xbd\n")
    assert read_tree(path, {})[0].data == {"a": "你好"}
    for content, message in (
        (b"a: 1\nb: \xff\n", f"{path}:2: not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), f"{path}: the file is larger than 1048576 bytes"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            read_tree(path, {})
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot read the file: No such file or directory"):
        read_tree(tmp_path / "gone.yaml", {})
    with pytest.raises(ConfigError, match="cannot read the file: Is a directory"):
        read_tree(tmp_path, {})


yaml_like = st.text(
    alphabet=st.sampled_from(list("abA: -\n[]{},&*!?|>'\"#%@`~$\\0123.\t<\x00\x85\ufeff你\ud800")),
    max_size=60,
)


@given(text=st.one_of(st.text(max_size=200), yaml_like))
@example(text="*a")
@example(text="&a")
@example(text="!<")
@example(text="? ? ?")
@example(text="%YAML 9.9\n---\n")
@example(text="a: ${A:-${A}}")
def test_no_text_raises_anything_but_our_error(text: str) -> None:
    try:
        tree, _ = parse_tree(text, "f", {"A": "1"})
    except ConfigError:
        return
    assert isinstance(tree.data, dict)


@given(raw=st.binary(max_size=100))
def test_no_bytes_raise_anything_but_our_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    try:
        read_tree(path, {})
    except ConfigError:
        return
