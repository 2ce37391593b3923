import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from seekgate.compiler import compile_file, compile_settings, main
from seekgate.config.snapshot import Listener, Pair, Route, Tls, UpstreamTls
from seekgate.config.snapshot_file import digest_of, read_snapshot
from tests.support.configuration import MINIMAL, loaded

WHOLE = """
listen: ["[::1]:8443", {address: "gate.example.com:443", tls: {certificate: c.pem, key: k.pem}}]
admin: off
workers: auto
limits: {body_bytes: 1MiB, header_timeout: 500ms}
trusted_proxies: [10.0.0.0/8]
keys:
  - {name: app, secret: "file:app.key", cidr: [192.168.0.1]}
engines:
  small: {model: ./a.gguf, threads: 2}
  idle: {model: smollm2-135m}
providers:
  cloud: {type: deepseek, key: "env:K", base_url: "https://api.example.com/v1", tls: {ca: ca.pem}}
  gone: {type: deepseek, key: "env:K", when: "env:GONE"}
  local: {type: llamacpp, engine: small}
models:
  m: {aliases: [n], deployments: [{provider: gone}, {provider: cloud, region: cn}, {provider: local}]}
  only-gone: {aliases: [og], deployments: [{provider: gone}]}
routes: [{prefix: /api/v1/x, models: [n, og]}, {prefix: /all}]
access_log: ./access.log
prices: prices.json
"""


def test_everything_arrives() -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128"}
    snapshot = compile_settings(loaded(WHOLE, environ), 7)
    assert snapshot.number == 7
    assert snapshot.digest == digest_of(snapshot)
    assert snapshot.listeners == (
        Listener("::1", 8443),
        Listener("gate.example.com", 443, Tls("/conf/c.pem", "/conf/k.pem")),
    )
    assert snapshot.admin is None
    assert 1 <= snapshot.workers <= (os.cpu_count() or 1)
    assert (snapshot.limits.body_bytes, snapshot.limits.header_timeout) == (2**20, 0.5)
    assert snapshot.trusted_proxies == ("10.0.0.0/8",)
    assert (snapshot.keys[0].secret, snapshot.keys[0].cidr) == ("file:/conf/app.key", ("192.168.0.1/32",))
    assert (snapshot.access_log.target, snapshot.prices) == ("/conf/access.log", "/conf/prices.json")


def test_listeners_that_ask_for_certificates() -> None:
    listen = """trusted_proxies: [10.0.0.0/8]
listen:
  address: 127.0.0.1:1
  xfcc_from: ["spiffe://td/envoy", envoy.example]
  tls:
    certificate: c.pem
    key: k.pem
    certificates: [{certificate: d.pem, key: l.pem}]
    min_version: "1.2"
    client_certificates: optional
    client_ca: ca.pem
    crl: /crl.pem
    crl_check: chain
"""
    (listener,) = compile_settings(loaded(MINIMAL + listen), 1).listeners
    assert listener.xfcc_from == ("spiffe://td/envoy", "envoy.example")
    assert listener.tls == Tls(
        certificate="/conf/c.pem",
        key="/conf/k.pem",
        certificates=(Pair("/conf/d.pem", "/conf/l.pem"),),
        min_version="1.2",
        client_certificates="optional",
        client_ca="/conf/ca.pem",
        crl="/crl.pem",
        crl_check="chain",
    )


def test_providers() -> None:
    snapshot = compile_settings(loaded(WHOLE, {"HTTPS_PROXY": "http://proxy:3128"}), 1)
    assert list(snapshot.providers) == ["cloud", "local"]
    cloud, local = snapshot.providers["cloud"], snapshot.providers["local"]
    assert (cloud.scheme, cloud.host, cloud.port, cloud.path) == ("https", "api.example.com", 443, "/v1")
    assert cloud.beta_path == "/beta"
    assert cloud.proxy == "http://proxy:3128"
    assert cloud.authorization == "env:K"
    assert cloud.tls == UpstreamTls(ca="/conf/ca.pem")
    assert (local.engine, local.path, local.asks_usage, local.proxy) == ("small", "/v1", True, None)
    assert list(snapshot.engines) == ["small"]
    assert (snapshot.engines["small"].model, snapshot.engines["small"].threads) == ("/conf/a.gguf", 2)


