from pathlib import Path

from tests.support.configuration import loaded, messages, problems


def test_keys() -> None:
    (key,) = loaded("keys: [{name: app, secret: 'env:K', cidr: [10.0.0.0/8, '::1']}]").settings.keys
    assert (key.name, key.secret, key.cidr) == ("app", "env:K", ["10.0.0.0/8", "::1/128"])


def test_a_name_or_a_reference_that_two_keys_share() -> None:
    text = """keys:
  - {name: app, secret: "env:A"}
  - {name: app, secret: "env:B"}
  - {name: other, secret: "env:A"}
"""
    assert messages(text) == [
        "3: keys[1].name: the name 'app' is taken (line 2); expected another name",
        "4: keys[2].secret: the same secret as the key on line 2; expected a secret of its own",
    ]


def test_two_references_to_one_secret_are_found_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sesame\n")
    (tmp_path / "key").chmod(0o600)
    text = "keys:\n  - {name: a, secret: 'env:A'}\n  - {name: b, secret: 'file:key'}\n"
    found = messages(text, {"A": "sesame"}, tmp_path, outside=True)
    assert found == ["3: keys[1].secret: the same secret as the key on line 2; expected a secret of its own"]
    assert messages(text, {"A": "other"}, tmp_path, outside=True) == []


def test_secrets_that_cannot_be_read(tmp_path: Path) -> None:
    text = "keys:\n  - {name: a, secret: 'env:A'}\n  - {name: b, secret: 'file:gone'}\n"
    assert messages(text, {}, tmp_path, outside=True) == [
        "2: keys[0].secret: the environment variable A is not set; "
        "expected a secret that can be read when the gateway starts",
        f"3: keys[1].secret: cannot read {tmp_path}/gone: No such file or directory; "
        "expected a secret that can be read when the gateway starts",
    ]


def test_a_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sesame")
    (tmp_path / "key").chmod(0o644)
    (warning,) = problems("keys: [{name: a, secret: 'file:key'}]", {}, tmp_path, outside=True)
    assert warning.warning
    assert warning.what.endswith("(mode 0644)")


def test_a_literal_secret_is_refused_and_not_repeated() -> None:
    (found,) = messages("keys: [{name: a, secret: sesame}]")
    assert found.startswith("1: keys[0].secret: a secret must not stand in this file; expected a reference")
    assert "sesame" not in found
