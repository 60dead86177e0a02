"""The licences of all that is installed with Rarebeat: written to docs/licences.md, and checked against it.

    python .ci/licences.py            what `make audit` runs: exit code 1 and the reasons where something is wrong
    python .ci/licences.py --write    write the list anew, after `make lock`

What counts is what the packages say of themselves. A licence that asks more of those who pass Rarebeat on (the GPL and
its kin) may come in through DVC alone, which is a program beside Rarebeat: none of its code is imported.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution, metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
OWN, BESIDE = "rarebeat", "dvc"

STRONG = re.compile(r"\bA?GPL|General Public License", re.IGNORECASE)
"""Licences that may come in through DVC alone."""

SAID_ELSEWHERE = {
    "huey": "MIT",
    "mlcroissant": "Apache-2.0",
    "ptyprocess": "ISC License (ISCL)",
    "skops": "MIT",
}
"""Licences that stand in the licence file alone, of the package or of its source repository."""

_LONGEST = 60
_HEAD = "\n\n".join(
    (
        "# Licences of what is installed",
        "`make audit` checks this list against what the installed packages say of themselves; "
        "`python .ci/licences.py --write` makes it anew after `make lock`. Packages that are installed on other "
        "systems alone (such as CUDA's) are not in it.",
        "Licences of the GPL's kind come in through [DVC](https://dvc.org) alone, which runs beside Rarebeat: nothing "
        "of it is imported. They are marked with a star. `pygit2` has a linking exception; who uses `grandalf`, "
        "`dulwich` or `asyncssh` may choose their other licence.",
        "`constraints.txt` names versions and no hashes: it holds for every system and for every build of PyTorch "
        "(CPU, CUDA), whose files differ. Who needs hashes for one system makes them from it: "
        "`uv pip compile --generate-hashes constraints.txt`.",
        "| licence | packages |\n|---|---|\n",
    )
)


def licence_of(name: str) -> str:
    """What a package says of itself, in one line without bars."""
    if name in SAID_ELSEWHERE:
        return SAID_ELSEWHERE[name]
    told = metadata(name)
    field, expression = ((told.get_all(key) or [""])[0].strip() for key in ("License", "License-Expression"))
    classified = [
        entry.split("::")[-1].strip()
        for entry in told.get_all("Classifier") or []
        if entry.startswith("License ::") and not entry.endswith("OSI Approved")
    ]
    short = field if field and "\n" not in field and len(field) <= _LONGEST else ""
    return (expression or short or "; ".join(classified) or "unknown").replace("|", "/")


def required(name: str, without: str = "") -> Iterator[str]:
    """What is installed because a package asks for it, itself included, but for what ``without`` asks for."""
    waiting, seen = [(name, frozenset({"", "dev"}) if name == OWN else frozenset({""}))], set()
    while waiting:
        package, extras = waiting.pop()
        if (package, extras) in seen or package == without:
            continue
        seen.add((package, extras))
        try:
            needs = distribution(package).requires or []
        except PackageNotFoundError:  # on another system
            continue
        yield package
        for text in needs:
            need = Requirement(text)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append((canonicalize_name(need.name), frozenset({"", *need.extras})))


def installed() -> dict[str, str]:
    """Licence by package, of all that Rarebeat and its developers need."""
    return {name: licence_of(name) for name in sorted(set(required(OWN)) - {OWN})}


def page(licences: Mapping[str, str]) -> str:
    """The text of docs/licences.md."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, licence in licences.items():
        groups[licence].append(f"{name}*" if STRONG.search(licence) else name)
    rows = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return _HEAD + "".join(f"| {licence} | {', '.join(names)} |\n" for licence, names in rows)


def listed(text: str) -> dict[str, str]:
    """Licence by package, as the page says."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {name.rstrip("*"): licence for licence, names in rows[1:] for name in names.split(", ")}


def faults(licences: Mapping[str, str], on_page: Mapping[str, str], without_dvc: set[str]) -> list[str]:
    """What is wrong.

    Args:
        licences: by package, as installed.
        on_page: by package, as listed.
        without_dvc: packages that are needed whether or not DVC is.

    Returns:
        A sentence each.
    """
    found = []
    for name, licence in licences.items():
        if name not in on_page:
            found.append(f"{name} ({licence}) is not on the list")
        elif on_page[name] != licence:
            found.append(f"{name} says {licence!r}, the list {on_page[name]!r}")
        if licence == "unknown":
            found.append(f"{name} does not say what its licence is")
        if STRONG.search(licence) and name in without_dvc:
            found.append(f"{name} ({licence}) is needed by more than {BESIDE}")
    return found


def main() -> int:
    """Check the list, or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write docs/licences.md")
    licences = installed()
    if parser.parse_args().write:
        PAGE.write_text(page(licences), encoding="utf-8")
    on_page = listed(PAGE.read_text(encoding="utf-8"))
    found = faults(licences, on_page, set(required(OWN, without=BESIDE)))
    print(*found, f"{len(licences)} packages, {len(found)} faults", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
