/** Sums of counts: entry i is where the i-th group begins. */
function offsets(counts) {
  const found = new Int32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) found[i + 1] = found[i] + counts[i];
  return found;
}

/** Turns [time step, level, time step, level, …] into {time, level}. */
function readSteps(flat) {
  const count = flat.length / 2;
  const time = new Float64Array(count);
  const level = new Float64Array(count);
  for (let i = 0, now = 0; i < count; i++) {
    now += flat[2 * i];
    time[i] = now;
    level[i] = flat[2 * i + 1];
  }
  return { time, level };
}

/** First index in [low, high) whose value exceeds `limit`; `value(i)` does not fall. */
function firstAbove(low, high, limit, value) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Rows of one view: bars of all lanes one after the other, and moments (no duration) by row. */
function readView(view, taskCount) {
  const lanes = offsets(view.lanes);
  const bars = offsets(view.barCounts);
  const moments = offsets(view.momentCounts);
  const laneOf = new Int32Array(taskCount).fill(-1);
  for (let lane = 0; lane + 1 < bars.length; lane++) {
    for (let b = bars[lane]; b < bars[lane + 1]; b++) {
      if (laneOf[view.bars[b]] < 0) laneOf[view.bars[b]] = lane;
    }
  }
  for (let row = 0; row + 1 < moments.length; row++) {
    for (let m = moments[row]; m < moments[row + 1]; m++) {
      if (laneOf[view.moments[m]] < 0) laneOf[view.moments[m]] = lanes[row];
    }
  }
  return {
    labels: view.labels,
    kinds: view.kinds,
    jobs: view.jobs,
    closed: view.closedOf.map((number) => view.closed[number]),
    slow: view.slowOf.map((number) => view.slow[number]),
    holds: view.holds,
    setups: view.setups,
    pauses: view.pauses,
    lanePtr: lanes,
    barPtr: bars,
    barTask: Int32Array.from(view.bars),
    momentPtr: moments,
    momentTask: Int32Array.from(view.moments),
    laneOf,
  };
}

/** Decodes the embedded document; times and indices become typed arrays. */
function readModel(data) {
  const count = data.tasks.id.length;
  const start = Float64Array.from(data.tasks.start);
  const end = start.map((time, task) => time + data.tasks.duration[task]);
  const lateFrom = new Float64Array(count).fill(Infinity);
  data.tasks.late.forEach(([task, time]) => { lateFrom[task] = time; });
  const held = new Map(data.tasks.held);
  const setup = new Map(data.tasks.setup);
  const paused = new Map(data.tasks.paused);
  const critical = new Uint8Array(count);
  for (const task of data.tasks.critical) critical[task] = 1;
  const single = data.jobs.id.length === 1;
  const uses = offsets(data.tasks.useCounts);
  const [first, last] = data.limits;
  const margin = (last - first) / 80;
  const model = {
    ...data,
    limits: [first - margin, last + margin],
    count,
    single,
    start,
    end,
    lateFrom,
    critical,
    held,
    setup,
    paused,
    id: data.tasks.id,
    job: Int32Array.from(data.tasks.job),
    colour: (task) => (single ? task : data.tasks.job[task]) % data.palette.length,
    views: { resource: readView(data.byResource, count), job: readView(data.byJob, count) },
    profiles: data.profiles.map((profile) => ({
      ...profile, usage: readSteps(profile.usage), capacity: readSteps(profile.capacity),
    })),
    usedBy: (task) => Array.from({ length: uses[task + 1] - uses[task] },
      (_, k) => data.resources[data.tasks.useResource[uses[task] + k]]),
  };
  model.uses = (task) => model.usedBy(task).map((name, k) => {
    const amount = data.tasks.useAmount[uses[task] + k];
    return amount === 1 ? name : `${name} × ${amount}`;
  }).join(", ");
  let names = null;
  /**
   * Tasks that a query finds, as 0 or 1 each; null when it is empty. Terms between commas must all
   * hold. A term that is the whole name of some task, job or resource stands for just that
   * («job 1» without «job 10»), any other for the names in which it occurs.
   */
  model.search = (query) => {
    const terms = query.toLowerCase().split(",").map((term) => term.trim()).filter(Boolean);
    if (!terms.length) return null;
    names ??= model.id.map((id, task) =>
      [id, data.jobs.id[model.job[task]], ...model.usedBy(task)].map((name) => name.toLowerCase()));
    const found = new Uint8Array(count).fill(1);
    for (const term of terms) {
      const whole = names.some((list) => list.includes(term));
      const holds = (list) => (whole ? list.includes(term) : list.some((name) => name.includes(term)));
      names.forEach((list, task) => { if (!holds(list)) found[task] = 0; });
    }
    return found;
  };
  return model;
}
