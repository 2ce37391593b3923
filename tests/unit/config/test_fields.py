from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from seekgate.config import fields
from seekgate.config.problems import Invalid


def invalid(kind: Any, value: object) -> Invalid:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, Invalid)
    return error


def valid(kind: Any, value: object) -> object:
    return TypeAdapter(kind).validate_python(value)


def shown(kind: Any, value: object) -> object:
    return TypeAdapter(kind).dump_python(value)


def test_durations_and_sizes_are_shown_as_they_are_written() -> None:
    assert valid(fields.Duration, "1m30s") == 90
    assert shown(fields.Duration, 90.0) == "1m30s"
    assert valid(fields.Size, "32KiB") == 32768
    assert shown(fields.Size, 32768) == "32KiB"


def test_counts_or_auto() -> None:
    assert valid(fields.Automatic, "auto") == 0
    assert shown(fields.Automatic, 0) == "auto"
    assert shown(fields.Automatic, 4) == 4
    assert invalid(fields.Automatic, 0).expected == "at least 1, or auto"
    assert invalid(fields.Automatic, True).what == "not a count"
    assert invalid(fields.Automatic, "many").expected == "a whole number, or auto"


def test_secrets_only_by_reference() -> None:
    assert valid(fields.SecretReference, "vault:team/key") == "vault:team/key"
    for value in ("sk-0123456789", "env:sk-0123456789", 123456789, ["0123456789"], True):
        error = invalid(fields.SecretReference, value)
        assert error.what == "a secret must not stand in this file"
        assert "123456789" not in f"{error.what}{error.expected}{error.hint}"


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("api", "must begin with a slash"),
        ("/", "must not end with a slash"),
        ("/api/", "must not end with a slash"),
        ("/a//b", "odd segment"),
        ("/a/../b", "odd segment"),
        ("/a?b", "odd segment"),
        ("/ä", "odd segment"),
        ("/a b", "odd segment"),
    ],
)
def test_prefixes(value: str, what: str) -> None:
    assert what in invalid(fields.Prefix, value).what


def test_a_good_prefix() -> None:
    assert valid(fields.Prefix, "/api/v1/deep-seek") == "/api/v1/deep-seek"


@pytest.mark.parametrize("value", ["", " a", "a\n", "x" * 129])
def test_names(value: str) -> None:
    assert invalid(fields.Name, value).what == "not a usable name"


def test_values_in_their_usual_form() -> None:
    assert valid(fields.AddressText, "[0:0::1]:80") == "[::1]:80"
    assert valid(fields.BaseUrl, "https://h/v1/") == "https://h/v1"
    assert valid(fields.Network, "10.1.2.3") == "10.1.2.3/32"
    assert invalid(fields.FilePath, "").what == "not a usable path"


def test_sections_refuse_what_they_do_not_know_and_do_not_convert() -> None:
    class Sample(fields.Section):
        flag: bool = False

    for value in ({"flag": "yes"}, {"flga": True}):
        with pytest.raises(ValidationError):
            Sample.model_validate(value)
    with pytest.raises(ValidationError):
        Sample().flag = True
