"""Small archives to be mutated: of simulated ECGs (written here, in every layout), or of real ones."""

import base64
import csv
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from tests.format_files import ENDINGS, WRITERS, Planted

from rarebeat.core.records import LEADS
from rarebeat.simulator.archives.export import Export, export
from rarebeat.simulator.archives.muse import muse_xml
from rarebeat.simulator.settings import SimulatorSettings

KINDS = ("ptb-xl", "challenge", "ludb", "muse-xml", "wfdb", *WRITERS)

_FILTERED = {
    "csv": "ptbxl_filtered.csv",
    "record_column": "filename",
    "patient_column": "patient_id",
    "patient_namespace": "ptb-xl",
    "fold_column": "strat_fold",
    "highest_fold": 10,
    "text_column": "report",
    "codes_column": "scp_codes",
    "code_system": "scp",
}
_RECORDS = 40  # simulated ECGs to draw from
_LUDB_COLUMNS = ("ID", "Sex", "Age", "Rhythms", "Conduction abnormalities")


@dataclass
class Archive:
    """What is ingested, and what of it may be mutated.

    Attributes:
        kind: of archive.
        files: content by path.
        targets: paths by the family of mutations that they may suffer.
        options: of the reader.
        donors: by suffix, the file of a recording that is not in the archive.
    """

    kind: str
    files: dict[str, bytes]
    targets: dict[str, list[str]]
    options: dict[str, Any] = field(default_factory=dict)
    donors: dict[str, bytes] = field(default_factory=dict)


Maker = Callable[[Random], Archive]


def simulated_archives(key_file: Path) -> dict[str, Maker]:
    """Makers of archives of simulated ECGs, for each kind.

    Args:
        key_file: where the secret key of private archives may be made.
    """
    return {
        "ptb-xl": lambda rng: _table_of_simulated("ptb-xl", rng),
        "challenge": _simulated_challenge,
        "ludb": _simulated_ludb,
        "muse-xml": lambda rng: _muse_archive([_named(rng, muse_xml) for _ in range(3)], key_file),
        "wfdb": lambda rng: _table_of_simulated("wfdb", rng),
        **{kind: partial(_format_archive, kind, key_file) for kind in WRITERS},
    }


def real_archives(ecg: Path, muse: Path, key_file: Path) -> dict[str, Maker]:
    """Makers of archives of real recordings (and of the MUSE files that are there), for each kind.

    Args:
        ecg: folder that holds ``ptb-xl``, ``challenge``, ``ludb`` and ``ptb-xl-filtered``.
        muse: folder of MUSE XML files.
        key_file: where the secret key of private archives may be made.
    """

    def challenge(rng: Random) -> Archive:
        folders = sorted(path.name for path in (ecg / "challenge").iterdir())
        return _headers_archive("challenge", ecg / "challenge", rng.choice(folders), rng)

    def exports(rng: Random) -> Archive:
        chosen = rng.sample(sorted(muse.glob("*.xml")), 3)
        return _muse_archive([(path.name, path.read_bytes()) for path in chosen], key_file)

    return {
        "ptb-xl": lambda rng: _table_archive("ptb-xl", ecg / "ptb-xl", "ptbxl_database.csv", {}, rng),
        "challenge": challenge,
        "ludb": lambda rng: _headers_archive("ludb", ecg / "ludb", "data", rng, ["ludb.csv"]),
        "muse-xml": exports,
        "wfdb": lambda rng: _table_archive(
            "wfdb", ecg / "ptb-xl-filtered", "ptbxl_filtered.csv", _FILTERED, rng
        ),
        **{
            kind: partial(_format_archive, kind, key_file) for kind in WRITERS
        },  # written here: none lies there
    }


# ------------------------------------------------------------------ simulated


@lru_cache(maxsize=_RECORDS)
def _ecg(index: int) -> Export:
    return export(index, SimulatorSettings(seconds=5.0))


def _named(rng: Random, write: Callable[[Export], bytes]) -> tuple[str, bytes]:
    index = rng.randrange(_RECORDS)
    return f"sim-{index}-{rng.randrange(10**6)}.xml", write(_ecg(index))


def _wfdb(path: str, ecg: Export, comments: Sequence[str] = (), suffix: str = ".dat") -> dict[str, bytes]:
    gains = [("1000(0)", lead) for lead in ecg.signal]
    return _write_wfdb(path, ecg.rate, gains, LEADS, comments, suffix)


