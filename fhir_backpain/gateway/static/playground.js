// Tries the source again while it is typed, and reads a file of this computer into it.
import { connect } from "./trace.js";

const form = document.getElementById("try");
let timer = 0;
let running = null;

async function refresh() {
  if (running) running.abort();
  running = new AbortController();
  const data = new URLSearchParams(new FormData(form));
  data.set("act", "try");
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

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(refresh, 400);
});
document.getElementById("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (!file) return;
  document.getElementById("source").value = await file.text();
  event.target.value = "";
  refresh();
});
