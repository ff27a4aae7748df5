/** What there is to say about a task. */
function taskDetails(model, task) {
  const job = model.job[task];
  const due = model.jobs.due[job];
  const late = due === null ? 0 : model.end[task] - due;
  return [
    !model.single && ["job", model.jobs.id[job]],
    model.uses(task) && ["on", model.uses(task)],
    model.tasks.modes[task] > 1 && ["mode", `${model.tasks.mode[task]} (of 0 to ${model.tasks.modes[task] - 1})`],
    ["time", `${formatNumber(model.start[task])} to ${formatNumber(model.end[task])}`],
    ["duration", formatNumber(model.end[task] - model.start[task])],
    model.setup.has(task) && ["setup before", formatNumber(model.setup.get(task))],
    model.paused.has(task) && ["pauses for", formatNumber(model.paused.get(task))],
    model.held.has(task) && ["keeps its machine until", formatNumber(model.held.get(task))],
    due !== null && ["due", formatNumber(due)],
    late > 0 && ["late by", formatNumber(late), "late"],
    model.critical[task] && ["critical", "a delay delays the whole schedule"],
  ].filter(Boolean);
}

function fillLegend(model, state) {
  const list = byId("legend");
  const add = (kind, text) => {
    const item = document.createElement("li");
    const mark = document.createElement("i");
    mark.className = kind;
    item.append(...(kind ? [mark] : []), text);
    list.append(item);
  };
  add("critical", "critical path");
  if (model.byResource.closed.some((flat) => flat.length)) add("closed", "closed");
  if (model.byResource.slow.some((flat) => flat.length)) add("slow", "slow");
  if (model.held.size) add("kept", "machine kept");
  if (model.setup.size) add("setup", "setup");
  if (model.paused.size) add("pause", "pause");
  if (model.tasks.late.length) add("late", "past the due date");
  if (model.jobs.due.some((due) => due !== null)) add("due", "due date");
  if (model.single || model.jobs.id.length > 18) {
    add("", `colours stand for ${model.single ? "tasks" : "jobs"} and repeat after ${model.palette.length}`);
    return;
  }
  model.jobs.id.forEach((id, job) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "job";
    const mark = document.createElement("i");
    mark.style.background = model.palette[job % model.palette.length];
    button.append(mark, id);
    button.addEventListener("click", () => state.set({ job: state.job === job ? -1 : job }));
    state.listeners.push(() => button.setAttribute("aria-pressed", String(state.job === job)));
    item.append(button);
    list.append(item);
  });
}

