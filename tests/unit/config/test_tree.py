from seekgate.config.tree import Mark, Path, Tree, dotted


def tree() -> Tree:
    data = {"models": {"gpt-4.1": {"deployments": [{"provider": "a"}, {"provider": 7}]}, "b": None}}
    marks: dict[Path, Mark] = {(): Mark(1, 1), ("models",): Mark(2, 1), ("models", "gpt-4.1"): Mark(3, 3)}
    return Tree("f.yaml", data, marks, {("models",): Mark(2, 1)}, {("models", "b"): "${B}"})


def test_select_and_texts() -> None:
    pattern = "models.*.deployments.*.provider"
    first = ("models", "gpt-4.1", "deployments", 0, "provider")
    assert [value for _, value in tree().select(pattern)] == ["a", 7]
    assert list(tree().texts(pattern)) == [(first, "a")]
    assert list(tree().select("nothing.here")) == []


def test_at_and_names() -> None:
    assert tree().at(("models", "gpt-4.1", "deployments", 1, "provider")) == 7
    assert tree().at(("models", "gpt-4.1", "deployments", 9)) is None
    assert tree().at(("models", "x", "y")) is None
    assert tree().names("models") == ["gpt-4.1", "b"]
    assert tree().names("models", "b") == []


def test_a_place_without_a_mark_is_its_parents() -> None:
    assert tree().mark(("models", "gpt-4.1", "deployments", 0)) == Mark(3, 3)
    assert Tree("f").mark(("a",)) == Mark(0, 0)


def test_paths_are_written_as_people_read_them() -> None:
    assert (
        dotted(("models", "gpt-4.1", "deployments", 0, "provider"))
        == 'models."gpt-4.1".deployments[0].provider'
    )
    assert dotted(("a\nb",)) == '"a\\nb"'
    assert dotted(()) == ""


def test_a_variables_value_is_never_shown() -> None:
    assert tree().show(("models", "b"), "the value") == "'${B}'"


def test_what_looks_like_a_secret_is_not_shown() -> None:
    assert tree().show(("x",), "sk-1234567890") == "a value that looks like a secret"
    assert tree().show(("x",), "sk-1") == "'sk-1'"


def test_shown_values_are_short() -> None:
    assert len(tree().show(("x",), "y" * 1000)) == 62
    assert tree().show(("x",), True) == "true"
    assert tree().show(("x",), {"a": 1}) == "a mapping"
    assert tree().show(("x",), [1]) == "a list"
    assert tree().show(("x",), -5) == "-5"


def test_problems_and_warnings_carry_the_position() -> None:
    assert str(tree().problem(("models",), "wrong", key=True)) == "f.yaml:2: models: wrong"
    assert tree().warning(("models",), "odd").warning


def test_what_looks_like_a_key_is_not_shown() -> None:
    for text in ("4f1c9b7ae02d", "https://h/?token=R3a8LZPjNqr7T76v", "sk-abcdefgh"):
        assert tree().show(("x",), text) == "a value that looks like a secret"
    for text in ("deepseek-v4-pro", "deepseekv4flash", "20260101120000", "10.0.0.0/8", "x" * 40):
        assert tree().show(("x",), text) == repr(text)
    assert dotted(("keys", "R3a8LZPjNqr7T76v", "secret")) == "keys.?.secret"
