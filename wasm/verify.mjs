#!/usr/bin/env node
// The WebAssembly verifier as a command: accepts or rejects like `dsperse verify`, with the same exit codes.
//
//   node wasm/verify.mjs CERTIFICATE --key K --expectation E.json [--json]
//   node wasm/verify.mjs --corpus FOLDER      every entry of FOLDER/manifest.json must be judged as it says
//
// The expectation is what `dsperse verify --write-expectation` writes. Source: docs/formats/expectation.md. Tested by tests/wasm.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Verifier, VerifyError } from './dsperse-verify.mjs';

const USAGE = 'node wasm/verify.mjs CERTIFICATE --key K --expectation E.json [--json], or --corpus FOLDER';

function read(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new VerifyError('bad_input', `cannot read it: ${error.code ?? error.message}`, path);
  }
}

function readJson(path) {
  try {
    return JSON.parse(read(path).toString('utf8'));
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw new VerifyError('bad_input', `no JSON: ${error.message}`, path);
  }
}

function percent(part, whole) {
  return whole === 0n ? '0.0' : ((100 * Number(part)) / Number(whole)).toFixed(1);
}

// Names come from the key, so from anybody: what would move a terminal's cursor or hide is shown by its number.
function visible(text) {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => {
    const code = c.codePointAt(0);
    const hex = code.toString(16).toUpperCase();
    return code < 0x80 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}

function verdictText(verdict) {
  const { accepted, reason, where, coverage: c, modelPinned, fresh, hasRecord } = verdict;
  const lines = accepted
    ? [c.slicesProved === c.slices ? 'accepted' : `accepted: ${c.slicesProved} of ${c.slices} slices proved, the others not looked at`,
       `${c.slicesProved} of ${c.slices} slices, ${c.operatorsProved} of ${c.operators} operators, ` +
       `${percent(c.multiplyAddsProved, c.multiplyAdds)} % of multiply-adds proved; ` +
       `${percent(c.multiplyAddsWithAncestorsProved, c.multiplyAdds)} % together with all that they depend on`]
    : [visible(`rejected ${reason}${where ? ` (${where})` : ''}`)];
  if (!modelPinned) lines.push('note: model not pinned: the key is taken as given (pin it with model_id)');
  if (hasRecord) lines.push('note: receipts not read: what is said here is about proofs alone');
  if (!fresh) lines.push('note: freshness not checked: the certificate may be an old one (ask with a nonce)');
  return lines.join('\n');
}

function json(document) {
  return JSON.stringify(document, (_, value) => (typeof value === 'bigint' ? Number(value) : value), 2);
}

async function judge(verifier, question) {
  try {
    return await verifier.verify(question);
  } catch (error) {
    if (!(error instanceof VerifyError) || error.kind !== 'bad_input') throw error;
    return { accepted: false, reason: error.message, where: error.where };
  }
}

async function corpus(verifier, folder) {
  const entries = readJson(join(folder, 'manifest.json'));
  let differing = 0;
  for (const { name, key, certificate, expectation, accept, reason, where } of entries) {
    const got = await judge(verifier, {
      key: read(join(folder, key)),
      certificate: read(join(folder, certificate)),
      expectation: readJson(join(folder, expectation)),
    });
    if (got.accepted === accept && got.reason === reason && got.where === where) continue;
    ++differing;
    console.error(`${name}: ${got.accepted ? 'accepted' : 'rejected'} '${got.reason}' at '${got.where}' instead of ` +
                  `${accept ? 'accepted' : 'rejected'} '${reason}' at '${where}'`);
  }
  console.log(`${entries.length} entries, ${differing} judged otherwise than they should be`);
  return differing === 0 && entries.length > 0 ? 0 : 1;
}

function parsed() {
  const options = { key: { type: 'string' }, expectation: { type: 'string' }, corpus: { type: 'string' }, json: { type: 'boolean' } };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const whole = values.corpus === undefined
      ? positionals.length === 1 && values.key !== undefined && values.expectation !== undefined
      : positionals.length === 0 && values.key === undefined && values.expectation === undefined;
    if (!whole) throw new TypeError('arguments are missing or too many');
    return { ...values, certificate: positionals[0] };
  } catch (error) {
    throw new VerifyError('usage', error.message, '', USAGE);
  }
}

async function main() {
  const flags = parsed();
  const verifier = await Verifier.load();
  if (flags.corpus !== undefined) return corpus(verifier, flags.corpus);
  const expectation = readJson(flags.expectation);
  const key = read(flags.key), certificate = read(flags.certificate);
  const verdict = await verifier.verify({ key, certificate, expectation });
  const exit = verdict.accepted ? 0 : 1;
  console.log(flags.json ? json({ verdict: verdict.accepted ? 'accepted' : 'rejected', ...verdict, exit_code: exit }) : verdictText(verdict));
  return exit;
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof VerifyError ? error : new VerifyError('internal', error.stack ?? String(error));
  console.error(`error: ${known.kind === 'internal' ? known.message : visible(known.message)}`);
  if (known.where) console.error(`  where: ${visible(known.where)}`);
  if (known.next) console.error(`  next: ${visible(known.next)}`);
  process.exitCode = known.exitCode;
}