def test_models_without_their_absent_providers() -> None:
    snapshot = compile_settings(loaded(WHOLE), 1)
    assert [one.id for one in snapshot.deployments] == ["m@cloud", "m@local"]
    assert list(snapshot.models) == ["m", "n"]
    assert snapshot.models["n"] == snapshot.models["m"]
    assert snapshot.models["m"].deployments == (0, 1)
    assert snapshot.routes == (Route("/api/v1/x", ("m", "n")), Route("/all"))


def test_the_beta_path_follows_the_base() -> None:
    text = MINIMAL.replace("type: deepseek", "type: deepseek, base_url: 'http://127.0.0.1:9/base'")
    assert compile_settings(loaded(text), 1).providers["cloud"].beta_path == "/base/beta"


def test_no_proxy_where_none_is_wanted() -> None:
    text = MINIMAL.replace("type: deepseek", "type: deepseek, proxy: none")
    assert compile_settings(loaded(text, {"HTTPS_PROXY": "http://p:1"}), 1).providers["cloud"].proxy is None
    text = MINIMAL.replace("type: deepseek", "type: deepseek, proxy: 'http://q:2'")
    assert (
        compile_settings(loaded(text, {"HTTPS_PROXY": "http://p:1"}), 1).providers["cloud"].proxy
        == "http://q:2"
    )


def test_the_same_file_gives_the_same_digest() -> None:
    assert compile_settings(loaded(WHOLE), 1).digest == compile_settings(loaded(WHOLE), 1).digest


def test_no_secret_is_in_the_snapshot(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(MINIMAL)
    environ = {"APP_KEY": "sesame-open", "CLOUD_KEY": "sesame-close"}
    assert "sesame" not in repr(compile_file(tmp_path / "f.yaml", 1, environ=environ))


def run(tmp_path: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "seekgate.compiler",
        "--number",
        "3",
        "--output",
        str(tmp_path / "out.json"),
    ]
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **environ},
    )


def test_the_process_compiles_the_builtin_configuration(tmp_path: Path) -> None:
    (tmp_path / "demo.key").write_text("demo")
    (tmp_path / "demo.key").chmod(0o600)
    done = run(tmp_path, "--home", str(tmp_path), DEEPSEEK_API_KEY="x")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    snapshot = read_snapshot(tmp_path / "out.json")
    assert snapshot.number == 3
    assert set(snapshot.models) == {"smollm2-135m", "deepseek-flash", "deepseek-v4-flash", "deepseek-v4-pro"}
    assert snapshot.keys[0].secret == f"file:{tmp_path}/demo.key"
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o600


def test_the_process_reports_every_problem_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("workers: 0\nadmin: nowhere\n")
    done = run(tmp_path, "--config", str(tmp_path / "f.yaml"))
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if ": warning:" not in line]
    assert [line.split(": ")[0] for line in errors] == [f"{tmp_path}/f.yaml:1", f"{tmp_path}/f.yaml:2"]
    assert not (tmp_path / "out.json").exists()


def test_main_says_where_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo.key").write_text("demo")
    arguments = ["--number", "1", "--output", str(tmp_path / "gone" / "out.json"), "--home", str(tmp_path)]
    assert main(arguments) == 1
    assert f"cannot write {tmp_path}/gone/out.json: No such file or directory" in capsys.readouterr().err


def test_main_passes_warnings_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f.yaml").write_text("listen: 127.0.0.1:0\n")
    assert main(["--number", "1", "--output", str(tmp_path / "o"), "--config", str(tmp_path / "f.yaml")]) == 0
    assert "warning: there is no API key" in capsys.readouterr().err
