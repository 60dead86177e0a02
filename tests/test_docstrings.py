"""Docstrings have one form: a first line that is whole, then headings of one set, in one order, that tell the truth."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "rarebeat"
HEADINGS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Source", "Example")
HEADING = re.compile(r"([A-Z]\w*):")
ENTRY = re.compile(r" {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*):(?: |$)")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


def complaints(source: str, commands: bool = False) -> list[str]:
    """What is wrong with the docstrings of a module's public names.

    Args:
        source: the text of the module.
        commands: its functions are commands, whose docstrings are shown as help: no word of exceptions there.
    """
    found = []
    for name, node in public_names(ast.parse(source)):
        docstring = ast.get_docstring(node)
        wrong = ["no docstring"] if not docstring else [*form(docstring), *truth(node, docstring)]
        silent = docstring and "Raises" not in dict(sections(docstring))
        if silent and is_function(node) and not commands and raised(node):
            wrong.append(f"raises {', '.join(raised(node))} without a word")
        found += [f"{name}: {text}" for text in wrong]
    return found


def public_names(node: Documented, prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """The module, and the public functions, classes and methods in it."""
    yield prefix or "module", node
    for child in () if is_function(node) else node.body:
        if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield from public_names(child, f"{prefix}.{child.name}" if prefix else child.name)


def is_function(node: ast.AST) -> bool:
    return isinstance(node, Function)


def form(docstring: str) -> Iterator[str]:
    first = docstring.splitlines()[0]
    if not first.endswith((".", ":")):
        yield f"the first line does not end: {first!r}"
    headings = [heading for heading, _ in sections(docstring)]
    if unknown := set(headings) - set(HEADINGS):
        yield f"unknown heading {', '.join(sorted(unknown))}"
    elif headings != [heading for heading in HEADINGS if heading in headings]:
        yield f"headings in another order: {', '.join(headings)}"
    for heading, lines in sections(docstring):
        if not lines:
            yield f"nothing stands under {heading}"
        if heading == "Example" and not any(line.lstrip().startswith(">>>") for line in lines):
            yield "the example is no doctest"


def sections(docstring: str) -> list[tuple[str, list[str]]]:
    """Each heading with the indented lines that follow it."""
    found: list[tuple[str, list[str]]] = []
    inside = False
    for line in docstring.splitlines()[1:]:
        if match := HEADING.fullmatch(line.rstrip()):
            found.append((match[1], []))
            inside = True
        elif line and not line.startswith(" "):
            inside = False
        elif line and inside:
            found[-1][1].append(line)
    return found


def truth(node: Documented, docstring: str) -> Iterator[str]:
    """Where Args or Attributes stands, it names all parameters or fields, and no others."""
    by_heading = dict(sections(docstring))
    if "Args" in by_heading and isinstance(node, Function):
        parameters = set(parameter_names(node)) - {"self", "cls"}
        yield from differences("Args", named(by_heading["Args"]), parameters, parameters)
    if "Attributes" in by_heading and isinstance(node, ast.ClassDef):
        fields = {entry.target.id for entry in node.body if is_field(entry)}
        public = {field for field in fields if not field.startswith("_")}
        yield from differences(
            "Attributes", named(by_heading["Attributes"]), fields | own_names(node), public
        )


def named(lines: list[str]) -> set[str]:
    entries = [match[1] for line in lines if (match := ENTRY.match(line))]
    return {name.strip().lstrip("*") for entry in entries for name in entry.split(",")}


def differences(heading: str, named: set[str], known: set[str], needed: set[str]) -> Iterator[str]:
    if named - known:
        yield f"{heading} names {', '.join(sorted(named - known))}, which there is not"
    if needed - named:
        yield f"{heading} leaves out {', '.join(sorted(needed - named))}"


def parameter_names(function: Function) -> list[str]:
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [entry.arg for entry in (*plain, arguments.vararg, arguments.kwarg) if entry is not None]


def is_field(entry: ast.stmt) -> bool:
    return isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name)


def own_names(node: ast.ClassDef) -> set[str]:
    """Properties, members of an enumeration, and what is set on self."""
    methods = {child.name for child in node.body if isinstance(child, Function)}
    members = {
        target.id
        for child in node.body
        if isinstance(child, ast.Assign)
        for target in child.targets
        if isinstance(target, ast.Name)
    }
    on_self = {
        child.attr
        for child in ast.walk(node)
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name) and child.value.id == "self"
    }
    return methods | members | on_self


def raised(node: ast.AST) -> list[str]:
    """The exceptions that a function raises itself, not in a function within it."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise) and child.exc is not None:
            found.append(ast.unparse(child.exc.func if isinstance(child.exc, ast.Call) else child.exc))
        if not isinstance(child, Function | ast.ClassDef | ast.Lambda):
            found += raised(child)
    return found


