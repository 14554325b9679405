#include "dsperse/trust/ledger/proofs.h"

#include <bit>

namespace dsperse::trust {
namespace {

/// Largest power of two below n; n >= 2.
std::uint64_t split(std::uint64_t n) { return std::bit_floor(n - 1); }

/// MTH(D[begin, end)), begin a multiple of the power of two that is at least end - begin.
Result<Digest> subtree(NodeSource& source, std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t n = end - begin;
  if (std::has_single_bit(n)) {
    const auto level = static_cast<unsigned>(std::countr_zero(n));
    return source.node(level, begin >> level);
  }
  const std::uint64_t k = split(n);
  DSPERSE_TRY(const Digest left, subtree(source, begin, begin + k));
  DSPERSE_TRY(const Digest right, subtree(source, begin + k, end));
  return node_hash(left, right);
}

/// PATH(m, D[begin, end)).
Status path(NodeSource& source, std::uint64_t m, std::uint64_t begin, std::uint64_t end, std::vector<Digest>& out) {
  const std::uint64_t n = end - begin;
  if (n == 1) return {};
  const std::uint64_t k = split(n);
  const bool left = m < k;
  DSPERSE_CHECK_OK(left ? path(source, m, begin, begin + k, out) : path(source, m - k, begin + k, end, out));
  DSPERSE_TRY(const Digest other, left ? subtree(source, begin + k, end) : subtree(source, begin, begin + k));
  out.push_back(other);
  return {};
}

/// SUBPROOF(m, D[begin, end), known): whether MTH(D[begin, begin + m)) is the old root, which the verifier has.
Status subproof(NodeSource& source, std::uint64_t m, std::uint64_t begin, std::uint64_t end, bool known,
                std::vector<Digest>& out) {
  const std::uint64_t n = end - begin;
  if (m == n) {
    if (known) return {};
    DSPERSE_TRY(const Digest whole, subtree(source, begin, end));
    out.push_back(whole);
    return {};
  }
  const std::uint64_t k = split(n);
  const bool left = m <= k;
  DSPERSE_CHECK_OK(left ? subproof(source, m, begin, begin + k, known, out)
                        : subproof(source, m - k, begin + k, end, false, out));
  DSPERSE_TRY(const Digest other, left ? subtree(source, begin + k, end) : subtree(source, begin, begin + k));
  out.push_back(other);
  return {};
}

}  // namespace

Result<Digest> tree_root(NodeSource& source, std::uint64_t size) {
  if (size > kMaxLeaves) return fail(ErrorKind::usage, "a log of more than 2^48 leaves");
  return size == 0 ? Result<Digest>(empty_root()) : subtree(source, 0, size);
}

Result<InclusionProof> prove_inclusion(NodeSource& source, std::uint64_t index, std::uint64_t size) {
  if (index >= size || size > kMaxLeaves)
    return fail(ErrorKind::usage, "no leaf " + std::to_string(index) + " among the first " + std::to_string(size));
  InclusionProof out{index, size, {}};
  DSPERSE_CHECK_OK(path(source, index, 0, size, out.path));
  return out;
}

Result<ConsistencyProof> prove_consistency(NodeSource& source, std::uint64_t first, std::uint64_t second) {
  if (first > second || second > kMaxLeaves)
    return fail(ErrorKind::usage, "no log of " + std::to_string(second) + " leaves begins with " + std::to_string(first));
  ConsistencyProof out{first, second, {}};
  if (first != 0 && first != second) DSPERSE_CHECK_OK(subproof(source, first, 0, second, true, out.path));
  return out;
}

}  // namespace dsperse::trust
