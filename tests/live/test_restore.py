"""Values come back through a real node, from a model that alters tokens; a short run of `tests.live.restore`."""

from __future__ import annotations

import json
import stat
from itertools import pairwise
from pathlib import Path
from typing import Any

from openai import OpenAI

from seekgate.emulate import BackgroundEmulator, Settings
from seekgate.emulate.faults import Faults
from tests.fakes.altering_model import OUT_OF_REACH, WRONG, altering_model
from tests.live.restore import PRIVACY, SECRET, altered, configuration
from tests.support.live import KEY, gateway, settings


def test_values_come_back_from_a_model_that_alters_tokens(tmp_path: Path) -> None:
    with (
        altering_model() as model,
        gateway(tmp_path, configuration(model, with_engine=False), environment={"TOKEN_KEY": SECRET}) as node,
    ):
        counts, wrong = altered(node, model, 60)
        assert wrong == []
        restored = sum(
            n for (name, what), n in counts.items() if what == "restored" and name not in OUT_OF_REACH
        )
        repeated = sum(
            n
            for (name, what), n in counts.items()
            if what == "repeated" and name not in {*OUT_OF_REACH, *WRONG}
        )
        assert restored == repeated > 100
        node.stop()
        logged = node.access_file.read_text() + json.dumps(node.lines, ensure_ascii=False)
        assert "PII_" not in logged
        assert "@example.org" not in logged


def test_a_node_makes_its_own_key_once(tmp_path: Path) -> None:
    with altering_model() as model:
        config = configuration(model, with_engine=False)
        del config["privacy"]["tokens"]
        keys = []
        for _ in range(2):
            with gateway(tmp_path, config) as node:
                assert altered(node, model, 2)[1] == []
                file = node.home / "secrets" / "privacy-tokens"
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
                keys.append(file.read_text())
        assert keys[0] == keys[1]
        for snapshot in (tmp_path / "home" / "run").glob("snapshot*.json"):
            assert keys[0].strip() not in snapshot.read_text()


def test_a_conversation_keeps_hitting_the_provider_s_prompt_cache(tmp_path: Path) -> None:
    """Six turns about the same person, the history sent again each time, by the `openai` SDK, streamed."""
    with BackgroundEmulator(Settings(always=Faults(echo=True))) as emulator:
        config = settings(emulator.url, privacy={**PRIVACY})
        with (
            gateway(tmp_path, config, environment={"TOKEN_KEY": SECRET}) as node,
            OpenAI(base_url=f"{node.url}/v1", api_key=KEY, max_retries=0) as client,
        ):
            turns: Any = []
            hits = []
            for number in range(6):
                asked = (
                    f"Turn {number}: call 13812345678 or write to li.lei@example.org. " + "Then wait. " * 30
                )
                turns.append({"role": "user", "content": asked})
                said = ""
                for chunk in client.chat.completions.create(
                    model="deepseek-flash",
                    messages=turns,
                    stream=True,
                    stream_options={"include_usage": True},
                    extra_body={"thinking": {"type": "disabled"}},
                ):
                    said += "".join(choice.delta.content or "" for choice in chunk.choices)
                    usage = chunk.usage
                assert said == asked
                assert usage is not None
                hits.append((usage.model_extra or {})["prompt_cache_hit_tokens"] / usage.prompt_tokens)
                turns.append({"role": "assistant", "content": said})
        assert hits[0] == 0
        assert min(hits[3:]) > 0.6, hits
        assert hits == sorted(hits)
        bodies = [record.body.decode() for record in emulator.emulator.requests]
        assert len(bodies) == 6
        assert "13812345678" not in "".join(bodies)
        assert all(after.startswith(before.rpartition('"}]')[0]) for before, after in pairwise(bodies))
