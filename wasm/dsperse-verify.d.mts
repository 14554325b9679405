// Types of dsperse-verify.mjs.

/** A model's input or output as the user knows it: the integers of all its chunks, one after the other, or roots in hexadecimal. */
export interface ExpectedTensor {
  values?: number[] | Int32Array;
  roots?: string[];
}

/** What the user knows without the certificate; `dsperse verify --write-expectation` writes it. */
export interface Expectation {
  /** The model that must have been run; null: the key is taken as given. */
  model_id?: string | null;
  /** The asker's fresh number; null: freshness is not checked. */
  nonce?: string | null;
  /** Slices that must be proved, and no others; null: all. */
  policy?: number[] | null;
  inputs: Record<string, ExpectedTensor>;
  outputs: Record<string, ExpectedTensor>;
}

export interface Coverage {
  slices: number;
  slicesProved: number;
  operators: bigint;
  operatorsProved: bigint;
  multiplyAdds: bigint;
  multiplyAddsProved: bigint;
  multiplyAddsWithAncestorsProved: bigint;
}

export interface Verdict {
  accepted: boolean;
  /** A short stable phrase; empty if accepted. */
  reason: string;
  /** The slice or part that the reason is about; may be empty. */
  where: string;
  coverage: Coverage;
  modelPinned: boolean;
  fresh: boolean;
  /** The certificate ends with a record of receipts for slices without proof; this verifier does not read it. */
  hasRecord: boolean;
  /** Of the key, in hexadecimal. */
  modelId: string;
}

export interface Question {
  key: Uint8Array;
  certificate: Uint8Array;
  /** As an object, or as the bytes of encodeExpectation. */
  expectation: Expectation | Uint8Array;
}

export type ErrorKind = 'usage' | 'bad_input' | 'unsupported' | 'resource' | 'backend' | 'internal';
export const EXIT_CODES: Record<ErrorKind, number>;

/** No verdict: bytes that are no key, certificate or expectation (bad_input), or a machine that cannot answer. */
export class VerifyError extends Error {
  kind: ErrorKind;
  where: string;
  next: string;
  get exitCode(): number;
}

export function encodeExpectation(expectation: Expectation): Uint8Array;

export class Verifier {
  static load(source?: WebAssembly.Module | BufferSource): Promise<Verifier>;
  verify(question: Question): Promise<Verdict>;
  answer(key: Uint8Array, certificate: Uint8Array, expectation: Uint8Array): Promise<Uint8Array>;
}

/** Verifies with the module beside this file, which is loaded once. Throws VerifyError. */
export function verify(question: Question): Promise<Verdict>;
