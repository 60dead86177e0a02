"""Which shards a split has, and whether they are those that prepare wrote."""

import hashlib
import os
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from rarebeat.core.errors import RarebeatError
from rarebeat.core.files import parse_json
from rarebeat.dataset.remote import Folder
from rarebeat.dataset.split import ShardMeta

MANIFEST = "shards.json"
META = b"rarebeat"


def read_manifest(folder: Folder) -> Mapping[str, str]:
    """Read the list of the shards of a split, and make sure that these files are there, and no others.

    Args:
        folder: of the split.

    Returns:
        Names of the shards, in order, and checksums of their footers.

    Raises:
        RarebeatError: when there is no list, or other files.
    """
    place = folder / MANIFEST
    try:
        if not place.is_file():
            raise RarebeatError(f"no shards in {folder}: {MANIFEST} is missing. Run `dvc repro prepare`.")
        footers = parse_json(place.read_text(encoding="utf-8"))
        present = {path.name for path in folder.glob("*.parquet")}
    except (OSError, ValueError) as error:
        raise RarebeatError(f"cannot read {place}: {error}") from error
    if not isinstance(footers, dict) or not footers:
        raise RarebeatError(unusable(place, "it lists no shards"))
    if wrong := set(footers) ^ present:
        raise RarebeatError(unusable(folder, f"missing, or too many: {', '.join(sorted(wrong))}"))
    return footers


def footer_checksum(path: Folder) -> str:
    """SHA-256 of the footer of a Parquet file; its length stands before the last four bytes."""
    with path.open("rb") as file:
        end = file.seek(-8, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, end - length))
        return hashlib.sha256(file.read()).hexdigest()


def read_footer(path: Folder, checksum: str) -> tuple[pa.Schema, int]:
    """Read what stands at the end of a shard.

    Args:
        path: the shard.
        checksum: of its footer, from the list of shards.

    Returns:
        Columns and number of rows.

    Raises:
        RarebeatError: when the footer is not the one that was written.
    """
    try:
        if footer_checksum(path) != checksum:
            raise RarebeatError(unusable(path, "its footer is damaged, or of another shard"))
        with path.open("rb") as stream, pq.ParquetFile(stream) as file:
            return file.schema_arrow, file.metadata.num_rows
    except (OSError, ValueError, pa.ArrowException) as error:  # some storages call a short file a wrong value
        raise RarebeatError(unusable(path, str(error))) from error


def read_meta(path: Folder, schema: pa.Schema) -> ShardMeta:
    """Read what a reader must know about the columns of a shard.

    Args:
        path: the shard, for the message.
        schema: of the shard.

    Returns:
        Its description.

    Raises:
        RarebeatError: for a shard of another version of Rarebeat.
    """
    try:
        return TypeAdapter(ShardMeta).validate_json((schema.metadata or {}).get(META, b""))
    except ValidationError as error:
        raise RarebeatError(unusable(path, f"not a shard of this version of Rarebeat: {error}")) from error


def unusable(path: Folder, detail: str) -> str:
    """Say of a file of the shards what is wrong with it, and what to do."""
    return f"cannot use {path}: {detail}. Delete the folder of the shards and run `dvc repro prepare`."
