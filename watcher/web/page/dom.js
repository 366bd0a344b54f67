// Elements as values, and what is on the screen made like them: the least that has to change is changed, so that focus,
// selection and scrolling stay where they are. Text is only ever set as text: nothing that is shown can become markup.

/** @typedef {(event: any) => void} Handler */
/** @typedef {string | number | boolean | null | undefined | Record<string, string> | Record<string, Handler>} Given */
/** @typedef {Record<string, Given>} Props */
/** @typedef {{tag: string, props: Props, children: (Element_ | string)[]}} Element_ */
/** @typedef {Element_ | string | number | null | undefined | false | Children} Child */
/** @typedef {{readonly length: number, readonly [index: number]: Child, [Symbol.iterator](): IterableIterator<Child>}} Children an array of them, told so that the type checker can follow */

const SVG = "http://www.w3.org/2000/svg";
const TEXT = 3; // Node.TEXT_NODE
/** What is set as a property, because the attribute only says how it began. */
const LIVE = new Set(["value", "checked", "indeterminate", "open"]);
/** Attributes that run a text or load what it names. Nothing here needs them, so that no mistake of a room can. */
const NEVER = /^(?:on.*|style|src.*|action|formaction|xlink:href)$/i;
/** Where a link may lead: to a place of this page, or a path of this daemon. */
const OURS = /^(?:#|\/(?:[a-z]|$))/;

/** @type {WeakMap<Node, Element_>} */
const shown = new WeakMap();

/**
 * An element. Of the props, `key` tells it from its siblings of the same tag, `on` holds handlers by event, `vars` custom
 * properties of its style; `false`, null and undefined leave an attribute out, and `true` sets it empty. A `href` that leads
 * elsewhere is left out, and so is what could run or load anything. With `reuse` it may become another one that has it too, when
 * nobody wants it any more: for rows in which nothing can be typed or opened, and of which others come all the time.
 * @param {string} tag
 * @param {Props | null} [props]
 * @param {...Child} children
 * @returns {Element_}
 */
export function h(tag, props, ...children) {
  /** @type {(Element_ | string)[]} */
  const flat = [];
  flatten(children, flat);
  return { tag, props: props ?? {}, children: flat };
}

/**
 * Makes the content of the parent like the child.
 * @param {Element} parent
 * @param {Child} child
 */
export function render(parent, child) {
  /** @type {(Element_ | string)[]} */
  const flat = [];
  flatten([child], flat);
  reconcile(parent, flat);
}

/** @param {Iterable<Child>} children @param {(Element_ | string)[]} into */
function flatten(children, into) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === "") continue;
    if (typeof child !== "object") {
      const last = into.length - 1;
      if (typeof into[last] === "string") into[last] += String(child);
      else into.push(String(child));
    } else if ("tag" in child) into.push(child);
    else flatten(child, into);
  }
}

/** By what it is found again. Of another type it is another: what an <input> keeps means something else then. @param {Element_ | string} child @param {number} index */
function nameOf(child, index) {
  if (typeof child === "string") return "#text";
  return `${child.tag} ${child.props["type"] ?? ""} ${child.props.key ?? `#${index}`}`;
}

/** @param {Element} parent @param {(Element_ | string)[]} wanted */
function reconcile(parent, wanted) {
  /** @type {Map<string, Node[]>} */
  const there = new Map();
  let place = 0;
  for (const node of parent.childNodes) {
    const was = shown.get(node);
    // What is not ours is taken out: a browser that translates puts elements of its own around texts, and old figures stayed in them.
    const name = was !== undefined ? nameOf(was, place) : node.nodeType === TEXT ? "#text" : "#other";
    if (was !== undefined && was.props.key === undefined) place += 1;
    const same = there.get(name);
    if (same === undefined) there.set(name, [node]);
    else same.push(node);
  }
  place = 0;
  const known = wanted.map((child) => {
    const name = nameOf(child, place);
    if (typeof child !== "string" && child.props.key === undefined) place += 1;
    return there.get(name)?.shift();
  });
  const left = [...there.values()].flat();
  const nodes = wanted.map((child, index) => {
    const node = known[index] ?? reusable(left, child);
    if (node === undefined) return make(child, parent);
    update(node, child);
    return node;
  });
  for (const node of left) /** @type {ChildNode} */ (node).remove();
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else move(parent, node, next);
  }
}

