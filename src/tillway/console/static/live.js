// Renews the parts marked data-live while the page is looked at: at once when the hub's stream says
// that something changed, else every few seconds. Without scripts the page reloads itself (noscript).
(() => {
  "use strict";
  const seconds = Number(document.body.dataset.refreshSeconds);
  const parts = document.querySelectorAll("[data-live]");
  if (!seconds || !parts.length) return;
  const LOST_SECONDS = 10, AIM_SECONDS = 3;
  const words = document.body.dataset;
  const note = document.getElementById("freshness") || made();
  const clock = () => new Date().toTimeString().slice(0, 8);
  let busy = false, last = clock(), heard = Date.now(), moved = 0, source = null;

  function made() {
    const line = document.createElement("p");
    line.className = "dim";
    const said = document.createElement("span");
    said.id = "freshness";
    line.append(said);
    document.querySelector("main h1").after(line);
    return said;
  }
  function say(word, look) { note.textContent = word; note.className = look || ""; }

  // A row that moves between the aim and the click opens the wrong sale.
  const aiming = () => Date.now() - moved < AIM_SECONDS * 1000
    && document.querySelector("[data-live] :is(a, button):hover");

  function replace(part, next) {
    const open = new Set([...part.querySelectorAll("details")].flatMap((one, place) => one.open ? [place] : []));
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    const again = held && (held.id ? "#" + CSS.escape(held.id)
      : held.hasAttribute("href") ? `a[href="${CSS.escape(held.getAttribute("href"))}"]` : "");
    // Where a person is, nothing is taken away: the part waits until the focus has left it.
    if (held && (/^(INPUT|SELECT|SUMMARY)$/.test(held.tagName) || !again || !next.querySelector(again))) return;
    part.innerHTML = next.innerHTML;
    part.querySelectorAll("details").forEach((one, place) => { if (open.has(place)) one.open = true; });
    if (again) part.querySelector(again).focus({ preventScroll: true });
  }

  async function renew() {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) { location.reload(); return; }
      heard = Date.now();
      if (aiming()) return;
      for (const part of document.querySelectorAll("[data-live]")) {
        const next = fresh.getElementById(part.id);
        if (next && next.innerHTML !== part.innerHTML) replace(part, next);
      }
      document.title = fresh.title;
      last = clock();
      say(`${words.liveWord}, ${last}`);
      document.dispatchEvent(new Event("renewed"));
    } catch {
      say(`${words.lostWord} ${last}`, "bad");
    } finally { busy = false; }
  }

  function listen() {
    if (!words.stream || document.hidden || source) return;
    source = new EventSource(words.stream);
    source.onopen = () => { heard = Date.now(); };
    source.onmessage = () => { heard = Date.now(); };
    source.onerror = () => { if (source && source.readyState === EventSource.CLOSED) { source = null; } };
    for (const name of ["status", "problems", "alerts"]) source.addEventListener(name, () => { heard = Date.now(); renew(); });
  }
  function pause() {
    if (source) { source.close(); source = null; }
    say(`${words.pausedWord}, ${clock()}`);
  }

  say(words.liveWord);
  setInterval(() => {
    if (document.hidden) return;
    // While the stream is open it says when there is news; a quiet look now and then stays.
    const told = source && source.readyState === EventSource.OPEN;
    if (!told || Date.now() - heard > 5000) renew();
    listen();
    if (Date.now() - heard > LOST_SECONDS * 1000) say(`${words.lostWord} ${last}`, "bad");
  }, seconds * 1000);
  document.addEventListener("pointermove", () => { moved = Date.now(); }, { passive: true });
  document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); else { listen(); renew(); } });
  listen();
})();
