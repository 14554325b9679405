#include "fixture.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace dsperse::fuzz {
namespace {

[[noreturn]] void stop(const std::string& what) {
  std::fprintf(stderr, "fuzz fixture: %s; write it again: tests/hostile/README.md\n", what.c_str());
  std::abort();
}

Bytes read(const std::string& name) {
  std::ifstream in(std::string(DSPERSE_FUZZ_MODEL) + "/" + name, std::ios::binary);
  Bytes bytes{std::istreambuf_iterator<char>(in), {}};
  if (bytes.empty()) stop("no " + name);
  return bytes;
}

Fixture load() {
  Fixture f;
  f.key_bytes = read("model.dsk");
  f.certificate_bytes = read("model.dscert");
  auto key = proof::decode_model_key(f.key_bytes);
  if (!key) stop(key.error().text());
  f.key = std::move(*key);
  auto certificate = proof::decode_certificate(f.key, f.certificate_bytes);
  if (!certificate) stop(certificate.error().text());
  f.certificate = std::move(*certificate);
  f.user = expectation_of(f.key, f.certificate);
  const proof::CertificateVerdict v = proof::verify_certificate(f.key, f.certificate, f.user);
  if (!v.verdict) stop("rejected: " + v.verdict.reason + " in " + v.verdict.where);
  f.user.known_ranges = {v.checked_ranges.begin(), v.checked_ranges.end()};
  return f;
}

}  // namespace

proof::Statement Fixture::statement(const proof::ModelKey& under, const proof::SliceProof& slice) const {
  const proof::SliceKey& k = under.slices[slice.slice];
  proof::Statement s{
      k.digest(), slice.weights, slice.opening, proof::run_id(under.id(), certificate.nonce, certificate.salt), slice.slice, {}};
  for (const proof::Port& p : k.ports())
    s.boundaries.push_back(p.chunk < certificate.table.size() ? certificate.table[p.chunk] : proof::Boundary{});
  return s;
}

const Fixture& fixture() {
  static const Fixture f = load();
  return f;
}

proof::Expectation expectation_of(const proof::ModelKey& key, const proof::Certificate& certificate) {
  proof::Expectation user;
  user.model_id = key.id();
  user.nonce = certificate.nonce;
  for (const proof::Edge& e : key.edges) {
    proof::Expectation::Tensor t;
    for (const std::uint32_t c : e.chunks) {
      const proof::Boundary& b = certificate.table[c];
      if (b.root) {
        t.roots.push_back(*b.root);
      } else {
        if (!t.values) t.values.emplace();
        t.values->insert(t.values->end(), b.values.begin(), b.values.end());
      }
    }
    if (e.is_input) user.inputs[e.name] = t;
    if (e.is_output) user.outputs[e.name] = t;
  }
  return user;
}

}  // namespace dsperse::fuzz
