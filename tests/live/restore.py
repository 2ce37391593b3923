"""How often values come back: ``python -m tests.live.restore``.

Two upstreams behind a real node. The altering model (`tests.fakes.altering_model`) repeats every token in one of the
ways in which models alter text, streamed and whole, in all three fields; some of its alterations are no longer the
token and must not come back. The small model in its own engine is asked to repeat tokens in several forms; what it
writes is compared with what the client gets. The command prints a table, and exits 1 when a value came back that must
not, or did not although the alteration is one of those that are understood.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from seekgate.stages.privacy.restore import Restorer
from seekgate.stages.privacy.tokens import Mint, Vault
from tests.fakes.altering_model import BETWEEN, OUT_OF_REACH, WRONG, AlteringModel, Line, altering_model
from tests.support.live import Gateway, add_engine, gateway, settings
from tests.support.live_wire import exchange, post
from tests.support.privacy import texts_of, texts_of_body

SECRET = "restore-tests-0123456789abcdef"
PRIVACY = {
    "types": ["CN_MOBILE", "EMAIL"],
    "actions": {"*": "token"},
    "tokens": {"key": "env:TOKEN_KEY"},
}
Count = Counter[tuple[str, str]]


def values(source: Random) -> tuple[str, str]:
    """A mobile number and an email address of nobody."""
    mobile = f"{source.choice(('138', '139', '150', '186'))}{source.randrange(10**8):08d}"
    return mobile, f"{source.choice(['li', 'wang', 'ana', 'tom'])}.{source.randrange(10**4)}@example.org"


def texts(answer: Any, streamed: bool) -> dict[str, str]:
    """The three texts of an answer."""
    found = texts_of(answer.body) if streamed else texts_of_body(answer.body)
    return {field: text for (_, field, _), text in found.items()}


# -- the altering model ----------------------------------------------------------------------------------------------


def altered(node: Gateway, model: AlteringModel, requests: int, seed: int = 1) -> tuple[Count, list[str]]:
    """Ask; by alteration, how many tokens were ``repeated`` and values ``restored``; and what was wrong."""
    source = Random(seed)
    counts: Count = Counter()
    wrong: list[str] = []
    for number in range(requests):
        mobile, email = values(source)
        streamed = number % 2 == 0
        asked = f"My number is {mobile}, 我的邮箱是 {email}。"
        body = {"model": "altering", "seed": number, "messages": [{"role": "user", "content": asked}]}
        if streamed:
            body["stream"] = True
        answer = exchange(node.url, post("/v1/chat/completions", body))
        if answer.status != 200:
            wrong.append(f"request {number}: status {answer.status}")
            continue
        said = texts(answer, streamed)
        lines = model.said[number]
        by_token = dict(zip(dict.fromkeys(line.token for line in lines), (mobile, email), strict=True))
        for field, text in said.items():
            mine = [line for line in lines if line.field == field]
            pieces = json.loads(text)["lines"] if field == "arguments" else text.split(BETWEEN)
            wrong += _judge(mine, by_token, pieces, counts)
    return counts, wrong


def _judge(lines: list[Line], by_token: dict[str, str], said: list[str], counts: Count) -> Iterator[str]:
    """Compare the lines of a text with what they must be."""
    for line, got in zip(lines, said, strict=True):
        value = by_token[line.token]
        counts[line.alteration, "repeated"] += 1
        counts[line.alteration, "restored"] += value in got
        if got != line.restored(value):
            yield f"{line.field}: {line.alteration}: {got!r} instead of {line.restored(value)!r}"


NOTES = {**dict.fromkeys(WRONG, "must not come back"), **dict.fromkeys(OUT_OF_REACH, "out of reach")}


def table(counts: Count) -> str:
    """Counts as text, one alteration a line."""
    names = sorted({name for name, _ in counts}, key=lambda name: (NOTES.get(name, ""), name))
    rows = [_row(name, [name], counts, NOTES.get(name, "")) for name in names]
    understood = [name for name in names if name not in NOTES]
    rows.append(_row("all that are understood", understood, counts))
    rows.append(_row("and what is out of reach", [n for n in names if n not in WRONG], counts))
    return "\n".join([f"{'alteration':<28}{'tokens':>8}{'restored':>10}{'rate':>9}", *rows])


def _row(title: str, names: list[str], counts: Count, note: str = "") -> str:
    asked, back = (sum(counts[name, what] for name in names) for what in ("repeated", "restored"))
    return f"{title:<28}{asked:>8}{back:>10}{back / asked:>9.2%}  {note}".rstrip()


# -- the engine -------------------------------------------------------------------------------------------------------

ASKS = (
    "Repeat this text exactly: Call {0} or write to {1}.",
    "Write a short letter that tells the reader to call {0}.",
    'Answer with this JSON and nothing else: {{"phone": "{0}", "email": "{1}"}}',
    "Translate into French: My number is {0} and my address is {1}.",
    "Make a Markdown list of these: {0}, {1}.",
)


def engine(node: Gateway, requests: int, seed: int = 2) -> tuple[Counter[str], list[str]]:
    """Ask the small model with and without tokens in its way; what it wrote, and whether the client got the values."""
    source = Random(seed)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(requests):
        pair = values(source)
        vault = Mint(SECRET.encode()).vault("")
        tokens = [vault.issue(kind, value) for kind, value in zip(("CN_MOBILE", "EMAIL"), pair, strict=True)]
        ask = ASKS[number % len(ASKS)]
        limits = {"max_tokens": 96, "temperature": 0, "seed": 7}
        raw = _ask(node, "/raw/chat/completions", ask.format(*tokens), limits)
        got = _ask(node, "/v1/chat/completions", ask.format(*pair), {**limits, "stream": True})
        counts["attempts to write a token"] += len(re.findall(r"P\W{0,2}I\W{0,2}I[_\W]", raw, re.IGNORECASE))
        counts["written as it was"] += sum(raw.count(token) for token in tokens)
        expected = _restored(vault, raw)
        counts["restored"] += sum(expected.count(value) for value in pair)
        # The engine does not write the same twice to the letter, so the two answers are counted and not compared.
        counts["values that the client got"] += sum(got.count(value) for value in pair)
        if _restored(vault, got) != got:
            wrong.append(f"engine, request {number}: a token was left in {got!r}")
    return counts, wrong


def _restored(vault: Vault, text: str) -> str:
    restorer = Restorer(vault)
    return restorer.feed(text) + restorer.flush()


def _ask(node: Gateway, path: str, content: str, more: dict[str, Any]) -> str:
    body = {"model": "small", "messages": [{"role": "user", "content": content}], **more}
    answer = exchange(node.url, post(path, body))
    assert answer.status == 200, answer.body
    return texts(answer, "stream" in more).get("content", "")


# -- both -------------------------------------------------------------------------------------------------------------


def configuration(model: AlteringModel, with_engine: bool) -> dict[str, Any]:
    """A node with the altering model and, perhaps, the engine; below `/raw` nothing is replaced."""
    rules = [{"routes": ["/raw"], "actions": {"*": "report"}}]
    config = settings(privacy={**PRIVACY, "rules": rules}, routes=[{"prefix": "/raw"}])
    config["providers"]["altering"] = {"type": "openai", "base_url": model.url, "key": "env:UPSTREAM_KEY"}
    config["models"]["altering"] = {"deployments": [{"provider": "altering"}]}
    if with_engine:
        add_engine(config)
    return config


def main(arguments: list[str] | None = None) -> int:
    """Measure; 0 when all came back as it must."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.restore", description=__doc__.partition(":")[0]
    )
    parser.add_argument("--requests", type=int, default=2000, help="asked of the altering model (2000)")
    parser.add_argument("--engine", type=int, default=20, help="asked of the engine (20; 0: none)")
    chosen = parser.parse_args(arguments)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="seekgate-restore-") as folder, altering_model() as model:
        config = configuration(model, chosen.engine > 0)
        with gateway(Path(folder), config, environment={"TOKEN_KEY": SECRET}) as node:
            counts, wrong = altered(node, model, chosen.requests)
            print(table(counts))
            if chosen.engine:
                found, more = engine(node, chosen.engine)
                wrong += more
                print("\nsmall model in its engine")
                for name, count in found.items():
                    print(f"{name:<28}{count:>8}")
    for line in wrong[:20]:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