def test_the_docstrings_of_every_public_name_have_the_one_form() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE.parent)
        for text in complaints(path.read_text(encoding="utf-8"), commands=path.parent.name == "cli"):
            found.append(f"{module}: {text}")
    assert not found, "\n" + "\n".join(found)


GOOD = '''"""A module."""
def mean(values, *more):
    """The mean of some numbers.

    Args:
        values: shape (n,).
        more: further arrays.

    Returns:
        A number.

    Raises:
        ValueError: when there are none.

    Example:
        >>> mean([1, 3])
        2
    """
    if not values:
        raise ValueError("no values")
'''


def test_a_function_of_the_one_form_is_left_alone() -> None:
    assert complaints(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"""A module."""', "", "module: no docstring"),
        ("some numbers.", "some numbers", "the first line does not end: 'The mean of some numbers'"),
        ("Returns:", "Result:", "unknown heading Result"),
        (
            "Returns:",
            "Yields:\n        Nothing.\n\n    Returns:",
            "headings in another order: .*Yields, Returns",
        ),
        ("        A number.", "", "nothing stands under Returns"),
        (">>> mean", "mean", "the example is no doctest"),
        ("values: shape", "numbers: shape", "Args names numbers, which there is not"),
        ("        more: further arrays.\n", "", "Args leaves out more"),
        ("    Raises:\n        ValueError: when there are none.\n", "", "raises ValueError without a word"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, complaint: str) -> None:
    found = "\n".join(complaints(GOOD.replace(old, new)))
    assert re.search(complaint, found)


def test_a_class_names_all_its_fields() -> None:
    source = (
        '"""A module."""\nclass Beat:\n    """One beat.\n\n    Attributes:\n        time: in s.\n    """\n'
    )
    assert complaints(source + "    time: float\n") == []
    assert complaints(source + "    time: float\n    lead: str\n") == ["Beat: Attributes leaves out lead"]
    assert complaints(source) == ["Beat: Attributes names time, which there is not"]


def test_help_of_a_command_may_be_silent_about_exceptions() -> None:
    silent = GOOD.replace("    Raises:\n        ValueError: when there are none.\n", "")
    assert complaints(silent, commands=True) == []


REFERENCE = re.compile(r":(?:func|data|class|mod|meth|attr|exc):`~?([\w.]+)`")
MODULES = {
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SOURCE.rglob("*.py")
}


def defined(source: str) -> set[str]:
    """All names that a module defines or imports."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.name for node in nodes if isinstance(node, Function | ast.ClassDef)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imports = [
        alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    ]
    return names | {alias.asname or alias.name.partition(".")[0] for alias in imports}


def dangling(module: str, source: str) -> list[str]:
    """References of a module's docstrings to what is not there; those to other packages are not looked at."""
    found = []
    for reference in REFERENCE.findall(source):
        parts = reference.split(".")
        lengths = [length for length in range(1, len(parts) + 1) if ".".join(parts[:length]) in MODULES]
        length = max(lengths, default=0)
        place = ".".join(parts[:length]) or module
        text = source if place == module else MODULES[place].read_text(encoding="utf-8")
        if parts[0] != "torch" and not defined(text) >= set(parts[length:]):
            found.append(reference)
    return found


def test_docstrings_refer_to_what_there_is() -> None:
    found = [
        f"{module}: {reference}"
        for module, path in MODULES.items()
        for reference in dangling(module, path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)
    text = '"""See :func:`rarebeat.core.files.atomic`, :func:`rarebeat.core.files.gone`, :data:`HERE`, :data:`GONE`."""'
    text += "\nHERE = 1\n"
    assert dangling("rarebeat.core.params", text) == ["rarebeat.core.files.gone", "GONE"]
