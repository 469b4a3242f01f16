// Runs one JavaScript engine for bench/worker.py's protocol: see there.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [name, tables] = process.argv.slice(2);
const { make } = await import(`./engines/${name}/engine.mjs`);
const engine = make(JSON.parse(readFileSync(tables, "utf8")));

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const perform = async ({ task }, lines) => {
  if (task === "show") {
    const bundles = [];
    for (const line of lines) bundles.push(await engine(line));
    return say(bundles.map((bundle) => bundle.toString()));
  }
  let bytes = 0;
  const start = cpuSeconds();
  for (const line of lines) bytes += Buffer.from(await engine(line)).length;
  return say({ cpu: cpuSeconds() - start, bytes });
};

say({ ready: `Node ${process.version}` });
let order;
let lines = [];
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  if (order === undefined) order = JSON.parse(line);
  else lines.push(line);
  if (lines.length === order.lines) {
    await perform(order, lines);
    order = undefined;
    lines = [];
  }
}
