"""The findings of the GPU benchmark as short tables.

python benchmarks/gpu_tables.py gpu.jsonl > gpu.md
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rarebeat.core.tables import Row, markdown_table

TABLE_1_MODELS = 7

Line = dict[str, Any]


def tables(lines: Sequence[Line]) -> list[str]:
    """All tables, as lines of text."""
    cards = [line["card"] for line in lines if line["kind"] == "ceilings" and "card" in line]
    cuda = any(line.get("cuda") for line in lines if line["kind"] == "start")
    title = (
        f"Rarebeat on {cards[0] if cards else 'an unknown card'}" if cuda else "CUDA was not run: CPU only"
    )
    text = ["", title]
    for line in lines:
        if line["kind"] == "ceilings" and "bf16_tflops" in line:
            text.append(f"bf16 product {line['bf16_tflops']} TFLOP/s, copy {line['copy_tb_per_second']} TB/s")
    for heading, rows in (
        ("Against the CPU in fp64", checks(lines)),
        ("Training steps", speeds(lines)),
        ("Trainings", trainings(lines)),
    ):
        if rows:
            text += ["", heading, markdown_table(rows)]
    text += ["", *(cost_of_table_1(lines) if cuda else []), *problems(lines)]
    return text


def checks(lines: Sequence[Line]) -> list[Row]:
    """One row per check."""
    rows: list[Row] = []
    for line in lines:
        if line["kind"] not in ("smooth", "network", "layers", "resumed") or "passed" not in line:
            continue
        rows.append(
            {
                "check": " ".join(filter(None, (line["kind"], line.get("network"), line.get("precision")))),
                "loss": _short(line.get("loss")),
                "gradient": _short(line.get("gradient", line.get("error"))),
                "CPU's own": _short(line.get("gradient_of_cpu")),
                "": "ok" if line["passed"] else "FAILED",
            }
        )
    return rows


def speeds(lines: Sequence[Line]) -> list[Row]:
    """One row per kind of step that was measured."""
    rows: list[Row] = []
    for line in lines:
        if line["kind"] == "step" and "examples_per_second" in line:
            share = line.get("share_of_peak")
            cudnn = "" if line["cudnn"] == "loop" else f" {line['cudnn']}"
            rows.append(
                {
                    "step": f"{line['network']} {line['precision']} {line['mode']}{cudnn}",
                    "layout": line["layout"],
                    "batch": line["batch"],
                    "ex/s": f"{line['examples_per_second']:.0f}",
                    "ms": f"{line['milliseconds']:.2f}",
                    "GiB": line.get("gibibytes"),
                    "peak": None if share is None else f"{100 * share:.0f} %",
                    "ready": f"{line['ready_after']:.0f} s",
                }
            )
    return rows


def trainings(lines: Sequence[Line]) -> list[Row]:
    """One row per training."""
    rows: list[Row] = []
    for line in lines:
        if line["kind"] == "training" and "epochs" in line:
            rows.append(
                {
                    "training": f"{line['heads']} heads, {line['precision']}, compile {line['compile']}",
                    "epochs": line["epochs"],
                    "s/epoch": f"{line['epoch_seconds']:.2f}",
                    "ex/s": f"{line['examples_per_second']:.0f}",
                    "besides": f"{line['besides_epochs']:.0f} s",
                    "96 epochs": f"{line['seconds_of_96_epochs']:.0f} s" if _steady(line) else None,
                }
            )
    return rows


def cost_of_table_1(lines: Sequence[Line]) -> list[str]:
    """What the paper's seven models cost: one with all heads, six counted as those with one head."""
    found = {
        (line["compile"], line["classes"]): line["seconds_of_96_epochs"]
        for line in lines
        if line["kind"] == "training" and "epochs" in line and _steady(line)
    }
    text = []
    for compiled in ("off", "on"):
        all_heads = found.get((compiled, "all"))
        one = found.get((compiled, "one"))
        if all_heads is not None and one is not None:
            total = all_heads + (TABLE_1_MODELS - 1) * one
            text.append(
                f"Table 1, {TABLE_1_MODELS} models of 96 epochs, compile {compiled}: {total / 60:.1f} minutes"
            )
    return text


def problems(lines: Sequence[Line]) -> list[str]:
    """What failed, crashed or had no time."""
    text = []
    for line in lines:
        if "error" in line and "traceback" in line:
            what = " ".join(
                str(line[key]) for key in ("network", "precision", "mode", "classes") if key in line
            )
            text.append(f"{line['kind']} {what}: {line['error'][:150]}")
        elif line["kind"] in ("ended", "crashed"):
            text.append(
                f"part {line['part']} {line['kind']}: {line.get('why') or line['traceback'][-150:]!s}"
            )
    skipped = sum(line["kind"] == "skipped" for line in lines)
    return text + ([f"{skipped} measurements had no time left"] if skipped else [])


def _steady(line: Line) -> bool:
    """Whether a training had an epoch after the first, which holds the warm-up and says nothing of the others."""
    return bool(line["epochs"] > 1)


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.1e}"


def main() -> None:
    """Print the tables of a file of JSON lines."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    print("\n".join(tables([json.loads(line) for line in text.splitlines()])).strip())


if __name__ == "__main__":
    main()
