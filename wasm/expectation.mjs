// What a user knows without a certificate, from JSON to the bytes that the module takes. Both are in docs/formats/expectation.md;
// this is encode_expectation of src/dsperse/wasm/expectation_bytes.cc in JavaScript. Tested by tests/wasm.

import { VerifyError } from './error.mjs';

const MEMBERS = ['model_id', 'nonce', 'policy', 'inputs', 'outputs'];
const utf8 = new TextEncoder();

function bad(what, where) {
  return new VerifyError('bad_input', what, where ? `expectation > ${where}` : 'expectation');
}

/** Bytes that grow; little-endian. */
class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  #room(n) {
    if (this.#at + n > this.#bytes.length) {
      const more = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + n));
      more.set(this.#bytes);
      this.#bytes = more;
      this.#view = new DataView(more.buffer);
    }
    this.#at += n;
    return this.#at - n;
  }
  u8(x) { const at = this.#room(1); this.#view.setUint8(at, x); }
  u32(x) { const at = this.#room(4); this.#view.setUint32(at, x, true); }
  i32(x) { const at = this.#room(4); this.#view.setInt32(at, x, true); }
  raw(bytes) { const at = this.#room(bytes.length); this.#bytes.set(bytes, at); }
  take() { return this.#bytes.slice(0, this.#at); }
}

function isObject(x) {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

function hexBytes(text, where, size) {
  if (typeof text !== 'string' || !/^([0-9a-fA-F]{2})*$/.test(text)) throw bad('not hexadecimal', where);
  if (size !== undefined && text.length !== 2 * size) throw bad(`not ${2 * size} hexadecimal digits`, where);
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
}

function compareBytes(a, b) {
  for (let i = 0; i < Math.min(a.length, b.length); ++i) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

function writeTensors(w, tensors, where) {
  if (!isObject(tensors)) throw bad('not an object of tensors by name', where);
  const named = Object.entries(tensors).map(([name, tensor]) => ({ name, key: utf8.encode(name), tensor }));
  named.sort((a, b) => compareBytes(a.key, b.key));
  w.u32(named.length);
  for (const { name, key, tensor } of named) {
    const place = `${where} > ${name}`;
    if (!isObject(tensor)) throw bad('not an object with values or roots', place);
    for (const member of Object.keys(tensor))
      if (member !== 'values' && member !== 'roots') throw bad(`unknown member ${member}`, place);
    w.u32(key.length);
    w.raw(key);
    const { values, roots = [] } = tensor;
    w.u8(values === undefined ? 0 : 1);
    if (values !== undefined) {
      if (!Array.isArray(values) && !(values instanceof Int32Array)) throw bad('values are not a list', place);
      w.u32(values.length);
      for (const v of values) {
        if (!Number.isInteger(v) || v !== (v | 0)) throw bad('a value is not an integer of 32 bits', place);
        w.i32(v);
      }
    }
    if (!Array.isArray(roots)) throw bad('roots are not a list', place);
    w.u32(roots.length);
    for (const root of roots) w.raw(hexBytes(root, place, 32));
  }
}

/**
 * The bytes of an expectation. Throws VerifyError (bad_input) with the place of the first mistake; limits of sizes are the
 * module's to check.
 * @param {import('./dsperse-verify.mjs').Expectation} expectation
 * @returns {Uint8Array}
 */
export function encodeExpectation(expectation) {
  if (!isObject(expectation)) throw bad('not an object');
  for (const member of Object.keys(expectation)) if (!MEMBERS.includes(member)) throw bad(`unknown member ${member}`);
  for (const member of ['inputs', 'outputs']) if (!(member in expectation)) throw bad(`${member} missing`);
  const { model_id = null, nonce = null, policy = null, inputs, outputs } = expectation;
  const w = new Writer();
  w.raw(utf8.encode('DSEXP001'));
  w.u8(model_id === null ? 0 : 1);
  if (model_id !== null) w.raw(hexBytes(model_id, 'model_id', 32));
  w.u8(nonce === null ? 0 : 1);
  if (nonce !== null) {
    const bytes = hexBytes(nonce, 'nonce');
    w.u32(bytes.length);
    w.raw(bytes);
  }
  w.u8(policy === null ? 0 : 1);
  if (policy !== null) {
    if (!Array.isArray(policy)) throw bad('not a list of slice numbers', 'policy');
    for (const slice of policy)
      if (!Number.isInteger(slice) || slice < 0 || slice > 0xffffffff) throw bad('not a list of slice numbers', 'policy');
    const slices = [...new Set(policy)].sort((a, b) => a - b);
    w.u32(slices.length);
    for (const slice of slices) w.u32(slice);
  }
  writeTensors(w, inputs, 'inputs');
  writeTensors(w, outputs, 'outputs');
  return w.take();
}
