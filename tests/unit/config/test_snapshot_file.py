import os
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.config.compiled.identity import Certificate, Identity
from seekgate.config.snapshot import Key, Limits, Listener, Snapshot, Tls
from seekgate.config.snapshot_file import SnapshotError, digest_of, read_snapshot, sealed, write_snapshot


def snapshot(number: int = 1) -> Snapshot:
    return sealed(
        Snapshot(
            number=number,
            digest="",
            listeners=(Listener("127.0.0.1", 8080),),
            admin=None,
            workers=2,
            limits=Limits(header_timeout=0.25),
            providers={},
            deployments=(),
            models={},
            keys=(Key("app", "env:APP_KEY", ("10.0.0.0/8",)),),
        )
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    write_snapshot(path, snapshot())
    assert read_snapshot(path) == snapshot()


def test_only_the_owner_may_read_it_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text("old")
    path.chmod(0o644)
    write_snapshot(path, snapshot())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["snapshot.json"]


def test_a_failed_write_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "snapshot.json"
    write_snapshot(path, snapshot(1))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_snapshot(path, snapshot(2))
    assert read_snapshot(path).number == 1
    assert os.listdir(tmp_path) == ["snapshot.json"]


def test_a_leftover_of_a_killed_writer_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    (tmp_path / f".snapshot.json.{os.getpid()}.tmp").write_text("half")
    write_snapshot(path, snapshot())
    assert read_snapshot(path).number == 1


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"cannot read the snapshot .*: No such file"):
        read_snapshot(tmp_path / "gone")


def test_an_altered_snapshot_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    write_snapshot(path, snapshot())
    path.write_bytes(path.read_bytes().replace(b'"workers":2', b'"workers":9'))
    with pytest.raises(SnapshotError, match="does not match its digest"):
        read_snapshot(path)


@given(cut=st.integers(min_value=0, max_value=200))
def test_a_cut_snapshot_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.json"
    whole = msgspec.json.encode(snapshot())
    path.write_bytes(whole[: min(cut, len(whole) - 1)])
    with pytest.raises(SnapshotError, match="damaged"):
        read_snapshot(path)


def test_the_digest_covers_the_number() -> None:
    assert digest_of(snapshot(1)) != digest_of(snapshot(2))
    assert digest_of(snapshot(1)) == snapshot(1).digest


def test_values_that_equal_a_default_without_being_it(tmp_path: Path) -> None:
    """A value that was computed is another object than the default; one that was read may be the same."""
    tier = "".join(["non-", "core"])
    identity = Identity(mtls=(Certificate(subject="CN=a", tier=tier),))  # type: ignore[arg-type]
    tls = Tls("c", "k", min_version="".join(["1", ".3"]))  # type: ignore[arg-type]
    made = msgspec.structs.replace(snapshot(), identity=identity, listeners=(Listener("h", 1, tls),))
    path = tmp_path / "snapshot.json"
    write_snapshot(path, sealed(made))
    assert read_snapshot(path) == sealed(made)
