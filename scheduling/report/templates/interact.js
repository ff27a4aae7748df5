/** Mouse, touch, wheel and keys on the Gantt chart. `hooks` are {point, choose, redraw}. */
function interact(gantt, state, hooks) {
  const { canvas } = gantt;
  const pointers = new Map();
  let moved = 0;
  let grip = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left - canvas.clientLeft, y: event.clientY - box.top - canvas.clientTop };
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { distance: Math.max(20, Math.abs(a.x - b.x)), middle: (a.x + b.x) / 2 };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = place(event);
    pointers.set(event.pointerId, at);
    canvas.setPointerCapture(event.pointerId);
    moved = 0;
    const bar = gantt.overflow > 0 && at.x > gantt.box.left + gantt.box.width;
    grip = pointers.size === 2 ? "pinch" : bar ? "scrollbar" : "move";
  });

  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      const task = gantt.taskAt(at.x, at.y);
      canvas.classList.toggle("pointing", task >= 0);
      hooks.point(task, event.clientX, event.clientY);
      return;
    }
    const previous = pointers.size === 2 ? spread() : null;
    pointers.set(event.pointerId, at);
    moved += Math.abs(at.x - before.x) + Math.abs(at.y - before.y);
    if (moved < 4) return;
    hooks.point(-1);
    canvas.classList.add("dragging");
    const perPixel = (state.to - state.from) / gantt.box.width;
    if (previous) {
      const now = spread();
      state.zoom(previous.distance / now.distance, gantt.time(now.middle));
      state.pan((previous.middle - now.middle) * perPixel);
    } else if (grip === "scrollbar") {
      gantt.scroll += ((at.y - before.y) * state.lanes * gantt.lane) / gantt.box.height;
      hooks.redraw();
    } else if (grip === "move") {
      gantt.scroll -= at.y - before.y;
      state.pan((before.x - at.x) * perPixel);
    }
  });

  const release = (event) => {
    const at = pointers.get(event.pointerId);
    pointers.delete(event.pointerId);
    canvas.classList.remove("dragging");
    if (at && event.type === "pointerup" && moved < 4 && grip === "move") {
      const task = gantt.taskAt(at.x, at.y);
      if (event.pointerType !== "mouse") hooks.point(task, event.clientX, event.clientY);
      hooks.choose(task);
    }
    if (pointers.size === 1) grip = "none";
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { if (!pointers.size) hooks.point(-1); });

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    hooks.point(-1);
    const unit = event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 300 : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const { x } = place(event);
    if (event.altKey) {
      gantt.stretch(Math.exp(-dy / 400));
      hooks.redraw();
    } else if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) {
      state.pan(((dx || dy) * (state.to - state.from)) / gantt.box.width);
    } else if (x < gantt.box.left || x > gantt.box.left + gantt.box.width) {
      gantt.scroll += dy;
      hooks.redraw();
    } else {
      state.zoom(Math.exp(dy / 400), gantt.time(x));
    }
  }, { passive: false });

  const step = (dx, dy) => {
    const focus = gantt.neighbour(state.focus, dx, dy);
    if (focus < 0) return;
    state.set({ focus });
    gantt.reveal(focus);
    const { start, end } = state.model;
    const box = canvas.getBoundingClientRect();
    const x = Math.max(gantt.x(start[focus]), gantt.box.left);
    const right = Math.min(gantt.x(end[focus]), gantt.box.left + gantt.box.width);
    hooks.point(focus, box.left + (x + right) / 2, box.top + gantt.middle(focus), true);
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const keys = {
    "+": () => state.zoom(0.7),
    "=": () => state.zoom(0.7),
    "-": () => state.zoom(1 / 0.7),
    0: () => hooks.fit(),
    Home: () => hooks.fit(),
    "[": () => hooks.stretch(1 / 1.25),
    "]": () => hooks.stretch(1.25),
    PageUp: () => hooks.roll(-gantt.box.height),
    PageDown: () => hooks.roll(gantt.box.height),
    Enter: () => hooks.choose(state.focus),
    Escape: () => { hooks.point(-1); state.set({ focus: -1, job: -1 }); },
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = arrows[event.key];
    if (!arrow && !keys[event.key]) return;
    event.preventDefault();
    if (!arrow) keys[event.key]();
    else if (event.shiftKey) step(...arrow);
    else if (arrow[0]) state.pan((arrow[0] * (state.to - state.from)) / 8);
    else hooks.roll(arrow[1] * 60);
  });
}
