#include "dsperse/proof/statement.h"

#include <algorithm>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::proof {
namespace {

constexpr std::string_view kMagic = "DSCRT001", kMagicWithRecord = "DSCRT002";
constexpr std::size_t kMaxNonce = 64, kMaxProof = std::size_t{1} << 28;

void write_bytes(ByteWriter& w, ByteView bytes) {
  w.u32(static_cast<std::uint32_t>(bytes.size()));
  w.raw(bytes);
}

Bytes read_bytes(ByteReader& r, std::size_t limit) {
  const ByteView v = r.take(r.count(limit, 1));
  return {v.begin(), v.end()};
}

std::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorKind::bad_input, "certificate: " + what, {}, "ask the prover for the file again");
}

}  // namespace

void write_boundary(ByteWriter& w, const Boundary& b) {
  w.u32(b.chunk);
  w.u8(b.root ? 1 : 0);
  if (b.root) {
    w.raw(*b.root);
    return;
  }
  w.u32(static_cast<std::uint32_t>(b.values.size()));
  for (const std::int32_t v : b.values) w.u32(static_cast<std::uint32_t>(v));
}

bool read_boundary(ByteReader& r, const Chunk& chunk, Boundary& b) {
  b.chunk = r.u32();
  const std::uint8_t kind = r.u8();
  if (violated("certificate bytes: root or values", !r.ok() || kind > 1)) return false;
  if (kind == 1) {
    b.root = r.digest();
  } else {
    b.values.resize(r.count(static_cast<std::size_t>(quantize::elements(chunk.shape)), 4));
    for (std::int32_t& v : b.values) v = static_cast<std::int32_t>(r.u32());
  }
  return true;
}

void write_slice_proof(ByteWriter& w, const SliceProof& s) {
  if (s.weights) w.raw(*s.weights);
  w.u32(s.opening);
  w.u32(static_cast<std::uint32_t>(s.links.size()));
  for (const EpochLink& l : s.links) {
    w.raw(l.base);
    w.raw(l.epoch);
    w.u32(l.base_opening);
    w.u32(l.epoch_opening);
    write_bytes(w, l.proof);
  }
  write_bytes(w, s.proof);
}

void read_slice_proof(ByteReader& r, const SliceKey& key, SliceProof& s) {
  if (key.weight_root) s.weights = r.digest();
  s.opening = r.u32();
  s.links.resize(r.count(kMaxEpochDepth, 72));
  for (EpochLink& l : s.links) {
    l.base = r.digest();
    l.epoch = r.digest();
    l.base_opening = r.u32();
    l.epoch_opening = r.u32();
    l.proof = read_bytes(r, kMaxProof);
  }
  s.proof = read_bytes(r, kMaxProof);
}

Bytes encode_statement(const Statement& s) {
  ByteWriter w;
  w.raw(s.key);
  w.u8(s.weights ? 1 : 0);
  if (s.weights) w.raw(*s.weights);
  w.u32(s.opening);
  w.raw(s.run_id);
  w.u32(s.slice);
  w.u32(static_cast<std::uint32_t>(s.boundaries.size()));
  for (const Boundary& b : s.boundaries) write_boundary(w, b);
  return w.take();
}

Digest run_id(const Digest& model_id, ByteView nonce, const Digest& salt) {
  return crypto::hash_tagged("dsperse run id v1", {model_id, nonce, salt});
}

Bytes encode_certificate(const Certificate& c) {
  ByteWriter w;
  std::size_t large = c.record.size();
  for (const SliceProof& s : c.slices) {
    large += s.proof.size();
    for (const EpochLink& l : s.links) large += l.proof.size();
  }
  w.reserve(large + large / 8);
  for (const char ch : c.record.empty() ? kMagic : kMagicWithRecord) w.u8(static_cast<std::uint8_t>(ch));
  w.raw(c.model_id);
  write_bytes(w, c.nonce);
  w.raw(c.salt);
  for (const Boundary& b : c.table) write_boundary(w, b);
  w.u32(static_cast<std::uint32_t>(c.slices.size()));
  for (const SliceProof& s : c.slices) {
    w.u32(s.slice);
    write_slice_proof(w, s);
  }
  if (!c.record.empty()) write_bytes(w, c.record);
  return w.take();
}

Result<Certificate> decode_certificate(const ModelKey& key, ByteView bytes) {
  ByteReader r(bytes);
  const ByteView magic = r.take(kMagic.size());
  const auto is = [&](std::string_view text) {
    return std::equal(magic.begin(), magic.end(), text.begin(), text.end(),
                      [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
  };
  const bool with_record = is(kMagicWithRecord);
  if (violated("certificate bytes: magic", !r.ok() || !(with_record || is(kMagic)))) return bad("not a dsperse certificate");
  Certificate c;
  c.model_id = r.digest();
  c.nonce = read_bytes(r, kMaxNonce);
  c.salt = r.digest();
  for (std::size_t i = 0; i < key.chunks.size(); ++i) {
    Boundary b;
    if (!read_boundary(r, key.chunks[i], b)) return bad("boundary table");
    c.table.push_back(std::move(b));
  }
  c.slices.resize(r.count(key.slices.size(), 8));
  for (SliceProof& s : c.slices) {
    s.slice = r.u32();
    if (violated("certificate bytes: slice index", !r.ok() || s.slice >= key.slices.size())) return bad("slice index");
    read_slice_proof(r, key.slices[s.slice], s);
  }
  if (with_record) c.record = read_bytes(r, kMaxRecord);
  if (violated("certificate bytes: all read", !r.finished())) return bad("truncated, or bytes after its end");
  const Bytes again = encode_certificate(c);
  if (violated("certificate bytes: canonical", !std::equal(bytes.begin(), bytes.end(), again.begin(), again.end())))
    return bad("bytes are not canonical");
  return c;
}

}  // namespace dsperse::proof
