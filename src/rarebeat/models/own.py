"""Networks of one's own: a class in a file beside the project, named ``my_module:MyNet`` in the params.

The file is ``own/networks/my_module.py`` under the working directory, or else a module on Python's path. A model folder
says which class its weights belong to and the digest of its file, and never where the file lies: code runs only where
its user has put it, and only while it is the code that was trained.
"""

import importlib.util
import inspect
import sys
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic.dataclasses import dataclass

from rarebeat.core.errors import ParamsError
from rarebeat.core.files import digest
from rarebeat.core.params import STRICT
from rarebeat.models.layers import TwoStepNetwork

NETWORKS = Path("own/networks")
"""Where files of networks of one's own lie, relative to the working directory."""


@dataclass(frozen=True, config=STRICT)
class NoSettings:
    """The settings of a network that has none."""


def is_own(name: str) -> bool:
    """Whether the name of a network is that of one's own.

    Example:
        >>> is_own("my_module:MyNet"), is_own("hughes34")
        (True, False)
    """
    return ":" in name


def own_file(name: str) -> Path:
    """The file that a network of one's own is in.

    Args:
        name: ``my_module:MyNet``.

    Returns:
        ``own/networks/my_module.py``, or the file of the module of that name on Python's path.

    Raises:
        ParamsError: when the name is none of a module and a class, or there is no such file.
    """
    module, _, kind = name.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), kind]):
        raise ParamsError(f"network {name!r}: a network of one's own is named my_module:MyNet")
    place = NETWORKS.joinpath(*module.split(".")).with_suffix(".py")
    if place.is_file():
        return place
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        raise ParamsError(
            f"network {name!r}: there is no {place} here, and no module {module!r} on Python's path"
        )
    return Path(found.origin)


def own_digest(name: str) -> str:
    """What identifies the code of a network of one's own: the SHA-256 of its file.

    Raises:
        ParamsError: as :func:`own_file`.
    """
    return digest(own_file(name))


def load_own(name: str) -> tuple[type[Any], type[TwoStepNetwork]]:
    """Import a network of one's own.

    Args:
        name: ``my_module:MyNet``.

    Returns:
        Its settings dataclass and its class. The settings are ``MyNet.Settings``, where the class has that; otherwise
        there are none.

    Raises:
        ParamsError: as :func:`own_file`; when the file cannot be imported, has no such class, or the class is no
            :class:`rarebeat.models.layers.TwoStepNetwork` that begins as networks do.
    """
    path = own_file(name)
    kind = getattr(_module(path), name.partition(":")[2], None)
    if not (inspect.isclass(kind) and issubclass(kind, TwoStepNetwork)):
        raise ParamsError(f"network {name!r}: {path} has no class of that name made from TwoStepNetwork")
    settings = getattr(kind, "Settings", NoSettings)
    if not (inspect.isclass(settings) and is_dataclass(settings)):
        raise ParamsError(f"network {name!r}: its Settings must be a dataclass")
    return settings, kind


def _module(path: Path) -> ModuleType:
    """The module of a file, run once for each content that the file has."""
    key = f"rarebeat_own_{path.stem}_{digest(path)[:16]}"
    if key in sys.modules:
        return sys.modules[key]
    spec = importlib.util.spec_from_file_location(key, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module  # dataclasses look their module up while it is run
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever somebody else's code may raise
        del sys.modules[key]
        raise ParamsError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module
