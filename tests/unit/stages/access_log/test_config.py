from pathlib import Path

import pytest

from tests.support.configuration import MINIMAL, loaded, messages

ENVIRON = {"APP_KEY": "a", "CLOUD_KEY": "b"}


@pytest.mark.parametrize("target", ["stdout", "stderr", "off", "/var/log/x.log", "./x.log"])
def test_targets(target: str) -> None:
    assert loaded(MINIMAL + f"access_log: {target}").settings.access_log == target


def test_a_misspelt_word_is_not_taken_for_a_file() -> None:
    assert messages(MINIMAL + "access_log: stdot") == [
        "5: access_log: 'stdot' is not a target; expected stdout, stderr, off, or a path with a slash in it; "
        "did you mean 'stdout'?"
    ]


def test_files_that_could_not_be_opened(tmp_path: Path) -> None:
    def check(target: str) -> list[str]:
        return messages(MINIMAL + f"access_log: {target}", ENVIRON, tmp_path, outside=True)

    assert check("./x.log") == []
    assert not (tmp_path / "x.log").exists(), "checking creates nothing"
    expected = "expected a file that can be appended to"
    assert check("./gone/x.log") == [
        f"5: access_log: {tmp_path}/gone/x.log cannot be made: its folder does not exist; {expected}"
    ]
    assert check(str(tmp_path)) == [f"5: access_log: {tmp_path} is a directory; {expected}"]
