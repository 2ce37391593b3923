"""A fair queue: who of those that wait goes next. Pure: no clock, no waiting.

Start-time fair queueing (Goyal, Vin, Cheng 1996): each flow (a team) has a virtual time that moves on by ``1 / weight``
with each of its requests, and the request with the earliest start goes first. So flows that wait share what comes free
in proportion to their weights, whatever each of them asks for; one that asks for little is served almost at once; and
nobody starves, because a waiting request's start does not move while the others' do.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Place(Generic[Item]):
    """One place in the queue."""

    __slots__ = ("item", "left", "number", "start")

    def __init__(self, item: Item, start: float, number: int) -> None:
        self.item = item
        self.start = start
        self.number = number
        self.left = False

    def __lt__(self, other: Place[Item]) -> bool:
        return (self.start, self.number) < (other.start, other.number)


class FairQueue(Generic[Item]):
    """Those that wait for one thing."""

    def __init__(self) -> None:
        self._heap: list[Place[Item]] = []
        self._finish: dict[str, float] = {}
        self._now = 0.0  # the start of the request that went last
        self._number = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Place[Item]]:
        """Everybody that waits, next one first."""
        return iter(sorted(place for place in self._heap if not place.left))

    def join(self, item: Item, flow: str, weight: float) -> Place[Item]:
        """Wait, as one of ``flow``. Requests of equal start go in the order in which they came."""
        start = max(self._now, self._finish.get(flow, 0.0))
        self._finish[flow] = start + 1.0 / weight
        self._number += 1
        place = Place(item, start, self._number)
        heapq.heappush(self._heap, place)
        self._length += 1
        return place

    def first(self) -> Place[Item] | None:
        """Who goes next, still in the queue."""
        heap = self._heap
        while heap and heap[0].left:
            heapq.heappop(heap)
        return heap[0] if heap else None

    def serve(self, place: Place[Item]) -> None:
        """It goes: virtual time is its start from now on."""
        self._now = max(self._now, place.start)
        self.leave(place)

    def leave(self, place: Place[Item]) -> None:
        """It waits no longer, for whatever reason. Doing it twice does nothing."""
        if place.left:
            return
        place.left = True
        self._length -= 1
        if not self._length:
            # Nobody waits: what flows were ahead is forgotten, and so are the flows.
            self._heap.clear()
            self._finish.clear()
            self._now = 0.0
        elif len(self._heap) > 64 and len(self._heap) > 2 * self._length:
            self._heap = [place for place in self._heap if not place.left]
            heapq.heapify(self._heap)
