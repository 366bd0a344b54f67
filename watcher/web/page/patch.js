// JSON Patch (RFC 6902), as far as the stream uses it: the document is changed in place.

/** @typedef {{op: string, path: string, value?: unknown, from?: string}} Operation */

/**
 * Applies the operations in their order. An Error says that the document is not what they are for: ask for all of it again.
 * @param {Record<string, any>} document
 * @param {Operation[]} operations
 */
export function apply(document, operations) {
  for (const operation of operations) {
    if (operation.op === "move" || operation.op === "copy") {
      const value = read(document, operation.from ?? "");
      if (operation.op === "move") write(document, "remove", operation.from ?? "", undefined);
      write(document, "add", operation.path, operation.op === "copy" ? structuredClone(value) : value);
    } else if (operation.op === "test") {
      if (JSON.stringify(read(document, operation.path)) !== JSON.stringify(operation.value)) {
        throw new Error(`${operation.path} is another than was thought`);
      }
    } else write(document, operation.op, operation.path, operation.value);
  }
}

/** @param {string} path @returns {string[]} */
function steps(path) {
  if (!path.startsWith("/")) throw new Error(`${JSON.stringify(path)} is no place in the document`);
  return path.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** @param {any} value @param {string} step */
function into(value, step) {
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, step)) throw new Error(`There is no ${JSON.stringify(step)}`);
  return value[step];
}

/** @param {any} document @param {string} path @returns {unknown} */
function read(document, path) {
  return steps(path).reduce(into, document);
}

/** @param {any} document @param {string} op @param {string} path @param {unknown} value */
function write(document, op, path, value) {
  const way = steps(path);
  const last = /** @type {string} */ (way.pop());
  const parent = way.reduce(into, document);
  if (parent === null || typeof parent !== "object") throw new Error(`${path} has nothing to be in`);
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length - (op === "add" ? 0 : 1)) throw new Error(`There is no ${path}`);
    if (op === "add") parent.splice(index, 0, value);
    else if (op === "remove") parent.splice(index, 1);
    else parent[index] = value;
  } else if (op === "add" || op === "replace") {
    if (op === "replace") into(parent, last);
    Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
  } else if (op === "remove") {
    into(parent, last);
    delete parent[last];
  } else throw new Error(`No such operation: ${op}`);
}
