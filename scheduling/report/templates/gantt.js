const AXIS = 30;
const BAR_AREA = { least: 7, usual: 26, most: 48 };

/** The Gantt chart: draws the state into a canvas and says which task lies under a point. */
class Gantt {
  constructor(canvas, state) {
    this.canvas = canvas;
    this.state = state;
    this.scroll = 0;
    this.lane = 0;
    this.moments = [];
    this.fit();
  }

  /** Chooses the row height that shows as many rows as can be read. */
  fit() {
    const room = this.tallest() - AXIS;
    const wish = room / Math.max(this.state.lanes, 1);
    this.lane = Math.min(Math.max(wish, BAR_AREA.least), BAR_AREA.usual);
    this.scroll = 0;
  }

  tallest() {
    return Math.max(260, Math.round(window.innerHeight * 0.66));
  }

  stretch(factor) {
    const centre = (this.scroll + this.box.height / 2) / this.lane;
    this.lane = Math.min(Math.max(this.lane * factor, 2), BAR_AREA.most);
    this.scroll = centre * this.lane - this.box.height / 2;
  }

  /** Largest useful scroll. */
  get overflow() {
    return Math.max(0, this.state.lanes * this.lane - this.box.height);
  }

  draw(theme) {
    const { state, canvas } = this;
    const height = Math.min(AXIS + Math.max(state.lanes, 1) * this.lane + 2, this.tallest());
    const { ctx, width, height: inner } = prepare(canvas, Math.ceil(height) + 2);
    const gutter = this.gutter(ctx, width);
    this.box = { left: gutter, top: AXIS, width: width - gutter - 10, height: inner - AXIS,
      from: state.from, to: state.to, lane: this.lane, scroll: 0 };
    this.scroll = Math.min(Math.max(this.scroll, 0), this.overflow);
    this.box.scroll = this.scroll;
    canvas.style.touchAction = this.overflow > 0 ? "none" : "pan-y";
    this.drawRows(ctx, theme, width);
    this.drawAxis(ctx, theme);
    ctx.save();
    ctx.beginPath();
    ctx.rect(this.box.left, this.box.top, this.box.width, this.box.height);
    ctx.clip();
    this.drawClosed(ctx, theme);
    this.drawSpans(ctx, theme);
    const { wide, marked, painted } = paintBars(ctx, state.scene, this.box, theme);
    this.drawPauses(ctx, theme);
    if (state.critical) this.drawPath(ctx, theme);
    paintMarks(ctx, state.model, marked, this.box, theme, state.critical);
    this.moments = paintMoments(ctx, state.scene, this.box, theme);
    this.drawDues(ctx, theme);
    if (this.lane >= 12) paintNames(ctx, state.model, wide);
    this.drawFocus(ctx, theme);
    ctx.restore();
    this.drawLabels(ctx, theme);
    this.drawScrollbar(ctx, theme, width);
    Object.assign(canvas.dataset, { view: state.view, rows: state.rows.length, lanes: state.lanes,
      bars: painted, moments: this.moments.length / 3, from: state.from, to: state.to,
      lane: this.lane, scroll: this.scroll });
  }

  gutter(ctx, width) {
    ctx.font = `12px ${FONT}`;
    const { view } = this.state.scene;
    const every = Math.ceil(view.labels.length / 500);
    let widest = 0;
    for (let row = 0; row < view.labels.length; row += every) {
      widest = Math.max(widest, ctx.measureText(view.labels[row]).width);
    }
    return Math.min(Math.max(widest + 20, 48), width * 0.26, 220);
  }

  /** Ordinate of the top of the k-th shown row. */
  top(k) {
    return this.box.top + this.state.tops[k] * this.lane - this.scroll;
  }

  x(time) {
    return this.box.left + ((time - this.box.from) * this.box.width) / (this.box.to - this.box.from);
  }

  time(x) {
    return this.box.from + ((x - this.box.left) * (this.box.to - this.box.from)) / this.box.width;
  }

  /** Calls `visit(row, top, height, k)` for the shown rows that are in sight. */
  forRows(visit) {
    const { rows, tops, scene, lanes } = this.state;
    let k = Math.max(0, firstAbove(0, rows.length, this.scroll / this.lane, (i) => tops[i]) - 1);
    for (; k < rows.length && this.top(k) < this.box.top + this.box.height; k++) {
      const below = k + 1 < rows.length ? tops[k + 1] : lanes;
      visit(rows[k], this.top(k), (below - tops[k]) * this.lane, k, scene.view);
    }
  }

