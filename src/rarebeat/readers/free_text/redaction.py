"""Reports without the names, dates and numbers that are found: all that is done to free text that is kept."""

import re
from collections.abc import Iterable

_SIGNATURE = re.compile(
    r"\b(?:re-?)?(?:confirmed|signed|reviewed|over-?read|edited|interpreted|read|verified|ordered|requested"
    r"|referred|performed|recorded|acquired|dictated|transcribed)\s*(?:by\b|:)"
    r"|\belectronically\s+(?:signed|confirmed|verified)\b"
    r"|\b(?:technician|technologist|attending|physician|cardiologist|referring\s+md|tech(?:nician)?\s+id"
    r"|patient\s+(?:name|id)|name|mrn|d\.?o\.?b\.?|date\s+of\s+birth)\s*:",
    re.IGNORECASE,
)
"""From here to the end of its line, a person is named."""

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DATE = re.compile(
    r"\b(?:"
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"  # 2010-01-12
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"  # 1/12/2010
    r"|\d{1,2}/\d{4}"  # 1/2010
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[-/. ]+(?:of\s+)?{_MONTH}[-/, ]*(?:\d{{4}}|\d{{2}})"  # 12-JAN-2010
    rf"|{_MONTH}[ -]*(?:\d{{1,2}}(?:st|nd|rd|th)?[, ]+)?\d{{4}}"  # January 12, 2010; Jan 2010
    r")(?:\b|(?=T\d))(?:[ ,T]*(?:at\s+)?\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:\s*[ap]\.?m\b\.?)?)?",
    re.IGNORECASE,
)
_FULL_MONTH = (
    r"(?:january|february|march|april|(?-i:May)|june|july|august|september|october|november|december"
    r"|(?-i:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec))\b\.?"
)
_DAY = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?[-. ]+(?:of\s+)?{_FULL_MONTH}"  # 14 March
    rf"|\b{_FULL_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?!\s*(?:ms|mm|mv|bpm|%|:))",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(
    r"\(\d{3,5}\)\s*\d{3}[-. ]?\d{3,4}\b"  # (555) 123-4567
    r"|\+(?=(?:[ ./()-]*\d){8})\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,5}"  # +49 30 1234567
    r"|\b\d{3}[-. ]\d{3}[-. ]\d{4}\b|\b\d{3}-\d{4}\b"  # 555-123-4567, 555-1234
    r"|\b0\d{1,4}[ /-]\d{4,}\b"  # 0171 2345678
    r"|\b(?=(?:-?\d){6})\d+(?:-\d+){2,}\b|\b\d{5,}-\d+\b"  # 12-34-567
    r"|\b\d{6,}\b"
)
ABBREVIATIONS = tuple(
    re.findall(r"\w+", "AF AP AT AV BB CT HR IV LA LV MI PM PR QS QT RA RS RV SA ST SV TP VA VF VT")
)
"""Of the ECG, in capitals: they are no initials."""

_INITIALS = rf"(?!(?:{'|'.join(ABBREVIATIONS)})\b)[A-Z]\.?[A-Z]\b\.?"
_STAFF = re.compile(
    rf"\b(?:RN|[Nn]urse|NURSE|[Ii]nitials|per|by)\b[:,]?\s+{_INITIALS}(?![\w-])|\b{_INITIALS}[,/ ]+RN\b"
)
_TITLED = re.compile(r"\b(?:[Dd][Rr]|[Pp][Rr][Oo][Ff])\b\.?\s+[A-Z][\w'-]*(?:,?\s+[A-Z][a-z'-]+)?")

