// Logical ids and business identifiers for the JavaScript engines, by @noble/hashes: Node's own
// crypto knows blake2b, but not with a personalisation. The scheme is fhir_backpain/fhir/identity.py's.
import { blake2b } from "@noble/hashes/blake2.js";

const personalization = new Uint8Array(16);
personalization.set(Buffer.from("fhir-backpain"));

const hash = (text, dkLen) =>
  Buffer.from(blake2b(Buffer.from(text), { dkLen, personalization })).toString("hex");

const memo = (make) => {
  const known = new Map();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) known.set(key, (found = make(key)));
    return found;
  };
};
const tag = memo((system) => hash(system, 4));
const suffix = memo((key) => hash(key, 6));

const prefix = (...identity) => {
  const digest = hash(identity.join("\n"), 10);
  const variant = "89ab"[parseInt(digest[15], 16) & 3];
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(12, 15)}-${variant}${digest.slice(16, 19)}-`;
};

export const identities = (record) => {
  const { system, value } = record.patient.identifier;
  const patientPath = `${value}~${tag(system)}`;
  const recordPath = `${patientPath}/${record.record}/${record.id}`;
  const patient = prefix("patient", record.source, system, value);
  return {
    person: prefix("Patient", system, value) + suffix("Patient\n"),
    patient: { prefix: patient, path: patientPath },
    record: { prefix: prefix("record", record.source, patient, recordPath), path: recordPath },
  };
};

export const address = (owner, type, key) => owner.prefix + suffix(`${type}\n${key}`);
