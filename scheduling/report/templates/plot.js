const MARGIN = { left: 64, right: 14, top: 12, bottom: 42 };
const MOST_SPOKEN = 6;
const MOST_EDGES = 4;

/** A scale from values to pixels, linear or logarithmic, that can be zoomed. */
class Scale {
  constructor(low, high, { log, whole } = {}) {
    this.log = log && low > 0;
    this.counts = whole;
    this.whole = [low, high];
    [this.low, this.high] = this.whole;
  }

  share(value) {
    const f = this.log ? Math.log10 : (v) => v;
    return (f(value) - f(this.low)) / (f(this.high) - f(this.low) || 1);
  }

  value(share) {
    if (!this.log) return this.low + share * (this.high - this.low);
    return 10 ** (Math.log10(this.low) + share * (Math.log10(this.high) - Math.log10(this.low)));
  }

  /** Looks at a window between two shares of what is seen now, inside the whole. */
  look(from, to) {
    const [low, high] = [this.value(from), this.value(to)];
    if (!(high - low > (this.whole[1] - this.whole[0]) * 1e-7)) return;
    this.low = Math.max(low, this.whole[0]);
    this.high = Math.min(high, this.whole[1]);
  }

  reset() {
    [this.low, this.high] = this.whole;
  }

  ticks(pixels, room) {
    if (!this.log || this.high / this.low < 8) return ticks(this.low, this.high, pixels, room, this.counts);
    const found = [];
    const decade = pixels / Math.log10(this.high / this.low);
    // The steps of a decade whose narrowest gap has room for a number, at last some of the decades.
    const steps = [[1, 2, 5], [1, 3]].find((some) => decade * Math.log10(10 / some.at(-1)) >= 0.8 * room) ?? [1];
    const apart = Math.max(1, Math.ceil(room / decade));
    const first = Math.log10(this.low);
    for (let p = apart > 1 ? Math.ceil(first) : Math.floor(first); 10 ** p <= this.high; p += apart) {
      for (const k of steps) found.push(k * 10 ** p);
    }
    return found.filter((v) => v >= this.low * 0.999 && v <= this.high * 1.001);
  }
}

