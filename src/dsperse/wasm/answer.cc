#include "dsperse/wasm/answer.h"

#include "dsperse/wasm/expectation_bytes.h"

namespace dsperse::wasm {
namespace {

enum class Outcome : std::uint8_t { rejected = 0, accepted = 1, error = 2 };

Bytes encode(Outcome outcome, ErrorKind kind, const std::string& what, const std::string& where, const std::string& hint,
             const proof::CertificateVerdict& v, const Digest& model_id) {
  ByteWriter w;
  w.u8(static_cast<std::uint8_t>(outcome));
  w.u8(outcome == Outcome::error ? static_cast<std::uint8_t>(kind) : 0);
  w.text(what);
  w.text(where);
  w.text(hint);
  w.raw(model_id);
  w.u8(v.model_pinned ? 1 : 0);
  w.u8(v.fresh ? 1 : 0);
  w.u32(v.coverage.slices);
  w.u32(v.coverage.slices_proved);
  for (const std::uint64_t n :
       {v.coverage.ops, v.coverage.ops_proved, v.coverage.macs, v.coverage.macs_proved, v.coverage.macs_cone})
    w.u64(n);
  return w.take();
}

Bytes encode(const Error& error, const char* part) {
  const Error e = error.within(part);
  return encode(Outcome::error, e.kind, e.what, e.where, e.hint, {}, {});
}

}  // namespace

Bytes answer(ByteView key, ByteView certificate, ByteView expectation) {
  const auto user = decode_expectation(expectation);
  if (!user) return encode(user.error(), "expectation");
  const auto model = proof::decode_model_key(key);
  if (!model) return encode(model.error(), "key");
  const auto run = proof::decode_certificate(*model, certificate);
  if (!run) return encode(run.error(), "certificate");
  const proof::CertificateVerdict v = proof::verify_certificate(*model, *run, *user);
  return encode(v.verdict ? Outcome::accepted : Outcome::rejected, {}, v.verdict.reason, v.verdict.where, {}, v, model->id());
}

}  // namespace dsperse::wasm
