const FIRST_ROWS = 50;
const MORE_ROWS = 1000;
const themed = [];

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const cellText = (value) => {
  if (value === null || value === undefined) return "-";
  if (typeof value !== "number") return value;
  return Number.isInteger(value) ? formatNumber(value) : formatNumber(Number(value.toPrecision(6)));
};

/** A number, of a share the number before its sign, of a dash nothing; all else is none. */
function amount(value) {
  if (typeof value === "number") return value;
  if (value === "-") return null;
  return /^-?[\d.]+ %$/.test(value) ? Number.parseFloat(value) : Number.NaN;
}

const rank = (value) => amount(value) ?? Infinity;

/** A table that sorts by its columns, filters, shows more on demand, and can be copied. */
function buildTable({ title, columns, rows }, level = "h3") {
  let [order, most, sorted, down, query] = [rows, FIRST_ROWS, -1, false, ""];
  const block = element("div", { className: "block" });
  const said = element("output");
  const copy = element("button", { type: "button", textContent: "Copy table" });
  const bar = element("div", { className: "toolbar" }, element(level, { textContent: title }), copy, said);
  const numeric = columns.map((_, k) => rows.length > 0 && rows.every((row) => row[k] === null || !Number.isNaN(amount(row[k]))));
  const head = element("tr");
  const body = element("tbody");
  const more = element("button", { type: "button", hidden: true });
  const region = element("div", { className: "scroll", tabIndex: 0 }, element("table", {}, element("thead", {}, head), body));
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", title);
  let kept = rows;
  const fill = () => {
    const words = query.toLowerCase();
    kept = words ? order.filter((row) => row.some((value) => String(cellText(value)).toLowerCase().includes(words))) : order;
    body.replaceChildren(...kept.slice(0, most).map((row) => element("tr", {}, ...row.map((value, k) => {
      const text = cellText(value);
      const { length } = String(text);
      return element("td", { textContent: text, className: numeric[k] ? "number" : length > 40 ? "text" : length > 16 ? "long" : "" });
    }))));
    more.hidden = kept.length <= most;
    const left = kept.length - most;
    more.textContent = left <= MORE_ROWS ? `Show all ${formatNumber(kept.length)} rows`
      : `Show ${formatNumber(MORE_ROWS)} more of ${formatNumber(left)} rows`;
  };
  columns.forEach((name, k) => {
    const button = element("button", { type: "button", textContent: name });
    const cell = element("th", { className: numeric[k] ? "number" : "", scope: "col" }, button);
    button.addEventListener("click", () => {
      down = sorted === k && !down;
      sorted = k;
      const sign = down ? -1 : 1;
      const compare = (a, b) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (numeric[k] ? rank(a) - rank(b) : String(a).localeCompare(String(b)));
      };
      order = [...rows].sort((a, b) => compare(a[k], b[k]));
      for (const other of head.cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      fill();
    });
    head.append(cell);
  });
  more.addEventListener("click", () => {
    most += MORE_ROWS;
    fill();
  });
  if (rows.length > 10) {
    const input = element("input", { type: "search", placeholder: "filter rows" });
    input.setAttribute("aria-label", `Filter ${title}`);
    input.addEventListener("input", () => {
      query = input.value.trim();
      fill();
    });
    bar.append(input);
  }
  copy.addEventListener("click", () => copyText([columns, ...kept].map((row) => row.map((value) => String(cellText(value)).replace(/[\t\r\n]+/g, " ")).join("\t")).join("\n"), said));
  fill();
  block.append(bar, region, more);
  return block;
}

async function copyText(text, said) {
  const area = element("textarea", { value: text, className: "unseen" });
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  said.textContent = "copied";
  setTimeout(() => { said.textContent = ""; }, 2000);
}

/** A page of its own, as tall as what is in it. */
function buildPage(spec) {
  const frame = element("iframe", { title: spec.title, srcdoc: spec.html });
  const box = element("figure", { className: "chart wide" }, element("figcaption", {}, element("h3", { textContent: spec.title })), frame);
  frame.addEventListener("load", () => {
    const inner = frame.contentDocument;
    for (const part of inner.querySelectorAll("header, #theme")) part.hidden = true;
    inner.body.style.padding = "0";
    inner.body.style.overflow = "hidden";
    const fit = () => { frame.style.height = `${Math.ceil(inner.body.getBoundingClientRect().bottom + 24)}px`; };
    new ResizeObserver(fit).observe(inner.body);
    const follow = () => {
      if (inner.documentElement.dataset.theme !== document.documentElement.dataset.theme) inner.getElementById("theme").click();
    };
    themed.push(follow);
    follow();
    fit();
  });
  return box;
}

