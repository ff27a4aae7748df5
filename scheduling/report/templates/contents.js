/** Lines, steps and points over an axis. */
class LineContent {
  constructor(spec, palette) {
    Object.assign(this, { spec, palette, hidden: new Set() });
    const [from, to] = span(spec.series.map((s) => s.x));
    this.x = new Scale(!spec.x.log && from > 0 && from < 0.4 * to ? 0 : from, to, spec.x);
    const [low, high] = span(spec.series.map((s) => s.y));
    const room = (high - low) * 0.05;
    this.y = new Scale(low >= 0 && low < 0.4 * high ? 0 : low - room, high + room, spec.y);
    this.stretches = spec.series.map(({ x, y }) => new Set(x.slice(1).map((value, i) => `${x[i]} ${y[i]} ${value} ${y[i + 1]}`)));
  }

  /** Width of a line: wider than those drawn over it, so that its edges show where they are equal. */
  width(k) {
    const { series } = this.spec;
    const own = [...this.stretches[k]];
    const above = this.visible.filter((other) => other > k && !series[other].dashed && series[other].shape !== "points"
      && own.some((stretch) => this.stretches[other].has(stretch)));
    return 2 + 3 * Math.min(above.length, MOST_EDGES);
  }

  get visible() {
    return this.spec.series.map((s, k) => k).filter((k) => !this.hidden.has(k));
  }

  count() {
    return this.visible.length;
  }

  describe() {
    const names = this.spec.series.map((s) => s.name);
    return `${this.spec.y.label} over ${this.spec.x.label}: ${names.slice(0, MOST_SPOKEN).join(", ")}.`;
  }

  names() {
    return this.spec.series.map((s) => ({ name: s.name, dashed: s.dashed }));
  }

  colour(k, theme) {
    return legible(this.palette[k % this.palette.length], theme);
  }

  paint(ctx, plot, theme) {
    for (const k of this.visible) {
      const { x, y, shape, dashed } = this.spec.series[k];
      ctx.strokeStyle = ctx.fillStyle = this.colour(k, theme);
      ctx.lineWidth = shape === "points" ? 2 : this.width(k);
      ctx.setLineDash(dashed ? [6, 4] : []);
      ctx.beginPath();
      x.forEach((value, i) => {
        const [px, py] = [plot.px(value), plot.py(y[i])];
        if (shape === "points") {
          ctx.moveTo(px + 4, py);
          ctx.arc(px, py, 4, 0, 2 * Math.PI);
        } else if (i === 0) ctx.moveTo(px, py);
        else {
          if (shape === "step") ctx.lineTo(px, plot.py(y[i - 1]));
          ctx.lineTo(px, py);
        }
      });
      if (shape === "points") ctx.fill();
      else ctx.stroke();
      const [first, last] = [plot.px(x[0]), plot.px(x[x.length - 1])];
      if (shape !== "points" && last - first < 6) this.dot(ctx, last, plot.py(y[y.length - 1]));
    }
    ctx.setLineDash([]);
  }

  /** A line too short to be seen, such as a value that is found at the very end. */
  dot(ctx, px, py) {
    ctx.beginPath();
    ctx.arc(px - 3, py, 3, 0, 2 * Math.PI);
    ctx.fill();
  }

  find(plot, mx, my) {
    let best = null;
    let least = 40 ** 2;
    for (const k of this.visible) {
      const { x, y } = this.spec.series[k];
      for (let i = 0; i < x.length; i++) {
        const away = (plot.px(x[i]) - mx) ** 2 + (plot.py(y[i]) - my) ** 2;
        if (away < least) [best, least] = [{ k, i }, away];
      }
    }
    return best;
  }

  step(found, along, across) {
    const rows = this.visible;
    if (!rows.length) return null;
    if (!found) return { k: rows[0], i: 0 };
    const row = Math.min(Math.max(rows.indexOf(found.k) + across, 0), rows.length - 1);
    const k = rows[row];
    return { k, i: Math.min(Math.max(found.i + along, 0), this.spec.series[k].x.length - 1) };
  }

  place(plot, { k, i }) {
    return [plot.px(this.spec.series[k].x[i]), plot.py(this.spec.series[k].y[i])];
  }

  mark(ctx, plot, found, theme) {
    ctx.beginPath();
    ctx.arc(...this.place(plot, found), 5, 0, 2 * Math.PI);
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 2;
    ctx.stroke();
  }

