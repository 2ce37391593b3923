"""The script by which workers lease parts of limits from Valkey, and its arguments and replies as bytes.

Of each window there is one hash: ``t`` is how much is out of the limit in all; each worker has a field
``taken:held:seq``. A report is absolute: the total moves by the difference to what the worker's field said before. One
that is overtaken by a later one (smaller ``seq``) is ignored. When the room does not suffice, what workers hold that
have not been heard of for the time of their lease of life comes back.

The windows' bounds come from the worker, and whether one is now is judged by Valkey's own clock, with a slack that the
worker's idea of that clock may be off by. All keys have the same hash tag, so that they live on one node of a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from seekgate.store.resp import Reply

LIFE = 5_000
"""Milliseconds without a word after which a worker counts as dead."""

SLACK = 50
"""Milliseconds by which a worker may be wrong about Valkey's clock."""

KEPT = 60_000
"""Milliseconds that a window's hash outlives it."""

KEPT_SLOTS = 3_600_000
"""Milliseconds that the hash of requests in flight outlives the last report."""

SCRIPT = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local me, life, seq, slack = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept, kept_slots = tonumber(ARGV[5]), tonumber(ARGV[6])
if life > 0 then redis.call('ZADD', KEYS[1], now + life, me) else redis.call('ZREM', KEYS[1], me) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local reply = {now, redis.call('ZCARD', KEYS[1])}

local function whole(number) return string.format('%.0f', number) end

local function split(field)
  local taken, held, number = string.match(field or '', '^(%-?%d+):(%-?%d+):(%d+)$')
  return tonumber(taken or 0), tonumber(held or 0), tonumber(number or 0)
end

-- What others hold of this window; what the dead among them held is taken out of the total.
local function others(key, total)
  local fields, alive = redis.call('HGETALL', key), 0
  for i = 1, #fields, 2 do
    local worker = fields[i]
    if worker ~= 't' and worker ~= me then
      local taken, held, number = split(fields[i + 1])
      if redis.call('ZSCORE', KEYS[1], worker) then
        alive = alive + held
      elseif held > 0 then
        total = total - held
        if taken == held then
          redis.call('HDEL', key, worker)
        else
          redis.call('HSET', key, worker, whole(taken - held) .. ':0:' .. whole(number))
        end
      end
    end
  end
  return total, alive
end

local at = 7
for i = 2, #KEYS do
  local first, last, limit = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local taken, held, left = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local quantum, need, extra = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8])
  at = at + 9
  local key = KEYS[i]
  local known = redis.call('HMGET', key, 't', me)
  local before, _, number = split(known[2])
  local granted, room, alive, stale = 0, 0, 0, 0
  if now < first - slack or now >= last + slack or seq < number then
    stale = 1
  else
    local total = tonumber(known[1] or 0) + taken - before
    if limit - total < need then total, alive = others(key, total) end
    room = limit - total
    if need > 0 then
      if need <= room then
        granted = need
      else
        granted = math.max(0, math.floor((math.max(room, 0) + left) / quantum) * quantum - left)
        granted = math.min(granted, math.max(room, 0))
      end
    end
    if extra > 0 then granted = granted + math.max(0, math.min(extra, math.floor((room - granted) / 8))) end
    room = room - granted
    redis.call('HSET', key, 't', whole(total + granted),
      me, whole(taken + granted) .. ':' .. whole(held + granted) .. ':' .. whole(seq))
    if taken + granted == 0 and held == 0 then redis.call('HDEL', key, me) end
    if first == 0 then redis.call('PEXPIRE', key, kept_slots) else redis.call('PEXPIREAT', key, last + kept) end
  end
  reply[#reply + 1] = granted
  reply[#reply + 1] = room
  reply[#reply + 1] = alive
  reply[#reply + 1] = stale
end
return reply
"""


class Ask(Protocol):
    """A report on one limit and what is wanted of it; see the script. ``start`` and ``end`` are Unix seconds."""

    @property
    def id(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def limit(self) -> int: ...
    @property
    def granted(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def left(self) -> int: ...
    @property
    def quantum(self) -> int: ...
    @property
    def need(self) -> int: ...
    @property
    def extra(self) -> int: ...


class Said(NamedTuple):
    """What the script answered to one ask."""

    granted: int
    room: int
    others: int
    stale: bool


class Told(NamedTuple):
    """What the script answered: Valkey's clock in Unix seconds, how many workers live, one answer for each ask."""

    now: float
    fleet: int
    answers: list[Said]


def keys(prefix: str, asks: Iterable[Ask]) -> list[str]:
    """The keys of a call."""
    tag = "{" + prefix + ":quota}"
    return [f"{tag}:workers", *(f"{tag}:{ask.start}:{ask.id}" for ask in asks)]


def arguments(worker: str, life: int, seq: int, asks: Iterable[Ask]) -> list[str | int]:
    """The arguments of a call; ``life`` 0 says goodbye."""
    given: list[str | int] = [worker, life, seq, SLACK, KEPT, KEPT_SLOTS]
    for ask in asks:
        given += [ask.start * 1000, ask.end * 1000, ask.limit, ask.granted, ask.held]
        given += [ask.left, ask.quantum, ask.need, ask.extra]
    return given


def read(reply: Reply, asked: int) -> Told | None:
    """The reply to a call with so many asks; None when it is an error or something else."""
    if not isinstance(reply, list) or len(reply) != 2 + 4 * asked:
        return None
    numbers = [each for each in reply if isinstance(each, int)]
    if len(numbers) != len(reply):
        return None
    answers = [
        Said(numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3] == 1)
        for at in range(2, len(numbers), 4)
    ]
    return Told(numbers[0] / 1000, numbers[1], answers)
