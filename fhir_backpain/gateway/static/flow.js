// Counts again every few seconds while the page is looked at; it can be paused.
const live = document.getElementById("live");
const pause = document.getElementById("pause");
let paused = false;

async function count() {
  if (paused || document.hidden) return;
  try {
    const reply = await fetch("/", { headers: { Accept: "text/html" } });
    const found = new DOMParser().parseFromString(await reply.text(), "text/html").getElementById("flow");
    if (!found || paused) return;
    const here = document.getElementById("flow");
    const told = here.querySelector("[role=status]");
    const fresh = found.querySelector("[role=status]");
    // A status that stays in the page is told by screen readers, and only where it has changed.
    if (told.textContent !== fresh.textContent) told.textContent = fresh.textContent;
    fresh.replaceWith(told);
    if (!here.contains(document.activeElement)) here.replaceChildren(...found.childNodes);
    else here.prepend(told);
  } catch {
    // The gateway does not answer just now; the next time it may.
  }
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
});
live.hidden = false;
setInterval(count, 2000);
