"""What ``seekgate privacy test`` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seekgate.cli.main import app

EXAMPLE = "张三的身份证是11010519900307XXXX,电话是13812345678"
MASKED = "张三的身份证是1101**********XXXX,电话是138****5678"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEKGATE_CACHE", str(tmp_path / "cache"))


def _run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["privacy", "test", *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_a_line_leaves_masked_and_what_was_found_stands_below() -> None:
    code, output, _ = _run("-", stdin=EXAMPLE + "\n")
    assert code == 0
    assert output.splitlines() == [
        MASKED,
        "    NAME 0-2 report",
        "    CN_ID 7-25 mask",
        "    CN_MOBILE 29-40 mask",
    ]


def test_json_has_one_object_for_each_line(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text(f"{EXAMPLE}\r\n\n普通的一行\u2028仍是这一行\n最后一行没有换行", encoding="utf-8")
    code, output, _ = _run(str(file), "--json")
    assert code == 0
    assert [json.loads(line) for line in output.split("\n") if line] == [
        {
            "text": MASKED,
            "spans": [
                {"type": "NAME", "start": 0, "end": 2, "action": "report"},
                {"type": "CN_ID", "start": 7, "end": 25, "action": "mask"},
                {"type": "CN_MOBILE", "start": 29, "end": 40, "action": "mask"},
            ],
        },
        {"text": "", "spans": []},
        {"text": "普通的一行\u2028仍是这一行", "spans": []},
        {"text": "最后一行没有换行", "spans": []},
    ]


def _config(tmp_path: Path, section: str) -> str:
    file = tmp_path / "seekgate.yaml"
    file.write_text(f"keys: [{{name: me, secret: 'env:KEY'}}]\nroutes: [{{prefix: /hr}}]\n{section}")
    return str(file)


def test_the_policy_of_a_file_decides(tmp_path: Path) -> None:
    config = _config(
        tmp_path,
        "privacy:\n"
        "  own: [{type: PROJECT, words: [Falcon]}]\n"
        "  actions: {CN_MOBILE: token, NAME: mask}\n"
        "  rules:\n"
        "    - {routes: [/hr], roles: [clerk], tiers: [core], actions: {CN_ID: block, '*': report}}\n",
    )
    _, output, _ = _run("-", "--json", "--config", config, stdin=f"{EXAMPLE} falcon\n")
    found = json.loads(output)
    assert found["text"].startswith("张*的身份证是1101**********XXXX,电话是PII_CN_MOBILE_")
    assert found["text"].endswith(" ******")
    assert [span["action"] for span in found["spans"]] == ["mask", "mask", "token", "mask"]
    fitting = ("--route", "/hr", "--role", "clerk", "--core")
    code, output, _ = _run("-", "--config", config, *fitting, stdin=f"{EXAMPLE}\n13812345678\n")
    assert code == 0
    assert output.splitlines()[0] == "(blocked)"
    assert output.splitlines()[4:] == ["13812345678", "    CN_MOBILE 0-11 report"]


def test_the_second_run_finds_the_compiled_detectors(tmp_path: Path) -> None:
    first, second = (_run("-", stdin=EXAMPLE) for _ in range(2))
    assert first == second
    assert len(list((tmp_path / "cache/detectors").iterdir())) == 1


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    code, _, error = _run(str(tmp_path / "absent.txt"))
    assert code == 1
    assert "absent.txt: No such file" in error
    code, _, error = _run("-", "--config", _config(tmp_path, ""), stdin="x\n")
    assert code == 1
    assert "has no section `privacy`" in error
    code, _, error = _run("-", "--config", _config(tmp_path, "privacy: {types: [CN_IDD]}\n"), stdin="x\n")
    assert code == 1
    assert "CN_ID" in error
