from pathlib import Path

from seekgate.config.engines import is_path
from tests.support.configuration import loaded, messages, problems

ENGINE = """
keys: [{{name: app, secret: "env:K"}}]
providers: {{local: {{type: llamacpp, engine: small}}}}
engines: {{small: {{model: {model}}}, idle: {{model: smollm2-135m}}}}
models: {{m: {{deployments: [{{provider: local}}]}}}}
"""


def test_names_and_paths() -> None:
    assert not is_path("smollm2-135m")
    assert is_path("models/a.gguf")
    assert is_path("a.gguf")


def test_defaults() -> None:
    engine = loaded(ENGINE.format(model="smollm2-135m")).settings.engines["small"]
    assert (engine.context, engine.slots, engine.threads, engine.embeddings) == (4096, 4, 0, False)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    text = ENGINE.format(model="a.gguf")
    assert messages(text, {"K": "x"}, tmp_path, outside=True) == [
        f"4: engines.small.model: cannot read {tmp_path}/a.gguf: No such file or directory; expected a readable file"
    ]
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    assert messages(text, {"K": "x"}, tmp_path, outside=True) == []


def test_an_engine_that_nobody_uses_is_a_warning() -> None:
    warnings = [str(one) for one in problems(ENGINE.format(model="smollm2-135m"))]
    assert warnings == ["<text>:4: engines.idle: warning: no provider uses this engine, so it is not started"]
