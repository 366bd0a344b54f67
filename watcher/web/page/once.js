// What is held down or clicked twice acts once: the second step of an action comes to stand where the first one was, or has the
// focus, and nobody agrees to anything by a key that was not let go.

/** @param {Document} page */
export function actOnce(page) {
  page.addEventListener("keydown", (event) => {
    if (event.repeat && event.key === "Enter" && !(event.target instanceof HTMLTextAreaElement)) event.preventDefault();
  }, true);
  page.addEventListener("click", (event) => {
    if (event.detail < 2 || !(event.target instanceof Element) || event.target.closest("button") === null) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}
