#include "dsperse/wasm/expectation_bytes.h"

#include <algorithm>

namespace dsperse::wasm {
namespace {

using proof::Expectation;
using Tensors = std::map<std::string, Expectation::Tensor>;

constexpr std::string_view kMagic = "DSEXP001";
constexpr std::size_t kMaxNonce = 64, kMaxSlices = 1U << 16, kMaxTensors = 1U << 16, kMaxName = 4096;
constexpr std::size_t kMaxValues = std::size_t{1} << 28, kMaxRoots = 1U << 16;

void write(ByteWriter& w, const Tensors& tensors) {
  w.u32(static_cast<std::uint32_t>(tensors.size()));
  for (const auto& [name, tensor] : tensors) {
    w.text(name);
    w.u8(tensor.values ? 1 : 0);
    if (tensor.values) {
      w.u32(static_cast<std::uint32_t>(tensor.values->size()));
      for (const std::int32_t v : *tensor.values) w.u32(static_cast<std::uint32_t>(v));
    }
    w.u32(static_cast<std::uint32_t>(tensor.roots.size()));
    for (const Digest& root : tensor.roots) w.raw(root);
  }
}

/// 0 or 1; anything else makes the reader bad.
bool flag(ByteReader& r) {
  const std::uint8_t x = r.u8();
  if (x > 1) r.set_bad();
  return r.ok() && x == 1;
}

Tensors read(ByteReader& r) {
  Tensors out;
  const std::size_t count = r.count(kMaxTensors, 9);
  for (std::size_t i = 0; i < count && r.ok(); ++i) {
    std::string name = r.text(kMaxName);
    if (!out.empty() && name <= out.rbegin()->first) r.set_bad();
    Expectation::Tensor tensor;
    if (flag(r)) {
      tensor.values.emplace(r.count(kMaxValues, 4));
      for (std::int32_t& v : *tensor.values) v = static_cast<std::int32_t>(r.u32());
    }
    tensor.roots.resize(r.count(kMaxRoots, sizeof(Digest)));
    for (Digest& root : tensor.roots) root = r.digest();
    out.emplace_hint(out.end(), std::move(name), std::move(tensor));
  }
  return out;
}

}  // namespace

Bytes encode_expectation(const Expectation& user) {
  ByteWriter w;
  for (const char c : kMagic) w.u8(static_cast<std::uint8_t>(c));
  w.u8(user.model_id ? 1 : 0);
  if (user.model_id) w.raw(*user.model_id);
  w.u8(user.nonce ? 1 : 0);
  if (user.nonce) {
    w.u32(static_cast<std::uint32_t>(user.nonce->size()));
    w.raw(*user.nonce);
  }
  w.u8(user.policy ? 1 : 0);
  if (user.policy) {
    w.u32(static_cast<std::uint32_t>(user.policy->size()));
    for (const std::uint32_t slice : *user.policy) w.u32(slice);
  }
  write(w, user.inputs);
  write(w, user.outputs);
  return w.take();
}

Result<Expectation> decode_expectation(ByteView bytes) {
  ByteReader r(bytes);
  const ByteView magic = r.take(kMagic.size());
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin(), kMagic.end(),
                  [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }))
    return fail(ErrorKind::bad_input, "not an expectation");
  Expectation user;
  if (flag(r)) user.model_id = r.digest();
  if (flag(r)) {
    const ByteView nonce = r.take(r.count(kMaxNonce, 1));
    user.nonce.emplace(nonce.begin(), nonce.end());
  }
  if (flag(r)) {
    user.policy.emplace();
    const std::size_t count = r.count(kMaxSlices, 4);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t slice = r.u32();
      if (!user.policy->empty() && slice <= *user.policy->rbegin()) r.set_bad();
      user.policy->insert(user.policy->end(), slice);
    }
  }
  user.inputs = read(r);
  user.outputs = read(r);
  if (!r.finished()) return fail(ErrorKind::bad_input, "expectation is truncated, beyond a limit, or not canonical");
  return user;
}

}  // namespace dsperse::wasm
