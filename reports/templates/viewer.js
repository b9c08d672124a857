
/* The viewer: a page with the value's place marked, and what is known of the value beside it.
   #v=DOCUMENT/PATH opens a value, #d=DOCUMENT a document, #f=TABLE:STATUS,... filters a table. */

const $ = (id) => document.getElementById("viewer" + (id ? "-" + id : ""));
const viewer = { dialog: $(), trail: [], data: null, value: null, choice: 0, zoom: 0 };
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

function pictureAddress(data, page) {
  const name = data.pictures?.[page];
  if (!name) return "";
  const inside = document.getElementById("p-" + name);
  return inside ? "data:image/png;base64," + inside.textContent : config.folder + "/" + name + ".png";
}

function place(box, kind, gap = 1.5) {
  const [x0, y0, x1, y1] = box;
  return svg("rect", { class: kind, x: x0 - gap, y: y0 - gap, width: x1 - x0 + 2 * gap, height: y1 - y0 + 2 * gap, rx: 1.5 });
}

function drawPage(data, readings, page) {
  const [width, height] = data.sizes?.[page] || [595, 842];
  const sheet = svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": "Page " + page + " of " + data.name });
  const href = pictureAddress(data, page);
  if (href) sheet.append(svg("image", { href, width, height, preserveAspectRatio: "none" }));
  else sheet.append(svg("text", { class: "absent", x: width / 2, y: 40 }, "The picture of this page wasn't kept; the frame shows the place."));
  readings.forEach((reading, index) => {
    if (reading.page !== page) return;
    const current = index === viewer.choice;
    if (reading.label && current) sheet.append(place(reading.label, "label"));
    for (const box of reading.boxes || []) {
      const frame = place(box, current ? "value" : "other");
      if (!current) frame.addEventListener("click", () => choose(index));
      sheet.append(frame);
    }
    const first = reading.boxes?.[0];
    if (first && readings.length > 1) sheet.append(svg("text", { class: "letter", x: first[0] - 1, y: first[1] - 3.5 }, LETTERS[index]));
  });
  return sheet;
}

function showPage() {
  const { data, value, choice } = viewer, stage = $("stage");
  const readings = value?.readings || [], reading = readings[choice];
  const page = reading?.page;
  viewer.dialog.classList.toggle("alone", !page);
  if (!page) return stage.replaceChildren();
  const sheet = drawPage(data, readings, page);
  stage.replaceChildren(sheet);
  return resize();
}

/* zoom 0 shows the whole page; otherwise the page's width in shares of the stage. */
function resize() {
  const stage = $("stage"), sheet = stage.firstElementChild;
  if (!sheet) return;
  const [, , width, height] = sheet.getAttribute("viewBox").split(" ").map(Number);
  const room = { width: stage.clientWidth - 32, height: stage.clientHeight - 32 };
  const whole = Math.min(room.width, room.height * width / height);
  sheet.style.width = (viewer.zoom ? Math.max(whole, room.width * viewer.zoom) : whole) + "px";
  const frame = sheet.querySelector(".value");
  if (frame) frame.scrollIntoView({ block: "center", inline: "center" });
}

function zoom(kind) {
  const step = { in: 1.3, out: 1 / 1.3 }[kind];
  const stage = $("stage"), shown = stage.firstElementChild?.clientWidth / (stage.clientWidth - 32);
  viewer.zoom = step ? Math.min(5, (viewer.zoom || shown) * step) : 0;
  resize();
}

function choose(index) {
  viewer.choice = index;
  showPage();
  showFacts();
}

function showFacts() {
  const { data, value } = viewer;
  const facts = value ? valueFacts(data, value) : [];
  $("facts").replaceChildren(...facts, ...documentFacts(data, value));
}

function valueFacts(data, value) {
  const readings = value.readings || [], reading = readings[viewer.choice];
  const parts = [el("p", {}, mark(value.status))];
  if (readings.length > 1) parts.push(choices(readings));
  else parts.push(el("p", { class: "reading" }, words(value.text)));
  if (value.reason) parts.push(el("p", {}, prose(value.reason)));
  if (value.code) parts.push(el("p", {}, el("code", {}, value.code)));
  if (value.flags) parts.push(el("p", {}, "Its words are flagged: ", ...value.flags.map((flag) => el("span", { class: "tag" }, flag))));
  if (value.by) parts.push(el("p", { class: "soft" }, "Delivered by " + value.by));
  if (value.since) parts.push(el("p", { class: "soft" }, "Taken over from session " + value.since));
  if (reading?.quote) parts.push(el("blockquote", {}, words(reading.quote)), el("p", { class: "soft" }, origin(data, reading)));
  const verdicts = data.verdicts.filter((verdict) => verdict.path === value.path);
  return parts.concat(verdicts.map(judged));
}

function origin(data, reading) {
  const of = data.pages ? " of " + data.pages : "";
  const sure = reading.confidence === undefined ? "" : ", confidence " + Math.round(reading.confidence * 100) + " %";
  const how = reading.ocr ? ", read by OCR: not verbatim in the document" : "";
  return "Page " + reading.page + of + how + sure + (reading.label ? ". The dashed frame is its label." : "");
}

function choices(readings) {
  return el("div", { class: "choices", role: "group", "aria-label": "Candidates" }, ...readings.map((reading, index) => {
    const button = el("button", { type: "button", "aria-pressed": String(index === viewer.choice) },
      el("b", {}, LETTERS[index] || ""), words(reading.text, "found"), reading.page && el("span", { class: "soft" }, "page " + reading.page));
    button.addEventListener("click", () => choose(index));
    return button;
  }));
}

