// Tries the source again while it is typed.
import { connect } from "./trace.js";

const form = document.getElementById("try");
let timer = 0;
let running = null;

async function refresh() {
  if (running) running.abort();
  running = new AbortController();
  const data = new FormData(form);
  data.set("act", "try");
  data.delete("file"); // it is read when a mapping is begun or chosen
  try {
    const reply = await fetch(form.action, { method: "POST", body: data, signal: running.signal });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const found = page.getElementById("result");
    if (!found) return;
    document.getElementById("result").replaceWith(found);
    const send = form.querySelector("[value=send]");
    const fresh = page.querySelector("#try [value=send]");
    if (send && fresh) send.textContent = fresh.textContent;
    connect();
  } catch (problem) {
    if (problem.name !== "AbortError") throw problem;
  }
}

form.addEventListener("input", (event) => {
  if (event.target.tagName !== "TEXTAREA") return;
  clearTimeout(timer);
  timer = setTimeout(refresh, 400);
});
