"""Label sets: which classes one model is trained on, chosen by name with ``heads`` in ``params.yaml``."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from rarebeat.core.errors import ParamsError

LabelSet = str | list[str]
"""``"all"``, or class ids."""


def resolve_label_set(
    label_sets: Mapping[str, LabelSet], heads: str, classes: Sequence[str]
) -> tuple[str, ...]:
    """The class ids of the label set that ``heads`` names, in the order of the vocabulary.

    Args:
        label_sets: the group ``label_sets`` of the params.
        heads: a name in it.
        classes: the class ids of the vocabulary.

    Raises:
        ParamsError: for a name or class that is unknown (with the closest ones), a class that stands twice,
            or an empty set.

    Example:
        >>> resolve_label_set({"common": ["sinus_rhythm"]}, "common", ["atrial_flutter", "sinus_rhythm"])
        ('sinus_rhythm',)
    """
    if heads not in label_sets:
        raise ParamsError(f"heads: no label set {heads!r} in label_sets{_hint(heads, label_sets)}")
    chosen = label_sets[heads]
    if chosen == "all":
        return tuple(classes)
    where = f"label_sets.{heads}"
    if not isinstance(chosen, list) or not all(isinstance(name, str) for name in chosen):
        raise ParamsError(f"{where} must be 'all' or a list of class ids, found {chosen!r}")
    unknown = [name for name in chosen if name not in classes]
    if unknown:
        raise ParamsError("\n".join(f"{where}: no class {name!r}{_hint(name, classes)}" for name in unknown))
    repeated = [name for name, times in Counter(chosen).items() if times > 1]
    if repeated:
        raise ParamsError(f"{where} names {', '.join(repeated)} more than once")
    if not chosen:
        raise ParamsError(f"{where} is empty: a model needs at least one class")
    return tuple(name for name in classes if name in chosen)


def _hint(name: str, known: Iterable[str]) -> str:
    """The names that come close to a misspelt one, or all."""
    known = list(known)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; there are: {', '.join(known)}"
