/** The whole schedule in a strip, with a frame around what the chart shows; click to go there. */
class Overview {
  constructor(canvas, gantt, state, redraw) {
    this.canvas = canvas;
    this.gantt = gantt;
    this.state = state;
    this.picture = null;
    const go = (event) => {
      if (!(event.buttons & 1)) return;
      const box = canvas.getBoundingClientRect();
      const [first, last] = state.model.limits;
      const { left, width } = this.area(canvas.clientWidth);
      const time = first + ((event.clientX - box.left - left) * (last - first)) / width;
      const part = (event.clientY - box.top) / box.height;
      gantt.scroll = part * state.lanes * gantt.lane - gantt.box.height / 2;
      state.pan(time - (state.from + state.to) / 2);
      redraw();
    };
    canvas.addEventListener("pointerdown", go);
    canvas.addEventListener("pointermove", go);
  }

  area(width) {
    const { left, width: inner } = this.gantt.box;
    return { left, width: Math.min(inner, width - left) };
  }

  forget() {
    this.picture = null;
  }

  draw(theme) {
    const { canvas, state, gantt } = this;
    const { ctx, width, height } = prepare(canvas);
    const { left, width: inner } = this.area(width);
    const key = `${canvas.width} ${canvas.height} ${left}`;
    if (!this.picture || this.key !== key) {
      this.picture = document.createElement("canvas");
      this.picture.width = canvas.width;
      this.picture.height = canvas.height;
      const pen = this.picture.getContext("2d");
      pen.scale(canvas.width / width, canvas.height / height);
      const [from, to] = state.model.limits;
      const lane = height / Math.max(state.lanes, 1);
      const box = { left, top: 0, width: inner, height, from, to, lane, scroll: 0 };
      paintBars(pen, state.scene, box, theme);
      this.key = key;
    }
    ctx.drawImage(this.picture, 0, 0, width, height);
    const [first, last] = state.model.limits;
    const all = state.lanes * gantt.lane;
    const x0 = left + ((state.from - first) * inner) / (last - first);
    const x1 = left + ((state.to - first) * inner) / (last - first);
    const y0 = (gantt.scroll / all) * height;
    const y1 = Math.min(height, ((gantt.scroll + gantt.box.height) / all) * height);
    ctx.fillStyle = theme.ground;
    ctx.globalAlpha = 0.6;
    ctx.fillRect(left, 0, x0 - left, height);
    ctx.fillRect(x1, 0, left + inner - x1, height);
    ctx.fillRect(x0, 0, x1 - x0, y0);
    ctx.fillRect(x0, y1, x1 - x0, height - y1);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = theme.accent;
    ctx.lineWidth = 2;
    ctx.strokeRect(x0 + 1, y0 + 1, Math.max(x1 - x0 - 2, 2), Math.max(y1 - y0 - 2, 2));
  }
}
