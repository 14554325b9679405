#include "dsperse/crypto/commit/tree.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/base/words.h"
#include "dsperse/crypto/commit/kernels.h"
#include "dsperse/crypto/commit/leaf.h"
#include "dsperse/crypto/commit/plan.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::crypto {
namespace {

static_assert(std::endian::native == std::endian::little, "kernels hash field elements as they lie in memory");

constexpr std::size_t kWordBytes = sizeof(std::uint64_t), kDigestWords = sizeof(Digest) / kWordBytes;
constexpr std::size_t kWorthThreads = std::size_t{1} << 16;  ///< encoded symbols: about a tenth of a millisecond

/// Sizes in words that follow from code and rows.
struct Sizes {
  Sizes(const Code& code, std::size_t rows)
      : tiles((rows + kTileRows - 1) / kTileRows),
        positions((code.n() + kGroup - 1) / kGroup * kGroup),
        chunks((leaf_blocks(rows) + kChunkBlocks - 1) / kChunkBlocks),
        tile(positions * kTileRows),
        coefficients(std::max(code.k(), block_length(code)) * kTileRows),
        digests((positions + code.n()) * kDigestWords),
        chaining(chunks * positions * kDigestWords),
        // Cosets of less than a group are hashed together.
        coset(block_length(code) % kGroup == 0 ? block_length(code) * kTileRows : tile) {}
  std::size_t tiles, positions, chunks;
  std::size_t tile, coefficients, digests, chaining, coset;
};

std::size_t block_bytes(std::size_t words) { return (words * kWordBytes + 63) / 64 * 64; }

}  // namespace

TreeBytes tree_bytes(const Code& code, std::size_t rows, Codewords codewords, std::size_t threads) {
  const Sizes s(code, rows);
  const bool kept = codewords == Codewords::kept;
  const std::size_t scratch = block_bytes(s.coefficients) + block_bytes(s.coset);
  TreeBytes out;
  out.held = (kept ? block_bytes(s.tiles * s.tile) : 0) + block_bytes(s.digests) + rows * sizeof(TableauRow);
  out.commit = block_bytes(s.chaining) + threads * (kept ? block_bytes(s.coefficients) : scratch);
  out.open = kept ? 0 : threads * scratch;
  return out;
}

struct Tree::Impl {
  Impl(const Code& code_, std::vector<TableauRow> rows_, const Digest& salt_seed, Codewords codewords_)
      : code(code_),
        rows(std::move(rows_)),
        codewords(codewords_),
        sizes(code, rows.size()),
        plan(EncodePlan::of(code)),
        matrix(codewords == Codewords::kept ? sizes.tiles * sizes.tile : 0),
        digests(sizes.digests),
        salts(salt_seed, "salts") {}

  [[nodiscard]] std::uint64_t* tile(std::size_t t) { return matrix.data() + t * sizes.tile; }
  [[nodiscard]] const std::uint64_t* tile(std::size_t t) const { return matrix.data() + t * sizes.tile; }
  /// The 2^(log_n - l) digests of level l; leaves are level 0 and padded to whole groups.
  [[nodiscard]] Digest* level(unsigned l) {
    auto* const first = reinterpret_cast<Digest*>(digests.data());
    return l == 0 ? first : first + sizes.positions + (code.n() - (2 * code.n() >> l));
  }
  [[nodiscard]] const Digest* level(unsigned l) const { return const_cast<Impl*>(this)->level(l); }

  /// For the coefficients of a tile; zero beyond those of a row, where a block is longer.
  [[nodiscard]] Words coefficients() const {
    Words out(sizes.coefficients);
    const std::size_t k = code.k() * kTileRows;
    std::fill(out.data() + k, out.data() + sizes.coefficients, 0);
    return out;
  }
  /// Coefficients of tile t, [k][8], scaled.
  void load_tile(const CommitKernels& kernels, std::size_t t, std::uint64_t* out) const {
    TileRow tile_rows[kTileRows];
    for (std::size_t i = 0; i < kTileRows && kTileRows * t + i < rows.size(); ++i) {
      const TableauRow& row = rows[kTileRows * t + i];
      tile_rows[i] = {row.data.data, row.data.width, reinterpret_cast<const std::uint64_t*>(row.pads)};
    }
    kernels.load_tile(tile_rows, code.kd(), code.r, out);
    kernels.scale(plan->tables(), out);
  }

  Code code;
  std::vector<TableauRow> rows;
  Codewords codewords;
  Sizes sizes;
  std::shared_ptr<const EncodePlan> plan;
  Words matrix;      ///< [tile][position][8 rows], if kept
  Words digests;     ///< level after level, the root last
  SeedStream salts;  ///< salt j is its block j
};

