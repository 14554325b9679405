#include "dsperse/crypto/commit/tree.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/crypto/commit/kernels.h"
#include "dsperse/crypto/commit/leaf.h"
#include "dsperse/crypto/commit/plan.h"
#include "dsperse/crypto/commit/words.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {
namespace {

static_assert(std::endian::native == std::endian::little, "kernels hash field elements as they lie in memory");

}  // namespace

struct Tree::Impl {
  Impl(const Code& code_, std::size_t rows_, const Digest& salt_seed)
      : code(code_),
        rows(rows_),
        tiles((rows + kTileRows - 1) / kTileRows),
        plan(EncodePlan::of(code)),
        matrix(tiles * plan->positions() * kTileRows),
        salts(salt_seed, "salts") {}

  [[nodiscard]] std::uint64_t* tile(std::size_t t) { return matrix.data() + t * plan->positions() * kTileRows; }

  Code code;
  std::size_t rows, tiles;
  std::shared_ptr<const EncodePlan> plan;
  Words matrix;                             ///< [tile][position][8 rows]
  SeedStream salts;                         ///< salt j is its block j
  std::vector<std::vector<Digest>> levels;  ///< leaves first, the root last
};

namespace {

using Fill = std::function<void(std::size_t, std::span<Fp>)>;

/// One commitment under way. A column is hashed in chunks of 16 blocks (BLAKE3's), which are independent of each other: a unit of
/// work is one chunk on some cosets, its tiles one after another, so that chaining values stay in cache. (A template because
/// Tree::Impl is private.)
template <class Impl>
class Builder {
 public:
  Builder(Impl& impl, const Fill& fill)
      : impl_(impl),
        fill_(fill),
        kernels_(commit_kernels(kernel())),
        tables_(impl.plan->tables()),
        key_(key_words(leaf_key())),
        stream_key_(key_words(impl.salts.key())),
        groups_(impl.plan->positions() / kGroup),
        blocks_(leaf_blocks(impl.rows)),
        chunks_((blocks_ + kChunkBlocks - 1) / kChunkBlocks),
        cvs_(chunks_ * groups_ * kGroupWords / 2) {}

  void run() {
    const bool small = impl_.rows * impl_.code.n() < kWorthThreads;
    if (small || threads() == 1 || chunks_ >= 2 * threads())
      each_chunk();
    else
      each_chunk_and_coset();
    leaves();
    nodes();
  }

 private:
  static constexpr std::size_t kWorthThreads = std::size_t{1} << 16;  ///< encoded symbols: about a fifth of a millisecond

  /// Rows of one tile, of one thread.
  struct Scratch {
    explicit Scratch(std::size_t k) : rows(kTileRows * k) {}
    std::vector<Fp> rows;  ///< zero beyond a row's coefficients
  };

  /// Coefficients of tile t, [k][8].
  void load_tile(std::size_t t, Scratch& scratch, std::uint64_t* out) {
    const std::uint64_t* rows[kTileRows];
    for (std::size_t i = 0; i < kTileRows; ++i) {
      const std::span<Fp> row = std::span(scratch.rows).subspan(i * tables_.k, tables_.k);
      if (kTileRows * t + i < impl_.rows)
        fill_(kTileRows * t + i, row.first(impl_.code.k()));
      else
        std::fill(row.begin(), row.end(), Fp());
      rows[i] = &row.data()->v;
    }
    kernels_.transpose(rows, tables_.k, out);
  }

  [[nodiscard]] BlockHash block(std::size_t b) const {
    const bool start = b % kChunkBlocks == 0, end = b % kChunkBlocks == kChunkBlocks - 1 || b == blocks_ - 1;
    unsigned flags = kKeyed;
    if (start) flags |= kChunkStart;
    if (end) flags |= kChunkEnd;
    if (end && chunks_ == 1) flags |= kRoot;
    return {key_.data(), b / kChunkBlocks, flags, start};
  }
  std::uint32_t* cvs(std::size_t chunk, std::size_t group) {
    return reinterpret_cast<std::uint32_t*>(cvs_.data()) + (chunk * groups_ + group) * kGroupWords;
  }
  std::size_t first_tile(std::size_t chunk) const { return chunk == 0 ? 0 : chunk * kChunkBlocks - 1; }
  std::size_t end_tile(std::size_t chunk) const { return std::min(impl_.tiles, (chunk + 1) * kChunkBlocks - 1); }

  /// Cosets are hashed on their own if they consist of whole groups, otherwise all together.
  [[nodiscard]] std::size_t units() const { return tables_.kd % kGroup == 0 ? tables_.cosets : 1; }

  /// Salts and row counts of a unit.
  void begin_unit(std::size_t unit) {
    const std::size_t count = groups_ / units(), first = unit * count;
    kernels_.salt(tables_.columns + kGroup * first, count, stream_key_.data(), impl_.rows, block(0), cvs(0, first));
  }
  /// Encodes and absorbs tile t of a unit.
  void absorb_tile(std::size_t t, std::size_t unit, const std::uint64_t* coefficients) {
    const BlockHash hash = block(t + 1);
    const std::size_t chunk = (t + 1) / kChunkBlocks;
    std::uint64_t* const out = impl_.tile(t);
    if (tables_.kd % kGroup == 0) {
      const std::size_t first = unit * tables_.kd;
      kernels_.encode(tables_, unit, coefficients, out + kTileRows * first, &hash, cvs(chunk, first / kGroup));
      return;
    }
    std::memset(out, 0, groups_ * kGroup * kTileRows * sizeof(std::uint64_t));
    for (std::size_t e = 0; e < tables_.cosets; ++e)
      kernels_.encode(tables_, e, coefficients, out + kTileRows * e * tables_.kd, nullptr, nullptr);
    kernels_.hash(out, groups_, hash, cvs(chunk, 0));
  }