/** Canvases of the resource profiles; they follow the chart's time window. */
function buildProfiles(model, state, gantt) {
  byId("profiles-section").hidden = !model.profiles.length;
  const draws = model.profiles.map((profile) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const note = document.createElement("span");
    const canvas = document.createElement("canvas");
    const share = profile.share === null ? "" : `, ${formatNumber(Math.round(100 * profile.share))} % used`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Usage of ${profile.label} over time${share}`);
    const limited = profile.capacity.time.length > 0;
    const what = {
      consumable: " taken so far, of the stock",
      reservoir: limited ? " level, of the maximum" : " level",
    }[profile.kind] ?? " in use, of the capacity";
    const plain = `${what}${share}`;
    note.textContent = plain;
    caption.append(profile.label, note);
    figure.append(caption, canvas);
    byId("profiles").append(figure);
    let hover = null;
    const draw = (theme) => {
      const { top, bottom } = figure.getBoundingClientRect();
      if (bottom < -200 || top > window.innerHeight + 200) return;
      drawProfile(canvas, profile, gantt.box, theme, model, hover);
    };
    const point = (event) => {
      const x = event.clientX - canvas.getBoundingClientRect().left;
      const inside = event.type === "pointermove" && x >= gantt.box.left && x <= gantt.box.left + gantt.box.width;
      hover = inside ? x : null;
      const time = Math.floor(gantt.time(x));
      const [used, most] = [profile.usage, profile.capacity].map((steps) => formatNumber(levelAt(steps, time)));
      const limit = limited ? ` of ${most}` : "";
      note.textContent = inside ? `: ${used}${limit} at time ${formatNumber(time)}` : plain;
      draw(readTheme());
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerleave", point);
    return draw;
  });
  return (theme) => draws.forEach((draw) => draw(theme));
}

function buildHistory(model) {
  const { history } = model;
  const known = history.points.some((point) => point[1] !== null || point[2] !== null);
  byId("history-section").hidden = !known;
  if (!known) return () => {};
  const canvas = byId("history");
  canvas.setAttribute("aria-label", history.label);
  canvas.addEventListener("pointermove", (event) => {
    const x = event.clientX - canvas.getBoundingClientRect().left;
    const time = drawHistory(canvas, history, readTheme(), x);
    const last = history.points.filter((point) => point[0] <= time).pop();
    if (time === null || !last) return showTooltip(null);
    const text = (value) => (value === null ? "unknown" : formatNumber(value));
    const entries = [["objective", text(last[1])], ["bound", text(last[2])]];
    return showTooltip(entries, `after ${formatNumber(Number(time.toPrecision(3)))} s`, event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerleave", () => {
    showTooltip(null);
    drawHistory(canvas, history, readTheme(), null);
  });
  return (theme) => drawHistory(canvas, history, theme, null);
}

function start() {
  const model = readModel(JSON.parse(byId("data").textContent));
  const drawHistoryPanel = buildHistory(model);
  if (!model.count) {
    for (const id of ["chart-section", "table-section"]) byId(id).hidden = true;
    wireTheme(() => drawHistoryPanel(readTheme()));
    return;
  }
  const state = new State(model);
  const gantt = new Gantt(byId("gantt"), state);
  let pending = false;
  const redraw = () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      const theme = readTheme();
      gantt.draw(theme);
      overview.draw(theme);
      drawProfiles(theme);
    });
  };
  const overview = new Overview(byId("overview"), gantt, state, redraw);
  const drawProfiles = buildProfiles(model, state, gantt);
  const table = new TaskTable(byId("table-section"), state);
  fillLegend(model, state);
  wireControls(model, state, gantt, redraw);
  state.listeners.push((scene) => {
    if (scene) {
      overview.forget();
      table.update();
      describe(model, state);
    }
    redraw();
  });
  wireTheme(() => {
    overview.forget();
    redraw();
    drawHistoryPanel(readTheme());
  });
  window.addEventListener("scroll", redraw, { passive: true });
  let wide = 0;
  new ResizeObserver(() => {
    const { clientWidth } = document.documentElement;
    if (clientWidth === wide) return;
    wide = clientWidth;
    gantt.fit();
    redraw();
    drawHistoryPanel(readTheme());
  }).observe(document.documentElement);
  describe(model, state);
  gantt.draw(readTheme());
  redraw();
}

function describe(model, state) {
  const count = (number, noun) => `${formatNumber(number)} ${noun}${number === 1 ? "" : "s"}`;
  const tasks = count(model.count, "task");
  const rows = count(state.rows.length, "row");
  byId("count").textContent = state.matches
    ? `${formatNumber(state.matched)} of ${tasks} match, in ${rows}.`
    : `${tasks} in ${rows}.`;
  const chosen = state.job < 0 ? "" : `Highlighted: ${model.jobs.id[state.job]}.`;
  byId("selection").textContent = model.single ? "" : chosen;
  byId("by-resource").setAttribute("aria-pressed", String(state.view === "resource"));
  byId("by-job").setAttribute("aria-pressed", String(state.view === "job"));
}

function wireControls(model, state, gantt, redraw) {
  const view = (name) => () => {
    state.set({ view: name });
    gantt.fit();
  };
  const stretch = (factor) => {
    gantt.stretch(factor);
    redraw();
  };
  const fit = () => {
    gantt.fit();
    state.look(...model.limits);
  };
  byId("by-resource").textContent = model.names.resource;
  byId("by-job").textContent = model.names.job;
  byId("by-resource").addEventListener("click", view("resource"));
  byId("by-job").addEventListener("click", view("job"));
  byId("critical").addEventListener("change", (event) => state.set({ critical: event.target.checked }));
  byId("filter").addEventListener("input", (event) => {
    state.set({ query: event.target.value });
    gantt.fit();
  });
  byId("zoom-in").addEventListener("click", () => state.zoom(0.7));
  byId("zoom-out").addEventListener("click", () => state.zoom(1 / 0.7));
  byId("fit").addEventListener("click", fit);
  byId("flatter").addEventListener("click", () => stretch(1 / 1.25));
  byId("taller").addEventListener("click", () => stretch(1.25));
  interact(gantt, state, {
    point: (task, x, y, speak = false) => {
      if (task < 0) return showTooltip(null);
      const details = taskDetails(model, task);
      if (speak) byId("spoken").textContent = `${model.id[task]}: ${details.map((d) => d.slice(0, 2).join(" ")).join(", ")}`;
      return showTooltip(details, model.id[task], x, y);
    },
    choose: (task) => {
      const job = task < 0 || model.single ? -1 : model.job[task];
      state.set({ job: job === state.job ? -1 : job });
    },
    fit,
    stretch,
    roll: (pixels) => {
      gantt.scroll += pixels;
      redraw();
    },
    redraw,
  });
}

start();
