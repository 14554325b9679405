#!/usr/bin/env python3
"""A second, independent verifier of dsperse certificates: Python's standard library alone, and nothing of the C++ one.

  tools/verify.py CERTIFICATE --key KEY --expectation FILE.json          in integers: docs/formats/expectation.md
  tools/verify.py CERTIFICATE --key KEY --input I --output output.json   as `dsperse verify`
  tools/verify.py --corpus FOLDER                                        certificates with known verdicts

Prints `accepted` or `rejected REASON (WHERE)` as `dsperse verify` does; exit codes are docs/formats/exit-codes.md. It is slow and plain, and meant to be
read as a second specification beside docs/protocol: start with tools/verify/certificate.py. Tested by tests/e2e/verifiers_test.py and the
attack corpus (tests/soundness/corpus).
"""

import argparse
import json
import sys
import traceback
from dataclasses import asdict

from verify import corpus
from verify.certificate import Expectation, decode_certificate, verify_certificate
from verify.inputs import from_hex, read_inputs
from verify.keys import decode_key
from verify.outputs import read_output
from verify.policy import expand, parse_slices
from verify.verdict import BadInput, Rejected, Unsupported, Usage, visible

ACCEPTED, REJECTED, USAGE, BAD_INPUT, UNSUPPORTED, INTERNAL = 0, 1, 2, 3, 4, 70


def arguments():
    parser = argparse.ArgumentParser(description="an independent verifier of dsperse certificates")
    parser.add_argument("certificate", nargs="?", help="a .dscert file")
    parser.add_argument("--key", help="the model's verification key (.dsk)")
    parser.add_argument("--expectation", help="what the user knows, in integers (JSON)")
    parser.add_argument("--input", action="append", default=[], help="FILE, NAME=FILE, or commit:HEX for a private one")
    parser.add_argument("--output", help="the claimed output (output.json)")
    parser.add_argument("--nonce", help="the number that the certificate was asked for with, in hexadecimal")
    parser.add_argument("--model-id", help="the model that must have been run (64 hexadecimal digits)")
    parser.add_argument("--slices", help="the slices that must be proved: 0,2-4; default all")
    parser.add_argument("--policy", help="a treatment such as proof or replicate(2), or a policy file")
    parser.add_argument("--corpus", help="a folder with manifest.json")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell which slice is being verified")
    return parser.parse_args()


def expectation(args, key):
    """What the user knows, and a rejection of the output document itself, if there is one."""
    if args.expectation:
        with open(args.expectation, "rb") as file:
            try:
                user, inconsistent = corpus.read_expectation(json.load(file)), None
            except (ValueError, TypeError, AttributeError) as error:
                raise BadInput("the expectation is malformed") from error
    else:
        if not args.input or not args.output:
            raise Usage("give --expectation, or --input and --output")
        user = Expectation(inputs=read_inputs(args.input, key))
        with open(args.output, "rb") as file:
            user.outputs, inconsistent = read_output(file.read(), key)
    if args.nonce is not None:
        user.nonce = from_hex(args.nonce)
        if len(user.nonce) > 64:
            raise Usage("a nonce has at most 64 bytes")
    if args.model_id is not None:
        user.model_id = from_hex(args.model_id, 32)
    if args.slices is not None:
        user.policy = parse_slices(args.slices)
        if max(user.policy) >= len(key.slices):
            raise Usage(f"slice {max(user.policy)} does not exist; there are {len(key.slices)}")
    elif args.policy is not None:
        user.policy = expand(args.policy, key)
    return user, inconsistent


def verify(args):
    with open(args.key, "rb") as file:
        key = decode_key(file.read())
    user, inconsistent = expectation(args, key)
    with open(args.certificate, "rb") as file:
        certificate = decode_certificate(key, file.read())

    def progress(i):
        if args.verbose:
            print(f"slice {i}", file=sys.stderr, flush=True)

    coverage = verify_certificate(key, certificate, user, progress)
    if inconsistent is not None:
        raise inconsistent
    print("accepted")
    for name, count in asdict(coverage).items():
        print(f"  {name} {count}")
    if user.model_id is None:
        print("  model not pinned: the key is taken as given (pin it with --model-id)")
    if not user.nonce:
        print("  freshness not checked: the certificate may be an old one (ask with --nonce)")
    if certificate.record:
        print("  receipts not read: what is said here is about proofs alone")


def main():
    args = arguments()
    sys.stdout.reconfigure(errors="backslashreplace")  # names in a key are any bytes
    sys.stderr.reconfigure(errors="backslashreplace")
    try:
        if args.corpus:
            return ACCEPTED if corpus.run(args.corpus, print) else REJECTED
        if not args.certificate or not args.key:
            raise Usage("give a certificate and --key, or --corpus")
        verify(args)
        return ACCEPTED
    except Rejected as rejection:
        where = f" ({rejection.where})" if rejection.where else ""
        print(visible(f"rejected {rejection.reason}{where}"))
        return REJECTED
    except (Usage, BadInput, Unsupported, OSError) as error:
        print(visible(f"error: {error}"), file=sys.stderr)
        return {Usage: USAGE, Unsupported: UNSUPPORTED}.get(type(error), BAD_INPUT)
    except Exception:  # our own bug, which must not look like a verdict
        traceback.print_exc()
        return INTERNAL


if __name__ == "__main__":
    sys.exit(main())
