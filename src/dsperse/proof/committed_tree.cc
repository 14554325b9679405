#include "dsperse/proof/committed_tree.h"

#include <algorithm>
#include <cstring>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/hash/hash.h"

namespace dsperse::proof {
namespace {

using crypto::Fp;
using crypto::Symbols;
using crypto::Width;

constexpr std::size_t kRowsAtOnce = 16;  ///< of a thread

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

/// n values of one type as another that holds them all.
template <class From, class To>
void widen(const From* from, std::size_t n, To* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}
template <class From>
void widen(const From* from, std::size_t n, Fp* to) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto x = static_cast<std::int64_t>(from[i]);
    to[i] = Fp(static_cast<std::uint64_t>(x) + (x < 0 ? crypto::kP : 0));
  }
}
template <class From>
void widen(const From* from, std::size_t n, Width width, std::uint8_t* to) {
  switch (width) {
    case Width::i16:
      break;  // From is no wider: copied
    case Width::i32:
      if constexpr (sizeof(From) < 4) widen(from, n, reinterpret_cast<std::int32_t*>(to));
      break;
    case Width::i64:
      if constexpr (sizeof(From) < 8) widen(from, n, reinterpret_cast<std::int64_t*>(to));
      break;
    case Width::field:
      widen(from, n, reinterpret_cast<Fp*>(to));
  }
}
void copy_symbols(Symbols from, std::size_t n, Width width, std::uint8_t* to) {
  if (from.width == width) {
    std::memcpy(to, from.data, n * crypto::width_bytes(width));
    return;
  }
  switch (from.width) {
    case Width::i16:
      return widen(static_cast<const std::int16_t*>(from.data), n, width, to);
    case Width::i32:
      return widen(static_cast<const std::int32_t*>(from.data), n, width, to);
    case Width::i64:
      return widen(static_cast<const std::int64_t*>(from.data), n, width, to);
    case Width::field:
      break;  // the widest: copied
  }
}

Fp* field_words(Words& words) { return reinterpret_cast<Fp*>(words.data()); }

}  // namespace

void CommittedTree::replace(std::size_t row, std::span<const Fp> coefficients) {
  Words words(coefficients.size());
  std::copy(coefficients.begin(), coefficients.end(), field_words(words));
  rows[row] = {Symbols(field_words(words)), field_words(words) + code.kd()};
  owned.push_back(std::move(words));
}

Symbols symbols_of(const relation::IntView& view) {
  if (view.normal != nullptr) return Symbols(view.normal);
  if (view.narrow != nullptr) return Symbols(view.narrow);
  return Symbols(view.wide);
}

/// Either a view, or a row to be written with this width.
struct Tableau::Row {
  Symbols view;
  Width width = Width::i16;
  std::size_t part = 0;  ///< the first that reaches into the row
};

void Tableau::place(const Placed& placed, std::uint64_t first, Symbols values) {
  Part part{placed, values};
  part.placed.base -= first;
  if (part.placed.stride == part.placed.run) part.placed = {1, placed.elements(), placed.elements(), placed.b, part.placed.base};
  parts_.push_back(part);
}

/// part: the first that ends after the row's beginning; kept from row to row.
Tableau::Row Tableau::plan_row(std::size_t row, Storage storage, std::size_t& part) const {
  const std::uint64_t begin = static_cast<std::uint64_t>(row) << code_.c, end = begin + code_.kd();
  while (part < parts_.size() && parts_[part].placed.end() <= begin) ++part;
  Row out;
  out.part = part;
  for (std::size_t i = part; i < parts_.size() && parts_[i].placed.base < end; ++i) {
    const Placed& p = parts_[i].placed;
    out.width = std::max(out.width, parts_[i].values.width);
    if (storage != Storage::viewed) continue;
    const std::uint64_t run = begin < p.base ? 0 : (begin - p.base) / p.stride, at = p.base + run * p.stride;
    if (at <= begin && end <= at + p.run) {
      out.view = parts_[i].values.from(run * p.run + (begin - at));
      break;
    }
  }
  return out;
}

