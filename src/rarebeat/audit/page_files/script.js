"use strict";
(() => {
  const STORE = `rarebeat-audit-${document.body.dataset.sample}`;
  const COLUMNS = ["item", "class", "kind", "verdict", "note", "reader"];
  const WORDS = (document.body.dataset.words ?? "right,wrong,cannot say").split(",");
  const items = [...document.querySelectorAll(".item")];
  const places = new Map(items.map((item, index) => [item.dataset.item, index]));
  const reader = document.getElementById("reader");
  const status = document.getElementById("status");
  let said = {}; // item name to {verdict, note, missed}
  let current = 0;

  const tell = (message) => { status.textContent = message; };
  const opinion = (item) => said[item.dataset.item] ?? { verdict: "", note: "", missed: [] };

  // ---- what is kept

  function save() {
    try {
      localStorage.setItem(STORE, JSON.stringify({ reader: reader.value, said }));
    } catch (error) {
      tell(`This browser does not keep verdicts (${error.name}): export them before you close the page.`);
    }
  }

  function restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(STORE) ?? "{}");
      reader.value = kept.reader ?? "";
      said = kept.said ?? {};
    } catch (error) {
      tell(`What this browser has kept cannot be read (${error.name}): import your last export.`);
    }
  }

  function change(item, part) {
    said[item.dataset.item] = { ...opinion(item), ...part };
    show(item);
    count();
    save();
  }

  // ---- what is seen

  function show(item) {
    const { verdict, note, missed } = opinion(item);
    item.dataset.verdict = verdict;
    for (const button of item.querySelectorAll(".verdict button")) {
      button.setAttribute("aria-pressed", String(button.value === verdict));
    }
    const field = item.querySelector(".note");
    if (field.value !== note) field.value = note;
    if (item.dataset.kind === "unmatched" && verdict === "wrong") showMissed(item, missed);
  }

  function showMissed(item, missed) {
    if (!item.querySelector(".missed")) {
      item.append(document.getElementById("missed").content.cloneNode(true));
    }
    for (const button of item.querySelectorAll(".missed button")) {
      button.setAttribute("aria-pressed", String(missed.includes(button.value)));
    }
  }

  function count() {
    const done = { all: 0 };
    for (const item of items) {
      const judged = opinion(item).verdict ? 1 : 0;
      done.all += judged;
      done[item.dataset.class] = (done[item.dataset.class] ?? 0) + judged;
    }
    document.getElementById("done").value = done.all;
    for (const place of document.querySelectorAll("[data-count]")) {
      place.textContent = done[place.dataset.count] ?? 0;
      place.closest("a")?.classList.toggle("finished", place.textContent === place.dataset.of);
    }
  }

  function go(index) {
    if (!items.length) return;
    current = Math.max(0, Math.min(items.length - 1, index));
    items[current].focus({ preventScroll: true });
    items[current].scrollIntoView({ block: "center" });
  }

  // ---- verdicts

  function judge(item, verdict) {
    const again = opinion(item).verdict === verdict;
    change(item, { verdict: again ? "" : verdict, missed: again || verdict !== "wrong" ? [] : opinion(item).missed });
    return !again;
  }

  function alike(item) {
    const statement = item.querySelector(".statement").textContent;
    return items.filter((other) => other.dataset.class === item.dataset.class
      && other.dataset.kind === item.dataset.kind
      && !opinion(other).verdict
      && other.querySelector(".statement").textContent === statement);
  }

  function judgeAlike(item, verdict) {
    const others = alike(item);
    for (const other of others) change(other, { verdict });
    tell(`${others.length} items: ${verdict}.`);
  }

  function nextOpen() {
    const order = [...items.keys()].map((step) => (current + 1 + step) % items.length);
    const next = order.find((index) => !opinion(items[index]).verdict);
    if (next === undefined) tell("Every item has a verdict.");
    else go(next);
  }

  // ---- CSV

  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  function toCsv() {
    const rows = items.filter((item) => opinion(item).verdict || opinion(item).note).map((item) => {
      const { verdict, note, missed } = opinion(item);
      const kind = item.dataset.kind;
      const class_ = kind === "unmatched" ? missed.join(" ") : item.dataset.class;
      return [item.dataset.item, class_, kind, verdict, note, reader.value.trim()];
    });
    return [COLUMNS, ...rows].map((row) => row.map(quoted).join(",") + "\n").join("");
  }

  function fromCsv(text) {
    const rows = [[]];
    const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
    text = text.replace(/^\ufeff/, "");
    while (cell.lastIndex < text.length) {
      const match = cell.exec(text);
      if (!match) throw new Error(`not a CSV file (row ${rows.length})`);
      rows.at(-1).push(match[1]?.replaceAll('""', '"') ?? match[2]);
      if (match[3] !== ",") rows.push([]);
      else if (cell.lastIndex === text.length) rows.at(-1).push("");
    }
    const [header, ...rest] = rows.filter((row) => row.length > 1);
    if (!header || COLUMNS.some((name) => !header.includes(name))) {
      throw new Error(`it must have the columns ${COLUMNS.join(", ")}`);
    }
    return rest.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ""])));
  }

  function exportCsv() {
    if (!reader.value.trim()) {
      tell("Type your name or initials first: they go into the file.");
      reader.focus();
      return;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([toCsv()], { type: "text/csv" }));
    const name = [document.body.dataset.page, reader.value.trim()].filter(Boolean).join(" ");
    link.download = `verdicts-${name.replace(/[^\p{L}\p{N}_]+/gu, "-")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    tell(`Exported ${link.download}.`);
  }

  function importCsv(text) {
    const rows = fromCsv(text);
    const names = [...new Set(rows.map((row) => row.reader))];
    const name = reader.value.trim() || names[0] || "";
    if (names.some((other) => other !== name)) {
      throw new Error(`its reader is ${names.join(", ")}, yours is ${name}`);
    }
    if (rows.some((row) => row.verdict && !WORDS.includes(row.verdict))) {
      throw new Error(`a verdict must be ${WORDS.join(", ")} or empty`);
    }
    const known = rows.filter((row) => places.has(row.item));
    for (const row of known) {
      const missed = row.kind === "unmatched" ? row.class.split(" ").filter(Boolean) : [];
      said[row.item] = { verdict: row.verdict, note: row.note, missed };
    }
    reader.value = name;
    items.forEach(show);
    count();
    save();
    const unknown = rows.length - known.length;
    tell(`Imported ${known.length} verdicts${unknown ? `; ${unknown} are of another sample` : ""}.`);
  }

  // ---- events

  function onKey(event) {
    const item = items[current];
    if (event.target.matches("input, textarea")) {
      if (event.key === "Escape") go(current);
      return;
    }
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const digit = /^(?:Digit|Numpad)([123])$/.exec(event.code)?.[1];
    const actions = {
      j: () => go(current + 1),
      ArrowDown: () => go(current + 1),
      k: () => go(current - 1),
      ArrowUp: () => go(current - 1),
      u: nextOpen,
      n: () => item.querySelector(".note").focus(),
      o: () => item.querySelector("summary")?.click(),
    };
    if (digit && event.shiftKey) {
      judgeAlike(item, WORDS[digit - 1]);
    } else if (digit) {
      const stay = item.dataset.kind === "unmatched" && digit === "2"; // its classes are still to be chosen
      if (judge(item, WORDS[digit - 1]) && !stay) go(current + 1);
    } else if (Object.hasOwn(actions, event.key)) {
      actions[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  }

  function onClick(event) {
    const button = event.target.closest(".item button");
    const item = button?.closest(".item");
    if (!item) return;
    if (button.closest(".verdict")) {
      judge(item, button.value);
    } else {
      const { missed } = opinion(item);
      const rest = missed.filter((name) => name !== button.value);
      change(item, { missed: rest.length < missed.length ? rest : [...missed, button.value] });
    }
  }

  async function onImport(event) {
    try {
      importCsv(await event.target.files[0].text());
    } catch (error) {
      tell(`Not imported: ${error.message}.`);
    }
    event.target.value = "";
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
  document.addEventListener("focusin", (event) => {
    const item = event.target.closest(".item");
    if (item) current = places.get(item.dataset.item);
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches(".note")) change(event.target.closest(".item"), { note: event.target.value });
    else if (event.target === reader) save();
  });
  document.getElementById("export").addEventListener("click", exportCsv);
  document.getElementById("import").addEventListener("change", onImport);

  restore();
  items.forEach(show);
  count();
})();