  tell({ k, i }) {
    const { name, x, y, notes } = this.spec.series[k];
    const equal = this.visible.map((other) => this.spec.series[other]).filter((other) => (
      other.name !== name && other.x.some((value, j) => value === x[i] && other.y[j] === y[i])));
    const entries = [[this.spec.x.label, shown(x[i])], [this.spec.y.label, shown(y[i])]];
    if (notes[i]) entries.push(["", notes[i]]);
    return [[name, ...equal.map((other) => other.name)].join(", "), entries];
  }

  table() {
    const rows = this.spec.series.flatMap((s) => s.x.map((value, i) => [s.name, value, s.y[i]]));
    return { columns: ["series", this.spec.x.label, this.spec.y.label], rows };
  }
}

/** Rectangles: memory over time, units of a pipeline, what stands on nodes. */
class BoxContent {
  constructor(spec, palette) {
    Object.assign(this, { spec, palette, query: "" });
    const marks = spec.marks.map(([, x]) => x);
    const [from, to] = span([spec.left, spec.right, marks]);
    const room = marks.includes(to) ? 0.01 * (to - from) : 0;
    this.x = new Scale(from > 0 && from < 0.4 * to ? 0 : from, spec.most ?? to + room, spec.x);
    const [, high] = span([spec.high, spec.limit === null ? [] : [spec.limit]]);
    this.y = new Scale(0, spec.rows.length || high * 1.02);
    if (spec.rows.length) this.rows = (ctx, plot, theme) => this.labels(ctx, plot, theme);
    this.matches = null;
  }

