const PAGE_ROWS = 100;

/** The tasks as a table: sorted by a click on a heading, filtered like the chart, copied as text. */
class TaskTable {
  constructor(section, state) {
    this.state = state;
    this.head = section.querySelector("thead");
    this.body = section.querySelector("tbody");
    this.more = section.querySelector("#more");
    this.copied = section.querySelector("#copied");
    this.columns = columnsOf(state.model);
    this.order = Array.from({ length: state.model.count }, (_, task) => task);
    this.sorted = { column: -1, up: true };
    this.fillHead();
    section.querySelector("#copy").addEventListener("click", () => this.copy());
    this.more.addEventListener("click", () => this.extend());
    this.update();
  }

  fillHead() {
    const line = document.createElement("tr");
    this.columns.forEach(({ name, number }, column) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      if (number) cell.className = "number";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => this.sort(column));
      cell.append(button);
      line.append(cell);
    });
    this.head.append(line);
  }

  sort(column) {
    const up = this.sorted.column === column ? !this.sorted.up : true;
    this.sorted = { column, up };
    const { value, number } = this.columns[column];
    const keys = this.order.map((_, task) => value(task));
    const compare = number
      ? (a, b) => (keys[a] === "" ? Infinity : keys[a]) - (keys[b] === "" ? Infinity : keys[b]) || a - b
      : (a, b) => String(keys[a]).localeCompare(String(keys[b]), "en", { numeric: true }) || a - b;
    this.order.sort((a, b) => (up ? compare(a, b) : compare(b, a)));
    [...this.head.rows[0].cells].forEach((cell, k) => {
      if (k === column) cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
    this.update();
  }

  /** Tasks that the filter and the highlighted job leave, in order. */
  chosen() {
    return this.order.filter((task) => this.state.emphasis[task]);
  }

  update() {
    this.rows = this.chosen();
    this.body.replaceChildren();
    this.copied.textContent = "";
    this.extend();
  }

  extend() {
    const from = this.body.rows.length;
    for (const task of this.rows.slice(from, from + PAGE_ROWS)) {
      const line = this.body.insertRow();
      for (const { value, number, late } of this.columns) {
        const cell = line.insertCell();
        const content = value(task);
        cell.textContent = typeof content === "number" ? formatNumber(content) : content;
        if (number) cell.className = late && content !== "" ? "number late" : "number";
      }
    }
    const left = this.rows.length - this.body.rows.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${formatNumber(Math.min(left, PAGE_ROWS))} more of ${formatNumber(left)}`;
  }

  /** All rows, shown or not, with tabs between the columns, as spreadsheets take them. */
  text() {
    const clean = (content) => String(content).replace(/[\t\r\n]+/g, " ");
    const lines = [this.columns.map(({ name }) => name)];
    for (const task of this.rows) lines.push(this.columns.map(({ value }) => clean(value(task))));
    return lines.map((line) => line.join("\t")).join("\n");
  }

  async copy() {
    const text = this.text();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copied.textContent = `${formatNumber(this.rows.length)} rows copied`;
  }
}

/** Columns that say something about this schedule. */
function columnsOf(model) {
  const due = (task) => model.jobs.due[model.job[task]];
  const anyDue = model.jobs.due.some((time) => time !== null);
  const anyModes = model.tasks.modes.some((count) => count > 1);
  return [
    { name: "Task", value: (task) => model.id[task] },
    !model.single && { name: "Job", value: (task) => model.jobs.id[model.job[task]] },
    { name: "Resources", value: (task) => model.uses(task) },
    anyModes && { name: "Mode", number: true, value: (task) => model.tasks.mode[task] },
    { name: "Start", number: true, value: (task) => model.start[task] },
    { name: "End", number: true, value: (task) => model.end[task] },
    { name: "Duration", number: true, value: (task) => model.end[task] - model.start[task] },
    anyDue && { name: "Due", number: true, value: (task) => due(task) ?? "" },
    anyDue && { name: "Late by", number: true, late: true,
      value: (task) => (due(task) !== null && model.end[task] > due(task) ? model.end[task] - due(task) : "") },
    { name: "Critical", value: (task) => (model.critical[task] ? "yes" : "") },
  ].filter(Boolean);
}