function buildLegend(plot) {
  const list = element("ul", { className: "legend" });
  list.setAttribute("aria-label", "Series");
  plot.content.names().forEach(({ name, dashed, fixed }, k) => {
    const mark = element("i", { className: dashed ? "dashed" : "" });
    themed.push(() => { mark.style.borderColor = plot.content.colour(k, readTheme()); });
    if (fixed) {
      list.append(element("li", { className: "fixed" }, mark, name));
      return;
    }
    const button = element("button", { type: "button" }, mark, name);
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const { hidden } = plot.content;
      if (!hidden.delete(k)) hidden.add(k);
      button.setAttribute("aria-pressed", String(!hidden.has(k)));
      plot.draw();
    });
    list.append(element("li", {}, button));
  });
  return list;
}

function buildChart(given, palettes) {
  if (given.kind === "page") return buildPage(given);
  const spec = given.kind === "bars" ? barSpec(given) : given;
  const content = spec.kind === "lines" ? new LineContent(spec, palettes.fill) : new BoxContent(spec, palettes.fill);
  content.paletteText = palettes.text;
  const canvas = element("canvas");
  if (content.rows) canvas.style.height = `${Math.min(Math.max(60 + 22 * spec.rows.length, 140), 900)}px`;
  const plot = new Plot(canvas, spec, content);
  const tools = element("span", { className: "tools" });
  if (spec.kind === "boxes" && spec.names.length > 12) {
    const input = element("input", { type: "search", placeholder: "filter" });
    input.setAttribute("aria-label", `Filter ${spec.title}`);
    input.addEventListener("input", () => {
      content.filter(input.value);
      plot.draw();
    });
    tools.append(input);
  }
  for (const [text, label, act] of [["−", "Zoom out", () => plot.zoom(1 / 0.7)], ["+", "Zoom in", () => plot.zoom(0.7)], ["Fit", "Show everything", () => plot.reset()]]) {
    const button = element("button", { type: "button", textContent: text, title: label });
    button.setAttribute("aria-label", `${label}: ${spec.title}`);
    button.addEventListener("click", act);
    tools.append(button);
  }
  const spoken = element("span", { className: "unseen" });
  spoken.setAttribute("aria-live", "polite");
  const values = element("details", { className: "help" }, element("summary", { textContent: "Values" }));
  values.addEventListener("toggle", () => {
    if (values.open && values.children.length === 1) values.append(buildTable({ title: spec.title, ...content.table() }, "h4"));
  });
  const wide = spec.kind === "boxes";
  const caption = element("figcaption", {}, element("h3", { textContent: spec.title }), tools);
  const figure = element("figure", { className: wide ? "chart wide" : "chart" }, caption, canvas, spoken);
  if (content.names().length) figure.append(buildLegend(plot));
  figure.append(values);
  const redraw = () => plot.draw(readTheme());
  themed.push(redraw);
  new ResizeObserver(redraw).observe(canvas);
  return figure;
}

function buildSection(section, number, palettes) {
  const box = element("section", { className: "result", id: `result-${number}` });
  // A single result need not be named twice in sight; outlines keep both headings.
  const named = section.title === document.querySelector("h1").textContent;
  box.append(element("h2", { className: named ? "unseen" : "", textContent: section.title }));
  box.append(element("p", { className: "answer", textContent: section.answer }));
  box.append(element("p", { className: "source", textContent: `From ${section.source}` }));
  if (section.checked) {
    const checked = element("p", { className: "checked", textContent: section.checked });
    if (section.violations) {
      const alarm = element("div", { className: "alarm" }, checked, buildTable(section.violations));
      alarm.setAttribute("role", "alert");
      box.append(alarm);
    } else box.append(checked);
  }
  if (section.command) {
    const said = element("output");
    const copy = element("button", { type: "button", textContent: "Copy command" });
    copy.addEventListener("click", () => copyText(section.command, said));
    box.append(element("p", { className: "command" }, element("code", { textContent: section.command }), copy, said));
  }
  if (section.certificate) box.append(buildTable(section.certificate));
  if (section.charts.length) box.append(element("div", { className: "charts" }, ...section.charts.map((spec) => buildChart(spec, palettes))));
  for (const table of section.tables) box.append(buildTable(table));
  return box;
}

function start() {
  const { sections, palette, paletteText } = JSON.parse(byId("data").textContent);
  const palettes = { fill: palette, text: paletteText };
  byId("sections").append(...sections.map((section, k) => buildSection(section, k + 1, palettes)));
  byId("contents").append(...sections.map((section, k) => element("li", {},
    element("a", { href: `#result-${k + 1}`, textContent: section.title }), ` – ${section.answer}`)));
  byId("contents").parentElement.hidden = sections.length < 2;
  wireTheme(() => themed.forEach((redraw) => redraw()));
}

start();
