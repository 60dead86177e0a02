"""Simulated records as WFDB files: format 16 with a report, or as the PhysioNet/CinC Challenges publish them."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rarebeat.core.records import LEADS, Signal
from rarebeat.simulator.archives.export import Export

SNOMED = {
    "sinus_rhythm": "426783006",
    "atrial_fibrillation": "164889003",
    "atrial_flutter": "164890007",
    "ectopic_atrial_rhythm": "106068003",
    "av_block_1st_degree": "270492004",
    "av_block_2nd_degree_mobitz_i": "54016002",
    "complete_heart_block": "27885002",
    "avnrt": "251166008",
    "premature_atrial_complexes": "284470004",
    "premature_ventricular_complexes": "427172004",
    "fusion_complexes": "13640000",
    "bigeminy": "11157007",
    "sinus_bradycardia": "426177001",
    "sinus_tachycardia": "427084000",
    "sinus_arrhythmia": "427393009",
    "supraventricular_tachycardia": "426761007",
    "atrial_tachycardia": "713422000",
    "ventricular_tachycardia": "164895002",
    "junctional_rhythm": "29320008",
    "idioventricular_rhythm": "49260003",
    "av_block_2nd_degree_advanced": "426183003",
    "paced_rhythm": "10370003",
    "left_bundle_branch_block": "164909002",
    "right_bundle_branch_block": "59118001",
}
"""SNOMED CT codes of the classes, as the Challenge of 2021 maps them (https://github.com/physionetchallenges)."""

ATRIAL_BIGEMINY = "251173003"
"""The code of bigeminy where no complex is ventricular; the other one means ventricular bigeminy."""

_GAIN = "1000(0)/mV"  # the samples are microvolts
_MATLAB_4_INT16 = 30  # little-endian, full matrix of 16-bit integers


def write_wfdb(folder: Path, ecg: Export) -> None:
    """Write ``<name>.hea`` and ``<name>.dat``: format 16; age, sex and report stand in the comments."""
    comments = [f"age: {ecg.age}", f"sex: {ecg.sex}", *(f"report: {line}" for line in ecg.text.splitlines())]
    data = f"{ecg.name}.dat"
    (folder / data).write_bytes(_interleaved(ecg.signal))
    _write_header(folder, ecg, data, "16", comments)


def write_challenge(folder: Path, ecg: Export) -> None:
    """Write ``<name>.hea`` and ``<name>.mat`` (MATLAB 4, matrix ``val``); the truth stands in ``Dx`` as codes."""
    comments = [
        f"Age: {ecg.age}",
        f"Sex: {ecg.sex.capitalize()}",
        f"Dx: {','.join(snomed_codes(ecg.truth))}",
        "Rx: Unknown",
        "Hx: Unknown",
        "Sx: Unknown",
    ]
    data = f"{ecg.name}.mat"
    name = b"val\0"
    head = struct.pack("<5i", _MATLAB_4_INT16, len(LEADS), ecg.signal.shape[1], 0, len(name)) + name
    (folder / data).write_bytes(head + _interleaved(ecg.signal))
    _write_header(folder, ecg, data, f"16+{len(head)}", comments)


def snomed_codes(truth: frozenset[str]) -> list[str]:
    """The codes of some classes, ascending.

    >>> snomed_codes(frozenset({"sinus_rhythm", "bigeminy", "premature_atrial_complexes"}))
    ['251173003', '284470004', '426783006']
    """
    codes = {SNOMED[name] for name in truth}
    if "bigeminy" in truth and "premature_ventricular_complexes" not in truth:
        codes = codes - {SNOMED["bigeminy"]} | {ATRIAL_BIGEMINY}
    return sorted(codes, key=int)


def _interleaved(signal: Signal) -> bytes:
    return signal.T.astype("<i2").tobytes()


def _write_header(folder: Path, ecg: Export, data: str, storage: str, comments: Sequence[str]) -> None:
    """Write a header after header(5) of the WFDB Applications Guide."""
    lines = [f"{ecg.name} {len(LEADS)} {ecg.rate:.10g} {ecg.signal.shape[1]}"]
    for name, lead in zip(LEADS, ecg.signal, strict=True):
        checksum = int(lead.sum(dtype=np.int16))
        lines.append(f"{data} {storage} {_GAIN} 16 0 {lead[0]} {checksum} 0 {name}")
    lines += [f"# {comment}" for comment in comments]
    (folder / f"{ecg.name}.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")
