"""A fair queue: who of those that wait goes next. Pure: no clock, no waiting.

Start-time fair queueing (Goyal, Vin, Cheng 1996): each flow (a team) has a virtual time that moves on by ``1 / weight``
with each of its requests that is served, and the flow with the earliest start goes first. So flows that wait share what
comes free in proportion to their weights, whatever each of them asks for; one that asks for little is served almost at
once. The time at which a new flow starts moves on with each request, by one through the weights of all that wait, as in
weighted fair queueing: a flow that waits is passed once by each other, however many new ones come. Whoever leaves
unserved costs his flow nothing: a start belongs to the flow's first request, not to each of them.

Requests may need different things (``kind``). Those of one kind and flow go in the order in which they came; a kind
whose things are not there holds no other kind up, and all kinds share the virtual times.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
Kind = TypeVar("Kind", bound=Hashable)

PURGE = 256
"""Flows that are remembered though nobody of them waits, before it is looked which of them are behind by now."""


class Place(Generic[Item, Kind]):
    """One place in the queue."""

    __slots__ = ("flow", "item", "kind", "left", "number", "weight")

    def __init__(self, item: Item, flow: str, weight: float, kind: Kind, number: int) -> None:
        self.item = item
        self.flow = flow
        self.weight = weight
        self.kind = kind
        self.number = number
        self.left = False


Lane = OrderedDict[int, Place[Item, Kind]]
Entry = tuple[float, int, str]
"""A flow's turn among those of a kind: when it starts, the number of its first request, the flow."""

FEW = 64
"""Turns that are kept though nobody is left to take them."""


class FairQueue(Generic[Item, Kind]):
    """Those that wait. ``kinds`` says how many for what."""

    def __init__(self) -> None:
        # Of each kind: the turns of the flows, and each flow's requests in their order.
        self._turns: dict[Kind, list[Entry]] = {}
        self._lanes: dict[Kind, dict[str, Lane[Item, Kind]]] = {}
        self._finish: dict[str, float] = {}
        # How many of each flow wait and what it weighs, and the weights of these flows together.
        self._waiting: dict[str, tuple[int, float]] = {}
        self._weights = 0.0
        self._now = 0.0  # where a flow starts that has not been served lately
        self._number = 0
        self._length = 0
        self.kinds: dict[Kind, int] = {}

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Place[Item, Kind]]:
        """Everybody that waits, in no order."""
        for lanes in self._lanes.values():
            for lane in lanes.values():
                yield from lane.values()

    def join(self, item: Item, flow: str, weight: float, kind: Kind) -> Place[Item, Kind]:
        """Wait, as one of ``flow``. Flows of equal start go in the order in which their first requests came."""
        self._number += 1
        place = Place(item, flow, weight, kind, self._number)
        lanes = self._lanes.setdefault(kind, {})
        lane = lanes.get(flow)
        if lane is None:
            lane = lanes[flow] = OrderedDict()
            start = max(self._now, self._finish.get(flow, 0.0))
            heapq.heappush(self._turns.setdefault(kind, []), (start, self._number, flow))
        lane[self._number] = place
        self._length += 1
        waiting, weighs = self._waiting.get(flow, (0, weight))
        self._waiting[flow] = waiting + 1, weighs
        if not waiting:
            self._weights += weighs
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return place

    def first(self, fits: Callable[[Kind], bool]) -> Place[Item, Kind] | None:
        """Who goes next among the kinds that fit, still in the queue."""
        best: Entry | None = None
        found: Place[Item, Kind] | None = None
        for kind in self.kinds:
            if fits(kind):
                turn = self._turn(kind)
                if best is None or turn < best:
                    best = turn
                    found = _head(self._lanes[kind][turn[2]])
        return found

    def _turn(self, kind: Kind) -> Entry:
        """Whose turn it is among those of a kind; there are some."""
        turns, lanes = self._turns[kind], self._lanes[kind]
        while True:
            start, _, flow = turn = turns[0]
            lane = lanes[flow]
            if not lane:
                heapq.heappop(turns)
                del lanes[flow]
            elif (finish := self._finish.get(flow, 0.0)) > start:
                # It has been served since, here or as another kind.
                heapq.heapreplace(turns, (finish, _head(lane).number, flow))
            else:
                return turn

    def serve(self, place: Place[Item, Kind]) -> None:
        """Whom `first` has just named goes, and virtual time moves on."""
        start = max(self._turns[place.kind][0][0], self._finish.get(place.flow, 0.0))
        self._now = max(self._now + 1.0 / self._weights, start)
        self._finish[place.flow] = start + 1.0 / place.weight
        self.leave(place)
        if len(self._finish) > PURGE and len(self._finish) > 2 * len(self._waiting):
            self._finish = {flow: finish for flow, finish in self._finish.items() if finish > self._now}

    def leave(self, place: Place[Item, Kind]) -> None:
        """It waits no longer, for whatever reason. Doing it twice does nothing."""
        if place.left:
            return
        place.left = True
        self._length -= 1
        waiting, weighs = self._waiting[place.flow]
        self._waiting[place.flow] = waiting - 1, weighs
        if waiting == 1:
            del self._waiting[place.flow]
            self._weights -= weighs
        kind = place.kind
        self.kinds[kind] -= 1
        if not self.kinds[kind]:
            del self.kinds[kind], self._turns[kind], self._lanes[kind]
        else:
            self._vacate(place)
        if not self._length:
            # Nobody waits: what flows were ahead is forgotten.
            self._finish.clear()
            self._now = self._weights = 0.0

    def _vacate(self, place: Place[Item, Kind]) -> None:
        kind = place.kind
        lanes, turns = self._lanes[kind], self._turns[kind]
        lane = lanes[place.flow]
        del lane[place.number]
        # A flow's turn stays when its last request leaves, and is passed over; many such turns are thrown away.
        if not lane and len(turns) > FEW and len(turns) > 2 * self.kinds[kind]:
            self._lanes[kind] = lanes = {flow: lane for flow, lane in lanes.items() if lane}
            self._turns[kind] = turns = [turn for turn in turns if turn[2] in lanes]
            heapq.heapify(turns)


def _head(lane: Lane[Item, Kind]) -> Place[Item, Kind]:
    return next(iter(lane.values()))
