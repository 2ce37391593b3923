from __future__ import annotations

from pathlib import Path

from seekgate.supervisor.rotating import RotatingFile


def contents(path: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in path.iterdir()}


def test_rotation_keeps_whole_lines_and_a_number_of_files(tmp_path: Path) -> None:
    log = RotatingFile(tmp_path / "x.log", max_bytes=10, kept=2)
    for text in ("aaaa\n", "bbbb\n", "cccccccccccc", "\n", "dddddddddd\n", "e\n"):
        log.write(text.encode())
    assert contents(tmp_path) == {"x.log": "e\n", "x.log.1": "dddddddddd\n", "x.log.2": "cccccccccccc\n"}
    assert log.last == "e"
    log.close()


def test_an_existing_file_is_continued(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("before\n")
    log = RotatingFile(tmp_path / "x.log", max_bytes=10, kept=2)
    log.write(b"now\n")
    assert contents(tmp_path) == {"x.log.1": "before\nnow\n"}
    log.write(b"")
    log.close()
    log.close()


def test_a_directory_that_is_gone_loses_the_log_and_nothing_else(tmp_path: Path) -> None:
    log = RotatingFile(tmp_path / "gone" / "x.log")
    log.write(b"words\n")
    assert log.last == "words"
    (tmp_path / "gone").mkdir()
    log.write(b"more\n")
    assert contents(tmp_path / "gone") == {"x.log": "more\n"}
    log.close()
