#!/usr/bin/env bash
# What the Croissant 1.1 specification prescribes, its own library mlcroissant refuses or drops.
#
# Expected: the JSON-LD context of appendix 1 of the Croissant 1.1 specification ("@vocab" and "sc": "http://schema.org/")
#   is accepted, since "Croissant datasets must declare" their terms by it; a `value` of a field ("an optional constant
#   value for the field", cr:value in that context) is the value of the field in every record; and
#   rai:dataManipulationProtocol and rai:dataCollectionTimeframe, properties of the Croissant RAI 1.0 specification, can
#   be read from the metadata.
# What happens: with that context mlcroissant says that the file "doesn't extend https://schema.org/Dataset" (it knows
#   schema.org with https alone); with https it reads the file, but a field with cr:value is None in every record, and both
#   RAI properties are None: the library looks for rai:dataDataManipulationProtocol and rai:dataCollectionTimeFrame, and
#   writes the former name itself. Nothing is said of what is dropped.
# Why it matters: a data set described by the letter of the specification cannot be loaded; how records were left out
#   or re-sampled, and when ECGs were recorded, is lost between two tools that both conform.
# Packages: mlcroissant 1.1.1. Seen 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile --disable-pip-version-check mlcroissant==1.1.1
cd "$work"
printf 'record,age\na,50\nb,60\n' > ages.csv
venv/bin/python - <<'PY'
import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import mlcroissant
from absl import logging

logging.set_verbosity("fatal")  # hints on the context and on what is recommended

TERMS = (
    "annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty fileObject "
    "fileSet format includes isArray isLiveDataset jsonPath key md5 parentField recordSet references regex readLines "
    "sdVersion separator source subField transform unArchive value"
).split()


def described(schema):
    source = {"fileObject": {"@id": "ages.csv"}, "extract": {"column": "age"}}
    return {
        "@context": {  # appendix 1 of the specification
            "@language": "en",
            "@vocab": schema,
            "sc": schema,
            "cr": "http://mlcommons.org/croissant/",
            "rai": "http://mlcommons.org/croissant/RAI/",
            "dct": "http://purl.org/dc/terms/",
            "conformsTo": "dct:conformsTo",
            "data": {"@id": "cr:data", "@type": "@json"},
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
            "examples": {"@id": "cr:examples", "@type": "@json"},
        }
        | {term: f"cr:{term}" for term in TERMS},
        "@type": "sc:Dataset",
        "name": "ages",
        "description": "Two ages.",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "license": "https://spdx.org/licenses/CC0-1.0",
        "url": "https://example.org/ages",
        "rai:dataManipulationProtocol": "Every second record was left out.",
        "rai:dataCollectionTimeframe": ["2025-01-01", "2025-12-31"],
        "rai:dataCollection": "Made up.",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "ages.csv",
                "name": "ages.csv",
                "contentUrl": "ages.csv",
                "encodingFormat": "text/csv",
                "sha256": hashlib.sha256(Path("ages.csv").read_bytes()).hexdigest(),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "people",
                "name": "people",
                "field": [
                    {"@type": "cr:Field", "@id": "people/age", "name": "age", "dataType": "sc:Integer", "source": source},
                    {"@type": "cr:Field", "@id": "people/unit", "name": "unit", "dataType": "sc:Text", "value": "years"},
                ],
            }
        ],
    }


def load(schema):
    Path("croissant.json").write_text(json.dumps(described(schema)))
    return mlcroissant.Dataset("croissant.json")


try:
    load("http://schema.org/")
    refused = ""
except mlcroissant.ValidationError as error:
    refused = str(error)
print("the specification's context, http://schema.org/:", " ".join(refused.split()) or "accepted")
assert "doesn't extend https://schema.org/Dataset" in refused, "mended"

dataset = load("https://schema.org/")
metadata = dataset.metadata
records = list(dataset.records("people"))
print("with https://schema.org/, records:", records)
print("rai:dataCollection:", metadata.data_collection)
print("rai:dataManipulationProtocol:", metadata.data_manipulation_protocol)
print("rai:dataCollectionTimeframe:", metadata.data_collection_timeframe)
assert [record["people/age"] for record in records] == [50, 60]
assert {record["people/unit"] for record in records} == {None}, "the constant value is read: mended"
assert metadata.data_collection == "Made up."
assert metadata.data_manipulation_protocol is None, "mended"
assert metadata.data_collection_timeframe is None, "mended"

metadata.data_manipulation_protocol = "Every second record was left out."
written = [key for key in metadata.to_json() if "anipulation" in key]
print("the library itself writes:", written)
assert "rai:dataDataManipulationProtocol" in written, "mended"
print("mlcroissant", version("mlcroissant"))
PY
