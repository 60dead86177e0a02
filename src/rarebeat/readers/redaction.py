"""Taking persons and dates out of report text: signature lines, dates, long numbers, names that are known."""

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
_LONG_NUMBER = re.compile(r"\b\d{6,}\b")
_TITLED = re.compile(r"\b(?:[Dd][Rr]|[Pp][Rr][Oo][Ff])\b\.?\s+[A-Z][\w'-]*(?:,?\s+[A-Z][a-z'-]+)?")

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
    """Text without signature lines, dates, record numbers and names.

    Dates become ``[date]``, long numbers ``[number]``, names ``[name]``; what follows "Confirmed by" and its
    like is cut to the end of the line.

    Args:
        text: lines of a report.
        names: names and ids known to belong to persons, such as the patient's.

    >>> redact("Sinus rhythm\\nWhen compared with ECG of 12-JAN-2010 09:15,\\nConfirmed by J DOE on 1/2/11")
    'Sinus rhythm\\nWhen compared with ECG of [date],'
    >>> redact("2:1 block, discussed with Dr. Roe", names=["Block"])
    '2:1 block, discussed with [name]'
    """
    known = _known_names(names)
    lines = []
    for line in text.splitlines():
        signature = _SIGNATURE.search(line)
        line = line[: signature.start()] if signature else line
        line = _DATE.sub("[date]", line)
        line = _LONG_NUMBER.sub("[number]", _TITLED.sub("[name]", line))
        line = known.sub("[name]", line) if known else line
        if line := line.strip():
            lines.append(line)
    return "\n".join(lines)


def _known_names(names: Iterable[str]) -> re.Pattern[str] | None:
    words = {word for name in names for word in re.findall(r"\w[\w'-]*", name)}
    secret = sorted(
        word
        for word in words
        if len(word) >= (_MIN_NUMBER if word.isdigit() else _MIN_NAME) and word.lower() not in _ECG_WORDS
    )
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, secret))})\b", re.IGNORECASE) if secret else None
