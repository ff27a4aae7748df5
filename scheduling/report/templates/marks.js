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

/** A due date: a line with a triangle on top. */
function dueMark(ctx, x, top, height, colour) {
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(x, top + 1);
  ctx.lineTo(x, top + height - 1);
  if (height > 0) ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(x - 5, top + 1);
  ctx.lineTo(x + 5, top + 1);
  ctx.lineTo(x, top + 9);
  ctx.fill();
}

/** Diagonal lines for closed times. */
function hatch(ctx, theme) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = theme.closed;
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = theme.hatch;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  return ctx.createPattern(tile, "repeat");
}
