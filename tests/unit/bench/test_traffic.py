"""The requests of the governed cases: many prompts and keys, repeatable."""

from __future__ import annotations

import json
import random
from pathlib import Path

from bench import traffic
from seekgate.store.key_hash import LENGTH, PREFIX


def test_prompts_vary_in_length_and_language_and_one_in_twenty_is_personal() -> None:
    found = traffic.prompts()
    sizes = {len(prompt.body) for prompt in found}
    assert len(found) == traffic.PROMPTS
    assert len(sizes) > 100
    assert min(sizes) >= 200
    assert max(sizes) <= 1700
    assert sum(bool(prompt.values) for prompt in found) * traffic.PERSONAL == traffic.PROMPTS
    chinese = sum(not prompt.body.isascii() for prompt in found)
    assert traffic.PROMPTS // 3 < chinese < traffic.PROMPTS * 2 // 3


def test_prompts_are_requests_with_their_values_in_them() -> None:
    for prompt in traffic.prompts("deepseek-reasoner", stream=True):
        fields = json.loads(prompt.body)
        assert fields["model"] == "deepseek-reasoner"
        assert fields["stream"] is True
        said = fields["messages"][1]["content"]
        assert all(value in said for value in prompt.values)
        assert "{" not in said


def test_personal_values_are_what_detectors_look_for() -> None:
    draw = random.Random(7)
    sentence, values = traffic.personal(draw, "{mobile} {id} {card} {email}")
    assert sentence.split() == [values[0], values[3], values[2], values[1]]
    assert len(values[3]) == 18
    weighed = sum(
        int(digit) * weight for digit, weight in zip(values[3][:17], traffic._ID_WEIGHTS, strict=True)
    )
    # ISO 7064, MOD 11-2: all eighteen characters together leave 1.
    assert (weighed + (10 if values[3][17] == "X" else int(values[3][17]))) % 11 == 1
    digits = [int(digit) for digit in reversed(values[2])]
    assert sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def test_keys_look_like_keys_and_are_all_different() -> None:
    keys = {traffic.api_key(number) for number in range(1000)}
    assert len(keys) == 1000
    assert all(key.startswith(PREFIX) and len(key) == len(PREFIX) + LENGTH for key in keys)
    assert traffic.api_key(5) == traffic.api_key(5)


def test_few_keys_call_often_and_cold_ones_call_too() -> None:
    drawn = traffic.ranks(random.Random(1), 20_000)
    assert 0.1 < drawn.count(0) / len(drawn) < 0.17
    assert max(drawn) > 50_000
    assert 3000 < len(set(drawn)) < 10_000


def test_the_scripts_files(tmp_path: Path) -> None:
    traffic.write(tmp_path)
    bodies = (tmp_path / "prompts.txt").read_bytes().splitlines()
    assert bodies == [prompt.body for prompt in traffic.prompts()]
    keys = (tmp_path / "keys.txt").read_text().split()
    assert len(keys) == traffic.KEYS
    assert keys[17] == traffic.api_key(17)


def test_what_the_script_is_told() -> None:
    mix = traffic.Mix("http://127.0.0.1:1/", Path("/x"), 3)
    assert mix.environment()["BENCH_KEYS"] == "keys.txt"
    assert traffic.Mix("http://127.0.0.1:1/", Path("/x"), 3, keys=False).environment()["BENCH_KEYS"] == ""


def test_sentences_are_read_by_section() -> None:
    assert traffic.sentences("# c\n[a]\none\n\n[b]\ntwo\nthree\n") == {"a": ["one"], "b": ["two", "three"]}
