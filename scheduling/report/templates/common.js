const byId = (id) => document.getElementById(id);

/** Shows details beside the pointer without leaving the window. */
function showTooltip(entries, title, x, y) {
  const box = byId("tooltip");
  if (!entries) {
    box.hidden = true;
    return;
  }
  const name = document.createElement("strong");
  name.textContent = title;
  const list = document.createElement("dl");
  for (const [term, value, kind] of entries) {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    dt.textContent = term;
    dd.textContent = value;
    if (kind) dd.className = kind;
    list.append(dt, dd);
  }
  box.replaceChildren(name, list);
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - width - 6))}px`;
  box.style.top = `${y + 18 + height > window.innerHeight ? Math.max(4, y - height - 12) : y + 18}px`;
}

/** Follows the system's choice of light or dark until the button is pressed. */
function wireTheme(changed) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const apply = (name) => {
    root.dataset.theme = name;
    changed();
  };
  dark.addEventListener("change", () => apply(dark.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => apply(root.dataset.theme === "dark" ? "light" : "dark"));
  root.dataset.theme = dark.matches ? "dark" : "light";
  changed();
}
