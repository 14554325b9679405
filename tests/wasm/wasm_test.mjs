// The WebAssembly verifier held against the native one: certificates of real runs, tampered copies, hundreds of damaged files.
//
//   node tests/wasm/wasm_test.mjs DSPERSE TWIN      the native command line, and tests/wasm/twin.cc
//
// Node's own modules alone. The module must never trap, and give the same verdict, reason and place as the native build.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { encodeExpectation, Verifier, VerifyError } from '../../wasm/dsperse-verify.mjs';
import { certificatePlaces, damage, keyPlaces, random } from './mutations.mjs';

const [dsperse, twin] = process.argv.slice(2).map((path) => resolve(path));
const root = resolve(fileURLToPath(import.meta.url), '../../..');
const digits = join(root, 'examples/digits');
const zero = join(digits, 'images/0.png'), seven = join(digits, 'images/7.png');
const folder = mkdtempSync(join(tmpdir(), 'dsperse-wasm-'));
const env = { ...process.env, DSPERSE_STATE_DIR: join(folder, 'state'), NO_COLOR: '1' };
const at = (...names) => join(folder, ...names);
const load = (path) => JSON.parse(readFileSync(path, 'utf8'));
let verifier;

function native(...args) {
  const done = spawnSync(dsperse, args, { cwd: folder, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { code: done.status, out: done.stdout, err: done.stderr };
}
function ok(...args) {
  const done = native(...args);
  assert.equal(done.code, 0, `dsperse ${args.join(' ')}: ${done.err}`);
  return done;
}
function node(...args) {
  const done = spawnSync(process.execPath, [join(root, 'wasm/verify.mjs'), ...args], { cwd: folder, encoding: 'utf8' });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

/** Both command lines on the same question; certificate, key and flags as given. */
function both({ certificate = 'R/certificate.dscert', key = 'R/model.dsk', input = zero, output = 'R/output.json', flags = [] }) {
  rmSync(at('E.json'), { force: true });
  const question = ['--key', key, '--input', input, '--output', output, ...flags];
  const a = native('verify', certificate, ...question, '--no-cache', '--write-expectation', 'E.json');
  const b = node(certificate, '--key', key, '--expectation', 'E.json');
  assert.equal(b.code, a.code, `${a.out}${a.err}\n${b.out}${b.err}`);
  // What the native one says beside verdict and coverage: facts of the key, advice by its own flags, its time.
  // The native one also says what holds slices that are not proved; this one says that it did not look.
  const lines = (text) => text.split('\n')
    .filter((line) => line && !/^(weights:|soundness:|note:|verified in|slices? [0-9, -]*:)/.test(line))
    .map((line) => line.replace(/^accepted: .*/, 'accepted: not all proved'));
  assert.deepEqual(lines(b.out), lines(a.out));
  if (a.code === 3) assert.equal(b.err.split('\n')[0], a.err.split('\n')[0]);
  return b;
}

/** The bytes of what is asked of an honest certificate. */
function question(key, certificate) {
  const [input, output] = key === 'mlp.dsk' ? [readFileSync(at('commitment'), 'utf8'), 'M/output.json'] : [zero, 'R/output.json'];
  ok('verify', certificate, '--key', key, '--input', input, '--output', output, '--write-expectation', 'E.json');
  return Buffer.from(encodeExpectation(load(at('E.json'))));
}

/** Answers of the native twin to [key, certificate, expectation] triples. */
function twinAnswers(questions) {
  const parts = questions.flat().flatMap((bytes) => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    return [head, bytes];
  });
  const done = spawnSync(twin, { input: Buffer.concat(parts), maxBuffer: 1 << 28 });
  assert.equal(done.status, 0, `the twin ended with ${done.status ?? done.signal}`);
  const answers = [];
  for (let i = 0; i < done.stdout.length; i += 4 + done.stdout.readUInt32LE(i))
    answers.push(done.stdout.subarray(i + 4, i + 4 + done.stdout.readUInt32LE(i)));
  assert.equal(answers.length, questions.length);
  return answers;
}

/** Every question gets the same bytes from both; how many were rejected, accepted, errors. */
async function agree(questions) {
  const counts = [0, 0, 0];
  for (let i = 0; i < questions.length; i += 32) {
    const some = questions.slice(i, i + 32);
    const expected = twinAnswers(some);
    for (const [k, question] of some.entries()) {
      const answer = Buffer.from(await verifier.answer(...question));
      assert.ok(answer.equals(expected[k]), `question ${i + k}: ${answer.toString('latin1')} instead of ${expected[k].toString('latin1')}`);
      ++counts[answer[0]];
    }
  }
  return counts;
}

before(async () => {
  verifier = await Verifier.load();
  ok('full-run', join(digits, 'lenet5.onnx'), zero, '--labels', join(digits, 'labels.txt'), '--nonce', '01', '--out', 'R');
  ok('slice', join(digits, 'mlp.onnx'), '--count', '2');
  ok('compile', 'mlp.plan', '--profile', '128', '--private-input');
  const run = ok('run', 'mlp.dsm', zero, '--nonce', '02', '--out', 'M');
  ok('prove', 'M');
  writeFileSync(at('commitment'), run.out.match(/commit:[0-9a-f,]+/)[0]);
  copyFileSync(at('R/certificate.dscert'), at('whole'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('the module imports nothing', () => {
  const module = new WebAssembly.Module(readFileSync(join(root, 'build/wasm/package/dsperse-verify.wasm')));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
});

test('the demo is accepted, with the coverage of the native verifier', async () => {
  const id = load(at('R/full-run.json')).model_id;
  assert.equal(both({ flags: ['--nonce', '01', '--model-id', id] }).code, 0);
  const verdict = await verifier.verify({
    key: readFileSync(at('R/model.dsk')), certificate: readFileSync(at('R/certificate.dscert')), expectation: load(at('E.json')),
  });
  const c = load(at('R/full-run.json')).coverage;
  assert.deepEqual(verdict, {
    accepted: true, reason: '', where: '', modelPinned: true, fresh: true, hasRecord: false, modelId: id,
    coverage: {
      slices: c.slices, slicesProved: c.slices_proved, operators: BigInt(c.operators), operatorsProved: BigInt(c.operators_proved),
      multiplyAdds: BigInt(c.multiply_adds), multiplyAddsProved: BigInt(c.multiply_adds_proved),
      multiplyAddsWithAncestorsProved: BigInt(c.multiply_adds_with_ancestors_proved),
    },
  });
});

test('128 bits, a private input, two slices', () => {
  const mlp = { certificate: 'M/certificate.dscert', key: 'mlp.dsk', output: 'M/output.json', flags: ['--nonce', '02'] };
  assert.equal(both({ ...mlp, input: readFileSync(at('commitment'), 'utf8') }).code, 0);
  assert.equal(both({ ...mlp, input: `commit:${'00'.repeat(32)}` }).code, 1);
});

test('another nonce, model, input or output is rejected for the native reason', () => {
  assert.match(both({ flags: ['--nonce', '02'] }).out, /^rejected nonce differs/);
  assert.match(both({ flags: ['--model-id', '00'.repeat(32)] }).out, /^rejected the key is not the pinned model/);
  assert.match(both({ input: seven }).out, /^rejected input differs/);
  const output = load(at('R/output.json')), logits = output.outputs.logits;
  for (const list of ['integers', 'values']) [logits[list][1], logits[list][2]] = [logits[list][2], logits[list][1]];
  writeFileSync(at('output.json'), JSON.stringify(output));
  assert.match(both({ output: 'output.json' }).out, /^rejected output differs/);
});

test('a missing proof and a proof too many', () => {
  assert.match(both({ flags: ['--slices', '0,2-4'] }).out, /^rejected a proof that the policy does not ask for/);
  ok('prove', 'R', '--slices', '0,2-4');
  copyFileSync(at('R/certificate.dscert'), at('partial'));
  copyFileSync(at('whole'), at('R/certificate.dscert'));
  assert.match(both({ certificate: 'partial' }).out, /^rejected proof missing.*slice 1/);
  assert.equal(both({ certificate: 'partial', flags: ['--slices', '0,2-4'] }).code, 0);
});

test('flipped bytes over the whole certificate', () => {
  const good = readFileSync(at('whole'));
  for (let i = 0; i < 12; ++i) {
    const bad = Buffer.from(good);
    bad[Math.floor(((i + 0.5) * good.length) / 12)] ^= 1 << i % 8;
    writeFileSync(at('flipped'), bad);
    assert.ok([1, 3].includes(both({ certificate: 'flipped' }).code));
  }
  for (const bytes of [good.subarray(0, 7), good.subarray(0, good.length - 1), Buffer.concat([good, Buffer.alloc(1)])]) {
    writeFileSync(at('flipped'), bytes);
    assert.equal(both({ certificate: 'flipped' }).code, 3);
  }
});

test('usage and unreadable files have their exit codes', () => {
  for (const args of [[], ['x'], ['x', '--key', 'y'], ['x', '--unknown'], ['--corpus', '.', 'x']]) assert.equal(node(...args).code, 2);
  assert.equal(node('absent', '--key', 'R/model.dsk', '--expectation', 'E.json').code, 3);
  writeFileSync(at('bad.json'), '{');
  assert.equal(node('whole', '--key', 'R/model.dsk', '--expectation', 'bad.json').code, 3);
  mkdirSync(at('elsewhere'));
  for (const file of ['verify.mjs', 'dsperse-verify.mjs', 'expectation.mjs', 'error.mjs'])
    copyFileSync(join(root, 'wasm', file), at('elsewhere', file));
  const lost = spawnSync(process.execPath, [at('elsewhere/verify.mjs'), 'whole', '--key', 'k', '--expectation', 'e'], { encoding: 'utf8' });
  assert.equal(lost.status, 6, lost.stderr);
  question('R/model.dsk', 'whole');
  assert.equal(JSON.parse(node('whole', '--key', 'R/model.dsk', '--expectation', 'E.json', '--json').out).verdict, 'accepted');
});

test('expectations that are none', () => {
  const good = { inputs: {}, outputs: {} };
  assert.equal(encodeExpectation(good).length, 8 + 3 + 8);
  for (const bad of [null, [], {}, { ...good, more: 1 }, { ...good, model_id: '00' }, { ...good, nonce: 'x' }, { ...good, nonce: '0' },
    { ...good, policy: [-1] }, { ...good, policy: [0.5] }, { ...good, policy: '0' }, { ...good, inputs: [] },
    { ...good, inputs: { x: [1] } }, { ...good, inputs: { x: { values: [1.5] } } }, { ...good, inputs: { x: { values: [2 ** 31] } } },
    { ...good, inputs: { x: { values: ['1'] } } }, { ...good, inputs: { x: { roots: ['00'] } } }, { ...good, inputs: { x: { other: [] } } }])
    assert.throws(() => encodeExpectation(bad), VerifyError, JSON.stringify(bad));
});

test('damaged certificates and expectations: the same bytes of answer as the native twin', async () => {
  const questions = [];
  for (const [dsk, run, seed] of [['R/model.dsk', 'whole', 1], ['mlp.dsk', 'M/certificate.dscert', 2]]) {
    const key = readFileSync(at(dsk)), certificate = readFileSync(at(run));
    const user = question(dsk, run);
    const next = random(seed), place = certificatePlaces(certificate, next);
    for (let i = 0; i < 90; ++i) questions.push([key, damage(certificate, next, place()), user]);
    for (let i = 0; i < 60; ++i) questions.push([key, certificate, damage(user, next, next(Math.min(200, user.length)))]);
  }
  const counts = await agree(questions);
  console.log(`certificates and expectations: ${counts[0]} rejected, ${counts[1]} accepted, ${counts[2]} errors`);
  assert.ok(counts[0] > 50 && counts[2] > 50);
});

test('damaged keys, also with a certificate that names them', async () => {
  const questions = [];
  let deep = 0;
  for (const [dsk, run, seed] of [['R/model.dsk', 'whole', 3], ['mlp.dsk', 'M/certificate.dscert', 4]]) {
    const key = readFileSync(at(dsk)), certificate = readFileSync(at(run)), user = question(dsk, run);
    const next = random(seed), place = keyPlaces(key, next);
    for (let i = 0; i < 200; ++i) {
      const bad = damage(key, next, place());
      questions.push([bad, certificate, user]);
      const answer = await verifier.answer(bad, certificate, user);
      if (answer[0] === 2) continue;
      // The model's id is the same number of bytes before the answer's end in every answer without a hint.
      const id = Buffer.from(answer.subarray(answer.length - 82, answer.length - 50));
      questions.push([bad, Buffer.concat([certificate.subarray(0, 8), id, certificate.subarray(40)]), user]);
      ++deep;
    }
  }
  const counts = await agree(questions);
  console.log(`keys: ${counts[0]} rejected, ${counts[1]} accepted, ${counts[2]} errors; ${deep} keys decode and were asked with their own id`);
  assert.ok(deep > 20 && counts[2] > 50);
});

test('out of memory is said as such', async () => {
  const module = await WebAssembly.compile(readFileSync(join(root, 'build/wasm/package/dsperse-verify.wasm')));
  const { exports } = await WebAssembly.instantiate(module, {});
  exports._initialize();
  const parts = [readFileSync(at('R/model.dsk')), readFileSync(at('whole')), question('R/model.dsk', 'whole')];
  const placed = parts.flatMap((bytes) => {
    const place = exports.dsperse_alloc(bytes.length) >>> 0;
    new Uint8Array(exports.memory.buffer, place, bytes.length).set(bytes);
    return [place, bytes.length];
  });
  for (let size = 1 << 30; size > 4096; size >>= 1) while (exports.dsperse_alloc(size) !== 0);
  assert.throws(() => exports.dsperse_verify(...placed), WebAssembly.RuntimeError);
  assert.equal(exports.dsperse_fate(), 1);
});
