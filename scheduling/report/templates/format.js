const formatNumber = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 6 });

/** Round steps of 1, 2 or 5 times a power of ten, at most one per `room` pixels. */
function ticks(from, to, pixels, room, whole) {
  const least = ((to - from) * room) / Math.max(pixels, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  let step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= least);
  if (whole) step = Math.max(1, Math.round(step));
  const found = [];
  for (let k = Math.ceil(from / step); k * step <= to; k++) found.push(k * step + 0);
  return found;
}

/** A name that fits a width: whole, its last word, or cut where at least half of it stays. */
function fitName(ctx, name, width) {
  for (const text of [name, name.slice(name.lastIndexOf(" ") + 1)]) {
    if (ctx.measureText(text).width <= width) return text;
  }
  const cut = fitText(ctx, name, width);
  return 2 * cut.length > name.length ? cut : "";
}

/** Text cut to a width in its middle, for names mostly differ at their ends; empty below two letters. */
function fitText(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  const kept = (count) => {
    const tail = count >> 1;
    return `${text.slice(0, count - tail)}…${text.slice(text.length - tail)}`;
  };
  let low = 0;
  let high = text.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ctx.measureText(kept(middle)).width <= width) low = middle;
    else high = middle - 1;
  }
  return low < 2 ? "" : kept(low);
}

/** Colours of the current theme, from the style sheet. */
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "raised", "ink", "muted", "line", "stripe", "closed", "hatch", "late",
    "accent", "focus", "outline", "fade"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Relative luminance of a colour `#rrggbb` (WCAG 2). */
function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

/** A colour mixed with the ink until lines of it stand out from the ground by 3 to 1. */
function legible(colour, theme) {
  const ground = luminance(theme.ground);
  const channels = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const [from, to] = [channels(colour), channels(theme.ink)];
  let found = colour;
  for (let part = 0.1; contrast(luminance(found), ground) < 3 && part <= 1; part += 0.1) {
    const mixed = from.map((c, k) => Math.round(c + part * (to[k] - c)));
    found = `#${mixed.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
  }
  return found;
}

/** Fits a canvas to its box on the page and to the screen's pixels; returns a cleared context. */
function prepare(canvas, height) {
  if (height) canvas.style.height = `${height}px`;
  const { width, height: tall } = canvas.getBoundingClientRect();
  const inner = { width: canvas.clientWidth || width, height: canvas.clientHeight || tall };
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.round(inner.width * ratio);
  const high = Math.round(inner.height * ratio);
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, inner.width, inner.height);
  return { ctx, ...inner };
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif';
