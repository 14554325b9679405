// Canonical bytes of keys, and the digests over them. Which keys are sound is key_rules.cc.
#include "dsperse/proof/key.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/key_parts.h"
#include "dsperse/proof/tie.h"
#include "dsperse/quantize/limits.h"

namespace dsperse::proof {
namespace {

constexpr std::string_view kMagic = "DSKEY003";
constexpr std::size_t kMaxSlices = 4096, kMaxChunks = 1U << 16, kMaxPorts = 4096, kMaxName = 4096, kMaxValues = 1U << 16,
                      kMaxTiesOfKey = kMaxSlices * kMaxTies;
/// First byte of a slice that runs in float; it is no profile.
constexpr std::uint8_t kFloatMark = 1;
constexpr std::size_t kMaxProgramBytes = std::size_t{1} << 26, kMaxRangeProof = std::size_t{1} << 28;

/// In the order of the bytes.
template <class Key>
auto geometries(Key& key) {
  return std::array{&key.weights,       &key.boundary,  &key.witness,      &key.end,
                    &key.range_witness, &key.range_end, &key.link_witness, &key.link_end};
}

void write_ports(ByteWriter& w, const std::vector<Port>& ports) {
  w.u32(static_cast<std::uint32_t>(ports.size()));
  for (const Port& p : ports) {
    w.u32(p.tensor);
    w.u32(p.chunk);
    w.u8(p.is_public ? 1 : 0);
  }
}

std::vector<Port> read_ports(ByteReader& r) {
  std::vector<Port> ports(r.count(kMaxPorts, 9));
  for (Port& p : ports) {
    p.tensor = r.u32();
    p.chunk = r.u32();
    p.is_public = r.u8() != 0;
  }
  return ports;
}

void write_bytes(ByteWriter& w, ByteView bytes) {
  w.u32(static_cast<std::uint32_t>(bytes.size()));
  w.raw(bytes);
}

/// Bytes of a weight: the least number b with max_abs < 2^(8 b - 1).
unsigned weight_bytes(std::int64_t max_abs) {
  unsigned b = 1;
  while (b < 8 && max_abs >> (8 * b - 1) != 0) ++b;
  return b;
}

bool narrow(const quantize::WeightSpec& spec) { return spec.max_abs <= quantize::kMaxNarrowWeight; }

/// Public weights in order, two's complement. No counts: the program has the shapes.
void write_weights(ByteWriter& w, const SliceKey& key) {
  for (std::size_t i = 0; i < std::min(key.public_weights.size(), key.program.weights.size()); ++i) {
    const quantize::WeightValues& values = key.public_weights[i];
    const unsigned bytes = weight_bytes(key.program.weights[i].max_abs);
    Bytes data(values.size() * bytes);
    if (bytes == 2) {  // most weights of large models: a loop that compilers make a copy of
      for (std::size_t k = 0; k < values.narrow.size(); ++k) {
        data[2 * k] = static_cast<std::uint8_t>(values.narrow[k]);
        data[2 * k + 1] = static_cast<std::uint8_t>(values.narrow[k] >> 8);
      }
    } else {
      for (std::size_t k = 0; k < values.size(); ++k)
        for (unsigned b = 0; b < bytes; ++b) data[k * bytes + b] = static_cast<std::uint8_t>(values.at(k) >> (8 * b));
    }
    w.raw(data);
  }
}

quantize::WeightStore read_weights(ByteReader& r, const quantize::Program& program) {
  quantize::WeightStore out;
  for (const quantize::WeightSpec& spec : program.weights) {
    const unsigned bytes = weight_bytes(spec.max_abs);
    const auto n = static_cast<std::size_t>(quantize::elements(spec.shape));
    if (!r.ok() || n > r.left() / bytes) {
      r.set_bad();
      return {};
    }
    const ByteView data = r.take(n * bytes);
    quantize::WeightValues& values = out.emplace_back();
    narrow(spec) ? values.narrow.resize(n) : values.wide.resize(n);
    for (std::size_t k = 0; k < n; ++k) {
      std::uint64_t x = 0;
      for (unsigned b = bytes; b-- > 0;) x = x << 8 | data[k * bytes + b];
      const auto value = static_cast<std::int64_t>(x << (64 - 8 * bytes)) >> (64 - 8 * bytes);
      if (narrow(spec))
        values.narrow[k] = static_cast<std::int16_t>(value);
      else
        values.wide[k] = value;
    }
  }
  return out;
}

void write_shape(ByteWriter& w, const quantize::Shape& shape) {
  w.u32(static_cast<std::uint32_t>(shape.size()));
  for (const std::int64_t n : shape) w.i64(n);
}

quantize::Shape read_shape(ByteReader& r) {
  quantize::Shape shape(r.count(16, 8));
  for (std::int64_t& n : shape) n = r.i64();
  return shape;
}

void write_floats(ByteWriter& w, const std::vector<float>& v) {
  w.u32(static_cast<std::uint32_t>(v.size()));
  for (const float x : v) w.u32(std::bit_cast<std::uint32_t>(x));
}

std::vector<float> read_floats(ByteReader& r) {
  std::vector<float> v(r.count(kMaxValues, 4));
  for (float& x : v) x = std::bit_cast<float>(r.u32());
  return v;
}

void write_mapping(ByteWriter& w, const IoMapping& io) {
  w.text(io.name);
  write_shape(w, io.logical_shape);
  w.u32(static_cast<std::uint32_t>(io.perm.size()));
  for (const std::uint32_t p : io.perm) w.u32(p);
  write_floats(w, io.scale);
  write_floats(w, io.bias);
}

IoMapping read_mapping(ByteReader& r) {
  IoMapping io;
  io.name = r.text(kMaxName);
  io.logical_shape = read_shape(r);
  io.perm.resize(r.count(16, 4));
  for (std::uint32_t& p : io.perm) p = r.u32();
  io.scale = read_floats(r);
  io.bias = read_floats(r);
  return io;
}

/// Of a slice that runs in float: what stands in the place of program, geometries and weights.
void write_float(ByteWriter& w, const SliceKey& key) {
  const FloatSlice& f = *key.in_float;
  w.u32(static_cast<std::uint32_t>(key.inputs.size()));
  w.u32(static_cast<std::uint32_t>(key.outputs.size()));
  std::size_t i = 0;
  for (const Port& p : key.ports()) {
    const quantize::TensorSpec& t = key.program.tensors[p.tensor];
    w.u32(p.chunk);
    write_chunk(w, {t.name, t.shape, t.exponent, t.lo, t.hi, p.is_public});
    write_mapping(w, f.mappings[i++]);
  }
  write_geometry(w, key.boundary);
  w.text(f.engine);
  w.text(f.version);
  w.u32(static_cast<std::uint32_t>(f.operators.size()));
  for (const std::string& s : f.operators) w.text(s);
  w.raw(f.network);
}

void read_float(ByteReader& r, SliceKey& key) {
  FloatSlice f;
  const std::size_t inputs = r.count(kMaxPorts, kMinChunkBytes), outputs = r.count(kMaxPorts, kMinChunkBytes);
  for (std::uint32_t i = 0; r.ok() && i < inputs + outputs; ++i) {
    const std::uint32_t chunk = r.u32();
    Chunk c = read_chunk(r);
    key.program.tensors.push_back({std::move(c.name), std::move(c.shape), c.exponent, c.lo, c.hi});
    (i < inputs ? key.program.inputs : key.program.outputs).push_back(i);
    (i < inputs ? key.inputs : key.outputs).push_back({i, chunk, c.is_public});
    f.mappings.push_back(read_mapping(r));
  }
  key.boundary = read_geometry(r);
  f.engine = r.text(kMaxName);
  f.version = r.text(kMaxName);
  f.operators.resize(r.count(kMaxValues, 4));
  for (std::string& s : f.operators) s = r.text(kMaxName);
  f.network = r.digest();
  key.in_float = std::move(f);
}

Bytes slice_body(const SliceKey& key) {
  ByteWriter w;
  if (key.in_float) w.u8(kFloatMark);
  w.u8(static_cast<std::uint8_t>(key.profile));
  w.u8(key.slack);
  w.u8(key.work);
  if (key.in_float) {
    write_float(w, key);
    return w.take();
  }
  write_bytes(w, quantize::encode_program(key.program));
  write_ports(w, key.inputs);
  write_ports(w, key.outputs);
  w.u32(key.options.limb_bits);
  w.u64(key.options.wide_rows);
  w.u32(key.options.top_bits);
  w.u32(key.options.far_bits);
  w.u8(key.options.split_ranges ? 1 : 0);
  for (const Geometry* g : geometries(key)) write_geometry(w, *g);
  if (key.weight_root) w.raw(*key.weight_root);
  write_weights(w, key);
  return w.take();
}

void write_graph(ByteWriter& w, const ModelKey& key) {
  w.u32(static_cast<std::uint32_t>(key.chunks.size()));
  for (const Chunk& c : key.chunks) write_chunk(w, c);
  w.u32(static_cast<std::uint32_t>(key.edges.size()));
  for (const Edge& e : key.edges) {
    w.text(e.name);
    w.u32(static_cast<std::uint32_t>(e.chunks.size()));
    for (const std::uint32_t c : e.chunks) w.u32(c);
    w.u8(static_cast<std::uint8_t>((e.is_input ? 1 : 0) | (e.is_output ? 2 : 0) | (e.io ? 4 : 0)));
    if (e.io) write_mapping(w, *e.io);
  }
  w.u32(static_cast<std::uint32_t>(key.labels.size()));
  for (const std::string& s : key.labels) w.text(s);
}

void read_graph(ByteReader& r, ModelKey& key) {
  key.chunks.resize(r.count(kMaxChunks, kMinChunkBytes));
  for (Chunk& c : key.chunks) c = read_chunk(r);
  key.edges.resize(r.count(kMaxChunks, 9));
  for (Edge& e : key.edges) {
    e.name = r.text(kMaxName);
    e.chunks.resize(r.count(kMaxChunks, 4));
    for (std::uint32_t& c : e.chunks) c = r.u32();
    const std::uint8_t flags = r.u8();
    e.is_input = (flags & 1) != 0;
    e.is_output = (flags & 2) != 0;
    if ((flags & 4) != 0) e.io = read_mapping(r);
  }
  key.labels.resize(r.count(kMaxValues, 4));
  for (std::string& s : key.labels) s = r.text(kMaxName);
}

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorKind::bad_input, "key: " + what, {}, "use a key written by `dsperse compile`");
}

}  // namespace

