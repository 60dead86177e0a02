"""A Croissant file: what a folder of shards holds, for search engines and for loaders that do not know Rarebeat.

It is JSON-LD that names every file with its checksum, every column with its unit, the splits, and (in the words of the
extension for responsible AI) how the ECGs were collected, changed and labelled. It lies beside the folder of the
shards, not in it: the folder is an output of prepare, whose content DVC compares.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from rarebeat.core.errors import ParamsError, RarebeatError
from rarebeat.core.files import write_json
from rarebeat.core.records import LEADS
from rarebeat.dataset.manifest import MANIFEST, META
from rarebeat.dataset.shards import DOUBTS as DOUBTS_FILE
from rarebeat.dataset.shards import shard_files
from rarebeat.dataset.split import ShardMeta
from rarebeat.dataset.splits import SPLITS
from rarebeat.reporting.page.findings import CohortFacts, read_cohorts
from rarebeat.reporting.resampling import read_summary
from rarebeat.reporting.sheets.croissant.record_sets import DOUBTS, FATES, SHARDS, Node, record_sets
from rarebeat.reporting.sheets.croissant.responsible import listed, responsible

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")

_CONTEXT: Node = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
} | {
    term: f"cr:{term}"
    for term in (
        *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
        *("fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
        *("jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
        *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
    )
}
_PARQUET, _JSON = "application/x-parquet", "application/json"
_VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Publication:
    """What only a person knows of a data set that is published. What is not told is left out, not made up.

    Attributes:
        name: of the data set.
        licences: addresses of the licences of its cohorts, such as those of spdx.org.
        authors: persons who made it.
        creators: organisations that made it.
        url: of its page.
        citation: how it wants to be cited, as BibTeX.
        published: the day, as YYYY-MM-DD.
        version: MAJOR.MINOR.PATCH.
    """

    name: str = "12-lead ECGs"
    licences: Sequence[str] = ()
    authors: Sequence[str] = ()
    creators: Sequence[str] = ()
    url: str | None = None
    citation: str | None = None
    published: str | None = None
    version: str | None = None

    def __post_init__(self) -> None:
        if self.version is not None and not _VERSION.fullmatch(self.version):
            raise ParamsError(f"a version is MAJOR.MINOR.PATCH, such as 1.0.0; found {self.version!r}")
        if self.published is not None and not _is_day(self.published):
            raise ParamsError(f"the day of publication is YYYY-MM-DD; found {self.published!r}")

    @property
    def missing(self) -> tuple[str, ...]:
        """What Croissant wants of a published data set and is not told here."""
        told = {
            "licence": self.licences,
            "creator or author": [*self.creators, *self.authors],
            "url": self.url,
            "published": self.published,
            "version": self.version,
            "citation": self.citation,
        }
        return tuple(name for name, value in told.items() if not value)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def write_croissant(
    shards: Path, out: Path, publication: Publication, records: Path | None = None
) -> dict[str, Any]:
    """Write the Croissant file of a folder of shards, whole or not at all.

    Args:
        shards: folder written by prepare.
        out: JSON file to write, in a folder that holds the shards' folder: the addresses in it are relative.
        publication: what only a person knows.
        records: folder that holds the records of each cohort by its name, for the kinds of their archives; None where
            it is not at hand.

    Returns:
        The content of the file.

    Raises:
        RarebeatError: when the shards cannot be read, or the place of the file does not fit.

    Source:
        Croissant format specification 1.1 and Croissant RAI specification 1.0, MLCommons.
    """
    if not (shards / "counts.json").is_file():
        raise RarebeatError(
            f"there are no shards in {shards}: expected counts.json and a folder for each split"
        )
    root = _root(shards, out)
    content = describe(shards, root, publication, read_cohorts(shards, records))
    write_json(out, content)
    return content


def _root(shards: Path, out: Path) -> Path:
    """The folder that the addresses are relative to."""
    folder, place = shards.resolve(), out.resolve().parent
    if place.is_relative_to(folder):
        raise RarebeatError(
            f"{out} lies in the folder that it describes, whose content prepare answers for: write it beside the "
            f"folder, such as {shards.parent / 'croissant.json'}"
        )
    if not folder.is_relative_to(place):
        raise RarebeatError(
            f"{out} must lie in a folder that holds {shards}, such as {shards.parent / 'croissant.json'}: "
            "the addresses in it are relative"
        )
    return place


def describe(
    shards: Path, root: Path, publication: Publication, cohorts: Sequence[CohortFacts]
) -> dict[str, Any]:
    """Describe a folder of shards.

    Args:
        shards: folder written by prepare.
        root: folder that addresses are relative to.
        publication: what only a person knows.
        cohorts: what is known of them.

    Returns:
        The content of the file.

    Raises:
        RarebeatError: when the shards cannot be read.
    """
    meta = _meta(shards)
    summary = read_summary(shards)
    person = {
        "license": list(publication.licences),
        "creator": [
            *({"@type": "sc:Organization", "name": name} for name in publication.creators),
            *({"@type": "sc:Person", "name": name} for name in publication.authors),
        ],
        "url": publication.url,
        "citeAs": publication.citation,
        "datePublished": publication.published,
        "version": publication.version,
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": publication.name,
        "description": _description(meta, summary),
        "conformsTo": list(CONFORMS_TO),
        **{key: value for key, value in person.items() if value},
        "keywords": ["ECG", "electrocardiography", "12-lead", "multi-label classification", meta.vocabulary],
        **{f"rai:{key}": value for key, value in responsible(shards, meta, summary, cohorts).items()},
        "distribution": _files(shards, root),
        "recordSet": record_sets(meta, _folder(shards, root)),
    }


def _meta(shards: Path) -> ShardMeta:
    path = shard_files(shards, "train")[0]
    try:
        return TypeAdapter(ShardMeta).validate_json((pq.read_schema(path).metadata or {}).get(META, b""))
    except (OSError, pa.ArrowException, ValidationError) as error:
        raise RarebeatError(f"cannot use {path}: {error}; run `dvc repro prepare`") from error


def _description(meta: ShardMeta, summary: Mapping[str, Any]) -> str:
    settings = meta.preprocessing
    parts = ", ".join(
        f"{counts['records']:,} to {use}"
        for counts, use in zip(
            (summary["splits"][name] for name in SPLITS),
            ("learn from", "choose thresholds on", "test on"),
            strict=True,
        )
    )
    return (
        f"12-lead ECGs of {listed(summary['cohorts'])}, split by patient: {parts}. Each has {len(LEADS)} leads of "
        f"{settings.samples / settings.rate:g} s at {settings.rate:g} Hz in {meta.units}, and labels for "
        f"{len(meta.classes)} classes of the vocabulary {meta.vocabulary}. Digest of all shards: {summary['digest']}."
    )


def _files(shards: Path, root: Path) -> list[Node]:
    tables = [path for split in SPLITS for path in shard_files(shards, split)]
    files = [_file(path, root, _PARQUET) for path in tables]
    files += [_file(shards / split / MANIFEST, root, _JSON) for split in SPLITS]
    files += [_file(shards / name, root, _JSON) for name in ("summary.json", "counts.json")]
    files.append(_file(shards / "splits.parquet", root, _PARQUET, FATES))
    files.append(_file(shards / DOUBTS_FILE, root, _PARQUET, DOUBTS))
    files.append(
        {
            "@type": "cr:FileSet",
            "@id": SHARDS,
            "name": SHARDS,
            "description": "the shards of all splits, a folder for each split",
            "encodingFormat": _PARQUET,
            "includes": f"{_folder(shards, root)}/*/shard-*.parquet",
        }
    )
    return files


def _folder(shards: Path, root: Path) -> str:
    return shards.resolve().relative_to(root).as_posix()


def _file(path: Path, root: Path, kind: str, identity: str | None = None) -> Node:
    place = path.resolve().relative_to(root).as_posix()
    try:
        with path.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError as error:
        raise RarebeatError(f"cannot read {path}: {error.strerror}; run `dvc repro prepare`") from error
    return {
        "@type": "cr:FileObject",
        "@id": identity or place,
        "name": path.name,
        "contentUrl": place,
        "contentSize": f"{size} B",
        "encodingFormat": kind,
        "sha256": checksum,
    }
