"""A second verifier, written from docs/protocol and docs/formats; it shares nothing with the C++ one. See tools/verify.py."""