  /// Many chunks: one thread takes a chunk through all cosets, tile by tile.
  void each_chunk() {
    parallel_for(chunks_, 1, [&](std::size_t begin, std::size_t end) {
      Scratch scratch(tables_.k);
      Words coefficients(kTileRows * tables_.k);
      for (std::size_t chunk = begin; chunk < end; ++chunk) {
        if (chunk == 0)
          for (std::size_t unit = 0; unit < units(); ++unit) begin_unit(unit);
        for (std::size_t t = first_tile(chunk); t < end_tile(chunk); ++t) {
          load_tile(t, scratch, coefficients.data());
          for (std::size_t unit = 0; unit < units(); ++unit) absorb_tile(t, unit, coefficients.data());
        }
      }
    });
  }
  /// Few chunks: all rows first, then threads share the cosets as well.
  void each_chunk_and_coset() {
    const std::size_t size = kTileRows * tables_.k;
    Words coefficients(impl_.tiles * size);
    parallel_for(impl_.tiles, 1, [&](std::size_t begin, std::size_t end) {
      Scratch scratch(tables_.k);
      for (std::size_t t = begin; t < end; ++t) load_tile(t, scratch, coefficients.data() + t * size);
    });
    parallel_for(chunks_ * units(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t chunk = i / units(), unit = i % units();
        if (chunk == 0) begin_unit(unit);
        for (std::size_t t = first_tile(chunk); t < end_tile(chunk); ++t) absorb_tile(t, unit, coefficients.data() + t * size);
      }
    });
  }

  /// Joins the chunks of each column as BLAKE3 does (neighbours pairwise, an odd last one moves up) and writes the leaves.
  void leaves() {
    std::vector<Digest> out(groups_ * kGroup);
    parallel_for(groups_, 64, [&](std::size_t begin, std::size_t end) {
      for (std::size_t count = chunks_; count > 1; count = (count + 1) / 2) {
        const BlockHash hash{key_.data(), 0,
                             static_cast<std::uint32_t>(kKeyed | kParent) | (count == 2 ? std::uint32_t{kRoot} : 0U), true};
        for (std::size_t p = 0; p < count / 2; ++p)
          kernels_.merge(cvs(2 * p, begin), cvs(2 * p + 1, begin), end - begin, hash, cvs(p, begin));
        if (count % 2 != 0) std::copy(cvs(count - 1, begin), cvs(count - 1, end), cvs(count / 2, begin));
      }
      kernels_.scatter(cvs(0, begin), end - begin, tables_.columns + kGroup * begin, out[0].data());
    });
    out.resize(impl_.code.n());
    impl_.levels.push_back(std::move(out));
  }
  void nodes() {
    while (impl_.levels.back().size() > 1) {
      const std::span<const Digest> below = impl_.levels.back();
      std::vector<Digest> above(below.size() / 2);
      parallel_for(above.size(), 1024, [&](std::size_t begin, std::size_t end) {
        hash_nodes(below.subspan(2 * begin, 2 * (end - begin)), std::span(above).subspan(begin, end - begin));
      });
      impl_.levels.push_back(std::move(above));
    }
  }

  Impl& impl_;
  const Fill& fill_;
  const CommitKernels& kernels_;
  const EncodeTables& tables_;
  KeyWords key_, stream_key_;
  std::size_t groups_, blocks_, chunks_;
  Words cvs_;  ///< [chunk][group][8][16] words of 32 bits
};

}  // namespace

Tree::Tree(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;
Tree::~Tree() = default;

Tree Tree::commit(const Code& code, std::size_t rows, const Fill& fill, const Digest& salt_seed) {
  auto impl = std::make_unique<Impl>(code, rows, salt_seed);
  Builder(*impl, fill).run();
  return Tree(std::move(impl));
}

const Digest& Tree::root() const { return impl_->levels.back()[0]; }
const Code& Tree::code() const { return impl_->code; }
std::size_t Tree::rows() const { return impl_->rows; }

Opening Tree::open(std::span<const std::uint32_t> indices) const {
  Opening opening;
  opening.rows = rows();
  opening.columns.resize(indices.size() * rows());
  opening.salts.resize(indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t position = impl_->plan->position_of(indices[i]);
    for (std::size_t row = 0; row < rows(); ++row)
      opening.columns[i * rows() + row] = Fp(impl_->tile(row / kTileRows)[kTileRows * position + row % kTileRows]);
    impl_->salts.blocks(indices[i], opening.salts[i]);
  }
  std::vector<std::uint32_t> known(indices.begin(), indices.end()), above;
  for (const std::vector<Digest>& level : impl_->levels) {
    if (level.size() == 1) break;
    above.clear();
    for (std::size_t i = 0; i < known.size(); ++i) {
      above.push_back(known[i] >> 1);
      if (i + 1 < known.size() && known[i + 1] >> 1 == known[i] >> 1)
        ++i;  // both children are known
      else
        opening.path.push_back(level[known[i] ^ 1]);
    }
    known.swap(above);
  }
  return opening;
}

std::size_t Tree::memory_bytes() const {
  return impl_->matrix.size() * sizeof(std::uint64_t) + 2 * impl_->code.n() * sizeof(Digest);
}

}  // namespace dsperse::crypto
