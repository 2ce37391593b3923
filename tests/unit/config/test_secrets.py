import os
import subprocess
import sys
from pathlib import Path

import pytest

from seekgate.config.secrets import SecretError, SecretResolver, exposure, is_variable, resolve, split

SECRET = "sk-4f7c1d9be2a04e6b"


def fails(resolver: SecretResolver, reference: str) -> str:
    with pytest.raises(SecretError) as caught:
        resolver.resolve(reference)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_env() -> None:
    assert SecretResolver(environ={"KEY": SECRET}).resolve("env:KEY") == SECRET


def test_resolve_reads_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEKGATE_TEST_KEY", SECRET)
    assert resolve("env:SEEKGATE_TEST_KEY") == SECRET


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\n", f"{SECRET}\r\n"])
def test_file_without_its_last_line_break(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content, newline="")
    assert SecretResolver().resolve(f"file:{path}") == SECRET


@pytest.mark.parametrize("reference", [SECRET, f"{SECRET}:", ":x", "", "Env:KEY", f"{SECRET} env:KEY"])
def test_what_is_no_reference_is_not_repeated(reference: str) -> None:
    assert fails(SecretResolver(environ={"KEY": SECRET}), reference) == "not a secret reference"


def test_unset_and_empty_variables() -> None:
    resolver = SecretResolver(environ={"EMPTY": ""})
    assert fails(resolver, "env:GONE") == "the environment variable GONE is not set"
    assert fails(resolver, "env:EMPTY") == "env:EMPTY is empty"


def test_a_secret_after_env_is_not_repeated() -> None:
    assert (
        fails(SecretResolver(environ={}), f"env:{SECRET}")
        == "env: is not followed by the name of an environment variable"
    )


@pytest.mark.parametrize("value", [f"{SECRET}\nX-Evil: 1", f"{SECRET}\r", f"\x00{SECRET}"])
def test_control_characters_are_refused_without_showing_the_value(value: str) -> None:
    assert "control character" in fails(SecretResolver(environ={"KEY": value}), "env:KEY")


@pytest.mark.parametrize("value", [f"{SECRET}é", f"“{SECRET}”", f"{SECRET}\u200b", f"{SECRET}\u0085"])
def test_what_no_http_header_can_carry_is_refused_without_showing_the_value(value: str) -> None:
    found = fails(SecretResolver(environ={"KEY": value}), "env:KEY")
    assert found == "env:KEY contains a character outside ASCII, which an HTTP header cannot carry"


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    resolver = SecretResolver()
    assert (
        fails(resolver, f"file:{tmp_path}/gone") == f"cannot read {tmp_path}/gone: No such file or directory"
    )
    assert fails(resolver, "file:/a\0b") == "cannot read /a\0b: not a usable path"
    (tmp_path / "big").write_bytes(b"x" * 65_537)
    assert "larger than 65536 bytes" in fails(resolver, f"file:{tmp_path}/big")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in fails(resolver, f"file:{tmp_path}/binary")


def test_another_manager_can_be_handed_in() -> None:
    resolver = SecretResolver({"vault": lambda rest: f"from vault: {rest}"})
    assert resolver.knows("vault")
    assert resolver.resolve("vault:team/key#v2") == "from vault: team/key#v2"
    assert not resolver.knows("elsewhere")
    assert "no secret source is called 'elsewhere'" in fails(resolver, "elsewhere:x")


def test_what_a_manager_says_about_its_failure_is_not_repeated() -> None:
    def broken(rest: str) -> str:
        raise RuntimeError(f"while decrypting {SECRET}")

    assert (
        fails(SecretResolver({"vault": broken}), "vault:x")
        == "the secret source 'vault' failed: RuntimeError"
    )


def test_an_installed_plug_in_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sealed_box.py").write_text("def resolve(rest):\n    return rest[::-1]\n")
    info = tmp_path / "sealed_box-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sealed-box\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[seekgate.secret_sources]\nbox = sealed_box:resolve\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert SecretResolver().resolve("box:abc") == "cba"


def test_exposure_of_files_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(SECRET)
    path.chmod(0o644)
    assert exposure(f"file:{path}") == f"{path} can be read by every user of this machine (mode 0644)"
    path.chmod(0o600)
    assert exposure(f"file:{path}") is None
    assert exposure("env:KEY") is None
    assert exposure(f"file:{tmp_path}/gone") is None


def test_names_of_variables() -> None:
    assert [is_variable(name) for name in ("KEY", "_k1", "1k", "a-b", "", "K\n")] == [True, True] + [
        False
    ] * 4


def test_split() -> None:
    assert split("file:/run/a:b") == ("file", "/run/a:b")


def test_workers_can_import_it_lightly() -> None:
    code = (
        "import sys, seekgate.config.secrets, seekgate.config.home, seekgate.config.snapshot_file\n"
        "heavy = {'pydantic', 'yaml', 'importlib.metadata', 'typer'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
