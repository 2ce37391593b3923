from __future__ import annotations

import json
import shlex
from pathlib import Path

import msgspec

from seekgate.config.compiled.database import Database
from seekgate.config.snapshot import Deployment, Key, Limits, Listener, Model, Provider, Snapshot, Tls
from seekgate.supervisor.greeting import base_urls, for_people, for_scripts

HOME_KEY = Path("/home/of an/user/demo.key")


def snapshot(*, keys: tuple[Key, ...] = (), tls: Tls | None = None, host: str = "127.0.0.1") -> Snapshot:
    return Snapshot(
        1,
        "",
        (Listener(host, 8080, tls),),
        None,
        1,
        Limits(),
        {
            "cloud": Provider("cloud", "deepseek", "https", "api", 443),
            "local": Provider("local", "llamacpp", "http", "127.0.0.1", 0, engine="e"),
        },
        (
            Deployment("a", "cloud", "a"),
            Deployment("b", "local", "b"),
            Deployment("v", "local", "v", capabilities=("embeddings",)),
        ),
        {"vectors": Model("vectors", (2,)), "big": Model("big", (0,)), "small": Model("small", (1,))},
        keys=keys,
    )


def curl(text: str) -> list[str]:
    return shlex.split(next(line for line in text.splitlines() if line.startswith("curl")))


def people(of: Snapshot, engines: dict[str, str]) -> str:
    return for_people(of, base_urls(of, [("127.0.0.1", 8080)]), ("127.0.0.1", 9090), HOME_KEY, engines)


def test_the_line_asks_the_model_of_the_engine_with_the_demo_key() -> None:
    keys = (Key("other", "env:OTHER"), Key("demo", f"file:{HOME_KEY}"))
    text = people(snapshot(keys=keys), {"e": ""})
    words = curl(text)
    assert words[:3] == ["curl", "-sN", "http://127.0.0.1:8080/v1/chat/completions"]
    assert words[4] == f"Authorization: Bearer $(cat '{HOME_KEY}')"
    assert json.loads(words[-1])["model"] == "small"
    assert json.loads(words[-1])["stream"] is True
    assert "not ready" not in text
    assert "http://127.0.0.1:9090/metrics" in text


def test_without_the_engine_the_cloud_is_asked() -> None:
    text = people(snapshot(keys=(Key("k", "env:MY_KEY"),)), {"e": "no model"})
    assert "Engine e is not ready: no model" in text
    assert json.loads(curl(text)[-1])["model"] == "big"
    assert '-H "Authorization: Bearer $MY_KEY"' in text


def test_keys_that_are_rows_only_are_for_the_person_to_make() -> None:
    of = msgspec.structs.replace(snapshot(), database=Database("sqlite"))
    text = people(of, {})
    assert "SEEKGATE_API_KEY=$(seekgate keys create first)" in text
    assert '-H "Authorization: Bearer $SEEKGATE_API_KEY"' in text
    assert "SEEKGATE_API_KEY" not in people(msgspec.structs.replace(of, keys=(Key("k", "env:MY_KEY"),)), {})


def test_no_keys_and_a_certificate() -> None:
    text = people(snapshot(tls=Tls("/etc/my cert.pem", "/k")), {})
    words = curl(text)
    assert "https://127.0.0.1:8080/v1/chat/completions" in words
    assert words[words.index("--cacert") + 1] == "/etc/my cert.pem"
    assert "Authorization" not in text
    assert "--cert" not in words
    asked = curl(people(snapshot(tls=Tls("/c", "/k", client_certificates="required")), {}))
    assert asked[asked.index("--cert") + 1] == "CLIENT.pem"


def test_wildcard_addresses_become_ones_that_can_be_reached() -> None:
    of = snapshot(host="0.0.0.0")
    assert base_urls(of, [("0.0.0.0", 1)]) == ["http://127.0.0.1:1"]
    assert base_urls(of, [("::", 1)]) == ["http://[::1]:1"]


def test_one_line_for_scripts() -> None:
    line = for_scripts(["http://127.0.0.1:1"], None, 7, 2, {"e": ""})
    assert "\n" not in line
    assert json.loads(line) == {
        "ready": True,
        "listen": ["http://127.0.0.1:1"],
        "admin": None,
        "pid": 7,
        "workers": 2,
        "engines": {"e": ""},
    }
    assert json.loads(for_scripts([], ("::", 9), 7, 2, {}))["admin"] == "http://[::1]:9"
