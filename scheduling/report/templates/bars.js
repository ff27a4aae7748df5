/**
 * Paints the bars of a view into a box, grouped by colour so that tens of thousands stay fluid.
 *
 * `scene` holds the model, the view, the rows shown with their tops (in lanes) and the emphasis of
 * each task; `box` is {left, top, width, height, from, to, lane (height), scroll}. Returns what was
 * painted, for labels and outlines: [task, x, y, width, height] flat.
 */
function paintBars(ctx, scene, box, theme) {
  const { model, view, emphasis } = scene;
  const colours = model.palette.length;
  const buckets = Array.from({ length: 2 * colours }, () => []);
  const wide = [];
  const marked = [];
  const scale = box.width / (box.to - box.from);
  const right = box.left + box.width;
  const gap = box.lane >= 14 ? 3 : box.lane >= 8 ? 2 : box.lane >= 4 ? 1 : 0;
  const height = Math.max(1, box.lane - gap);
  let painted = 0;
  forLanes(scene, box, (lane, top) => {
    const stop = view.barPtr[lane + 1];
    const y = top + gap / 2;
    let pixel = NaN;
    let strong = 0;
    let b = firstAbove(view.barPtr[lane], stop, box.from, (i) => model.end[view.barTask[i]]);
    for (; b < stop; b++) {
      const task = view.barTask[b];
      if (model.start[task] >= box.to) break;
      const x0 = Math.max(box.left + (model.start[task] - box.from) * scale, box.left - 3);
      const x1 = Math.min(box.left + (model.end[task] - box.from) * scale, right + 3);
      const lit = emphasis[task];
      painted++;
      let x = x0;
      let width = x1 - x0;
      if (width < 1.5) {
        const column = Math.floor(x0);
        if (column === pixel && lit <= strong) continue;
        pixel = column;
        strong = lit;
        x = column;
        width = 1;
      } else if (width > 4) width -= 1;
      buckets[model.colour(task) + (lit ? 0 : colours)].push(x, y, width);
      if (width > 22 && lit) wide.push(task, x, y, width, height);
      if (lit && (model.critical[task] || model.end[task] > model.lateFrom[task])) {
        marked.push(task, x, y, width, height);
      }
    }
  });
  buckets.forEach((flat, colour) => {
    ctx.fillStyle = model.palette[colour % colours];
    ctx.globalAlpha = colour < colours ? 1 : Number(theme.fade);
    for (let i = 0; i < flat.length; i += 3) ctx.fillRect(flat[i], flat[i + 1], flat[i + 2], height);
  });
  ctx.globalAlpha = 1;
  return { wide, marked, painted };
}

/** Calls `visit(lane, top)` for each lane of the shown rows that meets the box. */
function forLanes(scene, box, visit) {
  const { view, rows, tops } = scene;
  const first = Math.max(0, firstAbove(0, rows.length, box.scroll / box.lane, (i) => tops[i]) - 1);
  for (let k = first; k < rows.length; k++) {
    const row = rows[k];
    let top = box.top + tops[k] * box.lane - box.scroll;
    if (top > box.top + box.height) return;
    for (let lane = view.lanePtr[row]; lane < view.lanePtr[row + 1]; lane++, top += box.lane) {
      if (top + box.lane >= box.top && top <= box.top + box.height) visit(lane, top);
    }
  }
}

/** Names in the bars that have room for them. */
function paintNames(ctx, model, wide) {
  ctx.font = `11px ${FONT}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (let i = 0; i < wide.length; i += 5) {
    const [task, x, y, width, height] = wide.slice(i, i + 5);
    if (height < 11) continue;
    const name = fitText(ctx, model.id[task], width - 6);
    ctx.fillStyle = model.paletteText[model.colour(task)];
    if (name) ctx.fillText(name, x + width / 2, y + height / 2 + 0.5);
  }
}

/** Lateness as a strip along the bottom, criticality as an outline. */
function paintMarks(ctx, model, marked, box, theme, critical) {
  const scale = box.width / (box.to - box.from);
  for (let i = 0; i < marked.length; i += 5) {
    const [task, x, y, width, height] = marked.slice(i, i + 5);
    if (model.end[task] > model.lateFrom[task]) {
      const from = Math.max(x, box.left + (model.lateFrom[task] - box.from) * scale);
      const strip = Math.max(1, Math.min(5, height / 4));
      ctx.fillStyle = theme.ground;
      ctx.fillRect(from, y + height - strip - 1, x + width - from, 1);
      ctx.fillStyle = theme.late;
      ctx.fillRect(from, y + height - strip, x + width - from, strip);
    }
    if (critical && model.critical[task]) {
      if (width >= 4 && height >= 4) {
        const line = height >= 10 ? 2 : 1;
        ctx.strokeStyle = theme.outline;
        ctx.lineWidth = line;
        ctx.strokeRect(x + line / 2, y + line / 2, width - line, height - line);
      } else {
        ctx.fillStyle = theme.outline;
        ctx.fillRect(x, y, Math.max(1, width), height);
      }
    }
  }
}

/** Diamonds for tasks without duration. Returns them for pointing: [task, x, y] flat. */
function paintMoments(ctx, scene, box, theme) {
  const { model, view, rows, tops, emphasis } = scene;
  const scale = box.width / (box.to - box.from);
  const size = Math.max(3, Math.min(6, box.lane / 3));
  const found = [];
  rows.forEach((row, k) => {
    const y = box.top + (tops[k] + 0.5) * box.lane - box.scroll;
    if (y < box.top - size || y > box.top + box.height + size) return;
    for (let m = view.momentPtr[row]; m < view.momentPtr[row + 1]; m++) {
      const task = view.momentTask[m];
      const x = box.left + (model.start[task] - box.from) * scale;
      if (x < box.left - size || x > box.left + box.width + size) continue;
      found.push(task, x, y);
      ctx.globalAlpha = emphasis[task] ? 1 : Number(theme.fade);
      ctx.beginPath();
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x, y + size);
      ctx.lineTo(x - size, y);
      ctx.closePath();
      ctx.fillStyle = model.palette[model.colour(task)];
      ctx.fill();
      ctx.strokeStyle = theme.outline;
      ctx.lineWidth = 1;
      ctx.stroke();
    }
  });
  ctx.globalAlpha = 1;
  return found;
}