def _write_wfdb(
    path: str,
    rate: float,
    leads: Sequence[tuple[str, npt.NDArray[np.int16]]],
    names: Sequence[str],
    comments: Sequence[str],
    suffix: str,
) -> dict[str, bytes]:
    name = Path(path).name
    offset, count = (24, "16+24") if suffix == ".mat" else (0, "16")
    lines = [f"{name} 12 {rate:g} {leads[0][1].size}"]
    for lead_name, (gain, samples) in zip(names, leads, strict=True):
        total = int(samples.sum(dtype=np.int16))
        lines.append(f"{name}{suffix} {count} {gain}/mV 16 0 {samples[0]} {total} 0 {lead_name}")
    lines += [f"#{comment}" for comment in comments]
    content = np.stack([samples for _, samples in leads]).T.astype("<i2").tobytes()
    return {
        f"{path}.hea": ("\n".join(lines) + "\n").encode(),
        f"{path}{suffix}": bytes(offset) + content,
    }


def _table_of_simulated(kind: str, rng: Random) -> Archive:
    folder, ending = ("records500/00000/", "_hr") if kind == "ptb-xl" else ("records/", "")
    column = "filename_hr" if kind == "ptb-xl" else "filename"
    numbers, files, rows = rng.sample(range(1, 20_000), 4), dict[str, bytes](), []
    for number in numbers:
        ecg = _ecg(rng.randrange(_RECORDS))
        path = f"{folder}{number:05d}{ending}"
        files |= _wfdb(path, ecg)
        codes = dict.fromkeys(rng.sample(["NORM", "SR", "AFIB", "CRBBB", "LVH"], 2), 100.0)
        rows.append(
            {
                "ecg_id": number,
                "patient_id": f"{10_000 + ecg.patient}.0",
                "age": f"{ecg.age}.0",
                "sex": int(ecg.sex == "female"),
                "report": " ".join(ecg.text.splitlines()),
                "scp_codes": str(codes),
                "strat_fold": rng.randint(1, 10),
                column: path,
            }
        )
    donor = str(rows[3][column])
    donors = {
        Path(path).suffix: files.pop(path) for path in list(files) if Path(path).stem == Path(donor).stem
    }
    table = "ptbxl_database.csv" if kind == "ptb-xl" else "ptbxl_filtered.csv"
    files[table] = write_table([list(rows[0]), *(list(map(str, row.values())) for row in rows[:3])])
    targets = _wfdb_targets(files, f"{rows[0][column]}.") | {"csv": [table]}
    return Archive(kind, files, targets, _FILTERED if kind == "wfdb" else {}, donors)


def _simulated_challenge(rng: Random) -> Archive:
    files: dict[str, bytes] = {}
    for name in ("georgia/E00001", "georgia/E00002", "E00003"):
        ecg = _ecg(rng.randrange(_RECORDS))
        comments = [f"Age: {ecg.age}", f"Sex: {ecg.sex.title()}", "Dx: 426783006,59118001", "Rx: Unknown"]
        files |= _wfdb(name, ecg, comments, ".mat")
    donors = {suffix: files.pop(f"E00003{suffix}") for suffix in (".hea", ".mat")}
    return Archive("challenge", files, _wfdb_targets(files, "georgia/E00001."), donors=donors)


def _simulated_ludb(rng: Random) -> Archive:
    files: dict[str, bytes] = {}
    rows = []
    for name in ("1", "2", "3"):
        ecg = _ecg(rng.randrange(_RECORDS))
        leads = [(f"{np.ptp(lead.astype(int))}(-7)", lead) for lead in ecg.signal]
        rhythm, block = "Sinus rhythm", rng.choice(["Right bundle branch block", "I degree AV-block"])
        sex = ecg.sex[0].upper()
        comments = [f"<age>: {ecg.age}", f"<sex>: {sex}", "<diagnoses>:", f"Rhythm: {rhythm}.", f"{block}."]
        files |= _write_wfdb(
            f"data/{name}", ecg.rate, leads, [lead.lower() for lead in LEADS], comments, ".dat"
        )
        rows.append([name, f"{sex}\n", f"{ecg.age}\n", rhythm, block])
    donors = {suffix: files.pop(f"data/3{suffix}") for suffix in (".hea", ".dat")}
    files["ludb.csv"] = write_table([list(_LUDB_COLUMNS), *rows[:2]])
    return Archive("ludb", files, _wfdb_targets(files, "data/1."), donors=donors)