/** One that nobody wants any more and that may become the child, taken out of those. @param {Node[]} left @param {Element_ | string} child */
function reusable(left, child) {
  if (typeof child === "string" || !child.props.reuse) return undefined;
  const at = left.findIndex((node) => {
    const was = shown.get(node);
    return was?.tag === child.tag && was.props.reuse && !node.contains(document.activeElement);
  });
  return at < 0 ? undefined : left.splice(at, 1)[0];
}

/** Moves without ending focus and animations, where the browser can. @param {Element} parent @param {Node} node @param {Node | null} before */
function move(parent, node, before) {
  if (node.parentNode === parent && "moveBefore" in parent) /** @type {any} */ (parent).moveBefore(node, before);
  else parent.insertBefore(node, before);
}

/** @param {Element_ | string} child @param {Element} parent @returns {Node} */
function make(child, parent) {
  if (typeof child === "string") return document.createTextNode(child);
  const isSvg = child.tag === "svg" || (parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
  const node = isSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  reconcile(node, child.children);
  setProps(node, {}, child.props);
  shown.set(node, child);
  if (child.props.autofocus) queueMicrotask(() => /** @type {HTMLElement} */ (node).focus());
  return node;
}

/** @param {Node} node @param {Element_ | string} child */
function update(node, child) {
  if (typeof child === "string") {
    if (node.nodeValue !== child) node.nodeValue = child;
    return;
  }
  const was = shown.get(node);
  if (was === child) return;
  const element = /** @type {Element} */ (node);
  reconcile(element, child.children); // first: a <select> can only have the value of an option that is there
  setProps(element, was?.props ?? {}, child.props);
  shown.set(node, child);
}

/** @param {Element} node @param {Props} before @param {Props} after */
function setProps(node, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) setProp(node, name, before[name], undefined);
  for (const [name, value] of Object.entries(after)) setProp(node, name, before[name], value);
}

/** @param {Element} node @param {string} name @param {Given} before @param {Given} after */
function setProp(node, name, before, after) {
  if (name === "key" || name === "reuse" || name === "autofocus") return;
  if (name === "on") {
    const kinds = { .../** @type {Record<string, Handler>} */ (before ?? {}), .../** @type {Record<string, Handler>} */ (after ?? {}) };
    for (const kind of Object.keys(kinds)) listen(node, kind);
  } else if (name === "vars") {
    setVars(/** @type {HTMLElement} */ (node).style, /** @type {Record<string, string>} */ (before ?? {}), /** @type {Record<string, string>} */ (after ?? {}));
  } else if (LIVE.has(name)) {
    const live = /** @type {any} */ (node);
    if (live[name] !== after) live[name] = after ?? (name === "value" ? "" : false);
  } else if (before !== after) {
    if (after === false || after === null || after === undefined || !isHarmless(name, after)) node.removeAttribute(name);
    else node.setAttribute(name, after === true ? "" : String(after));
  }
}

/** @param {string} name @param {Given} value */
const isHarmless = (name, value) => (name === "href" ? OURS.test(String(value)) : !NEVER.test(name));

/** @param {CSSStyleDeclaration} style @param {Record<string, string>} before @param {Record<string, string>} after */
function setVars(style, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) style.removeProperty(name);
  for (const [name, value] of Object.entries(after)) if (before[name] !== value) style.setProperty(name, value);
}

/** @type {WeakMap<Element, Set<string>>} */
const heard = new WeakMap();

/** One listener an element and kind: what it does is what was said last. @param {Element} node @param {string} kind */
function listen(node, kind) {
  const kinds = heard.get(node) ?? new Set();
  heard.set(node, kinds);
  if (kinds.has(kind)) return;
  kinds.add(kind);
  node.addEventListener(kind, (event) => {
    const on = /** @type {Record<string, Handler> | undefined} */ (shown.get(node)?.props["on"]);
    on?.[kind]?.(event);
  });
}
