import pytest

from rarebeat.core.errors import BadRecordError
from rarebeat.readers.fields import clean_age, clean_sex, clean_text, parse_codes, parse_fold, whole_number


@pytest.mark.parametrize(
    ("cell", "age"),
    [
        ("56", 56.0),
        ("56.0", 56.0),
        ("0", 0.0),
        ("89", 89.0),
        ("89.5", 90.0),
        ("90", 90.0),
        ("104", 90.0),
        (">89", 90.0),
        ("300", 90.0),  # PTB-XL's way to write "over 89"
        ("999", None),
        ("-1", None),
        ("NaN", None),
        ("", None),
        ("unknown", None),
    ],
)
def test_ages_over_89_become_90_and_impossible_ones_unknown(cell: str, age: float | None) -> None:
    assert clean_age(cell) == age


def test_sexes_are_words_and_codes_need_a_meaning() -> None:
    assert [clean_sex(cell) for cell in ("F", "female", "M", "Male", "1", "", "Unknown")] == [
        *("female", "female", "male", "male"),
        *(None, None, None),
    ]
    assert clean_sex("0", {"0": "male", "1": "female"}) == "male"


def test_a_key_counts_whatever_its_value() -> None:
    assert parse_codes("{'NORM': 100.0, 'SR': 0.0}", "scp") == ("scp:NORM", "scp:SR")
    assert parse_codes('{"SR": null, "LAFB/LPFB": null}', "scp") == ("scp:SR", "scp:LAFB/LPFB")


def test_codes_may_be_lists_or_words() -> None:
    assert parse_codes("['426783006', 270492004]", "snomed") == ("snomed:426783006", "snomed:270492004")
    assert parse_codes("RBBB, I-AVB,RBBB", "cpsc") == ("cpsc:RBBB", "cpsc:I-AVB")
    assert parse_codes("sinus rhythm; AF", "own") == ("own:sinus rhythm", "own:AF")
    assert parse_codes("  ", "scp") == ()


@pytest.mark.parametrize("cell", ["{'NORM': ", "{'NORM': __import__('os')}", "[1, 2", "{" * 5000])
def test_a_damaged_dictionary_is_refused_and_never_run(cell: str) -> None:
    with pytest.raises(BadRecordError, match="unreadable"):
        parse_codes(cell, "scp")


def test_codes_can_be_stored_whatever_they_hold() -> None:
    (code,) = parse_codes('["\\ud800"]', "scp")
    assert code.encode("utf-8") == b"scp:?"


def test_folds_and_ids_survive_tables_with_missing_values() -> None:
    assert [parse_fold(cell) for cell in ("3", "3.0", "", "x", "inf", "1e9", "2.5")] == [3, 3, *(None,) * 5]
    assert [whole_number(cell) for cell in ("15709.0", "15709", "A.0", "007")] == [
        "15709",
        "15709",
        "A.0",
        "007",
    ]


def test_text_without_content_is_none() -> None:
    assert clean_text([" a ", "", "b"]) == "a\nb"
    assert clean_text(["", "  "]) is None
