// The verifier of run certificates for browsers and Node: loads dsperse-verify.wasm, asks it, and reads its answer.
//
// The module imports nothing, so it can read and reach nothing but the bytes of the question. Every question gets an instance of
// its own: nothing stays from one to the next. Source: docs/formats/expectation.md. Types: dsperse-verify.d.mts. Tested by tests/wasm.

import { EXIT_CODES, VerifyError } from './error.mjs';
import { encodeExpectation } from './expectation.mjs';

export { encodeExpectation, EXIT_CODES, VerifyError };

const ABI = 1;
const FATE_OUT_OF_MEMORY = 1;
const KINDS = Object.keys(EXIT_CODES);
const BUILT = ['./dsperse-verify.wasm', '../build/wasm/package/dsperse-verify.wasm'].map((path) => new URL(path, import.meta.url));

async function builtModule() {
  if (BUILT[0].protocol !== 'file:') return WebAssembly.compileStreaming(fetch(BUILT[0]));
  const { readFile } = await import('node:fs/promises');
  for (const url of BUILT) {
    try {
      return await WebAssembly.compile(await readFile(url));
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  throw new VerifyError('backend', 'dsperse-verify.wasm is not there', BUILT[0].pathname, 'build it with `make wasm`');
}

class Reader {
  #text = new TextDecoder();
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }
  take(n) { this.at += n; return this.bytes.subarray(this.at - n, this.at); }
  u8() { return this.take(1)[0]; }
  u32() { this.at += 4; return this.view.getUint32(this.at - 4, true); }
  u64() { this.at += 8; return this.view.getBigUint64(this.at - 8, true); }
  text() { return this.#text.decode(this.take(this.u32())); }
  hex(n) { return Array.from(this.take(n), (b) => b.toString(16).padStart(2, '0')).join(''); }
}

/** The verdict that an answer's bytes hold; throws the error that they hold. */
function readAnswer(bytes) {
  const r = new Reader(bytes);
  const outcome = r.u8(), kind = r.u8(), reason = r.text(), where = r.text(), next = r.text();
  if (outcome === 2) throw new VerifyError(KINDS[kind], reason, where, next);
  const modelId = r.hex(32), modelPinned = r.u8() === 1, fresh = r.u8() === 1;
  const coverage = { slices: r.u32(), slicesProved: r.u32() };
  for (const name of ['operators', 'operatorsProved', 'multiplyAdds', 'multiplyAddsProved', 'multiplyAddsWithAncestorsProved'])
    coverage[name] = r.u64();
  return { accepted: outcome === 1, reason, where, coverage, modelPinned, fresh, modelId };
}

/** Whether a certificate ends with a record of receipts (DSCRT002), which the module does not read. */
function hasRecord(certificate) {
  return certificate[7] === 0x32;
}

export class Verifier {
  #module;

  constructor(module) {
    this.#module = module;
  }

  /** A verifier from a compiled module, its bytes, or (nothing given) the file beside this one. */
  static async load(source) {
    if (source === undefined) return new Verifier(await builtModule());
    return new Verifier(source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source));
  }

  /** The answer's bytes, for tests that compare them with another build's. `expectation` as bytes (encodeExpectation). */
  async answer(key, certificate, expectation) {
    const { exports } = await WebAssembly.instantiate(this.#module, {});
    exports._initialize();
    if (exports.dsperse_abi() !== ABI) throw new VerifyError('backend', `dsperse-verify.wasm is not of version ${ABI}`);
    const place = (bytes) => {
      const at = exports.dsperse_alloc(bytes.length);
      if (at === 0) throw new VerifyError('resource', 'out of memory', 'dsperse-verify.wasm');
      new Uint8Array(exports.memory.buffer, at >>> 0, bytes.length).set(bytes);
      return [at, bytes.length];
    };
    let at;
    try {
      at = exports.dsperse_verify(...place(key), ...place(certificate), ...place(expectation)) >>> 0;
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      if (exports.dsperse_fate() === FATE_OUT_OF_MEMORY)
        throw new VerifyError('resource', 'out of memory', 'dsperse-verify.wasm', 'the native verifier can use more than 4 GiB');
      throw new VerifyError('internal', `the module trapped: ${error.message}`, 'dsperse-verify.wasm', 'please report it');
    }
    const length = new DataView(exports.memory.buffer).getUint32(at, true);
    return new Uint8Array(exports.memory.buffer, at + 4, length);
  }

  async verify({ key, certificate, expectation }) {
    const user = expectation instanceof Uint8Array ? expectation : encodeExpectation(expectation);
    return { ...readAnswer(await this.answer(key, certificate, user)), hasRecord: hasRecord(certificate) };
  }
}

let shared;

/** The verdict on a certificate, with the module beside this file. See dsperse-verify.d.mts. */
export async function verify(question) {
  shared ??= Verifier.load();
  return (await shared).verify(question);
}