  drawRows(ctx, theme, width) {
    const { box } = this;
    ctx.fillStyle = theme.ground;
    ctx.fillRect(0, 0, width, box.top + box.height);
    this.forRows((row, top, height, k) => {
      if (k % 2 === 0) return;
      ctx.fillStyle = theme.stripe;
      ctx.fillRect(0, Math.max(top, box.top), width, height);
    });
  }

  drawAxis(ctx, theme) {
    const { box } = this;
    ctx.fillStyle = theme.raised;
    ctx.fillRect(0, 0, box.left + box.width + 10, box.top);
    ctx.font = `11.5px ${FONT}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    ctx.lineWidth = 1;
    const room = Math.max(64, ctx.measureText(formatNumber(Math.round(box.to))).width + 26);
    for (const time of ticks(box.from, box.to, box.width, room, true)) {
      const x = Math.round(this.x(time)) + 0.5;
      ctx.strokeStyle = theme.line;
      ctx.beginPath();
      ctx.moveTo(x, box.top - 6);
      ctx.lineTo(x, box.top + box.height);
      ctx.stroke();
      ctx.fillStyle = theme.muted;
      const text = formatNumber(time);
      const half = ctx.measureText(text).width / 2;
      if (x + half <= box.left + box.width + 10) ctx.fillText(text, x, box.top / 2 - 1);
    }
    ctx.textAlign = "left";
    ctx.fillStyle = theme.muted;
    ctx.fillText("time", 10, box.top / 2 - 1);
    ctx.strokeStyle = theme.line;
    ctx.beginPath();
    ctx.moveTo(0, box.top - 0.5);
    ctx.lineTo(box.left + box.width + 10, box.top - 0.5);
    ctx.stroke();
  }

  drawClosed(ctx, theme) {
    const { box } = this;
    const pattern = hatch(ctx, theme);
    const shade = (flat, top, height, style) => {
      let covered = -1;
      for (let i = 0; i < flat.length; i += 2) {
        if (flat[i + 1] <= box.from) continue;
        if (flat[i] >= box.to) break;
        const x0 = Math.max(this.x(flat[i]), box.left, covered);
        const x1 = Math.max(Math.min(this.x(flat[i + 1]), box.left + box.width), x0 + 0.5);
        ctx.fillStyle = x1 - x0 < 3 ? theme.closed : style;
        ctx.fillRect(x0, top, x1 - x0, height);
        covered = x1;
      }
    };
    this.forRows((row, top, height, _, view) => {
      ctx.globalAlpha = 0.6;
      shade(view.slow[row], top, height, theme.closed);
      ctx.globalAlpha = 1;
      shade(view.closed[row], top, height, pattern);
    });
  }

  /** Calls `paint(task, x, y, width, height)` for the spans of a row that are in sight. */
  eachSpan(flat, top, paint) {
    const { box, lane } = this;
    const gap = lane >= 14 ? 3 : lane >= 8 ? 2 : lane >= 4 ? 1 : 0;
    let drawn = 0;
    for (let i = 0; i < flat.length; i += 4) {
      const [task, at, from, to] = flat.slice(i, i + 4);
      if (to <= box.from || from >= box.to) continue;
      const x0 = Math.max(this.x(from), box.left);
      const x1 = Math.max(Math.min(this.x(to), box.left + box.width), x0 + 0.5);
      paint(task, x0, top + at * lane + gap / 2, x1 - x0, Math.max(1, lane - gap));
      drawn++;
    }
    return drawn;
  }

  /** Parts of bars in which their tasks make no progress, veiled. */
  drawPauses(ctx, theme) {
    const pattern = hatch(ctx, theme);
    let drawn = 0;
    this.forRows((row, top, height, _, view) => {
      drawn += this.eachSpan(view.pauses[row], top, (task, x, y, width, tall) => {
        ctx.globalAlpha = 0.7;
        ctx.fillStyle = width < 3 ? theme.closed : pattern;
        ctx.fillRect(x, y, width, tall);
      });
    });
    ctx.globalAlpha = 1;
    this.canvas.dataset.pauses = drawn;
  }

  /** Machines kept by blocking jobs, in the job's colour but faded, and setups, hatched. */
  drawSpans(ctx, theme) {
    const { model } = this.state;
    const pattern = hatch(ctx, theme);
    let drawn = 0;
    const each = (flat, top, paint) => { drawn += this.eachSpan(flat, top, paint); };
    this.forRows((row, top, height, _, view) => {
      each(view.holds[row], top, (task, x, y, width, tall) => {
        ctx.globalAlpha = this.state.scene.emphasis[task] ? 0.4 : 0.4 * Number(theme.fade);
        ctx.fillStyle = model.palette[model.colour(task)];
        ctx.fillRect(x, y, width, tall);
      });
      ctx.globalAlpha = 1;
      each(view.setups[row], top, (task, x, y, width, tall) => {
        ctx.fillStyle = width < 3 ? theme.muted : pattern;
        ctx.fillRect(x, y, width, tall);
        if (width < 4 || tall < 4) return;
        ctx.strokeStyle = theme.muted;
        ctx.lineWidth = 1;
        ctx.strokeRect(x + 0.5, y + 0.5, width - 1, tall - 1);
      });
    });
    this.canvas.dataset.spans = drawn;
  }

  /** Where a task is drawn in this view: ordinate of its lane's middle, or null. */
  middle(task) {
    const { view, rows, tops } = this.state.scene;
    const lane = view.laneOf[task];
    if (lane < 0) return null;
    const row = firstAbove(0, view.labels.length, lane, (i) => view.lanePtr[i + 1]);
    const k = firstAbove(0, rows.length, row - 1, (i) => rows[i]);
    if (rows[k] !== row) return null;
    return this.box.top + (tops[k] + lane - view.lanePtr[row] + 0.5) * this.lane - this.scroll;
  }

  drawPath(ctx, theme) {
    const { path, start, end } = this.state.model;
    const faded = this.state.job >= 0 || this.state.matches !== null;
    ctx.beginPath();
    for (let i = 0; i + 1 < path.length; i++) {
      const [y0, y1] = [this.middle(path[i]), this.middle(path[i + 1])];
      if (y0 === null || y1 === null || y0 === y1) continue;
      const turn = this.x(end[path[i]]) - 0.5;
      ctx.moveTo(turn, y0);
      ctx.lineTo(turn, y1);
      ctx.lineTo(this.x(start[path[i + 1]]) - 0.5, y1);
    }
    const thin = this.lane < 12;
    ctx.strokeStyle = theme.ground;
    ctx.globalAlpha = faded ? 0 : 0.6;
    ctx.lineWidth = thin ? 3 : 4;
    ctx.stroke();
    ctx.strokeStyle = theme.outline;
    ctx.globalAlpha = faded ? Number(theme.fade) : 1;
    ctx.lineWidth = thin ? 1.25 : 1.75;
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  drawDues(ctx, theme) {
    const { model, scene, job: chosen } = this.state;
    this.forRows((row, top, height, _, view) => {
      const job = view.jobs[row];
      if (job < 0 || model.jobs.due[job] === null || view.kinds[row] !== "job") return;
      const late = model.jobs.end[job] !== null && model.jobs.end[job] > model.jobs.due[job];
      dueMark(ctx, this.x(model.jobs.due[job]), top, height, late ? theme.late : theme.ink);
    });
    const due = chosen < 0 ? null : model.jobs.due[chosen];
    if (due === null || (scene.view === model.views.job && !model.single)) return;
    const x = this.x(due);
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([5, 4]);
    ctx.beginPath();
    ctx.moveTo(x, this.box.top);
    ctx.lineTo(x, this.box.top + this.box.height);
    ctx.stroke();
    ctx.setLineDash([]);
    dueMark(ctx, x, this.box.top, 0, theme.ink);
  }

  drawFocus(ctx, theme) {
    const { focus, model } = this.state;
    const y = focus < 0 ? null : this.middle(focus);
    if (y === null) return;
    const [x0, x1] = [this.x(model.start[focus]), this.x(model.end[focus])];
    ctx.strokeStyle = theme.focus;
    ctx.lineWidth = 3;
    ctx.strokeRect(x0 - 2, y - this.lane / 2, Math.max(x1 - x0, 2) + 3, this.lane - 1);
  }

  drawLabels(ctx, theme) {
    const { box } = this;
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, box.top, box.left, box.height);
    ctx.clip();
    ctx.font = `12px ${FONT}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.fillStyle = theme.ink;
    let last = -Infinity;
    this.forRows((row, top, height, _, view) => {
      const visibleTop = Math.max(top, box.top);
      const middle = (visibleTop + Math.min(top + height, box.top + box.height)) / 2;
      if (middle - last < 13 || middle > box.top + box.height - 5) return;
      last = middle;
      ctx.fillText(fitText(ctx, view.labels[row], box.left - 16), 10, Math.max(middle, box.top + 7));
    });
    ctx.restore();
    ctx.strokeStyle = theme.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(box.left - 0.5, 0);
    ctx.lineTo(box.left - 0.5, box.top + box.height);
    ctx.stroke();
  }