/** Smallest and largest of several columns; a margin around a single value. */
function span(columns, fallback = [0, 1]) {
  let [low, high] = [Infinity, -Infinity];
  for (const column of columns) {
    for (const value of column) {
      if (value === null || !Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return fallback;
  return low === high ? [low - Math.abs(low || 1) * 0.5, high + Math.abs(high || 1) * 0.5] : [low, high];
}

const shown = (value) => formatNumber(Number(value.toPrecision(5)));

/** What all charts share: axes, zoom, pointer and keys; `content` draws, finds and tells. */
class Plot {
  constructor(canvas, spec, content) {
    Object.assign(this, { canvas, spec, content, found: null, drag: null });
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "chart");
    canvas.setAttribute("aria-label", `${spec.title}. ${content.describe()} The table has the same values.`);
    this.listen();
  }

  draw(theme = readTheme()) {
    this.theme = theme;
    const { ctx, width, height } = prepare(this.canvas);
    ctx.font = `11px ${FONT}`;
    const left = Math.max(MARGIN.left, this.content.rows ? this.content.gutter(ctx, width) : this.gutter(ctx, width, height));
    this.box = { left, top: MARGIN.top, width: width - left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const { box } = this;
    const { x, y } = this.content;
    this.px = (value) => box.left + x.share(value) * box.width;
    this.py = (value) => box.top + (1 - y.share(value)) * box.height;
    this.axes(ctx, theme);
    ctx.save();
    ctx.beginPath();
    ctx.rect(box.left, box.top, box.width, box.height);
    ctx.clip();
    this.content.paint(ctx, this, theme);
    if (this.drag) {
      ctx.fillStyle = theme.accent;
      ctx.globalAlpha = 0.15;
      ctx.fillRect(Math.min(this.drag.from, this.drag.to), box.top, Math.abs(this.drag.to - this.drag.from), box.height);
      ctx.globalAlpha = 1;
    }
    ctx.restore();
    this.keep();
    if (this.found) this.content.mark(ctx, this, this.found, theme);
    this.canvas.dataset.from = x.low;
    this.canvas.dataset.to = x.high;
    this.canvas.dataset.shown = this.content.count();
  }

  /** Room left of the axis for its numbers, and its name beside them. */
  gutter(ctx, width, height) {
    const numbers = this.content.y.ticks(height - MARGIN.top - MARGIN.bottom, 34);
    const widest = Math.max(0, ...numbers.map((value) => ctx.measureText(shown(value)).width));
    return Math.min(widest + 30, width / 3);
  }

  /** Keeps the picture, so that marking what the pointer is on paints nothing else anew. */
  keep() {
    this.kept ??= document.createElement("canvas");
    Object.assign(this.kept, { width: this.canvas.width, height: this.canvas.height });
    if (this.kept.width && this.kept.height) this.kept.getContext("2d").drawImage(this.canvas, 0, 0);
  }

  /** Marks what is found over the kept picture. */
  remark() {
    const ctx = this.canvas.getContext("2d");
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.kept.width && this.kept.height) ctx.drawImage(this.kept, 0, 0);
    ctx.restore();
    if (this.found) this.content.mark(ctx, this, this.found, this.theme);
  }

  axes(ctx, theme) {
    const { box, content, spec } = this;
    const bottom = box.top + box.height;
    ctx.lineWidth = 1;
    ctx.textBaseline = "middle";
    ctx.textAlign = "right";
    if (content.rows) content.rows(ctx, this, theme);
    else {
      for (const value of content.y.ticks(box.height, 34)) {
        const at = Math.round(this.py(value)) + 0.5;
        line(ctx, theme.line, box.left, at, box.left + box.width, at);
        ctx.fillStyle = theme.muted;
        ctx.fillText(shown(value), box.left - 6, at);
      }
      ctx.save();
      ctx.translate(12, box.top + box.height / 2);
      ctx.rotate(-Math.PI / 2);
      ctx.textAlign = "center";
      ctx.fillText(fitText(ctx, spec.y.label, box.height), 0, 0);
      ctx.restore();
    }
    ctx.textAlign = "center";
    for (const value of content.x.ticks(box.width, 70)) {
      const at = Math.round(this.px(value)) + 0.5;
      line(ctx, theme.line, at, box.top, at, bottom);
      ctx.fillStyle = theme.muted;
      ctx.fillText(shown(value), at, bottom + 12);
    }
    ctx.fillStyle = theme.muted;
    ctx.fillText(fitText(ctx, spec.x.label, box.width), box.left + box.width / 2, bottom + 30);
    line(ctx, theme.muted, box.left + 0.5, box.top, box.left + 0.5, bottom);
    line(ctx, theme.muted, box.left, bottom + 0.5, box.left + box.width, bottom + 0.5);
  }

  zoom(factor, middle = 0.5) {
    this.content.x.look(middle - middle * factor, middle + (1 - middle) * factor);
    this.draw();
  }

  pan(share) {
    const { x } = this.content;
    const room = share < 0 ? x.share(x.whole[0]) : x.share(x.whole[1]) - 1;
    const step = share < 0 ? Math.max(share, room) : Math.min(share, room);
    x.look(step, 1 + step);
    this.draw();
  }

  reset() {
    this.content.x.reset();
    this.draw();
  }

  point(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  tell(found, x, y, speak) {
    const same = found?.k === this.found?.k && found?.i === this.found?.i;
    this.found = found;
    if (!same) this.remark();
    if (!found) return showTooltip(null);
    const [title, entries] = this.content.tell(found);
    if (speak) this.speak(`${title}: ${entries.map((entry) => entry.join(" ")).join(", ")}`);
    return showTooltip(entries, title, x, y);
  }

  speak(text) {
    this.spoken ??= this.canvas.parentElement.querySelector(".unseen");
    if (this.spoken) this.spoken.textContent = text;
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      const [x] = this.point(event);
      if (event.button === 0 && event.pointerType === "mouse") this.drag = { from: x, to: x };
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = this.point(event);
      if (this.drag) {
        this.drag.to = x;
        return this.draw();
      }
      return this.tell(this.content.find(this, x, y), event.clientX, event.clientY, false);
    });
    const finish = () => {
      const { drag } = this;
      this.drag = null;
      if (drag && Math.abs(drag.to - drag.from) > 6) {
        const shares = [drag.from, drag.to].map((x) => (x - this.box.left) / this.box.width).sort((a, b) => a - b);
        this.content.x.look(Math.max(shares[0], 0), Math.min(shares[1], 1));
      }
      if (drag) this.draw();
    };
    canvas.addEventListener("pointerup", finish);
    canvas.addEventListener("pointerleave", () => {
      finish();
      this.tell(null);
    });
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      const [x] = this.point(event);
      const share = Math.min(Math.max((x - this.box.left) / this.box.width, 0), 1);
      this.zoom((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, share);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.tell(null));
  }

  key(event) {
    const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (event.key in steps) {
      const [along, across] = steps[event.key];
      if (event.shiftKey && along) this.pan(along * 0.15);
      else {
        const found = this.content.step(this.found, along, across);
        const { left, top } = this.canvas.getBoundingClientRect();
        const [x, y] = found ? this.content.place(this, found) : [0, 0];
        this.tell(found, left + x, top + y, true);
      }
    } else if (event.key === "+" || event.key === "=") this.zoom(0.7);
    else if (event.key === "-") this.zoom(1 / 0.7);
    else if (event.key === "0") this.reset();
    else if (event.key === "Escape") this.tell(null);
    else return;
    event.preventDefault();
  }
}

function line(ctx, colour, x0, y0, x1, y1) {
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
