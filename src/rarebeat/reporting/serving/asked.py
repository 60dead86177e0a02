"""What a request asks: ECGs as contents of files, or as numbers, each with what is known of its person."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from rarebeat.core.errors import BadRecordError, ParamsError
from rarebeat.core.files import parse_json
from rarebeat.core.params import STRICT, parse
from rarebeat.core.records import LEADS, Record
from rarebeat.inference.gate import known_person, trusted_ecg
from rarebeat.readers.fields import Person
from rarebeat.readers.files.in_memory import read_contents

MOST_ECGS = 64
"""ECGs in one request."""

_MILLIVOLTS = {"mV": 1.0, "uV": 0.001, "V": 1000.0}


@dataclass(frozen=True, config=STRICT)
class AskedEcg:
    """One ECG of a request.

    Attributes:
        files: file name to content in base64: one ECG file of any format that :mod:`rarebeat.readers.files.formats`
            knows, or header and signal file of a WFDB record.
        leads: lead name to samples, all twelve; instead of ``files``.
        signal: twelve rows of samples in the order of :data:`rarebeat.core.records.LEADS`; instead of ``leads``.
        units: of the samples; "normalised" where the amplitude means nothing. Must be said with samples.
        rate: samples per second. Must be said with samples.
        age: years, 0 to 120; null takes what the files say.
        sex: "female" or "male" (also F or M); null takes what the files say.
    """

    files: Mapping[str, str] | None = None
    leads: Mapping[str, Sequence[float]] | None = None
    signal: Sequence[Sequence[float]] | None = None
    units: Literal["mV", "uV", "V", "normalised"] | None = None
    rate: Annotated[float, Field(gt=0, le=100_000)] | None = None
    age: float | None = None
    sex: str | None = None


@dataclass(frozen=True, config=STRICT)
class Asked:
    """A request.

    Attributes:
        ecgs: to answer, in order.
        evidence: class id whose evidence is drawn, for the picture; null takes the likeliest class that is called.
    """

    ecgs: Annotated[list[AskedEcg], Field(min_length=1, max_length=MOST_ECGS)]
    evidence: str | None = None


def read_request(body: bytes) -> Asked:
    """Parse a request.

    Raises:
        ParamsError: when it is no JSON, or other JSON than was expected.
    """
    try:
        content = parse_json(body.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, ValueError) as error:
        raise ParamsError(f"the request is not JSON: {error}") from error
    return parse(Asked, content, "request")


def ecg_of(asked: AskedEcg) -> tuple[Record, Person]:
    """The recording of a request, and what is told of its person.

    Raises:
        BadRecordError: when it cannot be trusted, or the request does not say what its numbers are.
    """
    try:
        told = known_person(asked.age, asked.sex)
    except ParamsError as error:
        raise BadRecordError("unreadable", str(error)) from error
    ways = [name for name in ("files", "leads", "signal") if getattr(asked, name) is not None]
    if len(ways) != 1:
        raise BadRecordError("unreadable", f"expected one of files, leads and signal, found {ways or 'none'}")
    if asked.files is not None:
        if asked.units or asked.rate:
            raise BadRecordError("unreadable", "files say their units and rate themselves")
        return read_contents({name: _decoded(text) for name, text in asked.files.items()}), told
    if asked.units is None or asked.rate is None:
        raise BadRecordError("unreadable", "samples need their units (mV, uV, V or normalised) and rate")
    samples = _rows(asked)
    lengths = {len(row) for row in samples}
    if len(lengths) != 1:
        raise BadRecordError("missing_leads", f"leads of {', '.join(map(str, sorted(lengths)))} samples")
    calibrated = asked.units != "normalised"
    values = np.asarray(samples, dtype=np.float64) * _MILLIVOLTS.get(asked.units, 1.0)
    signal, calibrated = trusted_ecg(values, asked.rate, calibrated)
    return Record("ecg", signal, asked.rate, "request", calibrated=calibrated), told


def _rows(asked: AskedEcg) -> Sequence[Sequence[float]]:
    """The samples, lead by lead in the order of the network."""
    if asked.signal is not None:
        if len(asked.signal) != len(LEADS):
            raise BadRecordError(
                "missing_leads", f"{len(asked.signal)} rows; expected 12: {', '.join(LEADS)}"
            )
        return asked.signal
    leads = asked.leads or {}
    spelt = {name.lower(): row for name, row in leads.items()}
    missing = [name for name in LEADS if name.lower() not in spelt]
    if missing or len(spelt) != len(LEADS) or len(leads) != len(LEADS):
        raise BadRecordError(
            "missing_leads", f"expected {', '.join(LEADS)}, found {', '.join(leads) or 'none'}"
        )
    return [spelt[name.lower()] for name in LEADS]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecordError("unreadable", f"the content of a file is not base64: {error}") from error
