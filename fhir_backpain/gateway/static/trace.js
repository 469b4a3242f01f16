// Shows which value of a record is in which elements of resources, both ways.
let byPointer = new Map();
let lit = [];

function light(leaf) {
  for (const one of lit) one.classList.remove("lit");
  lit = leaf ? leaf.dataset.from.split(" ").flatMap((pointer) => byPointer.get(pointer)) : [];
  for (const one of lit) one.classList.add("lit");
}

export function connect() {
  byPointer = new Map();
  lit = [];
  for (const leaf of document.querySelectorAll(".leaf[data-from]")) {
    leaf.tabIndex = 0;
    for (const pointer of leaf.dataset.from.split(" ")) {
      if (!byPointer.has(pointer)) byPointer.set(pointer, []);
      byPointer.get(pointer).push(leaf);
    }
    leaf.addEventListener("mouseenter", () => light(leaf));
    leaf.addEventListener("focus", () => light(leaf));
    leaf.addEventListener("mouseleave", () => light(null));
    leaf.addEventListener("blur", () => light(null));
  }
}

connect();
