"""``seekgate certs dev``: what it writes, and what it does not overwrite."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

from typer.testing import CliRunner

from seekgate.cli.main import app
from seekgate.config.snapshot import Tls
from seekgate.gateway.tls import server_context

FILES = ["ca.pem", "client.key", "client.pem", "crl.pem", "server.key", "server.pem"]


def test_the_files_fit_together_and_keys_are_private(tmp_path: Path) -> None:
    out = tmp_path / "new" / "certs"
    done = CliRunner().invoke(app, ["certs", "dev", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == FILES
    for path in out.iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == 0o600 if path.suffix == ".key" else mode & 0o400, path
    at = {name: str(out / name) for name in FILES}
    server_context(
        Tls(
            at["server.pem"],
            at["server.key"],
            client_certificates="required",
            client_ca=at["ca.pem"],
            crl=at["crl.pem"],
        )
    )
    ssl.create_default_context(cafile=at["ca.pem"]).load_cert_chain(at["client.pem"], at["client.key"])
    for name in FILES:
        assert at[name] in done.stdout
    assert f"--cacert {at['ca.pem']}" in done.stdout


def test_files_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "crl.pem").write_text("mine")
    done = CliRunner().invoke(app, ["certs", "dev", "--out", str(tmp_path)])
    assert (done.exit_code, done.stderr) == (
        1,
        f"error: {tmp_path}/crl.pem is there already; --force replaces it\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["crl.pem"]
    assert CliRunner().invoke(app, ["certs", "dev", "--out", str(tmp_path), "--force"]).exit_code == 0
    assert (tmp_path / "crl.pem").read_text() != "mine"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["certs", "dev", "--out", str(tmp_path / "file" / "x")])
    assert done.exit_code == 1
    assert "error: cannot write" in done.stderr