void write_geometry(ByteWriter& w, const Geometry& g) {
  w.u32(g.code.c);
  w.u64(g.code.r);
  w.u32(g.code.log_n);
  w.u32(g.t);
}

Geometry read_geometry(ByteReader& r) {
  Geometry g;
  g.code.c = r.u32();
  // A size that this machine cannot have is far beyond the largest that sound_geometry takes.
  g.code.r = static_cast<std::size_t>(std::min<std::uint64_t>(r.u64(), SIZE_MAX));
  g.code.log_n = r.u32();
  g.t = r.u32();
  return g;
}

void write_slice(ByteWriter& w, const SliceKey& key) {
  w.raw(slice_body(key));
  write_bytes(w, key.range_proof);
}

Result<SliceKey> read_slice(ByteReader& r, const std::string& where) {
  SliceKey key;
  const std::uint8_t head = r.u8();
  key.profile = static_cast<Profile>(head == kFloatMark ? r.u8() : head);
  key.slack = r.u8();
  key.work = r.u8();
  if (head == kFloatMark) {
    read_float(r, key);
    // No weights, so no range proof; its length is there as in every slice.
    if (r.u32() != 0) r.set_bad();
    return key;
  }
  auto program = quantize::decode_program(r.take(r.count(kMaxProgramBytes, 1)));
  if (!r.ok()) return fail(ErrorKind::bad_input, "slice key truncated", where);  // rather than what an empty program lacks
  if (!program) {
    Error error = program.error().within(where);
    error.kind = ErrorKind::bad_input;  // also where the program says "unsupported": no compiler writes such a key
    return std::unexpected(std::move(error));
  }
  key.program = std::move(*program);
  key.inputs = read_ports(r);
  key.outputs = read_ports(r);
  key.options.limb_bits = r.u32();
  key.options.wide_rows = r.u64();
  key.options.top_bits = r.u32();
  key.options.far_bits = r.u32();
  key.options.split_ranges = r.u8() != 0;
  for (Geometry* g : geometries(key)) *g = read_geometry(r);
  if (key.weights.t != 0)
    key.weight_root = r.digest();
  else
    key.public_weights = read_weights(r, key.program);
  const ByteView range_proof = r.take(r.count(kMaxRangeProof, 1));
  key.range_proof.assign(range_proof.begin(), range_proof.end());
  return key;
}

