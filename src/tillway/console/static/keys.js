// Keys: / search, j k rows, Enter open, r retry, t table and back, ? help. All of it is reachable without them.
(() => {
  "use strict";
  const typing = () => /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
  const help = document.getElementById("help");
  let at = -1;

  function rows() {
    return [...document.querySelectorAll("main tbody tr, main .cards > li")].filter((row) => row.querySelector("a[href]"));
  }
  function move(step) {
    const listed = rows();
    if (!listed.length) return;
    at = Math.min(listed.length - 1, Math.max(0, at + step));
    for (const row of listed) row.classList.remove("at");
    listed[at].classList.add("at");
    listed[at].querySelector("a[href]").focus();
  }
  function table() {
    const link = document.getElementById("switch");
    if (link) { link.click(); return; }
    const part = document.querySelector("details.as-table");
    if (part) part.open = !part.open;
  }
  function retry() {
    const place = document.getElementById("retry");
    if (!place) return;
    place.scrollIntoView();
    const field = document.querySelector("form[action$='/retry'] input[name=reason]");
    if (field) field.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing()) return;
    const does = {
      "/": () => document.getElementById("q").focus(),
      j: () => move(1), k: () => move(-1), r: retry, t: table,
      "?": () => help && !help.open && help.showModal(),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
})();
