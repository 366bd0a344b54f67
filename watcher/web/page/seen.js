// What goes on while somebody sees a room: nothing is asked for a page that nobody looks at.

/** Does it every so many milliseconds while the page is seen; gives the end of it. @param {number} every @param {() => void} look */
export function whileSeen(every, look) {
  const timer = setInterval(() => {
    if (document.visibilityState !== "hidden") look();
  }, every);
  return () => clearInterval(timer);
}
