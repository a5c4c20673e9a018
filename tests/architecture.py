"""Rules of the code's shape, as functions that name every breach; tests/test_architecture.py holds them.

Each takes the source as text, so that a test can plant a breach. An empty list means that the rule holds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

# A package may import what stands on a lower step, and itself. Nobody imports a neighbour of the same step.
STEPS = (
    {"errors", "limits", "logs"},
    {"core"},
    {"config", "keyring"},
    {"store", "outgoing"},
    {"client", "hub", "report"},
    {"serving"},
    {"cli", "desk", "web", "witness"},
    {"demo", "schemas", "server"},
)
NEIGHBOURS_MAY_MEET = ({"errors", "limits"}, {"config", "keyring"})
# The command line starts the witness and the desk's own server; nobody else imports them.
MAY_START = {("cli", "witness"), ("cli", "desk")}
STEP_OF = {name: step for step, names in enumerate(STEPS) for name in names}

CORE_PACKAGES = {"pydantic", "pydantic_core", "annotated_types", "cryptography", "joserfc", "rfc8785"}
# The standard library as far as it has no clock, disk, network, randomness or event loop.
CORE_STANDARD = {
    *("__future__", "abc", "base64", "binascii", "bisect", "collections", "copy", "dataclasses", "datetime"),
    *("enum", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math", "operator", "re"),
    *("string", "struct", "types", "typing", "unicodedata", "uuid"),
}
CORE_NAMES_REFUSED = {"print", "open", "input", "eval", "exec", "compile", "__import__", "breakpoint"}
CORE_CALLS_REFUSED = {
    *("now", "utcnow", "today", "uuid1", "uuid4", "urandom", "token_bytes", "token_urlsafe"),
    *(
        "generate",
        "generate_key",
        "generate_private_key",
        "read_text",
        "write_text",
        "read_bytes",
        "write_bytes",
    ),
}
ERROR_CLASSES = {"RefusedError", "UsageError", "UnreachableError", "FaultError", "PocError"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


@dataclass(frozen=True)
class Module:
    """One Python file of ours: its dotted name and its text."""

    name: str
    source: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def package(self) -> str:
        """The part of `poc` it belongs to: `core` of `poc.core.keys`, `server` of `server`."""
        return self.name.removeprefix("poc.").split(".")[0]


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Every module imported anywhere in a file, with its line; relative imports are made absolute."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = module.name.split(".")[: -node.level]
                base = ".".join([*parent, base]).rstrip(".")
            # `from poc import hub` imports poc.hub.
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "poc" else [base]
            yield from ((node.lineno, name) for name in names)
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, argument.value


def _called(node: ast.Call) -> str:
    """The last name of what is called: `now` of `datetime.now()`, `print` of `print()`."""
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def upward_imports(module: Module) -> list[str]:
    """Imports that do not point downward."""
    here = module.package
    if here == "poc":
        return [
            f"{module.name}:{line} imports {name}"
            for line, name in imports(module)
            if name.startswith("poc.")
        ]
    if here not in STEP_OF:
        return [f"{module.name}: say in STEPS on which step poc.{here} stands"]
    breaches = []
    for line, name in imports(module):
        if not name.startswith("poc."):
            continue
        there = name.split(".")[1]
        meet = (here, there) in MAY_START or any({here, there} <= names for names in NEIGHBOURS_MAY_MEET)
        if there != here and not meet and STEP_OF.get(there, len(STEPS)) >= STEP_OF[here]:
            breaches.append(f"{module.name}:{line} imports {name}")
    return breaches


def impurities(module: Module) -> list[str]:
    """What core may not do: import beyond its list, wait, or ask for time, randomness, disk or a person."""
    breaches = []
    for line, name in imports(module):
        top = name.split(".")[0]
        if top != "poc" and top not in CORE_PACKAGES | CORE_STANDARD:
            breaches.append(f"{module.name}:{line} imports {name}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            breaches.append(f"{module.name}:{node.lineno} is asynchronous")
        elif isinstance(node, ast.Call):
            name = _called(node)
            refused = CORE_NAMES_REFUSED if isinstance(node.func, ast.Name) else CORE_CALLS_REFUSED
            if name in refused:
                breaches.append(f"{module.name}:{node.lineno} calls {name}()")
    return breaches


def undocumented(module: Module) -> list[str]:
    """The module and its public classes, functions and methods that have no docstring."""
    tree = module.tree
    breaches = [] if ast.get_docstring(tree) else [f"{module.name}: no docstring"]
    breaches += [
        f"{module.name}:{node.lineno} {name} has no docstring"
        for name, node in _public(tree, "")
        if not ast.get_docstring(node) and not _is_repetition(node)
    ]
    return breaches


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _public(parent: ast.Module | ast.ClassDef, path: str) -> Iterator[tuple[str, Definition]]:
    for node in parent.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield path + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{path}{node.name}.")


def _is_repetition(node: Definition) -> bool:
    """Overloads and setters say again what another definition promises."""
    marks = {
        mark.attr if isinstance(mark, ast.Attribute) else getattr(mark, "id", "")
        for mark in node.decorator_list
    }
    return bool(marks & {"overload", "setter", "override"})


def too_long(module: Module) -> list[str]:
    """A module over 400 lines whose docstring does not say `over 400 lines` and why; a function over 60."""
    breaches = []
    lines = len(module.source.splitlines())
    why = " ".join((ast.get_docstring(module.tree) or "").split())
    if lines > MODULE_LINES_MAX and "over 400 lines" not in why.lower():
        breaches.append(f"{module.name}: {lines} lines; split it, or say at its top why it is over 400 lines")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            length = (node.end_lineno or 0) - first.lineno + 1
            if length > FUNCTION_LINES_MAX:
                breaches.append(f"{module.name}:{node.lineno} {node.name} has {length} lines; split it")
    return breaches


def unfinished(module: Module) -> list[str]:
    """Marks of work left for later."""
    return [
        f"{module.name}:{number} says {found[0]}"
        for number, line in enumerate(module.source.splitlines(), start=1)
        if (found := UNFINISHED.search(line))
    ]


def raised_codes(module: Module) -> list[tuple[int, str]]:
    """Codes given as text where an error is made, with their lines."""
    return [
        (node.lineno, code.value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _called(node) in ERROR_CLASSES
        for code in node.args[:1]
        if isinstance(code, ast.Constant) and isinstance(code.value, str)
    ]


def unknown_codes(module: Module, catalogue: set[str]) -> list[str]:
    """Errors made with a code that no row of the catalogue explains."""
    return [
        f"{module.name}:{line} raises {code}, which the catalogue lacks"
        for line, code in raised_codes(module)
        if code not in catalogue
    ]


def unused_codes(modules: list[Module], catalogue: set[str]) -> list[str]:
    """Rows of the catalogue whose code stands in no other module."""
    said = {
        node.value
        for module in modules
        if module.name != "poc.errors"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return [f"{code} stands in the catalogue and nowhere else" for code in sorted(catalogue - said)]