def _format_archive(kind: str, key_file: Path, rng: Random) -> Archive:
    """Two files of a format that is a folder of files; a third is the donor."""
    content = {}
    for index in rng.sample(range(_RECORDS), 3):
        ecg = _ecg(index)
        who = Planted(
            patient=f"{1000 + ecg.patient:08d}",
            sex=ecg.sex[0].upper(),
            statements=tuple(line for line in ecg.text.splitlines() if line.isascii()),
        )
        content[f"{index:03d}{ENDINGS[kind]}"] = WRITERS[kind](ecg.signal, who)
    first, second, third = content
    family = "layout" if ENDINGS[kind] == ".xml" else "binary"
    return Archive(
        kind,
        {name: content[name] for name in (first, second)},
        {family: [first]},
        {"key_file": str(key_file), "statements": "all"},
        {ENDINGS[kind]: content[third]},
    )


# ----------------------------------------------------------------------- real


def _pair(root: Path, header: Path) -> dict[str, bytes]:
    signal_file = next(p for p in (header.with_suffix(s) for s in (".dat", ".mat")) if p.is_file())
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in (header, signal_file)}


def _wfdb_targets(files: Mapping[str, bytes], prefix: str) -> dict[str, list[str]]:
    return {
        "header": [name for name in files if name.endswith(".hea") and name.startswith(prefix)],
        "samples": [name for name in files if name.endswith((".dat", ".mat")) and name.startswith(prefix)],
    }


def _headers_archive(kind: str, root: Path, folder: str, rng: Random, extra: Sequence[str] = ()) -> Archive:
    """Kinds that find their recordings by header: challenge, ludb."""
    found = [
        header
        for header in sorted((root / folder).rglob("*.hea"))
        if header.with_suffix(".mat").is_file() or header.with_suffix(".dat").is_file()
    ]
    one, two, donor = rng.sample(found, 3)
    files = _pair(root, one) | _pair(root, two)
    files |= {name: (root / name).read_bytes() for name in extra if (root / name).is_file()}
    prefix = f"{one.relative_to(root).with_suffix('').as_posix()}."
    donors = {Path(path).suffix: content for path, content in _pair(root, donor).items()}
    return Archive(kind, files, _wfdb_targets(files, prefix), donors=donors)


def _table_archive(kind: str, root: Path, table: str, options: dict[str, Any], rng: Random) -> Archive:
    """Kinds that have a table: ptb-xl, wfdb."""
    column = options.get("record_column", "filename_hr")
    rows = list(csv.DictReader(io.StringIO((root / table).read_text(encoding="utf-8-sig"), newline="")))
    chosen = rng.sample([row for row in rows if (root / f"{row[column]}.hea").is_file()], 4)
    pairs = [_pair(root, root / f"{row[column]}.hea") for row in chosen]
    files = pairs[0] | pairs[1] | pairs[2]
    files[table] = write_table([list(rows[0]), *(list(row.values()) for row in chosen[:3])])
    targets = _wfdb_targets(files, f"{chosen[0][column]}.") | {"csv": [table]}
    donors = {Path(path).suffix: content for path, content in pairs[3].items()}
    return Archive(kind, files, targets, options, donors)


def write_table(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _muse_archive(files: Sequence[tuple[str, bytes]], key_file: Path) -> Archive:
    """Two files of three; the third is the donor."""
    content = {name: _with_checksums(data) for name, data in files}
    first, second, third = content
    return Archive(
        "muse-xml",
        {name: content[name] for name in (first, second)},
        {"xml": [first]},
        {"key_file": str(key_file)},
        {".xml": content[third]},
    )


def _with_checksums(data: bytes) -> bytes:
    """A MUSE file with the CRC-32 of each lead, as real exports have it."""
    root = ElementTree.fromstring(data)
    for lead in root.iter("LeadData"):
        if lead.find("LeadDataCRC32") is None:
            samples = base64.b64decode("".join((lead.findtext("WaveFormData") or "").split()))
            ElementTree.SubElement(lead, "LeadDataCRC32").text = str(zlib.crc32(samples))
    return write_xml(root)


def write_xml(root: ElementTree.Element) -> bytes:
    """An element as the bytes of a file, encoded as MUSE does."""
    text = ElementTree.tostring(root, encoding="unicode")
    return b'<?xml version="1.0" encoding="ISO-8859-1"?>\n' + text.encode("latin-1", "xmlcharrefreplace")
