"""Label sets by name."""

import pytest

from rarebeat.core.errors import ParamsError
from rarebeat.training.label_sets import LabelSet, resolve_label_set

CLASSES = ("sinus_rhythm", "atrial_fibrillation", "atrial_flutter", "bigeminy")
SETS: dict[str, LabelSet] = {
    "all": "all",
    "rare_only": ["bigeminy", "atrial_flutter"],
    "misspelt": ["atrial_fluter", "sinus_rhythm"],
    "twice": ["bigeminy", "bigeminy"],
    "empty": [],
    "word": "most",
}


def test_all_is_the_whole_vocabulary() -> None:
    assert resolve_label_set(SETS, "all", CLASSES) == CLASSES


def test_the_order_is_that_of_the_vocabulary() -> None:
    assert resolve_label_set(SETS, "rare_only", CLASSES) == ("atrial_flutter", "bigeminy")


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ("rare_onyl", r"no label set 'rare_onyl' in label_sets; did you mean rare_only\?"),
        ("zzz", "no label set 'zzz' in label_sets; there are: all, rare_only"),
        ("misspelt", r"label_sets.misspelt: no class 'atrial_fluter'; did you mean atrial_flutter"),
        ("twice", "label_sets.twice names bigeminy more than once"),
        ("empty", "label_sets.empty is empty"),
        ("word", "must be 'all' or a list of class ids, found 'most'"),
    ],
)
def test_a_wrong_set_is_named_with_what_was_meant(heads: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        resolve_label_set(SETS, heads, CLASSES)
