"""Names and addresses."""

from __future__ import annotations

import asyncio

import pytest

from seekgate.gateway.resolver import SystemResolver, literal


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("127.0.0.1", True), ("::1", True), ("2001:db8::7", True), ("localhost", False), ("1.2.3", False), ("", False),
        ("[::1]", False), ("127.0.0.1:80", False),
    ],
)  # fmt: skip
def test_literal_addresses(host: str, is_one: bool) -> None:
    assert literal(host) is is_one


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_is_its_own_address(host: str) -> None:
    assert asyncio.run(SystemResolver().resolve(host, 80)) == (host,)


def test_each_address_once_and_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve() -> tuple[str, ...]:
        loop = asyncio.get_running_loop()

        async def answer(*_: object, **__: object) -> list[object]:
            return [(2, 1, 6, "", (address, 80)) for address in ("10.0.0.2", "10.0.0.1", "10.0.0.2")]

        monkeypatch.setattr(loop, "getaddrinfo", answer)
        return await SystemResolver().resolve("models.internal", 80)

    assert asyncio.run(resolve()) == ("10.0.0.1", "10.0.0.2")
