from pathlib import Path

from seekgate.stages.metering.config import BUILTIN
from tests.support.configuration import MINIMAL, messages

PRICED = MINIMAL.replace("{provider: cloud}", "{provider: cloud, price: %s}")
ENVIRON = {"APP_KEY": "a", "CLOUD_KEY": "b"}


def test_the_builtin_table_is_there() -> None:
    assert BUILTIN.is_file()
    assert messages(PRICED % "deepseek/deepseek-v4-pro") == []


def test_unknown_prices() -> None:
    (found,) = messages(PRICED % "deepseek/v4-pro")
    assert found.startswith(
        "4: models.deepseek-v4-pro.deployments[0].price: no price is called 'deepseek/v4-pro'"
    )
    assert found.endswith("did you mean 'deepseek/deepseek-v4-pro'?")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    price = '{"currency": "CNY", "hit": 1, "miss": 2, "output": 3}'
    (tmp_path / "p.json").write_text(f'{{"version": "1", "prices": {{"own/m": {price}}}}}')
    assert messages(PRICED % "own/m" + "prices: p.json", ENVIRON, tmp_path, outside=True) == []
    (found,) = messages(PRICED % "own/n" + "prices: p.json", ENVIRON, tmp_path, outside=True)
    assert "did you mean 'own/m'?" in found


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"version": "1", "prices": {"own/m": {"currency": "yuan"}}}')
    (found,) = messages(PRICED % "own/m" + "prices: p.json", ENVIRON, tmp_path, outside=True)
    assert found.startswith(f"5: prices: {tmp_path}/p.json: $.prices")
    (found,) = messages(MINIMAL + "prices: gone.json", ENVIRON, tmp_path, outside=True)
    assert found.startswith(f"5: prices: cannot read {tmp_path}/gone.json")


def test_without_the_machine_a_files_prices_are_not_judged() -> None:
    assert messages(PRICED % "own/m" + "prices: gone.json") == []
