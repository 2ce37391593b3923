from pathlib import Path

from seekgate.config.context import Context
from seekgate.config.secrets import SecretResolver
from seekgate.config.yaml_file import parse_tree


def context(text: str = "", folder: Path = Path("/conf"), outside: bool = True, **environ: str) -> Context:
    tree, _ = parse_tree(text, "f", {})
    return Context(tree, environ, folder, outside, SecretResolver(environ=environ))


def test_relative_paths_start_at_the_files_folder() -> None:
    assert context().located("a/../b.pem") == "/conf/b.pem"
    assert context().located("/etc/b.pem") == "/etc/b.pem"
    assert context().located("~/b.pem") == str(Path.home() / "b.pem")
    assert context().located_reference("file:key") == "file:/conf/key"
    assert context().located_reference("env:KEY") == "env:KEY"


def test_conditions(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    (tmp_path / "empty").write_text("")
    one = context(folder=tmp_path, SET="1", EMPTY="")
    assert [one.holds(f"env:{name}") for name in ("SET", "EMPTY", "GONE")] == [True, False, False]
    assert [one.holds(f"file:{name}") for name in ("there", "empty", "gone", "a\0b")] == [
        True,
        False,
        False,
        False,
    ]


def test_absent_providers() -> None:
    text = "providers: {a: {when: env:A}, b: {when: env:B}, c: {}, d: 5}"
    assert context(text, A="1").absent_providers() == {"b"}


def test_unknown_names_come_with_a_suggestion() -> None:
    one = context("p: clout")
    assert [str(p) for p in one.known(("p",), "clout", ["cloud", "local"], "provider")] == [
        "f:1: p: no provider is called 'clout'; expected one of cloud, local; did you mean 'cloud'?"
    ]
    assert [p.expected for p in one.known(("p",), "x", [], "engine")] == [
        "one that this file declares, and it declares none"
    ]
    assert not list(one.known(("p",), "cloud", ["cloud"], "provider"))


def test_files(tmp_path: Path) -> None:
    assert [p.what for p in context("p: x", tmp_path).readable(("p",), "x")] == [
        f"cannot read {tmp_path}/x: No such file or directory"
    ]
    assert next(context("p: x", tmp_path).readable(("p",), "a\0b")).what.endswith("not a usable path")
    pasted = next(context("p: x", tmp_path).readable(("p",), "-----BEGIN PRIVATE KEY-----abc"))
    assert pasted.what.startswith("cannot read what stands here: ")
    assert not list(context("p: x", tmp_path, outside=False).readable(("p",), "x"))


def test_secrets(tmp_path: Path) -> None:
    one = context("s: x", tmp_path, KEY="value")
    assert not list(one.secret(("s",), "env:KEY"))
    assert not list(one.secret(("s",), "no reference"))
    assert [p.what for p in one.secret(("s",), "env:GONE")] == ["the environment variable GONE is not set"]
    unknown = next(one.secret(("s",), "envv:KEY"))
    assert (unknown.what, unknown.hint) == ("unknown kind of secret reference", "did you mean 'env'?")
    (tmp_path / "key").write_text("value")
    (tmp_path / "key").chmod(0o644)
    (warning,) = one.secret(("s",), "file:key")
    assert warning.warning
    assert not list(context("s: x", tmp_path, outside=False).secret(("s",), "env:GONE"))
