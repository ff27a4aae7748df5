const LEAST_SPAN = 2;

/**
 * What the reader looks at: view, time window, filter, highlighted job, focused task. Everything
 * that changes goes through `set`, which tells the listeners.
 */
class State {
  constructor(model) {
    this.model = model;
    this.listeners = [];
    this.view = model.view;
    [this.from, this.to] = model.limits;
    this.critical = true;
    this.query = "";
    this.matches = null;
    this.matched = model.count;
    this.job = -1;
    this.focus = -1;
    this.emphasis = new Uint8Array(model.count).fill(1);
    this.show();
  }

  /** Applies changes; `scene` tells listeners that more than the window or focus changed. */
  set(changes) {
    const scene = ["view", "query", "job", "critical"].some((name) => name in changes);
    if ("query" in changes) {
      this.matches = this.model.search(changes.query);
      this.matched = this.matches ? this.matches.reduce((sum, one) => sum + one, 0) : this.model.count;
    }
    Object.assign(this, changes);
    if (scene) this.show();
    this.listeners.forEach((listener) => listener(scene));
  }

  /** Moves the time window, kept inside the chart and no narrower than a few units. */
  look(from, to) {
    const [first, last] = this.model.limits;
    const span = Math.min(Math.max(to - from, LEAST_SPAN), last - first);
    const middle = (from + to) / 2;
    const start = Math.min(Math.max(middle - span / 2, first), last - span);
    this.set({ from: start, to: start + span });
  }

  zoom(factor, at = (this.from + this.to) / 2) {
    const span = Math.max(LEAST_SPAN, (this.to - this.from) * factor);
    const part = (at - this.from) / (this.to - this.from);
    this.look(at - part * span, at + (1 - part) * span);
  }

  pan(time) {
    this.look(this.from + time, this.to + time);
  }

  /** Recomputes which rows are shown and which tasks stand out. */
  show() {
    const { model, matches, job } = this;
    for (let task = 0; task < model.count; task++) {
      const lit = (!matches || matches[task]) && (job < 0 || model.job[task] === job);
      this.emphasis[task] = lit ? 1 : 0;
    }
    const view = model.views[this.view];
    this.rows = [];
    this.tops = [];
    let top = 0;
    for (let row = 0; row < view.labels.length; row++) {
      if (matches && !this.holdsMatch(view, row)) continue;
      this.rows.push(row);
      this.tops.push(top);
      top += view.lanePtr[row + 1] - view.lanePtr[row];
    }
    this.lanes = top;
    this.scene = { model, view, rows: this.rows, tops: this.tops, emphasis: this.emphasis };
  }

  holdsMatch(view, row) {
    const bars = view.barTask.subarray(view.barPtr[view.lanePtr[row]], view.barPtr[view.lanePtr[row + 1]]);
    const moments = view.momentTask.subarray(view.momentPtr[row], view.momentPtr[row + 1]);
    return bars.some((task) => this.matches[task]) || moments.some((task) => this.matches[task]);
  }
}
