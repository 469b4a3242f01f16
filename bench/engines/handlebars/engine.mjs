// Handlebars templates compiled to JavaScript: the engine of Microsoft's first FHIR Converter.
// The template writes JSON text, so nothing parses or checks what it wrote.
import { readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { address, identities } from "../identity.mjs";

const read = (name) => readFileSync(new URL(`${name}.hbs`, import.meta.url), "utf8");

const mapValues = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

const newEngine = (tables) => {
  const concepts = mapValues(tables, (rows) => mapValues(rows, (one) => JSON.stringify(one)));
  const engine = Handlebars.create();
  engine.registerHelper("json", (value) => JSON.stringify(value));
  engine.registerHelper("concept", (table, word) => concepts[table][word]);
  engine.registerHelper("unit", (word) => concepts.unit[word].slice(1, -1));
  engine.registerHelper("categories", (word) => concepts["measure-category"][word].slice(1, -1));
  engine.registerHelper("claiming", (table, word, { data }) =>
    `{${concepts[table][word].slice(1, -1)},"source":${data.root.source}}`,
  );
  engine.registerHelper("join", (...parts) =>
    parts.slice(0, -1).filter((part) => part !== undefined).join("/"),
  );
  engine.registerHelper("address", (owner, type, key, { data }) => {
    const id = address(data.root.ids[owner], type, key);
    data.root.made.push(`${type}/${id}`);
    return id;
  });
  engine.registerHelper("last", ({ data }) => data.root.made.at(-1));
  engine.registerPartial("observation", read("observation"));
  return engine;
};

export const make = (tables) => {
  const template = newEngine(tables).compile(read("bundle"), { noEscape: true });
  return (line) => {
    const record = JSON.parse(line);
    const ids = identities(record);
    const source = JSON.stringify(record.source);
    const patient = `Patient/${ids.person}`;
    const visit = `encounter/${record.encounter.id}`;
    return template({
      record,
      ids,
      source,
      made: [patient],
      meta: `{"source":${source}}`,
      subject: `{"reference":"${patient}","identifier":${JSON.stringify(record.patient.identifier)}}`,
      encounter:
        `{"reference":"Encounter/${address(ids.patient, "Encounter", visit)}",` +
        `"identifier":{"system":${source},"value":"${ids.patient.path}/${visit}"}}`,
    });
  };
};
