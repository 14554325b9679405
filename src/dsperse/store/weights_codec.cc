#include "dsperse/store/weights_codec.h"

#include <bit>

#include "dsperse/quantize/limits.h"

namespace dsperse::store {

void write_weights(ByteWriter& w, const quantize::Program& program, const quantize::WeightStore& weights) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t n = weights[i].size();
    w.u64(n);
    if (std::endian::native == std::endian::little && !weights[i].narrow.empty() &&
        program.weights[i].max_abs <= quantize::kMaxNarrowWeight) {  // as they lie
      w.raw({reinterpret_cast<const std::uint8_t*>(weights[i].narrow.data()), n * sizeof(std::int16_t)});
      continue;
    }
    for (std::size_t k = 0; k < n; ++k) {
      const std::int64_t x = weights[i].at(k);
      if (program.weights[i].max_abs <= quantize::kMaxNarrowWeight) {
        const auto u = static_cast<std::uint16_t>(x);
        w.u8(static_cast<std::uint8_t>(u));
        w.u8(static_cast<std::uint8_t>(u >> 8));
      } else {
        w.i64(x);
      }
    }
  }
}

quantize::WeightValues read_weight(ByteReader& r, const quantize::WeightSpec& spec) {
  quantize::WeightValues out;
  const bool narrow = spec.max_abs <= quantize::kMaxNarrowWeight;
  const std::uint64_t n = r.u64();
  if (!r.ok() || n != static_cast<std::uint64_t>(quantize::elements(spec.shape)) || n > r.left() / (narrow ? 2 : 8)) {
    r.set_bad();
    return out;
  }
  bool within = true;
  if (narrow) {
    const ByteView data = r.take(n * 2);
    out.narrow.resize(n);
    for (std::size_t k = 0; k < n; ++k) {
      const auto x = static_cast<std::int16_t>(static_cast<std::uint16_t>(data[2 * k] | data[2 * k + 1] << 8));
      within = within && x <= spec.max_abs && x >= -spec.max_abs;
      out.narrow[k] = x;
    }
  } else {
    out.wide.resize(n);
    for (std::int64_t& x : out.wide) {
      x = r.i64();
      within = within && x <= spec.max_abs && x >= -spec.max_abs;
    }
  }
  if (!within) r.set_bad();
  return out;
}

quantize::WeightStore read_weights(ByteReader& r, const quantize::Program& program) {
  quantize::WeightStore out;
  for (const quantize::WeightSpec& spec : program.weights) {
    out.push_back(read_weight(r, spec));
    if (!r.ok()) return {};
  }
  return out;
}

Bytes encode_weights(const quantize::Program& program, const quantize::WeightStore& weights) {
  ByteWriter w;
  write_weights(w, program, weights);
  return w.take();
}

std::uint64_t weight_bytes(const quantize::WeightSpec& spec) {
  return 8 + static_cast<std::uint64_t>(quantize::elements(spec.shape)) * (spec.max_abs <= quantize::kMaxNarrowWeight ? 2 : 8);
}

std::uint64_t weights_bytes(const quantize::Program& program) {
  std::uint64_t bytes = 0;
  for (const quantize::WeightSpec& spec : program.weights) bytes += weight_bytes(spec);
  return bytes;
}

Result<quantize::WeightStore> decode_weights(const quantize::Program& program, ByteView bytes) {
  ByteReader r(bytes);
  quantize::WeightStore out = read_weights(r, program);
  if (!r.finished()) return fail(ErrorKind::bad_input, "not the weights of this slice", "byte " + std::to_string(r.position()));
  return out;
}

}  // namespace dsperse::store
