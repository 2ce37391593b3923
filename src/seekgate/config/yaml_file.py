"""YAML 1.2's core schema, strictly, read from PyYAML's event stream into a `Tree`.

Why not `yaml.safe_load`: it forgets positions, keeps the last of two equal keys, reads ``off`` and ``no`` as booleans
(YAML 1.1) and expands aliases without bound. Here ``true``/``false``, ``null``/``~``, integers and decimal numbers are
typed, everything else is text; keys are always text. Explicit tags and merge keys (``<<``) are refused, aliases are
allowed until the whole document has `MAX_NODES` values.

``${NAME}`` and ``${NAME:-default}`` in a value are replaced by an environment variable; ``$${`` writes ``${``. As in a
shell, ``:-`` also replaces an empty variable. A plain value is typed after the replacement, so that ``${N:-2}`` can be
a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath

import yaml

from seekgate.config.problems import ConfigError, Problem, in_order
from seekgate.config.tree import Mark, Path, Tree, dotted

MAX_BYTES = 1_048_576
MAX_NODES = 50_000
MAX_DEPTH = 32
_MAX_VALUE = 65_536

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,30}\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,16}\Z")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,4})?\Z")
_CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_TAG = re.compile("[a-z][a-z0-9/:._]{0,40}").fullmatch
_VARIABLE = re.compile(
    r"\$(?P<escape>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{"
)


def read_tree(path: FilePath, variables: Mapping[str, str]) -> tuple[Tree, list[Problem]]:
    """`parse_tree` of a file. Raise `ConfigError` when it cannot be read or is not YAML at all."""
    name = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([Problem(name, 0, 0, "", f"cannot read the file: {error.strerror}")]) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError([Problem(name, 0, 0, "", f"the file is larger than {MAX_BYTES} bytes")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(name, line, 1, "", "not UTF-8 text")]) from error
    return parse_tree(text, name, variables)


def parse_tree(text: str, name: str, variables: Mapping[str, str]) -> tuple[Tree, list[Problem]]:
    """The document and what is wrong with it short of its syntax (equal keys, tags, unset variables).

    Raise `ConfigError` for a syntax error, a second document, or a document past the bounds above.
    """
    try:
        events = list(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax(name, error)]) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise ConfigError(
            [Problem(name, 0, 0, "", "not valid YAML: a character that YAML does not allow")]
        ) from error
    starts = [event for event in events if isinstance(event, yaml.DocumentStartEvent)]
    if len(starts) > 1:
        second = _mark(starts[1])
        raise ConfigError([Problem(name, second.line, 1, "", "a second document", "one document in a file")])
    builder = _Builder(Tree(name), events, variables)
    if starts:
        builder.tree.data = builder.value((), 0)
    if isinstance(builder.tree.data, dict | None):
        builder.tree.data = builder.tree.data or {}
    else:
        builder.problems.append(
            builder.tree.problem((), "the file is not a mapping", "lines such as 'listen: …'")
        )
        builder.tree.data = {}
    builder.tree.marks.setdefault((), Mark(1, 1))
    return builder.tree, list(in_order(builder.problems))


class _Builder:
    """Walks the events once; an alias walks its anchor's events again."""

    def __init__(self, tree: Tree, events: list[yaml.Event], variables: Mapping[str, str]) -> None:
        self.tree = tree
        self.problems: list[Problem] = []
        self._events = events
        self._variables = variables
        self._position = 2  # past the starts of the stream and of the document
        self._anchors: dict[str, int] = {}
        self._nodes = 0

    def value(self, path: Path, depth: int) -> object:
        """Build the node that begins at the current event."""
        start = self._position
        event = self._events[start]
        self._position += 1
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._fatal(event, f"more than {MAX_NODES} values, aliases included")
        if depth > MAX_DEPTH:
            raise self._fatal(event, f"nested more than {MAX_DEPTH} levels deep")
        self.tree.marks.setdefault(path, _mark(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, depth)
        built: object
        if isinstance(event, yaml.MappingStartEvent):
            self._refuse_tag(event, path)
            built = self._mapping(path, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._refuse_tag(event, path)
            built = self._sequence(path, depth)
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_tag(event, path)
            built = self._scalar(event, path)
        else:
            raise self._fatal(event, "a value is missing")
        if event.anchor is not None:
            self._anchors[event.anchor] = start
        return built

    def _alias(self, event: yaml.AliasEvent, path: Path, depth: int) -> object:
        start = self._anchors.get(event.anchor or "")
        if start is None:
            raise self._fatal(
                event, "an alias without a complete anchor above it (text that begins with * needs quotes)"
            )
        after, self._position = self._position, start
        built = self.value(path, depth)
        self._position = after
        return built

    def _mapping(self, path: Path, depth: int) -> dict[str, object]:
        built: dict[str, object] = {}
        while not isinstance(self._events[self._position], yaml.MappingEndEvent):
            event = self._events[self._position]
            if not isinstance(event, yaml.ScalarEvent):
                raise self._fatal(event, "a key that is not plain text")
            self._refuse_tag(event, path)
            self._position += 1
            key = event.value
            inner = (*path, key)
            if key in built:
                first = self.tree.key_marks[inner].line
                mark = _mark(event)
                what = f"the key {key[:60]!r} stands here a second time (first on line {first})"
                self.problems.append(Problem(self.tree.file, mark.line, mark.column, dotted(path), what))
                self._skip(depth)
                continue
            if key == "<<" and event.style in (None, ""):
                mark = _mark(event)
                what = "merge keys (<<) are not supported"
                self.problems.append(
                    Problem(
                        self.tree.file,
                        mark.line,
                        mark.column,
                        dotted(path),
                        what,
                        "an alias of a whole value",
                    )
                )
                self._skip(depth)
                continue
            self.tree.key_marks[inner] = _mark(event)
            if not isinstance(self._events[self._position], yaml.ScalarEvent):
                self.tree.marks[inner] = _mark(event)
            built[key] = self.value(inner, depth + 1)
        self._position += 1
        return built

    def _skip(self, depth: int) -> None:
        """Build a value nobody will see, without leaving its positions or problems behind."""
        tree, problems = self.tree, self.problems
        self.tree, self.problems = Tree(tree.file), []
        self.value((), depth + 1)
        self.tree, self.problems = tree, problems

    def _sequence(self, path: Path, depth: int) -> list[object]:
        built: list[object] = []
        while not isinstance(self._events[self._position], yaml.SequenceEndEvent):
            built.append(self.value((*path, len(built)), depth + 1))
        self._position += 1
        return built

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> object:
        text: str = event.value
        if "${" in text:
            self.tree.sources[path] = text
            text = self._fill(text, path)
        if event.style not in (None, "") or event.tag is not None:
            return text
        return typed(text)

    def _fill(self, text: str, path: Path) -> str:
        def replace(match: re.Match[str]) -> str:
            if match["escape"]:
                return "${"
            name, default = match["name"], match["default"]
            if name is None:
                self.problems.append(
                    self.tree.problem(
                        path, "a variable is not closed or misnamed", "${NAME} or ${NAME:-default}"
                    )
                )
                return ""
            found = self._variables.get(name)
            if default is not None:
                return found or default
            if found is None:
                what = f"the environment variable {name} is not set"
                self.problems.append(
                    self.tree.problem(path, what, f"it to be set, or a default: ${{{name}:-default}}")
                )
            return found or ""

        filled = _VARIABLE.sub(replace, text)
        if len(filled) > _MAX_VALUE:
            self.problems.append(
                self.tree.problem(path, f"longer than {_MAX_VALUE} characters once filled in")
            )
            return ""
        return filled

    def _refuse_tag(self, event: yaml.NodeEvent, path: Path) -> None:
        tag = getattr(event, "tag", None)
        if tag is None or (tag == "tag:yaml.org,2002:str" and isinstance(event, yaml.ScalarEvent)):
            return
        mark = _mark(event)
        kind = tag.removeprefix("tag:yaml.org,2002:")
        if kind != tag and _TAG(kind):
            what = f"the tag '!!{kind}' is not supported"
        else:
            what = "tags are not supported (text that begins with ! needs quotes)"
        self.problems.append(
            Problem(self.tree.file, mark.line, mark.column, dotted(path), what, "a plain value")
        )

    def _fatal(self, event: yaml.Event, what: str) -> ConfigError:
        mark = _mark(event)
        return ConfigError([*self.problems, Problem(self.tree.file, mark.line, mark.column, "", what)])


def typed(text: str) -> object:
    """A plain scalar as YAML 1.2's core schema types it; infinities and not-a-number stay text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text):
        return int(text)
    if _HEXADECIMAL.match(text):
        return int(text, 16)
    if _DECIMAL.match(text):
        return float(text)
    return text


def _syntax(name: str, error: yaml.MarkedYAMLError) -> Problem:
    """Where the parser gave up, and where the construct began that it was in: the mistake is between the two."""
    where, context = error.problem_mark or error.context_mark, error.context
    if context and error.context_mark and where and error.context_mark.line != where.line:
        context += f" that begins on line {error.context_mark.line + 1}"
    what = ": ".join(part for part in ("not valid YAML", context, error.problem) if part)
    return Problem(name, where.line + 1 if where else 0, where.column + 1 if where else 0, "", what)


def _mark(event: yaml.Event) -> Mark:
    mark = event.start_mark
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(0, 0)
