// The regular expressions of the page's modules. `node regexes.js find FILE…` says where they are, `node regexes.js try` which of
// those that standard input tells of take more than their texts' due: by the same rule as tests/security/regexes.py.

import { readFileSync } from "node:fs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {{way: string, turn: string, loops: number, poison: string}} Attack */
/** @typedef {{source: string, flags: string, attacks: Attack[]}} Tried */
/** @typedef {{few: number[], explodes: number, turns: number, longer: number, tooMuch: number, near: number, quick: number, rounds: number[], all: Tried[]}} Task */

/** Each expression of a file; one that is made while the page runs has no source. @param {typeof import("typescript")} ts @param {string} file */
function expressionsOf(ts, file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf-8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  /** @type {{file: string, line: number, source: string | null, flags: string}[]} */
  const found = [];
  /** @param {Node} node */
  const visit = (node) => {
    const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/");
      found.push({ file, line, source: node.text.slice(1, end), flags: node.text.slice(end + 1) });
    } else if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === "RegExp") found.push({ file, line, source: null, flags: "" });
    else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && ["match", "matchAll", "search"].includes(node.expression.name.text)
      && node.arguments[0] !== undefined && !ts.isRegularExpressionLiteral(node.arguments[0]) && !ts.isIdentifier(node.arguments[0])) found.push({ file, line, source: null, flags: "" });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** @param {Attack} attack @param {number} turns */
const textOf = ({ way, turn, loops, poison }, turns) => way + turn.repeat(Math.floor(turns / loops)) + poison;

/** Seconds: looked for in all of the text, and held against it. @param {RegExp} expression @param {string} text */
function seconds(expression, text) {
  const began = performance.now();
  text.replace(expression, "");
  expression.lastIndex = 0;
  expression.test(text);
  expression.lastIndex = 0;
  return (performance.now() - began) / 1000;
}

/** What it takes for each of the texts, the least of several rounds through all: a busy machine only ever makes it longer.
 * @param {RegExp} expression @param {string[]} texts @param {number[]} rounds @param {(taken: number[]) => boolean} isClear */
function least(expression, texts, [fewest = 0, most = 0], isClear) {
  let taken = texts.map(() => Infinity);
  for (let already = 0; already < fewest || (already < most && !isClear(taken)); already += 1)
    taken = taken.map((one, index) => Math.min(one, seconds(expression, texts[index] ?? "")));
  return taken;
}

/** What makes it take too long; null where nothing does. @param {Task} task @param {Tried} tried */
function worseThanLinear({ few, explodes, turns, longer, tooMuch, near, quick, rounds }, { source, flags, attacks }) {
  const expression = new RegExp(source, flags.includes("g") ? flags : `${flags}g`);
  /** @param {number[]} taken */
  const isExploding = (taken) => (taken.at(-1) ?? 0) > quick && taken.slice(1).every((each, index) => each > explodes * (taken[index] ?? 0));
  for (const attack of attacks) {
    for (let time = 0; time < 9; time += 1) seconds(expression, textOf(attack, 4)); // it is compiled when it is used often
    if (isExploding(least(expression, few.map((count) => textOf(attack, count)), rounds, (taken) => !isExploding(taken)))) return textOf(attack, 16);
  }
  for (const attack of attacks) {
    const texts = [textOf(attack, turns), textOf(attack, longer * turns)];
    const [short = 0, long = 0] = least(expression, texts, rounds, ([one = 0, other = 0]) => other < quick || other < one * tooMuch / near || other > one * tooMuch * near);
    if (long > quick && long > tooMuch * short) return textOf(attack, 16);
  }
  return null;
}

const [, , what, ...files] = process.argv;
if (what === "find") {
  const { default: ts } = await import("typescript");
  process.stdout.write(JSON.stringify(files.flatMap((file) => expressionsOf(ts, file))));
} else {
  /** @type {Task} */
  const task = JSON.parse(readFileSync(0, "utf-8"));
  process.stdout.write(JSON.stringify(task.all.map((each) => worseThanLinear(task, each))));
}