function judged(verdict) {
  const demand = [verdict.limit, verdict.clause && "(" + verdict.clause + ")"].filter(Boolean).join(" ");
  return el("div", { class: "judged" }, mark(verdict.verdict), " ", verdict.severity && el("span", { class: "tag" }, verdict.severity),
    demand && el("p", {}, el("span", { class: "soft" }, "Wanted "), words(demand)),
    verdict.message && el("p", {}, prose(verdict.message)),
    el("p", { class: "soft" }, "Check ", words(verdict.check)));
}

function documentFacts(data, value) {
  const parts = [];
  if (!value) {
    parts.push(el("p", {}, mark(data.status)));
    if (data.code) parts.push(el("p", {}, el("code", {}, data.code)));
    if (data.message) parts.push(el("p", {}, prose(data.message)));
    if (data.remedy) parts.push(el("p", {}, el("span", { class: "soft" }, "Next: "), prose(data.remedy)));
    parts.push(...data.verdicts.filter((verdict) => !data.paths.has(verdict.path)).map(judged));
  }
  for (const note of data.notes || []) parts.push(el("p", { class: "soft" }, words(note)));
  parts.push(...leftFiles(data));
  if (data.values.length) {
    parts.push(el("h3", {}, "All values of this document"), el("table", { class: "others" }, el("tbody", {}, ...data.values.map((other) => {
      const { tone, symbol, word } = markOf(worst(data, other));
      const sign = el("span", { class: tone, title: word }, icon(symbol), el("span", { class: "unseen" }, word));
      return el("tr", { "data-href": address(data, other.path), "aria-current": other === value && "true" },
        el("td", {}, sign), el("td", {}, el("a", { href: address(data, other.path) }, words(other.path))), el("td", {}, words(other.text)));
    }))));
  }
  return parts;
}

/* Files the agent left: saved, never shown. */
function leftFiles(data) {
  if (!data.outputs && !data.unkept) return [];
  return [el("h3", {}, "Files the agent left"), el("ul", { class: "files" },
    ...(data.outputs || []).map((file) => el("li", {}, el("a", { href: file.href, download: file.file }, words(file.name)), el("span", { class: "soft" }, " " + file.size))),
    ...(data.unkept || []).map((file) => el("li", { class: "soft" }, words(file.name), " was not kept: " + file.reason)))];
}

/* A verified value that failed its check shows the failure. */
function worst(data, value) {
  const statuses = data.verdicts.filter((verdict) => verdict.path === value.path && verdict.verdict !== "pass").map((verdict) => verdict.verdict);
  return [value.status, ...statuses].sort((a, b) => markOf(a).rank - markOf(b).rank)[0];
}

function open(data, value) {
  Object.assign(viewer, { data, value, choice: 0 });
  if (!viewer.dialog.open) {
    viewer.dialog.showModal();
    const width = $("stage").clientWidth;
    viewer.zoom = width < 700 ? 2 : 1;
  }
  $("document").textContent = data.name;
  $("title").textContent = value ? value.path : "Document";
  const here = viewer.trail.indexOf(location.hash), total = viewer.trail.length;
  $("place").textContent = here < 0 ? "" : here + 1 + " of " + total;
  $("previous").disabled = here <= 0;
  $("next").disabled = here < 0 || here >= total - 1;
  showFacts();
  showPage();
}

function step(by) {
  const here = viewer.trail.indexOf(location.hash), next = viewer.trail[here + by];
  if (here >= 0 && next) location.replace(next);
}

/* What "next" means: the rows as they are filtered and sorted, or the list the link stands in. */
function remember(link) {
  const host = link.closest("section[id]");
  if (!host) return;
  const table = tables[host.id];
  const rows = table?.found ? table.found.map(table.href) : [...host.querySelectorAll("a[href^='#v='], a[href^='#d=']")].map((a) => a.getAttribute("href"));
  viewer.trail = [...new Set(rows)];
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function route() {
  const [kind, rest] = [location.hash.slice(0, 3), location.hash.slice(3)];
  const parts = (kind === "#v=" || kind === "#d=") && rest.split("/").map(decoded);
  const data = parts && byId.get(parts[0]);
  if (data) {
    const value = data.paths.get(parts[1]);
    if (!viewer.trail.includes(location.hash)) viewer.trail = data.values.map((other) => address(data, other.path));
    return open(data, value);
  }
  if (viewer.dialog.open) viewer.dialog.close();
  const [table, statuses] = kind === "#f=" ? decoded(rest).split(":") : [];
  if (Object.hasOwn(tables, table || "") && tables[table].found) tables[table].showOnly(statuses.split(","));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#v='], a[href^='#d='], tr[data-href]");
  if (link && !viewer.dialog.contains(link)) remember(link);
  const filter = event.target.closest("a[href^='#f=']");
  if (filter && filter.getAttribute("href") === location.hash) route();
}, true);
viewer.dialog.addEventListener("close", () => { if (/^#[vd]=/.test(location.hash)) history.replaceState(null, "", "#"); });
viewer.dialog.addEventListener("click", (event) => { if (event.target === viewer.dialog) viewer.dialog.close(); });
viewer.dialog.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const scrolls = event.target === $("stage") && $("stage").scrollWidth > $("stage").clientWidth;
  if (event.key === "ArrowLeft" && !scrolls) step(-1);
  if (event.key === "ArrowRight" && !scrolls) step(1);
  const kind = { "+": "in", "=": "in", "-": "out", "0": "page" }[event.key];
  if (kind) zoom(kind);
});
$("previous").addEventListener("click", () => step(-1));
$("next").addEventListener("click", () => step(1));
$("close").addEventListener("click", () => viewer.dialog.close());
for (const button of viewer.dialog.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoom(button.dataset.zoom));
addEventListener("resize", () => { if (viewer.dialog.open) resize(); });
addEventListener("hashchange", route);
route();
