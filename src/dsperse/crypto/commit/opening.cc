#include "dsperse/crypto/commit/opening.h"

#include <algorithm>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/commit/leaf.h"

namespace dsperse::crypto {
namespace {

bool ascending_below(std::span<const std::uint32_t> indices, std::uint64_t n) {
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (indices[i] >= n || (i != 0 && indices[i - 1] >= indices[i])) return false;
  return true;
}

/// Whether the counts fit each other. Divides, so that no product of untrusted lengths can wrap.
bool well_shaped(const Opening& o, std::size_t count) {
  return o.salts.size() == count && o.columns.size() % count == 0 && o.columns.size() / count == o.rows;
}

/// Drops repeated neighbours after halving: the indices one level up.
void parents(std::vector<std::uint32_t>& indices) {
  for (std::uint32_t& i : indices) i >>= 1;
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
}

}  // namespace

std::size_t path_length(unsigned log_n, std::span<const std::uint32_t> indices) {
  std::vector<std::uint32_t> known(indices.begin(), indices.end());
  std::size_t length = 0;
  for (unsigned level = 0; level < log_n; ++level) {
    const std::size_t before = known.size();
    parents(known);
    length += 2 * known.size() - before;
  }
  return length;
}

Verdict check_opening(const Code& code, const Digest& root, std::span<const std::uint32_t> indices, const Opening& opening) {
  if (violated("opening: code length", code.log_n > 32)) return Verdict::reject("code too long");
  if (violated("opening: some column", indices.empty())) return Verdict::reject("no opened columns");
  if (violated("opening: indices", !ascending_below(indices, code.n()))) return Verdict::reject("column indices");
  if (violated("opening: shape", !well_shaped(opening, indices.size()))) return Verdict::reject("opening shape");
  if (violated("opening: canonical elements",
               std::any_of(opening.columns.begin(), opening.columns.end(), [](Fp x) { return x.v >= kP; })))
    return Verdict::reject("element not canonical");
  const std::size_t expected = path_length(code.log_n, indices);
  if (violated("opening: path not too short", opening.path.size() < expected)) return Verdict::reject("Merkle path too short");
  if (violated("opening: path not too long", opening.path.size() > expected)) return Verdict::reject("Merkle path too long");

  std::vector<std::uint32_t> known(indices.begin(), indices.end());
  std::vector<Digest> digests(known.size()), pairs;
  hash_leaves(opening.rows, opening.columns, opening.salts, digests);
  std::size_t next = 0;
  for (unsigned level = 0; level < code.log_n; ++level) {
    pairs.clear();
    for (std::size_t i = 0; i < known.size(); ++i) {
      const bool right = (known[i] & 1) != 0, both = !right && i + 1 < known.size() && known[i + 1] == (known[i] | 1);
      pairs.push_back(right ? opening.path[next++] : digests[i]);
      pairs.push_back(right ? digests[i] : both ? digests[++i] : opening.path[next++]);
    }
    parents(known);
    digests.resize(known.size());
    hash_nodes(pairs, digests);
  }
  if (violated("opening: Merkle root", digests[0] != root)) return Verdict::reject("Merkle root");
  return Verdict::accept();
}

}  // namespace dsperse::crypto
