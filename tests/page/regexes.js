// The regular expressions of the page's modules. `node regexes.js find FILE…` says where they are, `node regexes.js try` which of
// those that standard input tells of take more than their texts' due: by the same rule as tests/security/regexes.py.

import { readFileSync } from "node:fs";
import ts from "typescript";

/** @typedef {{way: string, turn: string, loops: number, poison: string}} Attack */
/** @typedef {{source: string, flags: string, attacks: Attack[]}} Tried */
/** @typedef {{few: number[], explodes: number, turns: number, tooMuch: number, quick: number, all: Tried[]}} Task */

/** Each expression of a file; one that is made while the page runs has no source. @param {string} file */
function expressionsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf-8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  /** @type {{file: string, line: number, source: string | null, flags: string}[]} */
  const found = [];
  /** @param {ts.Node} node */
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

/** Seconds, the least of three times: looked for in all of the text, and held against it. @param {RegExp} expression @param {string} text */
function seconds(expression, text) {
  let least = Infinity;
  for (let time = 0; time < 3; time += 1) {
    const began = performance.now();
    text.replace(expression, "");
    expression.lastIndex = 0;
    expression.test(text);
    expression.lastIndex = 0;
    least = Math.min(least, performance.now() - began);
  }
  return least / 1000;
}

/** What makes it take too long; null where nothing does. @param {Task} task @param {Tried} tried */
function worseThanLinear({ few, explodes, turns, tooMuch, quick }, { source, flags, attacks }) {
  const expression = new RegExp(source, flags.includes("g") ? flags : `${flags}g`);
  for (const attack of attacks) {
    for (let time = 0; time < 3; time += 1) seconds(expression, textOf(attack, 4)); // it is compiled when it is used often
    const taken = few.map((count) => seconds(expression, textOf(attack, count)));
    if ((taken.at(-1) ?? 0) > quick && taken.slice(1).every((each, index) => each > explodes * (taken[index] ?? 0))) return textOf(attack, 16);
  }
  for (const attack of attacks) {
    let before = seconds(expression, textOf(attack, turns));
    const isSlow = [2, 4, 8].every((many) => {
      const now = seconds(expression, textOf(attack, many * turns));
      const slower = now > quick && now > tooMuch * before;
      before = now;
      return slower;
    });
    if (isSlow) return textOf(attack, 16);
  }
  return null;
}

const [, , what, ...files] = process.argv;
if (what === "find") process.stdout.write(JSON.stringify(files.flatMap(expressionsOf)));
else {
  /** @type {Task} */
  const task = JSON.parse(readFileSync(0, "utf-8"));
  process.stdout.write(JSON.stringify(task.all.map((each) => worseThanLinear(task, each))));
}
