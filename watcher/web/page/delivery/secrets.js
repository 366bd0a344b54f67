// Secrets that were just made: shown once, copied by a button, and forgotten when their endpoint is left.

import { h } from "../dom.js";

/** @typedef {import("../types.js").App} App */

/** Whether the receiver has the same. @param {string} secret */
const isShared = (secret) => !secret.startsWith("whsk_");

/** @param {App} app @returns {Map<string, {secrets: string[], copied: string}>} */
const made = (app) => app.local("delivery secrets", () => new Map());

/** @param {App} app @param {string} id of the endpoint @param {string[]} secrets */
export function showSecrets(app, id, secrets) {
  made(app).set(id, { secrets, copied: "" });
}

/** @param {App} app @param {string} id */
export function forgetSecrets(app, id) {
  made(app).delete(id);
}

/** @param {App} app @param {string} id */
export function secretsOnce(app, id) {
  const shown = made(app).get(id);
  if (shown === undefined) return null;
  const hide = () => {
    forgetSecrets(app, id);
    app.update();
  };
  return h("section", { key: "secrets", class: "card once", "aria-labelledby": "h-secrets" },
    h("h2", { id: "h-secrets" }, shown.secrets.length === 1 ? "Its secret" : "Its secrets"),
    h("p", null, h("strong", null, shown.secrets.length === 1 ? "It is shown only now." : "They are shown only now."), shown.secrets.some(isShared) ? " Whoever runs the receiver needs the secret (v1), to verify that what comes is from here." : null,
      shown.secrets.every(isShared) ? null : " A key pair (v1a) is for nobody else: the receiver verifies with the public key, which stands below and is no secret."),
    shown.secrets.map((secret, index) => h("div", { key: secret, class: "row secret" },
      h("input", { id: `secret-${index}`, type: "text", readonly: true, value: secret, "aria-label": isShared(secret) ? "Secret (v1)" : "Key pair (v1a)", spellcheck: "false", autocomplete: "off" }),
      h("button", { type: "button", on: { click: () => copy(app, shown, secret, `secret-${index}`) } }, shown.copied === secret ? "Copied ✓" : "Copy"))),
    h("p", null, "Any library for ", h("strong", null, "Standard Webhooks"), " verifies, by the headers ", h("code", null, "webhook-id"), ", ", h("code", null, "webhook-timestamp"), " and ",
      h("code", null, "webhook-signature"), ". What comes, and what to answer: ", h("a", { href: "/docs#webhooks", target: "_blank", rel: "noopener" }, "the documentation of webhooks"), "."),
    h("button", { type: "button", on: { click: hide } }, "I have it, hide it"));
}

/** Copies; where the browser lets no page do so (no https), it selects the text. @param {App} app @param {{copied: string}} shown @param {string} secret @param {string} id */
async function copy(app, shown, secret, id) {
  try {
    await navigator.clipboard.writeText(secret);
    shown.copied = secret;
    app.announce("Copied.");
  } catch {
    const input = /** @type {HTMLInputElement | null} */ (document.getElementById(id));
    input?.select();
    app.announce("The secret is selected: copy it.");
  }
  app.update();
}
