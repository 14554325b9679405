// Errors of the verifier outside of verdicts: a question that is none, or a machine that cannot answer it.

/** Exit codes of docs/formats/exit-codes.md, in the order of ErrorKind (src/dsperse/base/result.h). */
export const EXIT_CODES = { usage: 2, bad_input: 3, unsupported: 4, resource: 5, backend: 6, internal: 70 };

/** kind decides the exit code; message: the fact; where: the place; next: what the caller can do. */
export class VerifyError extends Error {
  constructor(kind, what, where = '', next = '') {
    super(what);
    this.name = 'VerifyError';
    this.kind = kind;
    this.where = where;
    this.next = next;
  }
  get exitCode() {
    return EXIT_CODES[this.kind];
  }
}
