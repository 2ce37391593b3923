"""Downloads against a local server: whole, cut, resumed, changed in between, wrong, refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.engine.download import ATTEMPTS, Step, Wanted, discard, fetch, state_file
from seekgate.engine.network import PullError
from tests.support.file_server import FileServer, Served, file_server

BODY = bytes(range(256)) * 4096
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with file_server() as running:
        yield running


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "m.gguf.part"


class Steps:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.all: list[Step] = []

    def __call__(self, step: Step) -> None:
        self.all.append(step)


def _fetch(wanted: Wanted, part: Path, steps: Steps | None = None) -> str:
    return fetch(wanted, part, steps or Steps(), pause=lambda seconds: None)


def test_a_whole_file_with_progress(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY)
    steps = Steps()
    assert _fetch(Wanted(server.url("/m"), SHA, len(BODY)), part, steps) == SHA
    assert part.read_bytes() == BODY
    downloads = [step for step in steps.all if step.phase == "download"]
    assert (downloads[-1].done, downloads[-1].total) == (len(BODY), len(BODY))
    assert server.seen[0][1]["accept-encoding"] == "identity"


def test_a_cut_body_goes_on_where_it_ended(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY, cut=400_000)
    steps = Steps()
    assert _fetch(Wanted(server.url("/m"), SHA), part, steps) == SHA
    assert server.ranges("/m") == [None, "bytes=400000-", "bytes=800000-"]
    assert server.seen[1][1]["if-range"] == '"one"'
    assert "400000 of 1048576" in next(step.note for step in steps.all if step.phase == "retry")


def test_a_part_of_an_earlier_process_goes_on(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY, cut=300_000)
    wanted = Wanted(server.url("/m"), SHA)

    class Killed(Exception):
        pass

    def die(seconds: float) -> None:
        raise Killed

    with pytest.raises(Killed):
        fetch(wanted, part, Steps(), pause=die)
    assert part.stat().st_size == 300_000
    server.files["/m"].cut = None
    assert _fetch(wanted, part) == SHA
    assert server.ranges("/m") == [None, "bytes=300000-"]


def test_a_changed_file_is_fetched_anew(server: FileServer, part: Path) -> None:
    old = b"o" * len(BODY)
    server.files["/m"] = Served(old, etag='"old"', cut=300_000)

    def change(seconds: float) -> None:
        server.files["/m"] = Served(BODY, etag='"new"')

    digest = fetch(Wanted(server.url("/m"), None), part, Steps(), pause=change)
    assert digest == SHA
    assert part.read_bytes() == BODY
    assert server.seen[1][1]["if-range"] == '"old"'


def test_last_modified_binds_where_there_is_no_strong_etag(server: FileServer, part: Path) -> None:
    date = "Tue, 03 Mar 2026 10:00:00 GMT"
    server.files["/m"] = Served(BODY, etag='W/"weak"', modified=date, cut=600_000)
    assert _fetch(Wanted(server.url("/m")), part) == SHA
    assert server.seen[1][1]["if-range"] == date


def test_without_validator_and_checksum_a_part_is_worth_nothing(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY, etag=None, cut=600_000)

    def heal(seconds: float) -> None:
        server.files["/m"].cut = None

    assert fetch(Wanted(server.url("/m")), part, Steps(), pause=heal) == SHA
    assert server.ranges("/m") == [None, None]


def test_without_validator_a_pinned_checksum_allows_to_go_on(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY, etag=None, cut=600_000)
    assert _fetch(Wanted(server.url("/m"), SHA), part) == SHA
    assert server.ranges("/m") == [None, "bytes=600000-"]
    assert "if-range" not in server.seen[1][1]


def test_a_mirror_may_finish_what_another_began(server: FileServer, part: Path) -> None:
    server.files["/a"] = Served(BODY, etag='"a"', cut=500_000)

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(Wanted(server.url("/a"), SHA), part, Steps(), pause=stop)
    server.files["/b"] = Served(BODY, etag='"b"')
    assert _fetch(Wanted(server.url("/b"), SHA), part) == SHA
    assert server.ranges("/b") == ["bytes=500000-"]
    assert "if-range" not in server.seen[-1][1]


def test_a_server_without_ranges_sends_all_again(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY, ranges=False, cut=700_000)

    def heal(seconds: float) -> None:
        server.files["/m"].cut = None

    assert fetch(Wanted(server.url("/m"), SHA), part, Steps(), pause=heal) == SHA
    assert part.read_bytes() == BODY


def test_a_complete_part_needs_no_request(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY)
    wanted = Wanted(server.url("/m"), SHA, len(BODY))
    _fetch(wanted, part)
    server.seen.clear()
    assert _fetch(wanted, part) == SHA
    assert server.seen == []


def test_a_part_beyond_the_end_is_begun_anew(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY)
    _fetch(Wanted(server.url("/m"), None), part)
    server.files["/m"] = Served(BODY)
    assert _fetch(Wanted(server.url("/m"), None), part) == SHA
    assert server.ranges("/m") == [None, f"bytes={len(BODY)}-", None]


def test_a_wrong_checksum_leaves_nothing(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY)
    with pytest.raises(PullError) as caught:
        _fetch(Wanted(server.url("/m"), "0" * 64), part)
    assert SHA in caught.value.what
    assert not part.exists()
    assert not state_file(part).exists()


def test_another_size_than_the_catalogue_says_is_refused_at_once(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(b"<html>log in</html>", content_type="text/html")
    with pytest.raises(PullError, match="19 bytes"):
        _fetch(Wanted(server.url("/m"), SHA, len(BODY)), part)


def test_a_file_that_the_disk_cannot_hold_is_not_begun(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(b"x", length=1 << 60)
    with pytest.raises(PullError, match="free, but"):
        _fetch(Wanted(server.url("/m")), part)
    assert not part.exists()


@pytest.mark.parametrize(
    ("status", "says"), [(404, "no file at"), (403, "refuses access"), (400, "answered 400")]
)
def test_a_refusal_is_final(server: FileServer, part: Path, status: int, says: str) -> None:
    server.files["/m"] = Served(BODY, status=status)
    with pytest.raises(PullError, match=says):
        _fetch(Wanted(server.url("/m")), part)
    assert len(server.seen) == 1


def test_an_overloaded_server_is_asked_again(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY, status=503, times=2)
    assert _fetch(Wanted(server.url("/m"), SHA), part) == SHA
    assert len(server.seen) == 3


def test_an_overloaded_server_is_given_up_in_the_end(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY, status=503)
    with pytest.raises(PullError, match="answered 503"):
        _fetch(Wanted(server.url("/m")), part)
    assert len(server.seen) == ATTEMPTS


def test_redirects_are_followed_and_keep_the_range(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(b"", status=302, location="/real")
    server.files["/real"] = Served(BODY, cut=900_000)
    assert _fetch(Wanted(server.url("/m"), SHA), part) == SHA
    assert server.ranges("/real") == [None, "bytes=900000-"]


def test_nobody_listening_is_said_at_once(part: Path) -> None:
    with pytest.raises(PullError, match="refused the connection"):
        _fetch(Wanted("http://127.0.0.1:1/m"), part)


def test_a_damaged_note_about_a_part_is_not_trusted(server: FileServer, part: Path) -> None:
    server.files["/m"] = Served(BODY)
    part.write_bytes(b"rubbish")
    state_file(part).write_bytes(b"{")
    assert _fetch(Wanted(server.url("/m"), SHA), part) == SHA
    assert server.ranges("/m") == [None]
    discard(part)
    assert not part.exists()