void write_chunk(ByteWriter& w, const Chunk& c) {
  w.text(c.name);
  write_shape(w, c.shape);
  w.u32(static_cast<std::uint32_t>(c.exponent));
  w.i64(c.lo);
  w.i64(c.hi);
  w.u8(c.is_public ? 1 : 0);
}

Chunk read_chunk(ByteReader& r) {
  Chunk c;
  c.name = r.text(kMaxName);
  c.shape = read_shape(r);
  c.exponent = static_cast<std::int32_t>(r.u32());
  c.lo = r.i64();
  c.hi = r.i64();
  c.is_public = r.u8() != 0;
  return c;
}

Digest SliceKey::digest() const {
  const Bytes body = slice_body(*this);
  return crypto::hash_tagged("dsperse slice key v3", {body});
}

bool ModelKey::has_float() const {
  return std::any_of(slices.begin(), slices.end(), [](const SliceKey& s) { return s.in_float.has_value(); });
}

std::vector<Port> SliceKey::ports() const {
  std::vector<Port> all = inputs;
  all.insert(all.end(), outputs.begin(), outputs.end());
  return all;
}

bool ModelKey::weights_public() const {
  return std::any_of(slices.begin(), slices.end(), [](const SliceKey& s) { return !s.public_weights.empty(); });
}

