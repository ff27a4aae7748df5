/** Draws step functions: usage as an area, capacity as a line. */
function drawProfile(canvas, profile, box, theme, model, hover) {
  const { ctx, width, height } = prepare(canvas);
  const plot = { left: box.left, top: 6, width: Math.min(box.width, width - box.left), height: height - 12 };
  const top = Math.max(1, ...range(profile.usage, box), ...range(profile.capacity, box)) * 1.1;
  const x = (time) => plot.left + ((time - box.from) * plot.width) / (box.to - box.from);
  const y = (level) => plot.top + plot.height * (1 - level / top);
  valueAxis(ctx, plot, 0, top, y, theme, true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.left, 0, plot.width, height);
  ctx.clip();
  trace(ctx, profile.usage, box, x, y);
  ctx.lineTo(x(box.to), y(0));
  ctx.lineTo(x(box.from), y(0));
  ctx.fillStyle = model.palette[0];
  ctx.globalAlpha = 0.75;
  ctx.fill();
  ctx.globalAlpha = 1;
  if (profile.capacity.time.length) {
    trace(ctx, profile.capacity, box, x, y, profile.capacity.level[0]);
    ctx.strokeStyle = theme.ink;
    ctx.lineWidth = 1.5;
    ctx.stroke();
  }
  crosshair(ctx, hover, plot, theme);
  ctx.restore();
  canvas.dataset.steps = profile.usage.time.length;
}

/** Index of the step that holds at a time, -1 before the first. */
const stepAt = (steps, time) => firstAbove(0, steps.time.length, time, (i) => steps.time[i]) - 1;
const levelAt = (steps, time) => (stepAt(steps, time) < 0 ? 0 : steps.level[stepAt(steps, time)]);

/** Highest level in the window, as a list of one. */
function range(steps, box) {
  let most = levelAt(steps, box.from);
  for (let i = stepAt(steps, box.from) + 1; i < steps.time.length && steps.time[i] < box.to; i++) {
    most = Math.max(most, steps.level[i]);
  }
  return [most];
}

/** Lays the corners of a step function into the path; of those in one pixel only the extremes. */
function trace(ctx, steps, box, x, y, before = 0) {
  let level = stepAt(steps, box.from) < 0 ? before : levelAt(steps, box.from);
  ctx.beginPath();
  ctx.moveTo(x(box.from), y(level));
  for (let i = stepAt(steps, box.from) + 1; i < steps.time.length && steps.time[i] < box.to;) {
    const pixel = Math.floor(x(steps.time[i]));
    let [low, high] = [level, level];
    ctx.lineTo(x(steps.time[i]), y(level));
    for (; i < steps.time.length && Math.floor(x(steps.time[i])) === pixel; i++) {
      level = steps.level[i];
      low = Math.min(low, level);
      high = Math.max(high, level);
    }
    const at = Math.max(x(steps.time[i - 1]), pixel);
    if (low < level) ctx.lineTo(at, y(low));
    if (high > level) ctx.lineTo(at, y(high));
    ctx.lineTo(at, y(level));
  }
  ctx.lineTo(x(box.to), y(level));
}

/** Grid lines and numbers on the left. */
function valueAxis(ctx, plot, from, to, y, theme, whole) {
  ctx.font = `11px ${FONT}`;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  ctx.lineWidth = 1;
  for (const value of ticks(from, to, plot.height, 26, whole)) {
    ctx.strokeStyle = theme.line;
    ctx.beginPath();
    ctx.moveTo(plot.left, Math.round(y(value)) + 0.5);
    ctx.lineTo(plot.left + plot.width, Math.round(y(value)) + 0.5);
    ctx.stroke();
    ctx.fillStyle = theme.muted;
    ctx.fillText(formatNumber(value), plot.left - 8, y(value));
  }
}

function crosshair(ctx, x, plot, theme) {
  if (x === null) return;
  ctx.strokeStyle = theme.muted;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x, plot.top);
  ctx.lineTo(x, plot.top + plot.height);
  ctx.stroke();
}

/** Objective and bound over the seconds of the solve. */
function drawHistory(canvas, history, theme, hover) {
  const { ctx, width, height } = prepare(canvas);
  const known = history.points.flatMap(([, objective, bound]) => [objective, bound]).filter((v) => v !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const pad = Math.max((most - least) * 0.1, Math.abs(most) * 0.01, 1e-9);
  const floor = least >= 0 ? Math.max(0, least - pad) : least - pad;
  ctx.font = `11px ${FONT}`;
  const left = Math.max(...[least, most].map((v) => ctx.measureText(formatNumber(v)).width)) + 30;
  const plot = { left, top: 10, width: width - left - 84, height: height - 40 };
  const last = history.seconds || 1;
  const x = (time) => plot.left + (time * plot.width) / last;
  const y = (value) => plot.top + (plot.height * (most + pad - value)) / (most + pad - floor);
  valueAxis(ctx, plot, floor, most + pad, y, theme, false);
  ctx.textAlign = "center";
  for (const time of ticks(0, last, plot.width, 80, false)) {
    ctx.fillStyle = theme.muted;
    ctx.fillText(`${formatNumber(time)} s`, x(time), plot.top + plot.height + 14);
  }
  const ends = [];
  for (const [column, name, colour] of [[1, "objective", theme.accent], [2, "bound", theme.late]]) {
    const points = history.points.filter((point) => point[column] !== null);
    if (!points.length) continue;
    ctx.beginPath();
    points.forEach((point, i) => {
      if (i) ctx.lineTo(x(point[0]), y(points[i - 1][column]));
      ctx[i ? "lineTo" : "moveTo"](x(point[0]), y(point[column]));
    });
    const end = points[points.length - 1][column];
    ctx.lineTo(x(last), y(end));
    ctx.strokeStyle = colour;
    ctx.lineWidth = 2;
    ctx.setLineDash(column === 2 ? [6, 3] : []);
    ctx.stroke();
    ends.push({ name, colour, y: y(end) });
  }
  ctx.setLineDash([]);
  ctx.textAlign = "left";
  if (ends.length === 2 && Math.abs(ends[0].y - ends[1].y) < 15) {
    const shift = (15 - Math.abs(ends[0].y - ends[1].y)) / 2;
    const sign = ends[0].y <= ends[1].y ? 1 : -1;
    ends[0].y -= sign * shift;
    ends[1].y += sign * shift;
  }
  for (const { name, colour, y: at } of ends) {
    ctx.fillStyle = colour;
    ctx.font = `600 12px ${FONT}`;
    ctx.fillText(name, plot.left + plot.width + 8, Math.min(Math.max(at, 8), height - 30));
  }
  if (hover !== null && hover >= plot.left && hover <= plot.left + plot.width) {
    crosshair(ctx, hover, plot, theme);
    return ((hover - plot.left) * last) / plot.width;
  }
  return null;
}
