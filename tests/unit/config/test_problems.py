from seekgate.config.problems import ConfigError, Invalid, Problem, did_you_mean, in_order, one_of


def problem(line: int, path: str = "a", what: str = "wrong", **more: object) -> Problem:
    return Problem("f.yaml", line, 1, path, what, **more)  # type: ignore[arg-type]


def test_text() -> None:
    whole = problem(3, "a.b", "unknown key", expected="one of x, y", hint="did you mean 'x'?")
    assert str(whole) == "f.yaml:3: a.b: unknown key; expected one of x, y; did you mean 'x'?"
    assert str(problem(0, "", "cannot read the file")) == "f.yaml: cannot read the file"
    assert str(problem(4, warning=True)) == "f.yaml:4: a: warning: wrong"


def test_sorted_by_line_and_each_once() -> None:
    assert in_order([problem(10), problem(2), problem(10)]) == (problem(2), problem(10))
    error = ConfigError([problem(9), problem(1)])
    assert [one.line for one in error.problems] == [1, 9]
    assert str(error) == "f.yaml:1: a: wrong\nf.yaml:9: a: wrong"


def test_near_misses() -> None:
    assert did_you_mean("conections", ["connections", "body_bytes"]) == "did you mean 'connections'?"
    assert did_you_mean("DEEPSEEK", ["deepseek"]) == "did you mean 'deepseek'?"
    assert did_you_mean("zebra", ["connections"]) == ""
    assert did_you_mean("x", []) == ""


def test_lists_are_cut_short() -> None:
    assert one_of(["a"]) == "a"
    assert one_of(["a", "b"]) == "one of a, b"
    assert one_of([str(i) for i in range(20)]).endswith("11, … (20 in all)")


def test_invalid_is_a_value_error_with_parts() -> None:
    error = Invalid("not a size", "32KiB")
    assert isinstance(error, ValueError)
    assert (error.what, error.expected, error.hint) == ("not a size", "32KiB", "")