Digest ModelKey::id() const {
  ByteWriter w;
  w.text(kProtocolVersion);
  w.u8(static_cast<std::uint8_t>(profile()));
  w.u32(static_cast<std::uint32_t>(slices.size()));
  for (const SliceKey& s : slices) w.raw(s.digest());
  write_graph(w, *this);
  if (!ties.empty()) w.u32(static_cast<std::uint32_t>(ties.size()));
  for (const WeightTie& t : ties) write_tie_body(w, t);
  return crypto::hash_tagged("dsperse model id v1", {w.bytes()});
}

Bytes encode_model_key(const ModelKey& key) {
  ByteWriter w;
  std::size_t proofs = 0;
  for (const SliceKey& s : key.slices) proofs += s.range_proof.size();
  for (const WeightTie& t : key.ties) proofs += t.proof.size();
  w.reserve(proofs + proofs / 8);
  for (const char ch : kMagic) w.u8(static_cast<std::uint8_t>(ch));
  w.u32(static_cast<std::uint32_t>(key.slices.size()));
  for (const SliceKey& s : key.slices) write_slice(w, s);
  write_graph(w, key);
  if (!key.ties.empty()) w.u32(static_cast<std::uint32_t>(key.ties.size()));
  for (const WeightTie& t : key.ties) write_tie(w, t);
  return w.take();
}

Result<ModelKey> decode_model_key(ByteView bytes) {
  ByteReader r(bytes);
  const ByteView magic = r.take(kMagic.size());
  if (violated("key bytes: magic", !r.ok() || !std::equal(magic.begin(), magic.end(), kMagic.begin(), [](std::uint8_t a, char b) {
                 return a == static_cast<std::uint8_t>(b);
               })))
    return bad("not a dsperse key");
  ModelKey key;
  const std::size_t slices = r.count(kMaxSlices, 100);
  for (std::size_t i = 0; i < slices; ++i) {
    DSPERSE_TRY(SliceKey slice, read_slice(r, "key > slice " + std::to_string(i)));
    key.slices.push_back(std::move(slice));
  }
  read_graph(r, key);
  if (r.ok() && r.left() != 0) {
    key.ties.resize(r.count(kMaxTiesOfKey, kMinTieBytes));
    for (WeightTie& t : key.ties) t = read_tie(r);
  }
  if (violated("key bytes: all read", !r.finished())) return bad("truncated, or bytes after its end");
  DSPERSE_CHECK_OK(check_model_key(key));
  const Bytes again = encode_model_key(key);
  if (violated("key bytes: canonical", !std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())))
    return bad("bytes are not canonical");
  return key;
}

}  // namespace dsperse::proof
