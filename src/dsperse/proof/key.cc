#include "dsperse/proof/key.h"

#include <algorithm>
#include <bit>
#include <set>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::proof {
namespace {

constexpr std::string_view kMagic = "DSKEY001";
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
  g.code.r = r.u64();
  g.code.log_n = r.u32();
  g.t = r.u32();
  return g;
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

Bytes slice_body(const SliceKey& key) {
  ByteWriter w;
  w.u8(static_cast<std::uint8_t>(key.profile));
  write_bytes(w, quantize::encode_program(key.program));
  write_ports(w, key.inputs);
  write_ports(w, key.outputs);
  w.u32(key.options.limb_bits);
  w.u64(key.options.wide_rows);
  for (const Geometry* g : {&key.weights, &key.boundary, &key.witness, &key.end}) write(w, *g);
  if (key.weight_root) w.raw(*key.weight_root);
  return w.take();
}

Result<SliceKey> read_slice(ByteReader& r) {
  SliceKey key;
  key.profile = static_cast<Profile>(r.u8());
  const std::size_t program_bytes = r.count(kMaxProgramBytes, 1);
  const ByteView program = r.take(program_bytes);
  DSPERSE_TRY(key.program, quantize::decode_program(program));
  key.inputs = read_ports(r);
  key.outputs = read_ports(r);
  key.options.limb_bits = r.u32();
  key.options.wide_rows = r.u64();
  for (Geometry* g : {&key.weights, &key.boundary, &key.witness, &key.end}) *g = read_geometry(r);
  if (!key.program.weights.empty()) key.weight_root = r.digest();
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
  if (violated("key: weight geometry iff weights", (s.weights.t == 0) != s.program.weights.empty()) ||
      violated("key: weight root iff weights", s.weight_root.has_value() != (s.weights.t != 0)) ||
      violated("key: range proof iff weights", s.range_proof.empty() != (s.weights.t == 0)))
    return bad("weight tree", where);
  if (violated("key: boundary geometry iff committed ports", (s.boundary.t == 0) != !committed))
    return bad("boundary geometry", where);
  if (violated("key: weight geometry", s.weights.t != 0 && !sound_geometry(s.profile, s.weights, kWeightBudget)))
    return bad("weight geometry below the profile", where);
  if (violated("key: boundary geometry", s.boundary.t != 0 && !sound_geometry(s.profile, s.boundary, kBoundaryUses)))
    return bad("boundary geometry below the profile", where);
  if (violated("key: witness geometry", !sound_geometry(s.profile, s.witness, 1)) ||
      violated("key: end geometry", !sound_geometry(s.profile, s.end, 1)))
    return bad("geometry below the profile", where);
  return {};
}

}  // namespace

Digest SliceKey::digest() const {
  const Bytes body = slice_body(*this);
  return crypto::hash_tagged("dsperse slice key v1", {body});
}

std::vector<Port> SliceKey::ports() const {
  std::vector<Port> all = inputs;
  all.insert(all.end(), outputs.begin(), outputs.end());
  return all;
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
    if (violated("key: range of a chunk", key.chunks[c].lo > key.chunks[c].hi)) return bad("empty range", key.chunks[c].name);
  }
  const Geometry* boundary = nullptr;
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    const SliceKey& s = key.slices[i];
    const std::string where = "slice " + std::to_string(i);
    DSPERSE_CHECK_OK(check_slice(s, key, where));
    if (s.boundary.t != 0) {
      if (violated("key: one boundary geometry", boundary != nullptr && !(*boundary == s.boundary)))
        return bad("boundary geometries differ", where);
      boundary = &s.boundary;
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
