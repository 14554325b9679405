#include "dsperse/proof/key.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/quantize/limits.h"

namespace dsperse::proof {
namespace {

constexpr std::string_view kMagic = "DSKEY002";
constexpr std::size_t kMaxSlices = 4096, kMaxChunks = 1U << 16, kMaxPorts = 4096, kMaxName = 4096, kMaxValues = 1U << 16;
constexpr std::size_t kMaxProgramBytes = std::size_t{1} << 26, kMaxRangeProof = std::size_t{1} << 28;

void write(ByteWriter& w, const Geometry& g) {
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

Bytes slice_body(const SliceKey& key) {
  ByteWriter w;
  w.u8(static_cast<std::uint8_t>(key.profile));
  w.u8(key.slack);
  w.u8(key.work);
  write_bytes(w, quantize::encode_program(key.program));
  write_ports(w, key.inputs);
  write_ports(w, key.outputs);
  w.u32(key.options.limb_bits);
  w.u64(key.options.wide_rows);
  for (const Geometry* g : geometries(key)) write(w, *g);
  if (key.weight_root) w.raw(*key.weight_root);
  write_weights(w, key);
  return w.take();
}

Result<SliceKey> read_slice(ByteReader& r) {
  SliceKey key;
  key.profile = static_cast<Profile>(r.u8());
  key.slack = r.u8();
  key.work = r.u8();
  auto program = quantize::decode_program(r.take(r.count(kMaxProgramBytes, 1)));
  if (!r.ok()) return fail(ErrorKind::bad_input, "slice key truncated");  // rather than what an empty program lacks
  DSPERSE_TRY(key.program, std::move(program));
  key.inputs = read_ports(r);
  key.outputs = read_ports(r);
  key.options.limb_bits = r.u32();
  key.options.wide_rows = r.u64();
  for (Geometry* g : geometries(key)) *g = read_geometry(r);
  if (key.weights.t != 0)
    key.weight_root = r.digest();
  else
    key.public_weights = read_weights(r, key.program);
  const ByteView range_proof = r.take(r.count(kMaxRangeProof, 1));
  key.range_proof.assign(range_proof.begin(), range_proof.end());
  return key;
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

void write_graph(ByteWriter& w, const ModelKey& key) {
  w.u32(static_cast<std::uint32_t>(key.chunks.size()));
  for (const Chunk& c : key.chunks) {
    w.text(c.name);
    write_shape(w, c.shape);
    w.u32(static_cast<std::uint32_t>(c.exponent));
    w.i64(c.lo);
    w.i64(c.hi);
    w.u8(c.is_public ? 1 : 0);
  }
  w.u32(static_cast<std::uint32_t>(key.edges.size()));
  for (const Edge& e : key.edges) {
    w.text(e.name);
    w.u32(static_cast<std::uint32_t>(e.chunks.size()));
    for (const std::uint32_t c : e.chunks) w.u32(c);
    w.u8(static_cast<std::uint8_t>((e.is_input ? 1 : 0) | (e.is_output ? 2 : 0) | (e.io ? 4 : 0)));
    if (e.io) {
      w.text(e.io->name);
      write_shape(w, e.io->logical_shape);
      w.u32(static_cast<std::uint32_t>(e.io->perm.size()));
      for (const std::uint32_t p : e.io->perm) w.u32(p);
      write_floats(w, e.io->scale);
      write_floats(w, e.io->bias);
    }
  }
  w.u32(static_cast<std::uint32_t>(key.labels.size()));
  for (const std::string& s : key.labels) w.text(s);
}

void read_graph(ByteReader& r, ModelKey& key) {
  key.chunks.resize(r.count(kMaxChunks, 33));
  for (Chunk& c : key.chunks) {
    c.name = r.text(kMaxName);
    c.shape = read_shape(r);
    c.exponent = static_cast<std::int32_t>(r.u32());
    c.lo = r.i64();
    c.hi = r.i64();
    c.is_public = r.u8() != 0;
  }
  key.edges.resize(r.count(kMaxChunks, 9));
  for (Edge& e : key.edges) {
    e.name = r.text(kMaxName);
    e.chunks.resize(r.count(kMaxChunks, 4));
    for (std::uint32_t& c : e.chunks) c = r.u32();
    const std::uint8_t flags = r.u8();
    e.is_input = (flags & 1) != 0;
    e.is_output = (flags & 2) != 0;
    if ((flags & 4) != 0) {
      IoMapping io;
      io.name = r.text(kMaxName);
      io.logical_shape = read_shape(r);
      io.perm.resize(r.count(16, 4));
      for (std::uint32_t& p : io.perm) p = r.u32();
      io.scale = read_floats(r);
      io.bias = read_floats(r);
      e.io = std::move(io);
    }
  }
  key.labels.resize(r.count(kMaxValues, 4));
  for (std::string& s : key.labels) s = r.text(kMaxName);
}

std::unexpected<Error> bad(const std::string& what, const std::string& where = {}) {
  return fail(ErrorKind::bad_input, "key: " + what, where, "use a key written by `dsperse compile`");
}

/// Weights are hidden (a tree with a root and a range proof), public (values within their bounds), or there are none.
Status check_weights(const SliceKey& s, const std::string& where) {
  const bool hidden = s.weights.t != 0;
  if (violated("key: a weight tree holds weights", hidden && s.program.weights.empty()) ||
      violated("key: weight root iff hidden weights", s.weight_root.has_value() != hidden) ||
      violated("key: range proof iff hidden weights", s.range_proof.empty() == hidden))
    return bad("weight tree", where);
  if (violated("key: public weights are there", s.public_weights.size() != (hidden ? 0 : s.program.weights.size())))
    return bad("public weights", where);
  for (std::size_t i = 0; i < s.public_weights.size(); ++i) {
    const quantize::WeightSpec& spec = s.program.weights[i];
    const quantize::WeightValues& values = s.public_weights[i];
    const auto n = static_cast<std::size_t>(quantize::elements(spec.shape));
    if (violated("key: public weights have their shape",
                 values.narrow.size() != (narrow(spec) ? n : 0) || values.wide.size() != (narrow(spec) ? 0 : n)))
      return bad("public weights", where + " > " + spec.name);
    bool beyond = false;
    for (const std::int16_t x : values.narrow) beyond |= x > spec.max_abs || x < -spec.max_abs;
    for (const std::int64_t x : values.wide) beyond |= x > spec.max_abs || x < -spec.max_abs;
    if (violated("key: public weights are bounded", beyond))
      return bad("a public weight is beyond its declared bound", where + " > " + spec.name);
  }
  return {};
}

/// Dimensions that later arithmetic can multiply: each at least 1, together at most 2^28 elements (quantize/limits.h).
bool sane_shape(const quantize::Shape& shape, std::int64_t limit = quantize::kMaxTensorElements) {
  std::int64_t n = 1;
  for (const std::int64_t d : shape) {
    if (d < 1 || d > limit / n) return false;
    n *= d;
  }
  return true;
}

/// Chunks that no slice reads are seen here alone.
Status check_chunk(const Chunk& c) {
  if (violated("key: shape of a chunk", c.shape.empty() || c.shape.size() > quantize::kMaxProgramRank || !sane_shape(c.shape)))
    return bad("shape of a chunk", c.name);
  if (violated("key: range of a chunk", c.lo > c.hi)) return bad("empty range", c.name);
  if (violated("key: bounded range of a chunk", c.lo < -quantize::kMaxValue || c.hi > quantize::kMaxValue) ||
      violated("key: bounded exponent of a chunk", c.exponent < -quantize::kMaxExponent || c.exponent > quantize::kMaxExponent))
    return bad("range or exponent of a chunk", c.name);
  return {};
}

/// The chunks of an edge lie one after the other along the leading axis; its mapping permutes as many elements.
Status check_edge(const Edge& e, const ModelKey& key) {
  const Chunk& first = key.chunks[e.chunks.front()];
  std::int64_t elements = 0;
  for (const std::uint32_t i : e.chunks) {
    const Chunk& c = key.chunks[i];
    if (violated("key: one exponent in an edge", c.exponent != first.exponent) ||
        violated("key: one range in an edge", c.lo != first.lo || c.hi != first.hi) ||
        violated("key: one visibility in an edge", c.is_public != first.is_public) ||
        violated("key: chunks of an edge fit",
                 !std::equal(c.shape.begin() + 1, c.shape.end(), first.shape.begin() + 1, first.shape.end())))
      return bad("chunks of an edge do not fit each other", e.name);
    elements += quantize::elements(c.shape);
  }
  if (violated("key: size of an edge", elements > quantize::kMaxTotalElements))
    return bad("an edge has more than 2^31 elements", e.name);
  if (!e.io) return {};
  const quantize::Shape& logical = e.io->logical_shape;
  std::vector<std::uint32_t> axes = e.io->perm;
  std::sort(axes.begin(), axes.end());
  bool permutes = axes.size() == logical.size();
  for (std::uint32_t k = 0; permutes && k < axes.size(); ++k) permutes = axes[k] == k;
  if (violated("key: a mapping permutes", !permutes) ||
      violated("key: a mapping's size",
               !sane_shape(logical, quantize::kMaxTotalElements) || quantize::elements(logical) != elements))
    return bad("input or output mapping", e.name);
  if (violated("key: a mapping's name", e.io->name != e.name)) return bad("mapping of another tensor", e.name);
  for (const auto* list : {&e.io->scale, &e.io->bias}) {
    const bool channels = logical.size() > 1 && std::cmp_equal(list->size(), logical[1]);
    if (violated("key: preprocessing by channel", list->size() > 1 && !channels))
      return bad("preprocessing has another number of channels", e.name);
    for (const float x : *list)
      if (violated("key: preprocessing is finite", !std::isfinite(x))) return bad("preprocessing is no number", e.name);
  }
  return {};
}

Status check_slice(const SliceKey& s, const ModelKey& key, const std::string& where) {
  if (violated("key: known profile", s.profile != Profile::bits100 && s.profile != Profile::bits128))
    return bad("unknown security profile", where);
  if (violated("key: one profile", s.profile != key.slices.front().profile))
    return bad("slices of different security profiles", where);
  if (violated("key: smallest limb", s.options.limb_bits < 1) || violated("key: largest limb", s.options.limb_bits > 16))
    return bad("limb size", where);
  if (violated("key: number of input ports", s.inputs.size() != s.program.inputs.size()) ||
      violated("key: number of output ports", s.outputs.size() != s.program.outputs.size()))
    return bad("ports", where);
  std::set<quantize::TensorId> seen;
  std::set<std::uint32_t> read;
  bool committed = false;
  for (const bool out : {false, true}) {
    const auto& ports = out ? s.outputs : s.inputs;
    const auto& tensors = out ? s.program.outputs : s.program.inputs;
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const Port& p = ports[i];
      if (violated("key: a port's tensor", p.tensor != tensors[i]) ||
          violated("key: one port a tensor", !seen.insert(p.tensor).second))
        return bad("ports and the program's inputs and outputs differ", where);
      if (violated("key: a port's chunk", p.chunk >= key.chunks.size())) return bad("port names no chunk", where);
      if (violated("key: inputs are different chunks", !out && !read.insert(p.chunk).second))
        return bad("two inputs of a slice are one chunk", where);
      const Chunk& c = key.chunks[p.chunk];
      const quantize::TensorSpec& t = s.program.tensors[p.tensor];
      if (violated("key: visibility of port and chunk", c.is_public != p.is_public) ||
          violated("key: shape of port and chunk", c.shape != t.shape) ||
          violated("key: exponent of port and chunk", c.exponent != t.exponent) ||
          violated("key: range of port and chunk", c.lo != t.lo || c.hi != t.hi))
        return bad("port and chunk differ in shape, exponent, range or visibility", where + " > " + c.name);
      committed = committed || !p.is_public;
    }
  }
  DSPERSE_CHECK_OK(check_weights(s, where));
  if (violated("key: boundary geometry iff committed ports", (s.boundary.t == 0) != !committed))
    return bad("boundary geometry", where);
  if (violated("key: enough slack", s.slack < slack_of(key.slices.size())) ||
      violated("key: bounded slack", s.slack > kMaxSlackBits) || violated("key: bounded work", s.work > kMaxWorkBits))
    return bad("slack or work outside of their bounds", where);
  if (violated("key: weight geometry", s.weights.t != 0 && !sound_geometry(s.params(), s.weights, kWeightBudget)))
    return bad("weight geometry below the profile", where);
  if (violated("key: boundary geometry", s.boundary.t != 0 && !sound_geometry(s.params(), s.boundary, kBoundaryUses)))
    return bad("boundary geometry below the profile", where);
  if (violated("key: witness geometry", !sound_geometry(s.params(), s.witness, 1)) ||
      violated("key: end geometry", !sound_geometry(s.params(), s.end, 1)))
    return bad("geometry below the profile", where);
  for (const Geometry* g : {&s.range_witness, &s.range_end, &s.link_witness, &s.link_end})
    if (violated("key: geometries of ranges and links",
                 s.weights.t == 0 ? !(*g == Geometry{}) : !sound_geometry(s.params(), *g, 1)))
      return bad("geometry of the range proof or link below the profile", where);
  return {};
}

}  // namespace

Digest SliceKey::digest() const {
  const Bytes body = slice_body(*this);
  return crypto::hash_tagged("dsperse slice key v2", {body});
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
  return crypto::hash_tagged("dsperse model id v1", {w.bytes()});
}

Status check_model_key(const ModelKey& key) {
  if (violated("key: some slice", key.slices.empty())) return bad("no slices");
  std::vector<int> producers(key.chunks.size(), -1), consumers(key.chunks.size(), 0), covered(key.chunks.size(), 0);
  std::set<std::string> names;
  bool has_output = false;
  for (const Edge& e : key.edges) {
    if (violated("key: names of edges", !names.insert(e.name).second)) return bad("two edges have one name", e.name);
    if (violated("key: chunks of an edge", e.chunks.empty())) return bad("edge without chunks", e.name);
    if (violated("key: mapping iff input or output", e.io.has_value() != (e.is_input || e.is_output)))
      return bad("input or output mapping", e.name);
    has_output = has_output || e.is_output;
    for (const std::uint32_t c : e.chunks) {
      if (violated("key: an edge's chunk", c >= key.chunks.size()) || violated("key: one edge a chunk", covered[c]++ != 0))
        return bad("edges do not cover the chunks once", e.name);
      if (e.is_input) producers[c] = 0;
    }
  }
  if (violated("key: some output", !has_output)) return bad("no output");
  for (std::size_t c = 0; c < key.chunks.size(); ++c) {
    if (violated("key: an edge for each chunk", covered[c] == 0)) return bad("chunk belongs to no edge", key.chunks[c].name);
    DSPERSE_CHECK_OK(check_chunk(key.chunks[c]));
  }
  for (const Edge& e : key.edges) DSPERSE_CHECK_OK(check_edge(e, key));
  const Geometry* boundary = nullptr;
  const SliceKey* weighted = nullptr;
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    const SliceKey& s = key.slices[i];
    const std::string where = "slice " + std::to_string(i);
    DSPERSE_CHECK_OK(check_slice(s, key, where));
    if (s.boundary.t != 0) {
      if (violated("key: one boundary geometry", boundary != nullptr && !(*boundary == s.boundary)))
        return bad("boundary geometries differ", where);
      boundary = &s.boundary;
    }
    if (!s.program.weights.empty()) {
      if (violated("key: one kind of weights",
                   weighted != nullptr && weighted->public_weights.empty() != s.public_weights.empty()))
        return bad("some weights are hidden and some public", where);
      weighted = &s;
    }
    for (const Port& p : s.inputs) {
      if (violated("key: produced before it is read", producers[p.chunk] < 0))
        return bad("a chunk is read before a slice produces it", key.chunks[p.chunk].name);
      ++consumers[p.chunk];
    }
    for (const Port& p : s.outputs) {
      if (violated("key: one producer", producers[p.chunk] >= 0))
        return bad("a chunk has two producers", key.chunks[p.chunk].name);
      producers[p.chunk] = static_cast<int>(i);
    }
  }
  for (std::size_t c = 0; c < key.chunks.size(); ++c) {
    if (violated("key: some producer", producers[c] < 0)) return bad("chunk without a producer", key.chunks[c].name);
    if (violated("key: at most four readers", !key.chunks[c].is_public && consumers[c] > 4))
      return bad("more than four slices read a committed chunk", key.chunks[c].name);
  }
  return {};
}

Bytes encode_model_key(const ModelKey& key) {
  ByteWriter w;
  for (const char ch : kMagic) w.u8(static_cast<std::uint8_t>(ch));
  w.u32(static_cast<std::uint32_t>(key.slices.size()));
  for (const SliceKey& s : key.slices) {
    w.raw(slice_body(s));
    write_bytes(w, s.range_proof);
  }
  write_graph(w, key);
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
    auto slice = read_slice(r);
    if (!slice) {
      Error error = slice.error().within("key > slice " + std::to_string(i));
      error.kind = ErrorKind::bad_input;  // also where the program says "unsupported": no compiler writes such a key
      return std::unexpected(std::move(error));
    }
    key.slices.push_back(std::move(*slice));
  }
  read_graph(r, key);
  if (violated("key bytes: all read", !r.finished())) return bad("truncated, or bytes after its end");
  DSPERSE_CHECK_OK(check_model_key(key));
  const Bytes again = encode_model_key(key);
  if (violated("key bytes: canonical", !std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())))
    return bad("bytes are not canonical");
  return key;
}

}  // namespace dsperse::proof
