// Run in the browser by test_dom.py: what dom.js makes of many pairs of random trees, compared with the second one made afresh.
// Gives the first few pairs that came out differently, as text.

async ({ pairs, seed }) => {
  const { h, render } = await import("/page/dom.js");

  let state = seed;
  const chance = () => { // mulberry32: the same trees for the same seed
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (most) => Math.floor(chance() * most);
  const one = (list) => list[below(list.length)];
  const some = (most, make) => Array.from({ length: below(most + 1) }, (_, index) => make(index));

  const VALUES = ["", "a", "b c", "<img src=x onerror=alert(1)>", 7, 0, true, false, null, undefined];
  const NAMES = ["class", "title", "hidden", "aria-label", "data-x", "disabled"];
  const propsOf = () => {
    const props = Object.fromEntries(some(3, () => [one(NAMES), one(VALUES)]));
    if (chance() < 0.4) props.key = one(["a", "b", "c", "d", "e", 1, 2]);
    if (chance() < 0.2) props.vars = Object.fromEntries(some(2, () => [one(["--one", "--two"]), one(["1", "2"])]));
    if (chance() < 0.2) props.on = { click: () => {} };
    return props;
  };
  let isTouched = false;
  const field = () => {
    const type = one(["text", "checkbox"]);
    return h("input", { ...propsOf(), type, ...(isTouched || chance() < 0.7 ? (type === "text" ? { value: one(["", "x", "y"]) } : { checked: one([true, false]) }) : {}) });
  };
  const choice = () => {
    const names = [...new Set(["x", ...some(3, () => one(["p", "q", "r"]))])];
    return h("select", { ...propsOf(), value: one(names) }, names.map((name) => h("option", { key: name, value: name }, name)));
  };
  const shape = (depth) => h(one(["g", "rect", "text", "svg"]), propsOf(), depth > 0 ? some(3, () => (chance() < 0.2 ? "5" : shape(depth - 1))) : null);
  const child = (depth) => {
    const kind = chance();
    if (kind < 0.25) return one(["text", " ", "", "<b>", 0, 12, "ß\u202e"]);
    if (kind < 0.35) return one([null, undefined, false]);
    if (kind < 0.45) return field();
    if (kind < 0.5) return choice();
    if (kind < 0.58) return h("svg", propsOf(), some(3, () => shape(2)));
    if (kind < 0.65 && depth > 0) return some(3, () => child(depth - 1));
    if (kind < 0.7) return h("details", { ...propsOf(), open: one([true, false]) }, h("summary", null, "s"), depth > 0 ? child(depth - 1) : null);
    return h(one(["div", "p", "span", "ul", "button"]), { ...propsOf(), reuse: chance() < 0.3 }, depth > 0 ? some(5, () => child(depth - 1)) : null);
  };
  const tree = () => some(6, () => child(3));

  const told = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return JSON.stringify(node.nodeValue);
    const attributes = [...node.attributes].filter(({ name }) => name !== "style").map(({ name, value }) => `${name}=${JSON.stringify(value)}`).sort();
    const style = [...node.style].sort().map((name) => `${name}:${node.style.getPropertyValue(name)}`);
    const live = ["value", "checked", "open"].filter((name) => name in node && node.namespaceURI !== "http://www.w3.org/2000/svg").map((name) => `${name}=${node[name]}`);
    return `<${node.namespaceURI?.slice(-4)}:${node.localName} ${[...attributes, ...style, ...live].join(" ")}>${[...node.childNodes].map(told).join("")}</>`;
  };

  const found = [];
  for (let pair = 0; pair < pairs && found.length < 3; pair += 1) {
    isTouched = pair % 2 === 1; // of what no value is given, what somebody typed stays
    const [first, second] = [tree(), tree()];
    const [changed, fresh] = [document.createElement("div"), document.createElement("div")];
    render(changed, first);
    for (const input of isTouched ? changed.querySelectorAll("input") : []) {
      if (chance() < 0.5) input.type === "text" ? input.value = "typed" : input.checked = !input.checked;
    }
    render(changed, second);
    render(fresh, second);
    if (told(changed) !== told(fresh)) found.push(`pair ${pair}:\n${told(changed)}\n${told(fresh)}`);
  }
  return found;
}