namespace {

/// One commitment under way. A column is hashed in chunks of 16 blocks (BLAKE3's), which are independent of each other, and so
/// are cosets: a job is one chunk on some cosets, its tiles one after another, so that chaining values stay in cache. (A template
/// because Tree::Impl is private.)
template <class Impl>
class Builder {
 public:
  explicit Builder(Impl& impl)
      : impl_(impl),
        kernels_(commit_kernels(kernel())),
        tables_(impl.plan->tables()),
        key_(key_words(leaf_key())),
        stream_key_(key_words(impl.salts.key())),
        groups_(impl.sizes.positions / kGroup),
        blocks_(leaf_blocks(impl.rows.size())),
        chunks_(impl.sizes.chunks),
        cvs_(impl.sizes.chaining) {}

  void run() {
    // Few chunks: threads share the cosets as well, and each loads the tiles that it needs.
    const bool small = impl_.rows.size() * impl_.code.n() < kWorthThreads;
    const std::size_t parts =
        small || threads() == 1 || chunks_ >= 4 * threads() ? 1 : std::min<std::size_t>(units(), 2 * threads());
    const auto job = [&](std::size_t begin, std::size_t end) {
      Words coefficients = impl_.coefficients(), codeword(kept() ? 0 : impl_.sizes.coset);
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t chunk = i / parts, part = i % parts;
        const std::size_t first = part * units() / parts, last = (part + 1) * units() / parts;
        if (chunk == 0)
          for (std::size_t unit = first; unit < last; ++unit) begin_unit(unit);
        for (std::size_t t = first_tile(chunk); t < end_tile(chunk); ++t) {
          impl_.load_tile(kernels_, t, coefficients.data());
          for (std::size_t unit = first; unit < last; ++unit) absorb_tile(t, unit, coefficients.data(), codeword.data());
        }
      }
    };
    if (small)
      job(0, chunks_);
    else
      parallel_for(chunks_ * parts, 1, job);
    leaves();
    nodes();
  }

 private:
  [[nodiscard]] bool kept() const { return impl_.codewords == Codewords::kept; }
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
  std::size_t end_tile(std::size_t chunk) const { return std::min(impl_.sizes.tiles, (chunk + 1) * kChunkBlocks - 1); }

  /// Cosets are hashed on their own if they consist of whole groups, otherwise all together.
  [[nodiscard]] std::size_t units() const { return tables_.kd % kGroup == 0 ? tables_.cosets : 1; }

  /// Salts and row counts of a unit.
  void begin_unit(std::size_t unit) {
    const std::size_t count = groups_ / units(), first = unit * count;
    kernels_.salt(tables_.columns + kGroup * first, count, stream_key_.data(), impl_.rows.size(), block(0), cvs(0, first));
  }
  /// Encodes and absorbs tile t of a unit; in `codeword` if it is not kept.
  void absorb_tile(std::size_t t, std::size_t unit, const std::uint64_t* coefficients, std::uint64_t* codeword) {
    const BlockHash hash = block(t + 1);
    const std::size_t chunk = (t + 1) / kChunkBlocks;
    if (tables_.kd % kGroup == 0) {
      const std::size_t first = unit * tables_.kd;
      kernels_.encode(tables_, unit, coefficients, kept() ? impl_.tile(t) + kTileRows * first : codeword, &hash,
                      cvs(chunk, first / kGroup));
      return;
    }
    std::uint64_t* const out = kept() ? impl_.tile(t) : codeword;
    std::memset(out, 0, impl_.sizes.tile * kWordBytes);
    for (std::size_t e = 0; e < tables_.cosets; ++e)
      kernels_.encode(tables_, e, coefficients, out + kTileRows * e * tables_.kd, nullptr, nullptr);
    kernels_.hash(out, groups_, hash, cvs(chunk, 0));
  }

  /// Joins the chunks of each column as BLAKE3 does (neighbours pairwise, an odd last one moves up) and writes the leaves.
  void leaves() {
    auto* const out = reinterpret_cast<std::uint8_t*>(impl_.level(0));
    parallel_for(groups_, 64, [&](std::size_t begin, std::size_t end) {
      for (std::size_t count = chunks_; count > 1; count = (count + 1) / 2) {
        const BlockHash hash{key_.data(), 0,
                             static_cast<std::uint32_t>(kKeyed | kParent) | (count == 2 ? std::uint32_t{kRoot} : 0U), true};
        for (std::size_t p = 0; p < count / 2; ++p)
          kernels_.merge(cvs(2 * p, begin), cvs(2 * p + 1, begin), end - begin, hash, cvs(p, begin));
        if (count % 2 != 0) std::copy(cvs(count - 1, begin), cvs(count - 1, end), cvs(count / 2, begin));
      }
      kernels_.scatter(cvs(0, begin), end - begin, tables_.columns + kGroup * begin, out);
    });
  }
  void nodes() {
    for (unsigned l = 1; l <= impl_.code.log_n; ++l) {
      const Digest* const below = impl_.level(l - 1);
      Digest* const above = impl_.level(l);
      parallel_for(impl_.code.n() >> l, 1024, [&](std::size_t begin, std::size_t end) {
        hash_nodes(std::span(below + 2 * begin, 2 * (end - begin)), std::span(above + begin, end - begin));
      });
    }
  }

