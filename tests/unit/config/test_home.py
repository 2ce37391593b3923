from pathlib import Path

from seekgate.config.home import cache, home


def test_defaults_are_in_the_users_folder() -> None:
    assert home({}) == Path.home() / ".local/share/seekgate"
    assert cache({}) == Path.home() / ".cache/seekgate"


def test_the_environment_decides() -> None:
    environ = {"SEEKGATE_HOME": "/srv/gate", "SEEKGATE_CACHE": "~/models"}
    assert home(environ) == Path("/srv/gate")
    assert cache(environ) == Path.home() / "models"


def test_an_empty_variable_counts_as_unset() -> None:
    assert home({"SEEKGATE_HOME": ""}) == home({})


def test_a_relative_home_becomes_absolute() -> None:
    assert home({"SEEKGATE_HOME": "here"}) == Path.cwd() / "here"