_SENTENCE = re.compile(r"(?<=[A-Za-z0-9)]{2})[.;]\s+")
_SHORT_WORDS = frozenset(
    re.findall(r"\w+", "an as at be by do go he if in is it me my no of on or so to up us we")
)
_STATEMENT_STARTS = frozenset(
    re.findall(
        r"\w+",
        """anterior anteroseptal av borderline bradycardia consider ecg ekg electronic fibrillation frequent
        incomplete intraventricular ischemia lbbb nonspecific occasional premature prolonged rbbb st
        supraventricular t tachycardia undetermined unusual ventricular""",
    )
)
_MIN_NAME = 3
_MIN_NUMBER = 5
_ECG_WORDS = frozenset(
    re.findall(
        r"\w+",
        """abnormal acute age atrial axis beat beats block branch bundle complete degree ectopic fast first
        flutter fusion high inferior junctional lateral lead left long low lower marked mild minor moderate
        normal old other pace paced pacer pause poor posterior rapid rate rhythm right second septal short
        sinus slow strain third upper variant wave waves wide with young""",
    )
)
"""Words that stay although they may be a name: without them statements would change their meaning."""


def redact(text: str, names: Iterable[str] = ()) -> str:
    """Take signature lines, dates, record numbers and names out of a report.

    Dates become ``[date]``, telephone numbers and other long numbers ``[number]``, names and initials of staff
    ``[name]``; what follows "Confirmed by" and its like is cut, up to a sentence that starts with a word of the ECG
    or to the end of the line.

    Args:
        text: lines of a report.
        names: names and ids known to belong to persons, such as the patient's.

    Returns:
        The lines that are left.

    Example:
        >>> redact("Sinus rhythm\\nWhen compared with ECG of 12-JAN-2010 09:15,\\nConfirmed by J DOE on 1/2/11")
        'Sinus rhythm\\nWhen compared with ECG of [date],'
        >>> redact("2:1 block, discussed with Dr. Roe", names=["Block"])
        '2:1 block, discussed with [name]'
    """
    known = _known_names(names)
    lines = []
    for line in text.splitlines():
        line = _without_signatures(line)
        line = _DAY.sub("[date]", _DATE.sub("[date]", line))
        for pattern in known:
            line = pattern.sub("[name]", line)
        line = _LONG_NUMBER.sub("[number]", _STAFF.sub("[name]", _TITLED.sub("[name]", line)))
        if line := line.strip():
            lines.append(line)
    return "\n".join(lines)


def _without_signatures(line: str) -> str:
    """Cut signatures out: each reaches to the next sentence that starts with a word of the ECG, or to the end."""
    signature = _SIGNATURE.search(line)
    if not signature:
        return line
    rest = line[signature.end() :]
    for sentence in _SENTENCE.finditer(rest):
        following = rest[sentence.end() :]
        first = re.match(r"\w+", following)
        if first and first[0].lower() in _ECG_WORDS | _STATEMENT_STARTS:
            return f"{line[: signature.start()]}{_without_signatures(following)}"
    return line[: signature.start()]


def _known_names(names: Iterable[str]) -> list[re.Pattern[str]]:
    """Patterns of the parts of names, of short names in the case of a name, and of numbers however they are grouped."""
    names = list(names)
    words = {word for name in names for word in re.findall(r"\w[\w'-]*", name)}
    parts = words | {part for word in words for part in re.split(r"[-'_]", word)}
    secret = sorted(
        (
            word
            for word in parts
            if len(word) >= (_MIN_NUMBER if word.isdigit() else _MIN_NAME) and word.lower() not in _ECG_WORDS
        ),
        key=lambda word: (-len(word), word),
    )
    short = sorted(
        form
        for word in parts
        if len(word) == _MIN_NAME - 1 and word.isalpha() and word.lower() not in _SHORT_WORDS
        for form in {word.title(), word.upper()} - set(ABBREVIATIONS)
    )
    digits = {
        re.sub(r"\D", "", word).lstrip("0") for name in names for word in [name] if re.search(r"\d", name)
    }
    grouped = sorted(r"[-. /]?".join(number) for number in digits if len(number) >= _MIN_NUMBER)
    return [
        re.compile(pattern, flags)
        for found, pattern, flags in (
            (secret, rf"\b(?:{'|'.join(map(re.escape, secret))})\b", re.IGNORECASE),
            (short, rf"\b(?:{'|'.join(short)})\b", re.NOFLAG),
            (grouped, rf"(?<!\d)(?:0[-. /]?)*(?:{'|'.join(grouped)})(?!\d)", re.NOFLAG),
        )
        if found
    ]