void Tableau::write_row(std::size_t row, std::size_t part, Width width, std::uint8_t* out) const {
  const std::size_t bytes = crypto::width_bytes(width);
  const std::uint64_t begin = static_cast<std::uint64_t>(row) << code_.c, end = begin + code_.kd();
  std::memset(out, 0, code_.kd() * bytes);
  for (std::size_t i = part; i < parts_.size() && parts_[i].placed.base < end; ++i) {
    const Placed& p = parts_[i].placed;
    for (std::uint64_t run = begin < p.base ? 0 : (begin - p.base) / p.stride; run < p.runs; ++run) {
      const std::uint64_t at = p.base + run * p.stride;
      if (at >= end) break;
      const std::uint64_t from = std::max(at, begin), to = std::min(at + p.run, end);
      if (from >= to) continue;
      copy_symbols(parts_[i].values.from(run * p.run + (from - at)), to - from, width, out + (from - begin) * bytes);
    }
  }
}

CommittedTree Tableau::finish(Storage storage, const Digest& seed, std::string_view label) const {
  CommittedTree out{code_, {}, {}, nullptr};
  std::vector<Row> plans;
  std::vector<std::size_t> at;  // bytes of owned rows before this one
  std::size_t part = 0, bytes = 0;
  for (std::size_t row = 0; row < rows_; ++row) {
    plans.push_back(plan_row(row, storage, part));
    at.push_back(bytes);
    if (plans.back().view.data == nullptr) bytes += (code_.kd() * crypto::width_bytes(plans.back().width) + 63) / 64 * 64;
  }
  Words data(bytes / sizeof(std::uint64_t)), pads(rows_ * code_.r);
  auto* const copies = reinterpret_cast<std::uint8_t*>(data.data());
  out.rows.resize(rows_);
  const auto make = [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      const Row& plan = plans[row];
      Fp* const own_pads = field_words(pads) + row * code_.r;
      out.rows[row] = {plan.view, own_pads};
      if (plan.view.data == nullptr) {
        write_row(row, plan.part, plan.width, copies + at[row]);
        out.rows[row].data = {copies + at[row], plan.width};
      }
      crypto::SeedStream(seed, label, row).fill(std::span<Fp>(own_pads, code_.r));
    }
  };
  parallel_for(rows_, kRowsAtOnce, make);
  out.owned.push_back(std::move(data));
  out.owned.push_back(std::move(pads));
  return out;
}

void add_rows(CommittedTree& tree, std::span<const Fp> symbols) {
  Words words(symbols.size());
  std::copy(symbols.begin(), symbols.end(), field_words(words));
  for (std::size_t at = 0; at < symbols.size(); at += tree.code.k())
    tree.rows.push_back({Symbols(field_words(words) + at), field_words(words) + at + tree.code.kd()});
  tree.owned.push_back(std::move(words));
}

CommittedTree commit_vectors(const crypto::Code& code, std::span<const quantize::Shape> shapes,
                             std::span<const std::uint32_t> ids, const ViewOf& view, const Digest& seed, Storage storage,
                             crypto::Codewords codewords) {
  std::vector<Placed> placed;
  std::uint64_t end = 0;
  for (const quantize::Shape& s : shapes) {
    placed.push_back(Placed::plan(s, end, code.c));
    end = placed.back().end();
  }
  Tableau tableau(code, static_cast<std::size_t>(ceil_div(end, code.kd())));
  for (std::size_t i = 0; i < placed.size(); ++i) tableau.place(placed[i], 0, symbols_of(view(ids[i])));
  CommittedTree out = tableau.finish(storage, seed, "pad");
  Digest salt_seed{};
  crypto::SeedStream(seed, "salt").fill(std::span<std::uint8_t>(salt_seed));
  out.tree = std::make_unique<crypto::Tree>(crypto::Tree::commit(code, out.rows, salt_seed, codewords));
  return out;
}

}  // namespace dsperse::proof
