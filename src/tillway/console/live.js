// Renews the parts marked data-live while the page is looked at. Without it the page renews itself
// by a plain reload (noscript), so nothing here is needed for anything but comfort.
(() => {
  "use strict";
  const search = document.getElementById("q");
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && search) { event.preventDefault(); search.focus(); }
  });

  const seconds = Number(document.body.dataset.refreshSeconds);
  const note = document.getElementById("freshness");
  if (!seconds || !note) return;

  const clock = () => new Date().toTimeString().slice(0, 8);
  const address = location.pathname;
  let busy = false;

  function replace(part, next) {
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    const again = held && (held.id ? "#" + CSS.escape(held.id)
      : held.hasAttribute("href") ? `a[href="${CSS.escape(held.getAttribute("href"))}"]` : "");
    // Where a person is, nothing is taken away: the part waits until the focus has left it.
    if (held && (/^(INPUT|SELECT)$/.test(held.tagName) || !again || !next.querySelector(again))) return;
    part.innerHTML = next.innerHTML;
    if (again) part.querySelector(again).focus({ preventScroll: true });
  }

  async function renew() {
    if (busy) return;
    if (document.hidden) { note.textContent = `paused, ${clock()}`; return; }
    busy = true;
    try {
      const answer = await fetch(address, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const next = fresh.getElementById(part.id);
        if (next && next.innerHTML !== part.innerHTML) replace(part, next);
      }
      document.title = fresh.title;
      note.textContent = `live, ${clock()}`;
      note.className = "";
    } catch {
      note.textContent = `no answer from the hub since ${note.dataset.last || clock()}`;
      note.className = "bad";
      busy = false;
      return;
    }
    note.dataset.last = clock();
    busy = false;
  }

  note.textContent = "live";
  setInterval(renew, seconds * 1000);
  document.addEventListener("visibilitychange", renew);
})();
