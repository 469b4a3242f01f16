// JSONata, the expression language of FUME and other FHIR mappers: one expression makes the Bundle.
// JSONata cannot compute blake2b, so the identities come from two registered functions.
import { readFileSync } from "node:fs";
import jsonata from "jsonata";
import { address, identities } from "../identity.mjs";

export const make = (tables) => {
  const expression = jsonata(readFileSync(new URL("bundle.jsonata", import.meta.url), "utf8"));
  expression.assign("concepts", tables);
  expression.registerFunction("identities", identities);
  expression.registerFunction("address", address);
  return async (line) => JSON.stringify(await expression.evaluate(JSON.parse(line)));
};
