"""The script of the page, with a page of stand-ins: no answer of an earlier ECG is left beside a failure."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import rarebeat.reporting.serving

NODE = shutil.which("node")
SCRIPT = Path(rarebeat.reporting.serving.__file__).parent / "page" / "page.js"

PAGE = """
const elements = new Map();
const make = () => ({ value: "", hidden: true, validity: {}, handlers: {}, append() {}, replaceChildren() {},
  setAttribute() {}, classList: { add() {}, remove() {} },
  addEventListener(name, handler) { this.handlers[name] = handler; } });
const document = { createElement: make, createElementNS: make,
  getElementById(id) { if (!elements.has(id)) elements.set(id, make()); return elements.get(id); } };
const Option = class {};
const good = { answers: [{ classes: { avnrt: { probability: 0.9, threshold: 0.5, decision: true } } }], picture: "" };
let status = 200;
const fetch = async (what) => {
  if (what === "model") return { json: async () => ({ classes: [] }) };
  if (status === 0) throw new Error("gone");
  return { ok: status === 200, json: async () => (status === 200 ? good : { error: "too large" }) };
};
const file = { name: "a.xml", arrayBuffer: async () => new ArrayBuffer(4) };
const folder = { name: "a", arrayBuffer: async () => { throw new Error("not a file"); } };
const seen = [];
const later = () => new Promise((done) => setTimeout(done, 5));
async function choose(one) {
  elements.get("files").handlers.change({ target: { files: [one] } });
  await later();
  seen.push([elements.get("answer").hidden, elements.get("state").textContent]);
}
(async () => {
  await later();
  await choose(file);
  for (status of [413, 0]) await choose(file);
  status = 200;
  await choose(folder);
  elements.get("age").validity = { badInput: true };
  await choose(file);
  console.log(JSON.stringify(seen));
})();
"""


@pytest.mark.skipif(NODE is None, reason="there is no Node.js")
def test_a_failure_hides_the_answer_of_an_earlier_ecg_and_says_why(tmp_path: Path) -> None:
    script = tmp_path / "page.js"
    script.write_text(
        PAGE + SCRIPT.read_text(encoding="utf-8").replace('"use strict";', ""), encoding="utf-8"
    )
    done = subprocess.run([str(NODE), str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: list[Any] = json.loads(done.stdout)
    assert seen == [
        [False, ""],
        [True, "too large"],
        [True, "The server did not answer: gone"],
        [True, "a cannot be read (is it a folder?): not a file"],
        [True, "The age is no number."],
    ]
