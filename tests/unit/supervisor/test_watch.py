from __future__ import annotations

import os
from pathlib import Path

from seekgate.config.snapshot import Key, Limits, Listener, Provider, Snapshot, Tls, UpstreamTls
from seekgate.supervisor.watch import FileWatch, files_of


def test_a_change_counts_once_and_only_when_it_stands_still(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("a")
    watch = FileWatch([str(file)])
    assert not watch.changed()
    file.write_text("ab")
    assert not watch.changed()
    file.write_text("abc")
    assert not watch.changed()
    assert watch.changed()
    assert not watch.changed()


def test_a_touched_file_has_changed_and_one_put_back_has_not(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("a")
    before = file.stat()
    watch = FileWatch([str(file)])
    os.utime(file, ns=(1, 1))
    assert [watch.changed(), watch.changed()] == [False, True]
    os.utime(file, ns=(2, 2))
    assert not watch.changed()
    os.utime(file, ns=(1, 1))
    assert [watch.changed(), watch.changed()] == [False, False]
    assert before.st_ino == file.stat().st_ino


def test_files_appear_vanish_and_swap_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("same")
    (tmp_path / "two").write_text("same")
    link = tmp_path / "link"
    watch = FileWatch([str(link)])
    link.symlink_to("one")
    assert [watch.changed(), watch.changed()] == [False, True]
    link.unlink()
    link.symlink_to("two")
    assert [watch.changed(), watch.changed()] == [False, True]
    link.unlink()
    assert [watch.changed(), watch.changed()] == [False, True]


def test_a_change_is_not_lost_when_the_set_of_files_changes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    watch = FileWatch([str(one)])
    one.write_text("ab")
    two.write_text("new here, not changed")
    watch.again([str(one), str(two)])
    assert watch.changed()
    assert not watch.changed()


def test_which_files_are_watched() -> None:
    provider = Provider(
        "p", "openai", "https", "h", 443, authorization="file:/k/up", tls=UpstreamTls(ca="/ca", key="/ck")
    )
    snapshot = Snapshot(
        1,
        "",
        (
            Listener("127.0.0.1", 0, Tls("/cert", "/key", client_ca="/clients", crl="/crl")),
            Listener("127.0.0.1", 1),
        ),
        None,
        1,
        Limits(),
        {"p": provider},
        (),
        {},
        keys=(Key("a", "file:/k/a"), Key("b", "env:B"), Key("c", "file:/k/a")),
        prices="/prices.json",
    )
    assert files_of("/c.yaml", snapshot) == [
        "/c.yaml", "/cert", "/key", "/clients", "/crl", "/prices.json", "/ca", "/ck", "/k/a", "/k/up",
    ]  # fmt: skip
    assert files_of(None, None) == []
