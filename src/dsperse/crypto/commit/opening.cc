#include "dsperse/crypto/commit/opening.h"

#include <cstring>
#include <map>

#include "dsperse/crypto/hash/hash.h"
namespace dsperse::crypto {
Digest leaf_hash_tmp(const Digest& salt, std::span<const Fp> col) {
  std::vector<std::uint64_t> w(8 + col.size());
  std::memcpy(w.data(), salt.data(), 32);
  w[4] = col.size();
  for (std::size_t i = 0; i < col.size(); ++i) w[8 + i] = col[i].v;
  return hash_tagged("dsperse leaf v1", {ByteView(reinterpret_cast<const std::uint8_t*>(w.data()), 8 * w.size())});
}
Digest node_hash_tmp(const Digest& a, const Digest& b) { return hash_tagged("dsperse node v1", {a, b}); }
Verdict check_opening(const Code& code, const Digest& root, std::span<const std::uint32_t> idx, const Opening& o) {
  std::map<std::uint32_t, Digest> nodes;
  for (std::size_t i = 0; i < idx.size(); ++i) nodes[idx[i]] = leaf_hash_tmp(o.salts[i], o.column(i));
  std::size_t at = 0;
  for (unsigned l = 0; l < code.log_n; ++l) {
    std::map<std::uint32_t, Digest> up;
    for (const auto& [i, d] : nodes) {
      if (up.contains(i >> 1)) continue;
      Digest sib{};
      if (auto it = nodes.find(i ^ 1); it != nodes.end())
        sib = it->second;
      else {
        if (at >= o.path.size()) return Verdict::reject("Merkle path too short");
        sib = o.path[at++];
      }
      up[i >> 1] = (i & 1) != 0 ? node_hash_tmp(sib, d) : node_hash_tmp(d, sib);
    }
    nodes = std::move(up);
  }
  if (at != o.path.size()) return Verdict::reject("Merkle path too long");
  return nodes[0] == root ? Verdict::accept() : Verdict::reject("Merkle root");
}
template <int D>
std::vector<Ext<D>> evaluate_word(const Code& code, std::span<const Ext<D>> word, std::span<const std::uint32_t> idx) {
  std::vector<Ext<D>> out;
  for (auto j : idx) {
    const Fp x = column_point(code, j);
    Ext<D> s;
    for (std::size_t i = word.size(); i-- > 0;) s = s * x + word[i];
    out.push_back(s);
  }
  return out;
}
template std::vector<Ext<2>> evaluate_word<2>(const Code&, std::span<const Ext<2>>, std::span<const std::uint32_t>);
template std::vector<Ext<3>> evaluate_word<3>(const Code&, std::span<const Ext<3>>, std::span<const std::uint32_t>);
}  // namespace dsperse::crypto
