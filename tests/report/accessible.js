// What keeps people without a mouse, or without sight, from a page and the pages inside it.
// Texts need a contrast of 4.5 (WCAG 2.2, level AA).
(() => {
  const faults = [];
  const say = (what, one) => faults.push(`${what}: ${one.outerHTML.slice(0, 90)}`);
  const light = (rgb) => rgb.map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  for (const page of [document, ...[...document.querySelectorAll("iframe")].map((f) => f.contentDocument)]) {
    const style = (one) => page.defaultView.getComputedStyle(one);
    const seen = (one) => one.getClientRects().length > 0 && !one.closest(".unseen");
    const told = (one, by) => one.getAttribute(`aria-${by}`)?.split(" ")
      .every((id) => page.getElementById(id)?.textContent.trim());
    const all = (selector) => [...page.querySelectorAll(selector)].filter(seen);
    for (const one of all("button, a[href], input, canvas:not([aria-hidden]), iframe, [role], [tabindex='0']"))
      if (!(one.ariaLabel || one.title || one.labels?.length || told(one, "labelledby") || one.textContent.trim()))
        say("no name", one);
    for (const one of all("[aria-describedby]")) if (!told(one, "describedby")) say("not described", one);
    const levels = [...page.querySelectorAll("h1, h2, h3, h4")].map((one) => Number(one.tagName[1]));
    if (levels.some((level, k) => level > (levels[k - 1] ?? level) + 1)) faults.push(`headings: ${levels}`);
    for (const one of all("th")) if (!one.scope) say("no scope", one);
    for (const one of all("button, a[href], input, summary, [tabindex='0']")) {
      one.focus({ focusVisible: true });
      if (page.activeElement !== one) say("no focus", one);
      else if (style(one).outlineStyle === "none" && style(one).boxShadow === "none") say("unseen focus", one);
    }
    for (const one of all("body *")) {
      if (![...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
      let ground = one;
      while (ground && colour(style(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
      const pair = [style(one).color, ground ? style(ground).backgroundColor : "rgb(255, 255, 255)"];
      const [dim, bright] = pair.map((text) => light(colour(text).slice(0, 3))).sort((a, b) => a - b);
      if ((bright + 0.05) / (dim + 0.05) < 4.5) say("faint", one);
    }
  }
  return faults;
})()
