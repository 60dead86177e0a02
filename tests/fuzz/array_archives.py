"""Small archives of arrays, HDF5 files and packed files, to be mutated."""

import io
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.fuzz.archives import Archive, Maker, write_table

from rarebeat.core.records import LEADS
from rarebeat.simulator.archives.export import Export, export
from rarebeat.simulator.archives.muse import muse_xml
from rarebeat.simulator.settings import SimulatorSettings

_SIDE = f"files: 'ecgs/*'\nrate: 500\nunit: uV\nleads: [{', '.join(LEADS)}]\n"
_SETTINGS = SimulatorSettings(seconds=5.0)
_DRAWN = 8


def array_archives() -> dict[str, Maker]:
    """Makers of archives, by a name for each layout."""
    return {
        "arrays of NumPy": lambda rng: _arrays(rng, ".npy", _npy),
        "arrays in CSV": lambda rng: _arrays(rng, ".csv", _csv),
        "arrays in Parquet": lambda rng: _arrays(rng, ".parquet", _parquet),
        "sph": _sph,
        "code15": _code15,
        "files in a ZIP": _packed,
    }


def _draw(rng: Random) -> Export:
    return export(rng.randrange(_DRAWN), _SETTINGS)


def _npy(ecg: Export) -> bytes:
    content = io.BytesIO()
    np.save(content, ecg.signal)
    return content.getvalue()


def _csv(ecg: Export) -> bytes:
    return write_table([list(LEADS), *(list(map(str, row)) for row in ecg.signal.T)])


def _parquet(ecg: Export) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(dict(zip(LEADS, ecg.signal, strict=True))), content, write_page_checksum=True)
    return content.getvalue()


def _arrays(rng: Random, ending: str, write: Callable[[Export], bytes]) -> Archive:
    rows = [["ecg", "age", "sex", "patient_id", "report"]]
    files: dict[str, bytes] = {"arrays.yaml": _SIDE.encode()}
    for number in (11, 12):
        ecg = _draw(rng)
        files[f"ecgs/{number}{ending}"] = write(ecg)
        rows.append([str(number), str(ecg.age), ecg.sex, str(ecg.patient), " ".join(ecg.text.splitlines())])
    files["table.csv"] = write_table(rows)
    columns = {f"{name}_column": name for name in ("age", "sex")} | {"patient_column": "patient_id"}
    table = {"csv": "table.csv", "key": "ecg", "text_column": "report", **columns}
    options: dict[str, Any] = {"patient_namespace": "ptb-xl", "tables": [table]}
    return Archive("arrays", files, {"samples": [f"ecgs/11{ending}"], "csv": ["table.csv"]}, options)


def _hdf5(**datasets: Any) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, data in datasets.items():
            # As a hospital's writer should: a checksum of each chunk tells what is damaged.
            file.create_dataset(name, data=data, chunks=True, fletcher32=True)
    return content.getvalue()


def _sph(rng: Random) -> Archive:
    rows = [["ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex", "N", "Date"]]
    files: dict[str, bytes] = {}
    for name in ("A00001", "A00002"):
        ecg = _draw(rng)
        files[f"records/{name}.h5"] = _hdf5(ecg=(ecg.signal / 1000).astype(np.float16))
        length = str(ecg.signal.shape[1])
        rows.append(
            [name, "22;60+310", f"S{ecg.patient}", str(ecg.age), ecg.sex[0].upper(), length, "2020-03-04"]
        )
    files["metadata.csv"] = write_table(rows)
    return Archive("sph", files, {"samples": ["records/A00001.h5"]})


def _code15(rng: Random) -> Archive:
    names = ["1dAVb", "RBBB", "LBBB", "SB", "ST", "AF"]
    rows = [["exam_id", "age", "is_male", "patient_id", "trace_file", *names]]
    tracings = np.zeros((3, 4096, 12), dtype=np.float32)
    for index in range(2):
        ecg = _draw(rng)
        tracings[index, 100 : 100 + ecg.signal.shape[1]] = ecg.signal.T / 100
        labels = ["True" if rng.random() < 0.3 else "False" for _ in names]
        male = str(ecg.sex == "male")
        rows.append([str(1000 + index), str(ecg.age), male, str(ecg.patient), "part.hdf5", *labels])
    files = {"part.hdf5": _hdf5(exam_id=[1000, 1001, 0], tracings=tracings), "exams.csv": write_table(rows)}
    return Archive("code15", files, {"samples": ["part.hdf5"]})


def _packed(rng: Random) -> Archive:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(2):
            archive.writestr(f"exports/{number}.xml", muse_xml(_draw(rng)))
    options = {"patient_namespace": "own", "statements": "all"}
    return Archive("files", {"delivery.zip": content.getvalue()}, {"samples": ["delivery.zip"]}, options)
