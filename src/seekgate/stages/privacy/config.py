"""Settings of privacy: what is looked for in requests and answers, and what is done with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from seekgate.config.compiled.privacy import Action, AnswerAction
from seekgate.config.context import Context
from seekgate.config.fields import FilePath, Name, Prefix, SecretReference, Section
from seekgate.config.problems import Invalid, Problem, did_you_mean, one_of
from seekgate.config.secrets import SecretError
from seekgate.config.tree import Path
from seekgate.stages.privacy.detect.kinds import KINDS
from seekgate.stages.privacy.key import MIN_CHARACTERS
from seekgate.stages.privacy.state import ANY
from seekgate.stages.privacy.tokens import LOOK_ALIKE, MAX_TYPE

CLASSES = ("personal", "financial", "secret")

_TYPE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_CLASS = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def _type(value: str) -> str:
    if _TYPE.fullmatch(value) and len(value) <= MAX_TYPE and value != LOOK_ALIKE:
        return value
    raise Invalid(
        "not a usable type", f"up to {MAX_TYPE} capital letters, digits and underscores, such as STAFF_ID"
    )


def _class(value: str) -> str:
    if _CLASS.fullmatch(value):
        return value
    raise Invalid(
        "not a usable data class", "small letters, digits, - and _, such as personal or trade-secret"
    )


Type = Annotated[
    str,
    AfterValidator(_type),
    WithJsonSchema({"type": "string", "pattern": _TYPE.pattern, "maxLength": MAX_TYPE}),
]
DataClass = Annotated[
    str,
    AfterValidator(_class),
    WithJsonSchema({"type": "string", "pattern": _CLASS.pattern, "examples": [*CLASSES]}),
]
Word = Annotated[str, Field(min_length=1, max_length=256)]


class Own(Section):
    """A detector of your own."""

    type: Type = Field(
        description="What it finds, as tokens, masks and records name it. Several may share a type."
    )
    data_class: DataClass = Field(
        default="personal", description="The label that its findings give a request."
    )
    action: Action = Field(default="mask", description="What is done with them unless a rule says otherwise.")
    patterns: list[Word] = Field(
        default=[], description="Regular expressions (hyperscan's: no look-around, no back-references)."
    )
    words: list[Word] = Field(default=[], description="Words and phrases.")
    words_file: FilePath | None = Field(
        default=None, description="A UTF-8 file with one word or phrase a line."
    )
    cased: bool = Field(default=False, description="Whether capital and small letters differ.")


class Rule(Section):
    """Actions for the requests that fit all that is given here. The first rule that names a type decides."""

    roles: list[Name] = Field(default=[], description="The caller has one of these roles.")
    routes: list[Prefix | Literal[""]] = Field(
        default=[], description='The request came in by one of these route prefixes (`""`: by none).'
    )
    tiers: list[Literal["core", "non-core"]] = Field(
        default=[], description="The tier of the caller's application."
    )
    classes: list[DataClass] = Field(
        default=[], description="Something of one of these data classes was found in the request."
    )
    actions: dict[str, Action] = Field(
        min_length=1, description="What is done, by type, by data class, or `*` for everything else."
    )


class Tokens(Section):
    """How reversible tokens are made."""

    key: SecretReference | None = Field(
        default=None,
        description="The secret that tokens are hashed under; nodes of one installation share it. By default one of "
        "this node's own, made once.",
    )
    numbering: Literal["hash", "conversation"] = Field(
        default="hash",
        description="`hash`: a value of an organisation has the same token in every request, so that provider caches "
        "keep hitting. `conversation`: tokens are numbered in each request, and the provider cannot link them.",
    )


class Answers(Section):
    """What is looked for in answers."""

    actions: dict[str, AnswerAction] = Field(
        min_length=1,
        description="`mask`, `block` or `report`, by type, by data class, or `*`. What is not named is let through.",
    )
    window: int = Field(
        default=64,
        ge=32,
        le=4096,
        description="Characters of a stream's text that are held back to be judged whole.",
    )


class Privacy(Section):
    """Personal data and secrets in requests and answers."""

    types: list[str] | None = Field(
        default=None, description="What is looked for; everything that is built in without it."
    )
    own: list[Own] = Field(default=[], description="Detectors of your own.")
    actions: dict[str, Action] = Field(
        default={},
        description="What is done with findings, by type, by data class, or `*`: `mask` (part of it is hidden), "
        "`token` (replaced until the answer is back), `block`, `private` (only deployments of tier private answer), "
        "`report`. By default what the type's own default is.",
    )
    rules: list[Rule] = Field(default=[], description="Other actions for some requests.")
    tokens: Tokens = Field(default=Tokens(), description="How `token` works.")
    answers: Answers | None = Field(
        default=None, description="What is looked for in answers; nothing without it."
    )


def check(context: Context) -> Iterator[Problem]:
    """Types and classes that nothing finds, patterns that cannot be used, files and secrets that cannot be read."""
    tree = context.tree
    if not isinstance(tree.at(("privacy",)), dict):
        return
    types = [*KINDS, *(name for _, name in tree.texts("privacy.own.*.type"))]
    for path, name in tree.texts("privacy.types.*"):
        if name not in KINDS:
            yield _unknown(context, path, name, list(KINDS), "no type is called", key=False)
    labels = [*CLASSES, *(name for _, name in tree.texts("privacy.own.*.data_class"))]
    known = [*dict.fromkeys((*types, *labels, ANY))]
    for where in ("privacy.actions", "privacy.rules.*.actions", "privacy.answers.actions"):
        for path, actions in tree.select(where):
            for name in actions if isinstance(actions, dict) else ():
                if name not in known:
                    what = "no type or data class is called"
                    yield _unknown(context, (*path, name), str(name), known, what, key=True)
    prefixes = ["", *(prefix for _, prefix in tree.texts("routes.*.prefix"))]
    for path, prefix in tree.texts("privacy.rules.*.routes.*"):
        yield from context.known(path, prefix, prefixes, "route")
    for path, label in tree.texts("privacy.rules.*.classes.*"):
        yield from context.known(path, label, list(dict.fromkeys(labels)), "data class")
    yield from _own(context)
    yield from _key(context)


def _unknown(context: Context, path: Path, name: str, known: list[str], what: str, *, key: bool) -> Problem:
    return context.tree.problem(
        path, f"{what} {name[:60]!r}", one_of(known), did_you_mean(name, known), key=key
    )


def _own(context: Context) -> Iterator[Problem]:
    tree = context.tree
    for path, entry in tree.select("privacy.own.*"):
        if isinstance(entry, dict) and not any(entry.get(key) for key in ("patterns", "words", "words_file")):
            yield tree.problem(path, "a detector that looks for nothing", "patterns, words or words_file")
    for path, file in tree.texts("privacy.own.*.words_file"):
        yield from context.readable(path, file)
    patterns = list(tree.texts("privacy.own.*.patterns.*"))
    if not patterns and not context.outside:
        return
    try:
        from seekgate.stages.privacy.detect import Detector, Own, PatternError
    except ImportError:
        yield tree.problem(
            ("privacy",), "hyperscan is not installed", "the extra: pip install 'seekgate[privacy]'"
        )
        return
    for path, pattern in patterns:
        try:
            Detector((), [Own("OWN", (pattern,))])
        except PatternError as error:
            yield tree.problem(
                path, f"the pattern cannot be used: {error}", "an expression that hyperscan knows"
            )
        except ImportError:
            yield tree.problem(
                ("privacy",), "hyperscan is not installed", "the extra: pip install 'seekgate[privacy]'"
            )
            return


def _key(context: Context) -> Iterator[Problem]:
    for path, reference in context.tree.texts("privacy.tokens.key"):
        problems = list(context.secret(path, reference))
        yield from problems
        if context.outside and not any(not problem.warning for problem in problems):
            try:
                found = context.resolver.resolve(context.located_reference(reference))
            except SecretError:
                continue  # it is no reference, which the type check says
            if len(found) < MIN_CHARACTERS:
                what = f"the key is too short ({len(found)} characters)"
                yield context.tree.problem(path, what, f"at least {MIN_CHARACTERS} characters")
