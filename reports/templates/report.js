"use strict";
/* Tables that sort, filter and turn pages. Text of documents goes in by textContent only. */

const config = JSON.parse(document.getElementById("config").textContent);
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const SVG = "http://www.w3.org/2000/svg";
const PRINTED_ROWS = 2000;

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => ![undefined, null, false, ""].includes(child)));
  return node;
}

const words = (text, kind) => el("bdi", { class: kind }, text === undefined ? "" : String(text));

/* A sentence of docmill's: what stands between backticks is code. */
const prose = (text) => el("bdi", {}, ...String(text ?? "").split(/`([^`]+)`/).map((part, at) => at % 2 ? el("code", {}, part) : part));

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

const markOf = (status) => {
  const [word, tone, symbol, rank] = config.marks[status];
  return { word, tone, symbol, rank };
};

function mark(status) {
  const { word, tone, symbol } = markOf(status);
  return el("span", { class: "mark " + tone }, icon(symbol), word);
}

/* Data: one block per document. Values and verdicts learn which document they belong to. */
const batch = [];
const byId = new Map();
for (const block of document.querySelectorAll("script.document")) {
  const data = JSON.parse(block.textContent);
  block.remove();
  data.values ??= [];
  data.verdicts ??= [];
  data.proven = data.values.filter((value) => value.status === "verified").length;
  data.failed = data.verdicts.filter((verdict) => verdict.verdict === "fail").length;
  data.paths = new Map(data.values.map((value) => [value.path, value]));
  for (const row of [...data.values, ...data.verdicts]) row.document = data;
  batch.push(data);
  byId.set(data.id, data);
}
batch.sort((a, b) => collator.compare(a.name, b.name));

function address(data, path) {
  const place = encodeURIComponent(data.id);
  return path && data.paths.has(path) ? "#v=" + place + "/" + encodeURIComponent(path) : "#d=" + place;
}

function duration(seconds) {
  if (seconds < 9.95) return seconds.toFixed(2) + " s";
  if (seconds < 59.95) return seconds.toFixed(1) + " s";
  const whole = Math.round(seconds);
  return Math.floor(whole / 60).toLocaleString("en") + " min " + String(whole % 60).padStart(2, "0") + " s";
}

function remarks(data) {
  const twin = data.twin && byId.get(data.twin);
  return [
    data.message,
    data.remedy && "Next: " + data.remedy,
    data.twin && "Same content as " + (twin ? twin.name : data.twin) + ".",
    data.cached && "From an earlier run.",
    ...(data.notes || []),
  ].filter(Boolean).join(" ");
}

const fieldOf = (path) => (path || "").replace(/\[\d+\]/g, "");
const linked = (row) => el("a", { href: address(row.document, row.path) }, words(row.path || "whole record"));
const documentName = (row) => words(row.document.name, "name");
const unwanted = (row) => row.status === "missing" && row.optional;
const tagged = (row) => el("div", { class: "clamp" }, prose(row.message), " ",
  row.severity && row.verdict !== "pass" && row.severity !== row.verdict && el("span", { class: "tag" }, row.severity));

function proofOf(row) {
  const quote = row.readings?.[0]?.quote;
  return [quote && words(quote, "quote"), row.reason && prose(row.reason), unwanted(row) && el("span", { class: "soft" }, "Need not be there."), row.by && el("span", { class: "tag" }, row.by),
    row.readings?.[0]?.ocr && el("span", { class: "tag" }, "OCR"), ...(row.flags || []).map((flag) => el("span", { class: "tag" }, flag))];
}

/* Each column: what a cell shows, and what it is sorted by. */
const TABLES = {
  verdicts: {
    rows: () => batch.flatMap((data) => data.verdicts),
    status: (row) => row.verdict,
    href: (row) => address(row.document, row.path),
    text: (row) => [row.document.name, row.path, row.found, row.limit, row.clause, row.check, row.message, ...(row.related || [])],
    columns: {
      status: { label: "Verdict", show: (row) => mark(row.verdict), key: (row) => markOf(row.verdict).rank },
      document: { label: "Document", show: documentName, key: (row) => row.document.name },
      path: { label: "Field", show: linked, key: (row) => row.path },
      found: { label: "Found", show: (row) => words(row.found, "found"), key: (row) => row.number ?? row.found },
      limit: { label: "Wanted", show: (row) => words(row.limit), key: (row) => row.limit },
      clause: { label: "Clause", show: (row) => words(row.clause), key: (row) => row.clause },
      message: { label: "What it means", show: tagged, key: (row) => row.message },
    },
  },
  values: {
    rows: () => batch.flatMap((data) => data.values),
    status: (row) => row.status,
    href: (row) => address(row.document, row.path),
    text: (row) => [row.document.name, row.path, row.text, row.reason, row.code, row.by, ...(row.readings || []).map((r) => r.quote)],
    columns: {
      status: { label: "Status", show: (row) => mark(row.status), key: (row) => markOf(row.status).rank + (unwanted(row) ? 100 : 0) },
      document: { label: "Document", show: documentName, key: (row) => row.document.name },
      path: { label: "Field", show: linked, key: (row) => row.path },
      text: { label: "Value", show: (row) => words(row.text, "found"), key: (row) => row.number ?? row.text },
      page: { label: "Page", number: true, show: (row) => String(row.page ?? ""), key: (row) => row.page },
      quote: { label: "Quote, reason", show: proofOf, key: (row) => row.readings?.[0]?.quote },
    },
  },
  documents: {
    rows: () => batch,
    status: (row) => row.status,
    href: (row) => address(row),
    text: (row) => [row.name, row.code, remarks(row)],
    columns: {
      status: { label: "Status", show: (row) => mark(row.status), key: (row) => markOf(row.status).rank },
      document: { label: "Document", show: (row) => el("a", { href: address(row) }, words(row.name)), key: (row) => row.name },
      pages: { label: "Pages", number: true, show: (row) => String(row.pages ?? "–"), key: (row) => row.pages },
      proven: { label: "Proven", number: true, show: (row) => row.proven + " / " + row.values.length, key: (row) => row.proven },
      failed: { label: "Failed", number: true, show: (row) => String(row.failed), key: (row) => row.failed },
      attempts: { label: "Attempts", number: true, show: (row) => String(row.attempts), key: (row) => row.attempts },
      calls: { label: "Calls", number: true, show: (row) => row.calls.toLocaleString("en"), key: (row) => row.calls },
      tokens: { label: "Tokens", number: true, show: (row) => row.tokens.toLocaleString("en"), key: (row) => row.tokens },
      wall: { label: "Time", number: true, show: (row) => duration(row.wall), key: (row) => row.wall },
      cost: { label: "Cost", number: true, show: (row) => row.cost, key: (row) => row.usd },
      message: { label: "Remarks", show: (row) => prose(remarks(row)), key: remarks },
    },
  },
};

/* A minus sign and a hyphen, a no-break and a common space are the same to someone who searches. */
const searchable = (text) => text.replace(/\u2212/g, "-").replace(/[\u00a0\u202f]/g, " ").toLowerCase();

function compare(a, b) {
  const emptyA = a === undefined || a === null || a === "", emptyB = b === undefined || b === null || b === "";
  if (emptyA || emptyB) return 0;
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number") return -1;
  return typeof b === "number" ? 1 : collator.compare(a, b);
}

class Table {
  constructor(name) {
    Object.assign(this, TABLES[name], { name, page: 0, statuses: new Set(), field: "", only: "", search: "" });
    this.host = document.getElementById(name);
    this.body = this.host.querySelector("tbody");
    this.all = this.rows();
    this.sort = { column: "status", down: false };
    if (!this.all.length) return;
    this.makeHeads();
    this.makeTools();
    this.apply();
  }

  makeHeads() {
    for (const head of this.host.querySelectorAll("th[data-column]")) {
      const button = el("button", { type: "button" }, head.textContent);
      button.addEventListener("click", () => {
        const column = head.dataset.column;
        this.sort = { column, down: this.sort.column === column && !this.sort.down };
        this.apply();
      });
      head.replaceChildren(button);
    }
  }

  makeTools() {
    const change = (property, control) => control.addEventListener("input", () => { this[property] = control.value; this.apply(); });
    const search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search " + this.name });
    change("search", search);
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "Show only" });
    const counts = new Map();
    for (const row of this.all) counts.set(this.status(row), (counts.get(this.status(row)) || 0) + 1);
    for (const status of [...counts.keys()].sort((a, b) => markOf(a).rank - markOf(b).rank)) {
      const chip = el("button", { type: "button", "aria-pressed": "false", "data-status": status },
        icon(markOf(status).symbol), markOf(status).word, el("b", {}, counts.get(status).toLocaleString("en")));
      chip.addEventListener("click", () => { this.statuses.delete(status) || this.statuses.add(status); this.apply(); });
      this.chips.append(chip);
    }
    this.shown = el("span", { class: "shown", role: "status" });
    const more = this.name === "documents" ? [] : [this.makeFieldFilter(change), this.makeDocumentFilter(change)];
    this.host.querySelector(".tools").append(search, this.chips, ...more.filter(Boolean), this.shown);
    this.pager = this.host.querySelector(".pager");
  }

  makeFieldFilter(change) {
    const fields = [...new Set(this.all.map((row) => fieldOf(row.path)))].filter(Boolean);
    if (fields.length < 2 || fields.length > 500) return null;
    const select = el("select", { "aria-label": "Field" }, el("option", { value: "" }, "All fields"),
      ...fields.map((field) => el("option", { value: field }, field)));
    change("field", select);
    return select;
  }

  makeDocumentFilter(change) {
    if (batch.length < 2) return null;
    const list = el("datalist", { id: "list-" + this.name }, ...batch.slice(0, 500).map((data) => el("option", { value: data.name })));
    const input = el("input", { list: list.id, placeholder: "All documents", "aria-label": "Document" });
    change("only", input);
    this.host.append(list);
    return input;
  }

  /* Show exactly these statuses, whatever else was filtered. */
  showOnly(statuses) {
    this.statuses = new Set(statuses);
    this.field = this.only = this.search = "";
    for (const control of this.host.querySelectorAll(".tools input, .tools select")) control.value = "";
    this.apply();
    this.host.scrollIntoView();
  }

  matches(row, wanted) {
    if (this.statuses.size && !this.statuses.has(this.status(row))) return false;
    if (this.field && fieldOf(row.path) !== this.field) return false;
    if (this.only && !row.document.name.toLowerCase().includes(this.only.toLowerCase())) return false;
    if (!wanted) return true;
    row.haystack ??= searchable(this.text(row).filter(Boolean).join("\n"));
    return row.haystack.includes(wanted);
  }

  apply() {
    const wanted = searchable(this.search.trim());
    const { key } = this.columns[this.sort.column];
    const sign = this.sort.down ? -1 : 1;
    const keyed = this.all.filter((row) => this.matches(row, wanted)).map((row) => [key(row), row]);
    const empty = (value) => value === undefined || value === null || value === "";
    keyed.sort(([a], [b]) => empty(a) - empty(b) || sign * compare(a, b));
    this.found = keyed.map(([, row]) => row);
    this.page = 0;
    for (const head of this.host.querySelectorAll("th[data-column]")) {
      if (head.dataset.column === this.sort.column) head.setAttribute("aria-sort", this.sort.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    for (const chip of this.chips.children) chip.setAttribute("aria-pressed", String(this.statuses.has(chip.dataset.status)));
    this.render();
  }

  render(size = config.rows) {
    const start = this.page * size, part = this.found.slice(start, start + size);
    const made = part.map((row) => {
      const cells = Object.values(this.columns).map((column) =>
        el("td", { "data-label": column.label, class: column.number && "number" }, ...[column.show(row)].flat()));
      return el("tr", { "data-href": this.href(row) }, ...cells);
    });
    if (!made.length) made.push(el("tr", {}, el("td", { colspan: Object.keys(this.columns).length, class: "soft" }, "Nothing matches.")));
    this.body.replaceChildren(...made);
    const total = this.found.length, all = this.all.length;
    this.shown.textContent = total === all ? all.toLocaleString("en") + " rows" : total.toLocaleString("en") + " of " + all.toLocaleString("en") + " rows";
    this.renderPager(start, part.length, total, size);
  }

  renderPager(start, length, total, size) {
    if (total <= size) return this.pager.replaceChildren();
    const turn = (label, by, possible) => {
      const button = el("button", { type: "button", disabled: !possible }, label);
      button.addEventListener("click", () => { this.page += by; this.render(); this.host.scrollIntoView(); });
      return button;
    };
    const range = (start + 1).toLocaleString("en") + "–" + (start + length).toLocaleString("en") + " of " + total.toLocaleString("en");
    return this.pager.replaceChildren(turn("‹ Previous", -1, start > 0), range, turn("Next ›", 1, start + size < total));
  }
}

const tables = Object.fromEntries(Object.keys(TABLES).map((name) => [name, new Table(name)]));

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button") && !String(getSelection())) location.hash = row.dataset.href;
});
addEventListener("beforeprint", () => { for (const table of Object.values(tables)) if (table.found) { table.page = 0; table.render(PRINTED_ROWS); } });
addEventListener("afterprint", () => { for (const table of Object.values(tables)) if (table.found) table.render(); });