  drawScrollbar(ctx, theme, width) {
    if (this.overflow <= 0) return;
    const { box } = this;
    const all = this.state.lanes * this.lane;
    const length = Math.max(24, (box.height * box.height) / all);
    const top = box.top + ((box.height - length) * this.scroll) / this.overflow;
    ctx.fillStyle = theme.raised;
    ctx.fillRect(width - 9, box.top, 9, box.height);
    ctx.fillStyle = theme.muted;
    ctx.fillRect(width - 7, top, 5, length);
  }

  /** Task under a point of the canvas, or -1. */
  taskAt(x, y) {
    const { box, moments } = this;
    if (x < box.left || x > box.left + box.width || y < box.top) return -1;
    for (let i = moments.length - 3; i >= 0; i -= 3) {
      if (Math.abs(moments[i + 1] - x) + Math.abs(moments[i + 2] - y) < 9) return moments[i];
    }
    const { view, rows, tops, model } = this.state.scene;
    const at = (y - box.top + this.scroll) / this.lane;
    const k = firstAbove(0, rows.length, at, (i) => tops[i]) - 1;
    if (k < 0) return -1;
    const lane = view.lanePtr[rows[k]] + Math.floor(at - tops[k]);
    if (lane >= view.lanePtr[rows[k] + 1]) return -1;
    const reach = (2 * (box.to - box.from)) / box.width;
    const time = this.time(x);
    const b = firstAbove(view.barPtr[lane], view.barPtr[lane + 1], time - reach,
      (i) => model.end[view.barTask[i]]);
    const found = b < view.barPtr[lane + 1] ? view.barTask[b] : -1;
    return found >= 0 && model.start[found] <= time + reach ? found : -1;
  }

