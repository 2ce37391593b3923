"""Names whose addresses change under load: traffic follows, spreads over all addresses, and no request fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seekgate.emulate import Emulator, Settings
from tests.live.conftest import MakeGateway
from tests.support.dns import Hosts
from tests.support.live import Gateway, settings
from tests.support.live_emulators import Emulators, by_user, emulators
from tests.support.live_wire import answer, connect, exchange, post, read_until
from tests.support.until import until

NAME = "models.test"
OLD, NEW = "127.0.0.2", "127.0.0.3"
CHAT = "/v1/chat/completions"


class Place:
    """A name, and an emulator behind each of two addresses, on the same port."""

    def __init__(self, made: Emulators, hosts: Hosts) -> None:
        chosen = Settings(rules=by_user({"big": "tokens=10000,token-bytes=4000,reasoning=0"}))
        self.emulators = made
        self.hosts = hosts
        self.old, self.port = made.start(chosen, host=OLD)
        self.new, _ = made.start(chosen, host=NEW, port=self.port)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with emulators() as made:
        yield Place(made, Hosts(tmp_path / "hosts"))


@pytest.fixture
def node(place: Place, make_gateway: MakeGateway, request: pytest.FixtureRequest) -> Gateway:
    place.hosts.say(NAME, *getattr(request, "param", (OLD,)))
    return make_gateway(settings(f"http://{NAME}:{place.port}"), prefix=place.hosts.prefix)


def _ask(**more: Any) -> bytes:
    message = {"role": "user", "content": "x"}
    return post(CHAT, {"model": "deepseek-flash", "messages": [message], "max_tokens": 2, **more})


class Traffic:
    """Two connections, one request after the other on each."""

    def __init__(self, url: str) -> None:
        self.statuses: list[int] = []
        self._url = url
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def _run(self) -> None:
        with connect(self._url) as connection:
            while not self._done.is_set():
                connection.sendall(_ask())
                self.statuses.append(answer(connection).status)

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(30)

    def goes_on(self, count: int = 50) -> None:
        """Wait for so many more answers."""
        reached = len(self.statuses)
        until(lambda: len(self.statuses) >= reached + count, "traffic to go on")


@contextmanager
def traffic(node: Gateway) -> Iterator[Traffic]:
    """Traffic during a block; every answer has to be 200."""
    with Traffic(node.url) as running:
        running.goes_on()
        yield running
        running.goes_on()
    assert set(running.statuses) == {200}


def _count(emulator: Emulator) -> int:
    return emulator.requests[-1].id if emulator.requests else 0


def test_a_changed_address_is_followed_and_the_old_one_let_go(node: Gateway, place: Place) -> None:
    with traffic(node) as running, connect(node.url) as reader:
        # A stream that is under way at the old address and whose reader takes his time.
        reader.sendall(_ask(user_id="big", stream=True, max_tokens=None))
        begun = read_until(reader, b"data: ")
        assert _count(place.old) > 0
        assert _count(place.new) == 0
        changed = time.monotonic()
        place.hosts.say(NAME, NEW)
        until(lambda: _count(place.new) > 0, "traffic at the new address")
        first = place.new.requests[0].started
        until(lambda: place.old.connections == 1, "idle connections to the old address to be let go")
        print(f"followed after {first - changed:.2f} s, let go after {time.monotonic() - changed:.2f} s")
        seen = _count(place.old)
        running.goes_on()
        assert _count(place.old) == seen, "the old address still gets requests"
        whole = begun + read_until(reader, b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert len(whole) > 40_000_000
        until(lambda: place.old.connections == 0, "the last connection to the old address to be let go")


@pytest.mark.parametrize("node", [(OLD, NEW)], indirect=True)
def test_all_addresses_get_traffic(node: Gateway, place: Place) -> None:
    with traffic(node):
        until(lambda: _count(place.old) > 20 and _count(place.new) > 20, "traffic at both addresses")
    assert abs(_count(place.old) - _count(place.new)) < 0.2 * (_count(place.old) + _count(place.new))


@pytest.mark.parametrize("node", [(OLD, NEW)], indirect=True)
def test_an_address_that_went_away_costs_nothing(node: Gateway, place: Place) -> None:
    with traffic(node) as running:
        until(lambda: _count(place.old) > 5 and _count(place.new) > 5, "traffic at both addresses")
        place.hosts.say(NAME, NEW)
        until(lambda: place.old.connections == 0, "connections to the old address to be let go")
        place.emulators.close(place.old)
        running.goes_on()


def test_a_name_that_is_gone_keeps_its_addresses(node: Gateway, place: Place) -> None:
    with traffic(node) as running:
        place.hosts.say(NAME)
        reached = time.monotonic()
        # Longer than an address is believed in without being looked up again.
        until(lambda: time.monotonic() > reached + 3, "the name to be looked up again")
        running.goes_on()
        place.hosts.say(NAME, NEW)
        until(lambda: _count(place.new) > 0, "the name to be found again")


@pytest.mark.parametrize("node", [()], indirect=True)
def test_a_name_that_never_was_is_an_upstream_that_cannot_be_reached(node: Gateway, place: Place) -> None:
    said = exchange(node.url, _ask())
    assert said.status == 502
    assert said.json()["error"]["code"] == "upstream_connect_failed"
    place.hosts.say(NAME, NEW)
    assert exchange(node.url, _ask()).status == 200
