"use strict";
const element = (id) => document.getElementById(id);
const svg = "http://www.w3.org/2000/svg";
let dropped = [];
let asked = 0; // an answer that comes after a newer question is not shown

function state(text, refused = false) {
  element("state").textContent = text;
  element("state").className = refused ? "refused" : "";
}

function base64(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let start = 0; start < bytes.length; start += 32768) {
    text += String.fromCharCode(...bytes.subarray(start, start + 32768));
  }
  return btoa(text);
}

function bar(probability, threshold, called) {
  const drawing = document.createElementNS(svg, "svg");
  drawing.setAttribute("viewBox", "0 0 100 4");
  drawing.setAttribute("preserveAspectRatio", "none");
  const part = (x, width, colour) => {
    const shape = document.createElementNS(svg, "rect");
    shape.setAttribute("x", x);
    shape.setAttribute("width", width);
    shape.setAttribute("height", 4);
    shape.setAttribute("fill", colour);
    drawing.append(shape);
  };
  part(0, 100, "#eee");
  part(0, 100 * probability, called ? "#0072b2" : "#9bb");
  part(Math.min(99.6, 100 * threshold), 0.4, "#101018");
  return drawing;
}

function show(content) {
  const answer = content.answers[0];
  if (answer.error) {
    element("answer").hidden = true;
    return state(`Not answered: ${answer.error}`, true);
  }
  state("");
  element("warning").textContent = answer.warning ? `Warning: ${answer.warning}` : "";
  const rows = Object.entries(answer.classes).sort(([, a], [, b]) => b.decision - a.decision || b.probability - a.probability);
  element("calls").replaceChildren(...rows.map(([name, entry]) => {
    const row = document.createElement("tr");
    row.className = entry.decision ? "called" : "";
    const votes = "votes" in entry ? ` (${entry.votes} of ${entry.members} votes)` : "";
    const unsure = entry.certain === "unsure";
    const call = entry.decision ? (unsure ? "called, unsure" : "called") : (unsure ? "unsure" : "–");
    const cells = [name.replaceAll("_", " "), entry.probability.toFixed(3), null, entry.threshold.toFixed(3), "calibrated" in entry ? entry.calibrated.toFixed(3) : "", call + votes];
    for (const text of cells) {
      const cell = document.createElement("td");
      if (text === null) {
        cell.className = "bar";
        cell.append(bar(entry.probability, entry.threshold, entry.decision));
      } else {
        cell.textContent = text;
      }
      row.append(cell);
    }
    return row;
  }));
  element("picture").src = content.picture;
  element("caption").textContent = content.evidence
    ? `Shaded: what speaks for ${content.evidence.replaceAll("_", " ")} (blue) and against it (orange), as this network sees it.`
    : "No class is called, so that nothing is shaded.";
  element("answer").hidden = false;
}

async function ask() {
  if (!dropped.length) return;
  const number = ++asked;
  state("reading …");
  const fail = (text) => { // what is shown is of another ECG, or of this one with another person
    if (number !== asked) return;
    element("answer").hidden = true;
    state(text, true);
  };
  const files = {};
  for (const file of dropped) {
    try {
      files[file.name] = base64(await file.arrayBuffer());
    } catch (error) {
      return fail(`${file.name} cannot be read (is it a folder?): ${error.message}`);
    }
  }
  if (element("age").validity.badInput) return fail("The age is no number.");
  const age = element("age").value;
  const ecg = { files, age: age === "" ? null : Number(age), sex: element("sex").value || null };
  try {
    const response = await fetch("picture", { method: "POST", body: JSON.stringify({ ecgs: [ecg], evidence: element("evidence").value || null }) });
    const content = await response.json();
    if (number !== asked) return;
    if (response.ok) show(content);
    else fail(content.error);
  } catch (error) {
    fail(`The server did not answer: ${error.message}`);
  }
}

function take(files) {
  dropped = [...files];
  if (dropped.length) element("answer").hidden = true;
  ask();
}

const drop = element("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files); });
element("files").addEventListener("change", (event) => take(event.target.files));
for (const id of ["age", "sex", "evidence"]) element(id).addEventListener("change", ask);
element("ask").addEventListener("submit", (event) => event.preventDefault());

fetch("model").then((response) => response.json()).then((model) => {
  for (const name of model.classes) element("evidence").append(new Option(name.replaceAll("_", " "), name));
});
