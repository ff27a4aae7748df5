const NARROW = 3;
const sheet = document.createElement("canvas");

/** The series as pixels: each colour in full, then each faded. */
function pixelColours(palette, fade) {
  const pixels = new Uint32Array(2 * palette.length);
  const bytes = new Uint8ClampedArray(pixels.buffer);
  for (let k = 0; k < pixels.length; k++) {
    const colour = palette[k % palette.length];
    for (let c = 0; c < 3; c++) bytes[4 * k + c] = parseInt(colour.slice(1 + 2 * c, 3 + 2 * c), 16);
    bytes[4 * k + 3] = k < palette.length ? 255 : Math.round(255 * fade);
  }
  return pixels;
}

/**
 * Paints the bars of a view into a box. Bars of a few pixels become columns of an image with one
 * line per lane, the others rectangles grouped by colour, so that tens of thousands stay fluid.
 *
 * `scene` holds the model, the view, the rows shown with their tops (in lanes) and the emphasis of
 * each task; `box` is {left, top, width, height, from, to, lane (height), scroll}. Returns how many
 * bars were in sight, those with room for a name, and those to mark as critical or late, both flat:
 * [task, x, y, width, height, …].
 */
function paintBars(ctx, scene, box, theme) {
  const { model, view, emphasis } = scene;
  const colours = model.palette.length;
  const buckets = Array.from({ length: 2 * colours }, () => []);
  const pixels = pixelColours(model.palette, Number(theme.fade));
  const lanes = [];
  forLanes(scene, box, (lane, top) => lanes.push({ lane, top }));
  const columns = Math.max(1, Math.ceil(box.width));
  const image = new ImageData(columns, Math.max(1, lanes.length));
  const picture = new Uint32Array(image.data.buffer);
  const wide = [];
  const marked = [];
  const scale = box.width / (box.to - box.from);
  const right = box.left + box.width;
  const gap = box.lane >= 14 ? 3 : box.lane >= 8 ? 2 : box.lane >= 4 ? 1 : 0;
  const height = Math.max(1, box.lane - gap);
  let painted = 0;
  lanes.forEach(({ lane, top }, line) => {
    const stop = view.barPtr[lane + 1];
    const y = top + gap / 2;
    let taken = -1;
    let strong = 0;
    let b = firstAbove(view.barPtr[lane], stop, box.from, (i) => model.end[view.barTask[i]]);
    for (; b < stop; b++) {
      const task = view.barTask[b];
      if (model.start[task] >= box.to) break;
      const x0 = Math.max(box.left + (model.start[task] - box.from) * scale, box.left - 3);
      const x1 = Math.min(box.left + (model.end[task] - box.from) * scale, right + 3);
      const lit = emphasis[task];
      const kind = model.colour(task) + (lit ? 0 : colours);
      let width = x1 - x0;
      painted++;
      if (width < NARROW) {
        const first = Math.max(0, Math.floor(x0 - box.left));
        const last = Math.min(columns - 1, Math.max(first, Math.round(x1 - box.left) - 1));
        if (last === taken && lit <= strong) continue;
        picture.fill(pixels[kind], line * columns + first, line * columns + last + 1);
        taken = last;
        strong = lit;
        width = last - first + 1;
      } else {
        width -= width > 4 ? 1 : 0;
        buckets[kind].push(x0, y, width);
      }
      if (lit && width > 14) wide.push(task, x0, y, width, height);
      if (lit && (model.critical[task] || model.end[task] > model.lateFrom[task])) {
        marked.push(task, x0, y, width, height);
      }
    }
  });
  sheet.width = columns;
  sheet.height = image.height;
  sheet.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = false;
  lanes.forEach(({ top }, line) => {
    ctx.drawImage(sheet, 0, line, columns, 1, box.left, top + gap / 2, columns, height);
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
    const name = fitName(ctx, model.id[task], width - 6);
    ctx.fillStyle = model.paletteText[model.colour(task)];
    if (name) ctx.fillText(name, x + width / 2, y + height / 2 + 0.5);
  }
}
