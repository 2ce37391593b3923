"""Values come back through a real node, from a model that alters tokens; a short run of `tests.live.restore`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.fakes.altering_model import OUT_OF_REACH, WRONG, altering_model
from tests.live.restore import SECRET, altered, configuration
from tests.support.live import gateway


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
