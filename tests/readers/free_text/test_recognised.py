import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rarebeat.core.errors import RarebeatError
from rarebeat.core.record_files import iterate_rows, read_quarantine
from rarebeat.labels.text.matcher import Matcher
from rarebeat.labels.vocabulary import load_vocabulary
from rarebeat.readers.free_text.recognised import RecognisedWords, recognised_words
from rarebeat.readers.free_text.redaction import redact
from rarebeat.readers.ingest import ingest_cohort
from rarebeat.readers.summary import summary_lines

PLANTED = {
    "names": (
        "Mrs Kowalski is in sinus rhythm",
        "Kowalski-Jones, Anne-Marie: sinus rhythm",
        "O'Hara has atrial flutter",
        "kowalski called about AF",
        "SINUS RHYTHM IN KOWALSKI",
        "ECG of Li, sinus rhythm; Ng agrees",
        "Müller, Jürgen. Vorhofflimmern",
        "Åke Söderström, sinusrytm",
        "Sinus rhythm (José Peña)",
        "Kowalski's ECG shows LBBB",
        "McKowalski",
        "Иван Петров, sinus rhythm",
    ),
    "names behind stems": (
        "seen by Herzog and Martinez, AF",
        "Schmalz and Hochstein agree on sinus rhythm",
        "Markham, Longman and Fibonacci: AF",
    ),
    "initials": (
        "AF, taken by JB",
        "AF, JB/RN",
        "AF. J. B. Kowalski",
        "AF, J B at bedside",
        "AF (kj)",
        "sinus rhythm - GHW",
    ),
    "doctors": (
        "Dr.Kowalski: AF",
        "Doctor Kowalski: AF",
        "AF. Kowalski, MD",
        "RN Kowalski, AF",
        "AF per Kowalski",
        "Approved by Kowalski. AF",
        "gez. Kowalski. Vorhofflimmern",
        "Befund: OA Dr. Kowalski, Vorhofflimmern",
        "läkare Kowalski: förmaksflimmer",
        "Signerat av Kowalski. Sinusrytm",
        "Overread: J. Kowalski. Atrial flutter",
        "Oberärztin Kowalski, Sinusrhythmus",
    ),
    "record numbers": (
        "MRN 4711, AF",
        "MRN 00471147 AF",
        "MRN 47-11-471, AF",
        "record 471 147 11 with AF",
        "AF in A4711471",
        "AF #4711",
        "account 4711/47, AF",
        "SSN 471-14-7114, AF",
        "visit no. 4711.47: AF",
    ),
    "telephone numbers": (
        "call 555-4711, AF",
        "call (471) 147-4711 about AF",
        "call 4 7 1 1 about AF",
        "Tel. 0471/4711471, Vorhofflimmern",
        "ring +46 47 114 711, sinusrytm",
        "pager 4711 AF",
    ),
    "addresses": (
        "j.kowalski@kowalski.org wants this AF",
        "12 Kowalski Street, Springfield: AF",
        "Kowalskistrasse 47, 47114 Springfield. Vorhofflimmern",
        "http://kowalski.org/4711 AF",
    ),
    "dates": (
        "AF since 17. März 1961",
        "AF since 17MAR1961",
        "AF since 17-MAR-61",
        "AF since March 17",
        "AF am 17.3. gesehen",
        "AF on 03/17",
        "AF in 1961-03",
        "AF on 1961/03/17",
        "AF at 17:31",
        "AF at 17:31:47 on 17.03.61",
        "AF on the 17th of March, 1961",
        "förmaksflimmer 17 mars 1961",
        "born 1961, AF",
        "aged 97, AF",
    ),
    "places": (
        "AF in room 471",
        "AF on ward Kowalski, bed 47",
        "Kowalski Memorial Hospital, AF",
        "order 4711-B: AF",
        "overreader 471 says AF",
    ),
}
"""Texts with identifiers of many kinds: what is to go are the words below, and the digits of every number."""

SECRETS = frozenset(
    re.findall(
        r"\w+",
        """kowalski jones anne marie hara müller muller jürgen jurgen åke ake söderström soderstrom josé jose peña pena
        иван петров ng li ghw jb kj martinez hochstein longman fibonacci springfield street memorial herzog schmalz
        markham""",
    )
)
DIGITS = ("4711", "471", "47", "17", "1961", "61", "31", "97", "12", "46", "555")


@pytest.mark.parametrize("text", [text for texts in PLANTED.values() for text in texts])
def test_no_planted_identifier_passes_and_the_finding_stays(text: str) -> None:
    kept = recognised_words().keep(text)
    tokens = re.findall(r"[^\W\d_]+", kept.casefold())
    assert not SECRETS.intersection(tokens), kept
    assert not set(re.findall(r"\d+", kept)) & set(DIGITS), kept
    assert not re.search(r"\b(?:J|B|JB)\b", kept), kept
    matcher = Matcher(load_vocabulary("hughes24"))
    assert matcher.label(kept).states == matcher.label(text).states


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Overread: J. Brown. Atrial flutter", "Atrial flutter"),
        ("No evidence of atrial flutter.", "No evidence of atrial flutter."),
        ("2:1 AV block, PR 220 ms, QTc 0.42 s, ST 1-2 mm", "2:1 AV block, PR 220 ms, QTc 0.42 s, ST 1-2 mm"),
        ("T inversion in V4-V6, II, aVF", "T inversion in V4-V6, II, aVF"),
        ("AV-Block I°, Z.n. Vorhofflimmern", "AV-Block I°, Z.n. Vorhofflimmern"),
        ("Möglicherweise Vorhofflattern?", "Möglicherweise Vorhofflattern?"),
        ("3 PVCs, S1Q3T3", "3 PVCs, S1Q3T3"),
        ("As in [date]: [number]", "As in [date]: [number]"),
        ("Sinus rhythm\n...\nNormal", "Sinus rhythm\nNormal"),
    ],
)
def test_findings_stay_as_they_are(text: str, kept: str) -> None:
    assert recognised_words().keep(redact(text)) == kept


