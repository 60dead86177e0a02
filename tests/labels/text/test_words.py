"""Whether a report was understood: what is not mentioned is negative only then."""

import pytest

from rarebeat.labels.states import NEGATIVE, POSITIVE, Labels
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.text.patterns import compile_pattern
from rarebeat.labels.text.words import KnownWords
from rarebeat.labels.vocabulary import load_vocabulary

MATCHER = Matcher(load_vocabulary("hughes24"))


def having(labels: Labels, state: int) -> set[str]:
    return {name for name, found in labels.states.items() if found == state}


@pytest.mark.parametrize(
    "text",
    [
        "Sinusbradycardie. Verlengde AV-geleiding, eerstegraads. Rechter bundeltakblok.",
        "Sinustachycardie\nVentriculaire extrasystolen, kamerextrasystolen, bundeltakblok links",
        "Sinusbradycardie met compleet linkerbundeltakblok en enkele kamerslagen",
        "Sinustakykardi. Venstresidigt grenblok. Hyppige ekstrasystoler.",
    ],
)
def test_a_report_of_another_language_denies_nothing(text: str) -> None:
    labels = MATCHER.label(text)
    assert len(having(labels, POSITIVE)) == 1
    assert having(labels, NEGATIVE) == set()
    assert "report not understood" in labels.warnings


def test_a_report_without_a_class_is_told_where_it_was_not_understood_and_only_there() -> None:
    foreign = MATCHER.label("Verlengde geleiding, brede kamercomplexen, oude littekens")
    assert set(foreign.states.values()) == {None}
    assert foreign.warnings == ("report not understood",)
    for text in ("Low voltage", "72\n---", "", None):
        assert MATCHER.label(text).warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "Sinus bradycardia. Prolonged AV conduction. Right axis.",
        "Sinusbradykardie. Überdrehter Linkstyp. Erregungsrückbildungsstörung.",
        "Sinusbradykardi. Vänsterställd elaxel. Ospecifika ST-T-förändringar.",
        "John Harris Jr\nSinus bradycardia",
        "Sinus bradycardia\nConfirmed by Wilhelmina van Oosterhout, Groningen",
        "Sinus bradycardia\nConfirmed by 王伟 on 1/2/2011",
        "Sinus bradycardia, Δ 50 µV, ½ mm, ﬁrst º",
    ],
)
def test_a_report_of_known_words_denies_what_it_does_not_mention(text: str) -> None:
    labels = MATCHER.label(text)
    assert "atrial_fibrillation" in having(labels, NEGATIVE)
    assert labels.warnings == ()


def test_what_a_foreign_report_denies_in_known_words_stays_denied() -> None:
    labels = MATCHER.label(
        "Sinusbradycardie, no AF, rechter bundeltakblok, verlengde geleiding, oude littekens"
    )
    assert having(labels, NEGATIVE) == {"atrial_fibrillation"}


def test_statements_are_counted_with_how_many_were_understood() -> None:
    labels = MATCHER.label("Sinusbradycardie\nBlok van de bundeltak\nLow voltage\nVerlengde geleiding 200 ms")
    assert (labels.parts, labels.understood) == (4, 2)
    assert (MATCHER.label(None).parts, MATCHER.label("72\n---").parts) == (0, 0)


def test_words_are_known_from_the_list_by_their_stem_and_from_patterns() -> None:
    known = KnownWords(["alpha beta*"], [compile_pattern("gamma (delta)?")])
    assert known.count("alpha betatron gamma delta", "alpha betatron gamma delta") == (4, 0, False)
    assert known.count("alphabet epsilon zeta ok 12", "alphabet epsilon ok 12") == (3, 2, False)


def test_one_foreign_word_tells_the_language_also_where_its_stem_is_known() -> None:
    known = KnownWords(["alpha beta*"], [], [compile_pattern("beta[a-z]*blok")])
    assert known.count("alpha betatron", "alpha betatron") == (2, 0, False)
    assert known.count("alpha betavenblok", "alpha betavenblok") == (2, 1, True)
    text = "Sinus bradycardia. Normal axis. Normal intervals. No ST changes. "
    assert "left_bundle_branch_block" in having(MATCHER.label(text), NEGATIVE)
    assert having(MATCHER.label(text + "Linkerbundeltakblok."), NEGATIVE) == set()


def test_a_strange_statement_beside_known_ones_leaves_open_what_is_not_mentioned() -> None:
    text = "Sinus bradycardia\nNormal axis\nNormal intervals\nNo ST segment changes\nWithin normal limits otherwise\n"
    assert "atrial_fibrillation" in having(MATCHER.label(text), NEGATIVE)
    labels = MATCHER.label(text + "Kiiltava lankku normal")
    assert having(labels, NEGATIVE) == set()
    assert labels.warnings == ("report not understood",)
    assert "atrial_fibrillation" in having(MATCHER.label(text + "Kiiltava lankku"), NEGATIVE)


def test_without_a_list_all_words_are_known() -> None:
    assert KnownWords([], []).count("epsilon zeta", "epsilon zeta") == (2, 0, False)