  /** Next task from `task` in a direction: along its lane, or in the rows above and below. */
  neighbour(task, dx, dy) {
    const { view, rows, model } = this.state.scene;
    if (task < 0 || view.laneOf[task] < 0) {
      const lane = rows.length ? view.lanePtr[rows[0]] : -1;
      return lane >= 0 && view.barPtr[lane] < view.barPtr[lane + 1] ? view.barTask[view.barPtr[lane]] : -1;
    }
    let lane = view.laneOf[task];
    if (dx) {
      for (let b = view.barPtr[lane]; b < view.barPtr[lane + 1]; b++) {
        if (view.barTask[b] !== task) continue;
        const next = b + dx;
        return next >= view.barPtr[lane] && next < view.barPtr[lane + 1] ? view.barTask[next] : task;
      }
      return task;
    }
    for (lane += dy; lane >= 0 && lane + 1 < view.barPtr.length; lane += dy) {
      if (view.barPtr[lane] === view.barPtr[lane + 1]) continue;
      const b = firstAbove(view.barPtr[lane], view.barPtr[lane + 1] - 1, model.start[task],
        (i) => model.end[view.barTask[i]]);
      if (this.middle(view.barTask[b]) !== null) return view.barTask[b];
    }
    return task;
  }

  /** Brings a task into sight. */
  reveal(task) {
    const { state, box } = this;
    const y = this.middle(task);
    if (y === null) return;
    if (y < box.top + this.lane) this.scroll -= box.top + this.lane - y;
    if (y > box.top + box.height - this.lane) this.scroll += y - box.top - box.height + this.lane;
    const { start, end } = state.model;
    const margin = (state.to - state.from) / 10;
    if (start[task] < state.from) state.pan(start[task] - state.from - margin);
    else if (end[task] > state.to) state.pan(Math.min(end[task] - state.to + margin, start[task] - state.from));
  }
}