  Impl& impl_;
  const CommitKernels& kernels_;
  const EncodeTables& tables_;
  KeyWords key_, stream_key_;
  std::size_t groups_, blocks_, chunks_;
  Words cvs_;  ///< [chunk][group][8][16] words of 32 bits
};

/// Where the opened columns are, by position.
struct Place {
  std::uint32_t position, index;
};

/// Copies the opened columns out of the kept matrix, tile after tile; the next tile's lines are on their way meanwhile.
template <class Impl>
void copy_columns(const Impl& impl, std::span<const Place> places, std::vector<Fp>& out) {
  const std::size_t rows = impl.rows.size();
  parallel_for(impl.sizes.tiles, 32, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      const std::uint64_t* const tile = impl.tile(t);
      const std::uint64_t* const next = impl.tile(t + 1 < end ? t + 1 : t);
      const std::size_t count = std::min(kTileRows, rows - kTileRows * t);
      for (const Place& p : places) {
        __builtin_prefetch(next + kTileRows * p.position);
        std::memcpy(&out[p.index * rows + kTileRows * t].v, tile + kTileRows * p.position, count * kWordBytes);
      }
    }
  });
}

/// Encodes again, on the cosets and blocks that hold an opened column.
template <class Impl>
void encode_columns(const Impl& impl, std::span<const Place> places, std::vector<Fp>& out) {
  const CommitKernels& kernels = commit_kernels(kernel());
  const EncodeTables& tables = impl.plan->tables();
  const std::size_t rows = impl.rows.size(), kd = tables.kd;
  std::vector<std::uint32_t> positions;  // within their coset
  std::vector<std::size_t> first_of(tables.cosets + 1, places.size());
  for (std::size_t i = places.size(); i-- > 0;) first_of[places[i].position / kd] = i;
  for (std::size_t e = tables.cosets; e-- > 0;) first_of[e] = std::min(first_of[e], first_of[e + 1]);
  for (const Place& p : places) positions.push_back(static_cast<std::uint32_t>(p.position % kd));
  parallel_for(impl.sizes.tiles, 8, [&](std::size_t begin, std::size_t end) {
    Words coefficients = impl.coefficients(), codeword(impl.sizes.coset);
    for (std::size_t t = begin; t < end; ++t) {
      impl.load_tile(kernels, t, coefficients.data());
      const std::size_t count = std::min(kTileRows, rows - kTileRows * t);
      for (std::size_t e = 0; e < tables.cosets; ++e) {
        const std::size_t first = first_of[e], wanted = first_of[e + 1] - first;
        kernels.encode_at(tables, e, coefficients.data(), codeword.data(), positions.data() + first, wanted);
        for (std::size_t i = first; i < first + wanted; ++i)
          std::memcpy(&out[places[i].index * rows + kTileRows * t].v, codeword.data() + kTileRows * positions[i],
                      count * kWordBytes);
      }
    }
  });
}

}  // namespace

Tree::Tree(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;
Tree::~Tree() = default;

Tree Tree::commit(const Code& code, std::vector<TableauRow> rows, const Digest& salt_seed, Codewords codewords) {
  auto impl = std::make_unique<Impl>(code, std::move(rows), salt_seed, codewords);
  Builder(*impl).run();
  return Tree(std::move(impl));
}

const Digest& Tree::root() const { return impl_->level(impl_->code.log_n)[0]; }
const Code& Tree::code() const { return impl_->code; }
std::size_t Tree::rows() const { return impl_->rows.size(); }
Codewords Tree::codewords() const { return impl_->codewords; }

Opening Tree::open(std::span<const std::uint32_t> indices) const {
  Opening opening;
  opening.rows = rows();
  opening.columns.resize(indices.size() * rows());
  opening.salts.resize(indices.size());
  std::vector<Place> places;
  for (std::uint32_t i = 0; i < indices.size(); ++i)
    places.push_back({static_cast<std::uint32_t>(impl_->plan->position_of(indices[i])), i});
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.position < b.position; });
  if (codewords() == Codewords::kept)
    copy_columns(*impl_, places, opening.columns);
  else
    encode_columns(*impl_, places, opening.columns);
  const KeyWords key = key_words(impl_->salts.key());
  for (std::size_t i = 0; i < indices.size(); ++i) expand_key(key, indices[i], opening.salts[i]);
  std::vector<std::uint32_t> known(indices.begin(), indices.end()), above;
  for (unsigned l = 0; l < impl_->code.log_n; ++l) {
    const Digest* const level = impl_->level(l);
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

}  // namespace dsperse::crypto