def test_what_stands_for_a_word_keeps_its_place_and_its_capital() -> None:
    words = RecognisedWords(["seen", "by", "no", "fib*", "herz~", "resp*"])
    assert words.keep("Seen by Smith, ab, SMITH") == "Seen by Xxx, xx, XXX"
    assert words.keep("fibs fibonacci Herzog herzen") == "fibs fibx Text herzen"
    assert words.keep("response. no") == "response. no"
    assert words.keep("respighi. no") == "respx. no"


def test_more_words_come_from_a_file(tmp_path: Path) -> None:
    more = tmp_path / "words.txt"
    more.write_text("brugada\nward:B1\n")
    words = recognised_words(str(more))
    assert words.keep("Brugada pattern") == "Brugada pattern"
    assert words.codes(["ward:B1", "ward:B2", "scp:AFIB"]) == ("ward:B1", "ward:other", "scp:AFIB")
    with pytest.raises(RarebeatError, match="cannot read the list of words"):
        recognised_words(str(tmp_path / "none.txt"))


# ------------------------------------------------------------------ through ingest

PRIVATE_LINES = (
    ("Atrial fibrillation. Discussed with Kowalski, tel. 4711",),
    ("order 9912 from ward Elysium",),
)


def _stored(folder: Path) -> str:
    rows = [{**row, "signal": None} for row in iterate_rows(folder)]
    return repr(rows) + repr(read_quarantine(folder).to_pylist())


def test_a_muse_cohort_stores_what_is_recognised_unless_told_otherwise(
    muse_xml: Callable[..., bytes], pseudonym_key: Path, tmp_path: Path
) -> None:
    root = tmp_path / "exports"
    root.mkdir()
    (root / "kowalski.xml").write_bytes(muse_xml(diagnosis=PRIVATE_LINES))
    (root / "strange.xml").write_bytes(b'<?xml version="1.0" encoding="kowalski"?><RestingECG/>')
    (root / "entity.xml").write_bytes(b"<RestingECG>&kowalski;</RestingECG>")
    (root / "root.xml").write_bytes(b"<Kowalski/>")
    options = {"key_file": str(pseudonym_key)}
    summary = ingest_cohort("muse-xml", root, tmp_path / "out", options=options, workers=1)
    assert (summary["free_text"], summary["quarantined"]) == ("recognised", 3)
    stored = _stored(tmp_path / "out").lower()
    assert "atrial fibrillation. discussed with xxx, xxx. 0" in stored
    for secret in ("kowalski", "4711", "9912", "elysium"):
        assert secret not in stored
    kept = ingest_cohort(
        "muse-xml", root, tmp_path / "kept", options=options | {"free_text": "keep"}, workers=1
    )
    assert kept["free_text"] == "kept"
    assert "Discussed with Kowalski" in _stored(tmp_path / "kept")
    assert any("free text is kept" in line for line in summary_lines("kept", "muse-xml", root, kept))
    assert not any("free text" in line for line in summary_lines("out", "muse-xml", root, summary))


def test_a_private_wfdb_cohort_stores_recognised_words_and_codes(
    write_wfdb: Callable[..., Path], ecg: object, tmp_path: Path
) -> None:
    root = tmp_path / "ward"
    write_wfdb(ecg, name="a", folder=root)
    (root / "list.csv").write_text(
        'record,report,codes\na,"AF in Kowalski, room 4711","AFIB, Kowalski, 4711"\n', encoding="utf-8"
    )
    options = {"text_column": "report", "codes_column": "codes", "key_file": str(tmp_path / "key")}
    summary = ingest_cohort("wfdb", root, tmp_path / "out", options=options, workers=1)
    (row,) = iterate_rows(tmp_path / "out")
    assert (row["text"], row["codes"]) == ("AF in Xxx, xxx 0", ["scp:AFIB", "scp:other"])
    assert summary["free_text"] == "recognised"
    ingest_cohort("wfdb", root, tmp_path / "kept", options=options | {"free_text": "keep"}, workers=1)
    (row,) = iterate_rows(tmp_path / "kept")
    assert row["text"] == "AF in Kowalski, room 4711"
    assert row["codes"] == ["scp:AFIB", "scp:Kowalski", "scp:4711"]
    public = {"text_column": "report", "codes_column": "codes", "patient_namespace": "public"}
    summary = ingest_cohort("wfdb", root, tmp_path / "public", options=public, workers=1)
    (row,) = iterate_rows(tmp_path / "public")
    assert row["text"] == "AF in Kowalski, room 4711"
    assert "free_text" not in summary
