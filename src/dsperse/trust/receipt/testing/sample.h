// Workers, receipts and checks for tests of the trust rooms. Nothing here is random: names make values.
#pragma once

#include <string>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/trust/receipt/receipt.h"

namespace dsperse::trust::testing {

/// Takes every signature: what lies behind it is tested, or fuzzed.
struct AnySignature final : SignatureCheck {
  [[nodiscard]] bool valid(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
inline std::string text_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
inline Digest named(std::string_view name) { return crypto::hash(bytes_of(name)); }

/// The number'th receipt that a worker might sign after `prev`.
inline Receipt sample_receipt(const PublicKey& worker, const Digest& prev, unsigned number = 0) {
  const std::string n = std::to_string(number);
  Receipt r;
  r.run = named("run"), r.model = named("model"), r.slice_key = named("slice" + n);
  r.roots_in = {{3, named("root 3")}, {5, named("root 5")}};
  r.roots_out = {{7, named("root 7")}};
  r.job = job_id(r.run, r.slice_key, r.roots_in, named("nonce" + n));
  r.h_in = trace_digest(r.roots_in), r.h_out = trace_digest(r.roots_out);
  r.commitment = commitment(r.job, worker, {r.h_out, named("salt" + n)});
  r.engine = "native/1 integer";
  r.proof = named("proof" + n);
  r.started_ms = 1700000000000 + number, r.finished_ms = r.started_ms + 250;
  r.lease = 40 + number;
  r.worker = worker, r.prev = prev;
  return r;
}

/// All pieces of text that are whole JSON members ("name":value) of one object, in place: [begin, end).
struct Member {
  std::size_t begin = 0, end = 0;
};
inline std::vector<Member> members(std::string_view object) {
  std::vector<Member> out;
  std::size_t depth = 0, begin = 1;
  bool quoted = false;
  for (std::size_t i = 0; i < object.size(); ++i) {
    const char c = object[i];
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{' || c == '[') ++depth;
    if ((c == ',' && depth == 1) || (c == '}' && depth == 1)) {
      out.push_back({begin, i});
      begin = i + 1;
    }
    if (c == '}' || c == ']') --depth;
  }
  return out;
}

/// Texts that say the same to a lenient JSON reader, or nearly: one member left out, doubled, with a space before, or two
/// swapped.
inline std::vector<std::string> respelled(const std::string& object) {
  std::vector<std::string> out;
  const auto all = members(object);
  const auto joined = [&](const std::vector<std::string>& parts) {
    std::string text = "{";
    for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : ",") + parts[i];
    return text + "}";
  };
  std::vector<std::string> parts;
  for (const auto& m : all) parts.push_back(object.substr(m.begin, m.end - m.begin));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto less = parts, twice = parts, spaced = parts, last = parts;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), parts[i]);
    last.push_back(parts[i]);
    spaced[i] = " " + spaced[i];
    for (const auto& version : {less, twice, spaced, last}) out.push_back(joined(version));
    for (std::size_t j = i + 1; j < parts.size(); ++j) {
      auto swapped = parts;
      std::swap(swapped[i], swapped[j]);
      out.push_back(joined(swapped));
    }
  }
  out.push_back(object + "\n");
  out.push_back(" " + object);
  out.push_back(object + object);
  return out;
}

}  // namespace dsperse::trust::testing