  filter(query) {
    const words = query.toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);
    const { names, rows, low } = this.spec;
    const fits = (name, k) => {
      const text = `${name} ${rows.length ? rows[Math.floor(low[k])] : ""}`.toLowerCase();
      return words.some((word) => text.includes(word));
    };
    this.matches = words.length ? names.map(fits) : null;
  }

  count() {
    return this.matches ? this.matches.filter(Boolean).length : this.spec.names.length;
  }

  describe() {
    const { names, rows } = this.spec;
    const where = rows.length ? ` in ${formatNumber(rows.length)} rows` : "";
    const marks = this.spec.marks.map(([name, x]) => ` ${name}: ${shown(x)}.`).join("");
    return `${formatNumber(names.length)} boxes${where}.${marks}`;
  }

  names() {
    const marks = this.spec.marks.map(([name, x]) => ({ name: `${name}: ${shown(x)}`, fixed: true, dashed: true }));
    return [...this.spec.legend.map((name) => ({ name, fixed: true })), ...marks];
  }

  /** Colour of an entry of the legend: those of the boxes, behind them the marks. */
  colour(k, theme) {
    const mark = k - this.spec.legend.length;
    if (mark < 0) return this.palette[k % this.palette.length];
    return mark ? theme.late : theme.ink;
  }

  /** The first row is at the top, numbers grow upwards. */
  edges(plot, k) {
    const { left, right, low, high, rows } = this.spec;
    const flip = (value) => (rows.length ? rows.length - value : value);
    const [y0, y1] = [plot.py(flip(low[k])), plot.py(flip(high[k]))];
    return [plot.px(left[k]), Math.min(y0, y1), plot.px(right[k]), Math.max(y0, y1)];
  }

  gutter(ctx, width) {
    const { rows } = this.spec;
    const longest = rows.reduce((a, b) => (b.length > a.length ? b : a), "");
    return Math.min(ctx.measureText(longest).width + 14, width / 3);
  }

  labels(ctx, plot, theme) {
    const { rows } = this.spec;
    const tall = plot.box.height / rows.length;
    const every = Math.max(1, Math.ceil(13 / tall));
    ctx.fillStyle = theme.muted;
    for (let row = 0; row < rows.length; row += every) {
      const y = plot.box.top + (row + 0.5) * tall;
      ctx.fillText(fitText(ctx, rows[row], plot.box.left - 10), plot.box.left - 6, y);
    }
  }

  /** Colour of a group: below 0 the ground that is idle, and lines behind others. */
  fill(group, theme) {
    if (group >= 0) return this.palette[group % this.palette.length];
    return group === -1 ? theme.closed : theme.muted;
  }

  paint(ctx, plot, theme) {
    const { names, groups, limit } = this.spec;
    const fade = Number(theme.fade);
    for (let k = 0; k < names.length; k++) {
      const [x0, y0, x1, y1] = this.edges(plot, k);
      if (x1 < plot.box.left || x0 > plot.box.left + plot.box.width) continue;
      const wide = Math.max(x1 - x0, 0.5);
      ctx.globalAlpha = this.matches && !this.matches[k] ? fade : 1;
      ctx.fillStyle = this.fill(groups[k], theme);
      ctx.fillRect(x0, y0, wide, Math.max(y1 - y0, 0.5));
      if (wide > 3 && y1 - y0 > 3) {
        ctx.strokeStyle = theme.ground;
        ctx.lineWidth = 0.6;
        ctx.strokeRect(x0, y0, wide, y1 - y0);
      }
      if (wide > 34 && y1 - y0 > 11) this.name(ctx, k, x0, x1, (y0 + y1) / 2, plot.box, theme);
    }
    ctx.globalAlpha = 1;
    if (limit !== null) {
      ctx.setLineDash([6, 4]);
      ctx.lineWidth = 1.5;
      line(ctx, theme.late, plot.box.left, plot.py(limit), plot.box.left + plot.box.width, plot.py(limit));
      ctx.setLineDash([]);
    }
    this.spec.marks.forEach(([, value], k) => {
      ctx.setLineDash([6, 4]);
      ctx.lineWidth = 2;
      const colour = this.colour(this.spec.legend.length + k, theme);
      line(ctx, colour, plot.px(value), plot.box.top, plot.px(value), plot.box.top + plot.box.height);
      ctx.setLineDash([]);
    });
  }

  name(ctx, k, x0, x1, middle, box, theme) {
    const [from, to] = [Math.max(x0, box.left), Math.min(x1, box.left + box.width)];
    const text = fitName(ctx, this.spec.labels?.[k] ?? this.spec.names[k], to - from - 6);
    if (!text) return;
    const group = this.spec.groups[k];
    ctx.textAlign = "center";
    ctx.fillStyle = group < 0 ? theme.muted : this.paletteText[group % this.paletteText.length];
    ctx.fillText(text, (from + to) / 2, middle);
  }

  find(plot, mx, my) {
    for (let k = this.spec.names.length - 1; k >= 0; k--) {
      const [x0, y0, x1, y1] = this.edges(plot, k);
      if (mx >= x0 - 1 && mx <= x1 + 1 && my >= y0 && my <= y1) return { k };
    }
    return null;
  }

  step(found, along, across) {
    const count = this.spec.names.length;
    if (!found) return { k: 0 };
    return { k: Math.min(Math.max(found.k + along + across, 0), count - 1) };
  }

  place(plot, { k }) {
    const [x0, y0, x1, y1] = this.edges(plot, k);
    return [(x0 + x1) / 2, (y0 + y1) / 2];
  }

  mark(ctx, plot, { k }, theme) {
    const [x0, y0, x1, y1] = this.edges(plot, k);
    ctx.strokeStyle = theme.outline;
    ctx.lineWidth = 2;
    ctx.strokeRect(x0, y0, Math.max(x1 - x0, 1), y1 - y0);
  }

  tell({ k }) {
    const { names, left, right, low, high, rows, x, y } = this.spec;
    const entries = [[x.label, `${shown(left[k])} to ${shown(right[k])}`]];
    if (rows.length) entries.push([y.label, rows[Math.floor(low[k])]]);
    else entries.push([y.label, `${shown(low[k])} to ${shown(high[k])}`]);
    if (this.spec.notes[k]) entries.push(["", this.spec.notes[k]]);
    return [names[k], entries];
  }

  table() {
    const { names, left, right, low, high, rows, x, y } = this.spec;
    const where = (k) => (rows.length ? [rows[Math.floor(low[k])]] : [low[k], high[k]]);
    const heads = rows.length ? [y.label] : [`${y.label} from`, "to"];
    const body = names.map((name, k) => [name, left[k], right[k], ...where(k)]);
    return { columns: ["name", `${x.label} from`, "to", ...heads], rows: body };
  }
}

/** Bars of categories: rectangles from 0, one row a category. */
function barSpec(spec) {
  const several = spec.series.length;
  const cells = spec.categories.flatMap((name, row) => spec.series.map(([label, values], k) => ({
    name: several > 1 ? `${name}, ${label}` : name, value: values[row], row, k,
  }))).filter((cell) => cell.value !== null);
  const tall = 0.8 / several;
  return {
    kind: "boxes", title: spec.title, x: spec.x, y: { label: "", log: false }, limit: null, most: null,
    notes: [], marks: [], legend: several > 1 ? spec.series.map(([label]) => label) : [],
    names: cells.map((c) => c.name),
    labels: cells.map((c) => shown(c.value)),
    left: cells.map((c) => Math.min(0, c.value)),
    right: cells.map((c) => Math.max(0, c.value)),
    low: cells.map((c) => c.row + 0.1 + c.k * tall),
    high: cells.map((c) => c.row + 0.1 + (c.k + 1) * tall),
    groups: cells.map((c) => c.k),
    rows: spec.categories,
  };
}
