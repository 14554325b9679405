#include "dsperse/trust/ledger/merkle.h"

#include <bit>
#include <string_view>
#include <tuple>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust {

Digest leaf_hash(ByteView leaf) { return crypto::hash_tagged("dsperse ledger leaf v1", {leaf}); }
Digest node_hash(const Digest& left, const Digest& right) { return crypto::hash_tagged("dsperse ledger node v1", {left, right}); }
Digest empty_root() { return crypto::hash_tagged("dsperse ledger empty v1", {}); }

std::size_t inclusion_length(std::uint64_t index, std::uint64_t size) {
  // Up to where the paths of this leaf and of the last one meet there is a sibling on every level; above, where the path bends
  // left.
  const std::uint64_t last = size - 1;
  const auto inner = static_cast<std::size_t>(std::bit_width(index ^ last));
  return inner + static_cast<std::size_t>(std::popcount(index >> inner));
}

std::size_t consistency_length(std::uint64_t first, std::uint64_t second) {
  if (first == 0 || first == second) return 0;
  // The largest complete subtree that ends with the old log's last leaf stands for itself; it is the old root if first is a power
  // of two.
  const int shift = std::countr_zero(first);
  return inclusion_length((first - 1) >> shift, ((second - 1) >> shift) + 1) + (std::has_single_bit(first) ? 0 : 1);
}

Verdict verify_inclusion(const Digest& leaf, const InclusionProof& proof, const Digest& root) {
  if (proof.index >= proof.size || proof.size > kMaxLeaves) return Verdict::reject("inclusion: index");
  if (proof.path.size() != inclusion_length(proof.index, proof.size)) return Verdict::reject("inclusion: length");
  // RFC 9162, 2.1.3.2; that the path has the right length is what "sn is 0" says there.
  std::uint64_t fn = proof.index, sn = proof.size - 1;
  Digest r = leaf;
  for (const Digest& p : proof.path) {
    if ((fn & 1) != 0 || fn == sn) {
      r = node_hash(p, r);
      while ((fn & 1) == 0 && fn != 0) fn >>= 1, sn >>= 1;
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1, sn >>= 1;
  }
  return r == root ? Verdict::accept() : Verdict::reject("inclusion: root");
}

Verdict verify_consistency(const ConsistencyProof& proof, const Digest& first_root, const Digest& second_root) {
  if (proof.first > proof.second || proof.second > kMaxLeaves) return Verdict::reject("consistency: sizes");
  if (proof.path.size() != consistency_length(proof.first, proof.second)) return Verdict::reject("consistency: length");
  if (proof.first == 0) {
    if (first_root != empty_root()) return Verdict::reject("consistency: first root");
    if (proof.second == 0 && second_root != first_root) return Verdict::reject("consistency: second root");
    return Verdict::accept();
  }
  if (proof.first == proof.second)
    return first_root == second_root ? Verdict::accept() : Verdict::reject("consistency: second root");
  // RFC 9162, 2.1.4.2.
  std::uint64_t fn = proof.first - 1, sn = proof.second - 1;
  while ((fn & 1) != 0) fn >>= 1, sn >>= 1;
  const bool whole = std::has_single_bit(proof.first);
  Digest fr = whole ? first_root : proof.path[0], sr = fr;
  for (std::size_t i = whole ? 0 : 1; i < proof.path.size(); ++i) {
    const Digest& c = proof.path[i];
    if ((fn & 1) != 0 || fn == sn) {
      fr = node_hash(c, fr);
      sr = node_hash(c, sr);
      while ((fn & 1) == 0 && fn != 0) fn >>= 1, sn >>= 1;
    } else {
      sr = node_hash(sr, c);
    }
    fn >>= 1, sn >>= 1;
  }
  if (fr != first_root) return Verdict::reject("consistency: first root");
  return sr == second_root ? Verdict::accept() : Verdict::reject("consistency: second root");
}

namespace {

constexpr std::string_view kInclusionMagic = "DSINC001", kConsistencyMagic = "DSCON001";

Bytes encode(std::string_view magic, std::uint64_t a, std::uint64_t b, std::span<const Digest> path) {
  ByteWriter out;
  for (const char c : magic) out.u8(static_cast<std::uint8_t>(c));
  out.u64(a);
  out.u64(b);
  for (const Digest& d : path) out.raw(d);
  return out.take();
}

/// The two numbers after the magic; the reader is bad if it is another one.
std::pair<std::uint64_t, std::uint64_t> read_head(ByteReader& in, std::string_view magic) {
  for (const char c : magic)
    if (in.u8() != static_cast<std::uint8_t>(c)) in.set_bad();
  const std::uint64_t a = in.u64();
  return {a, in.u64()};
}

/// All that is left is a path of this length.
bool read_path(ByteReader& in, std::size_t length, std::vector<Digest>& path) {
  if (in.left() != length * sizeof(Digest)) return false;
  for (std::size_t i = 0; i < length; ++i) path.push_back(in.digest());
  return in.finished();
}

}  // namespace

Bytes encode_inclusion(const InclusionProof& proof) { return encode(kInclusionMagic, proof.index, proof.size, proof.path); }
Bytes encode_consistency(const ConsistencyProof& proof) {
  return encode(kConsistencyMagic, proof.first, proof.second, proof.path);
}

Result<InclusionProof> decode_inclusion(ByteView bytes) {
  ByteReader in(bytes);
  InclusionProof out;
  std::tie(out.index, out.size) = read_head(in, kInclusionMagic);
  if (!in.ok() || out.index >= out.size || out.size > kMaxLeaves ||
      !read_path(in, inclusion_length(out.index, out.size), out.path))
    return fail(ErrorKind::bad_input, "not an inclusion proof");
  return out;
}

Result<ConsistencyProof> decode_consistency(ByteView bytes) {
  ByteReader in(bytes);
  ConsistencyProof out;
  std::tie(out.first, out.second) = read_head(in, kConsistencyMagic);
  if (!in.ok() || out.first > out.second || out.second > kMaxLeaves ||
      !read_path(in, consistency_length(out.first, out.second), out.path))
    return fail(ErrorKind::bad_input, "not a consistency proof");
  return out;
}

}  // namespace dsperse::trust
