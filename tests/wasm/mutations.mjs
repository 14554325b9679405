// Damaged keys, certificates and expectations by a fixed sequence of chance, most of them near what decoders read as sizes.

/** A generator of whole numbers; mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

const WORDS = [0, 1, 2, 0x7f, 0xff, 0x100, 0xffff, 0x10000, 0x0fffffff, 0x10000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Changes bytes from `at` on. */
export function damage(good, next, at) {
  const bad = Buffer.from(good);
  const kind = next(10);
  if (kind < 4) {
    bad[at] ^= 1 << next(8);
  } else if (kind < 8) {
    const word = Buffer.alloc(4);
    word.writeUInt32LE(WORDS[next(WORDS.length)]);
    word.copy(bad, at);
  } else if (kind === 8) {
    return bad.subarray(0, at);
  } else {
    bad.copy(bad, at, next(bad.length), Math.min(bad.length, at + 1 + next(64)));
  }
  return bad;
}

/** Where a key's structure lies: after each program's magic, and at the end. The rest is range proofs. */
export function keyPlaces(key, next) {
  const starts = [0];
  for (let at = key.indexOf('DSPM'); at >= 0; at = key.indexOf('DSPM', at + 4)) starts.push(Math.max(0, at - 7));
  const size = (start) => (start === 0 ? 12 : 7 + key.readUInt32LE(start + 3) + 260);
  return () => {
    const pick = next(10);
    if (pick === 0) return next(key.length);
    if (pick === 1) return key.length - 1 - next(800);
    const start = starts[next(starts.length)];
    return Math.min(key.length - 1, start + next(size(start)));
  };
}

/** Anywhere, but half of the time in the head or near one of the proofs' beginnings. */
export function certificatePlaces(certificate, next) {
  const starts = [0];
  for (let at = certificate.indexOf('DSPRF002'); at >= 0; at = certificate.indexOf('DSPRF002', at + 8)) starts.push(at - 48);
  return () => (next(2) === 0 ? next(certificate.length)
                              : Math.min(certificate.length - 1, starts[next(starts.length)] + next(400)));
}
