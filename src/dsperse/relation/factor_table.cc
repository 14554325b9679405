#include "dsperse/relation/factor_table.h"

#include <algorithm>
#include <array>

#include "dsperse/base/parallel.h"
#include "dsperse/crypto/poly/multilinear.h"

namespace dsperse::relation {
namespace {

using crypto::Ext;
using crypto::ExtVec;
using crypto::kLanes;

/// Shorter rows are summed element by element.
constexpr std::size_t kShortRow = 8;
/// Products of a parallel task.
constexpr std::size_t kTask = 1 << 14;

/// Elements of E limb by limb: rows of a limb are rows over F, which accumulate_rows sums.
template <int D>
struct Limbs {
  explicit Limbs(std::size_t n) {
    for (auto& limb : limbs) limb.resize(n);
  }
  [[nodiscard]] std::size_t size() const { return limbs[0].size(); }
  [[nodiscard]] Ext<D> at(std::size_t i) const {
    Ext<D> e;
    for (std::size_t l = 0; l < D; ++l) e.c[l] = limbs[l][i];
    return e;
  }
  void set(std::size_t i, const Ext<D>& e) {
    for (std::size_t l = 0; l < D; ++l) limbs[l][i] = e.c[l];
  }
  void set_row(std::size_t at, const ExtVec<D>& row) {
    for (std::size_t i = 0; i < row.size(); i += kLanes)
      for (std::size_t l = 0; l < D; ++l) {
        const std::uint64_t* const from = row.block(i / kLanes) + l * kLanes;
        for (std::size_t j = 0; j < std::min(kLanes, row.size() - i); ++j) limbs[l][at + i + j] = crypto::Fp(from[j]);
      }
  }
  std::array<std::vector<crypto::Fp>, D> limbs;
};

template <int D>
class Fold {
 public:
  using E = Ext<D>;
  Fold(IntView tensor, const BoundProduct<D>& bound, const std::vector<AxisRows<D>>& axes)
      : tensor_(tensor), bound_(bound), axes_(axes) {}

  ExtVec<D> table() const {
    std::size_t first = 0, rest = tensor_.size;
    E scalar = E::one();
    while (first < axes_.size() && axes_[first].size == 1 && axes_[first].rows() == 1) {
      scalar *= axes_[first].entries.empty() ? E{} : axes_[first].entries[0].second;
      ++first;
    }
    Limbs<D> now(1);  // [kept letters so far][rest]
    if (first == axes_.size()) {
      now.set(0, scalar * crypto::Fp::from_signed(tensor_.at(0)));
    } else {
      rest /= static_cast<std::size_t>(axes_[first].size);
      now = tensor_.visit([&](const auto* values) { return fold_integers(values, axes_[first], rest, scalar); });
      for (std::size_t k = first + 1; k < axes_.size(); ++k) {
        rest /= static_cast<std::size_t>(axes_[k].size);
        if (!is_identity(axes_[k])) now = fold_elements(now, axes_[k], rest);
      }
    }
    return place(now);
  }

 private:
  static bool is_identity(const AxisRows<D>& axis) {
    if (axis.rows() != static_cast<std::size_t>(axis.size) || axis.entries.size() != axis.rows()) return false;
    for (std::uint32_t i = 0; i < axis.rows(); ++i)
      if (axis.ends[i] != i + 1 || axis.entries[i].first != i || axis.entries[i].second != E::one()) return false;
    return true;
  }
  /// Rows of `rest` elements that a parallel task takes.
  static std::size_t grain(const AxisRows<D>& axis, std::size_t rest) {
    std::size_t most = 1;
    for (std::size_t r = 0; r < axis.rows(); ++r) most = std::max(most, axis.row(r).size());
    return std::max<std::size_t>(1, kTask / (most * rest));
  }

  template <class T>
  static Limbs<D> fold_integers(const T* values, const AxisRows<D>& axis, std::size_t rest, const E& scalar) {
    Limbs<D> out(axis.rows() * rest);
    // Long rows are cut into tiles by accumulate_rows, short ones are many.
    parallel_for(axis.rows(), rest >= kTask ? axis.rows() : grain(axis, rest), [&](std::size_t begin, std::size_t end) {
      std::vector<E> weights;
      std::vector<const T*> rows;
      for (std::size_t row = begin; row < end; ++row) {
        if (rest < kShortRow) {
          for (std::size_t j = 0; j < rest; ++j) {
            E sum;
            for (const auto& [i, w] : axis.row(row)) sum += w * crypto::Fp::from_signed(values[i * rest + j]);
            out.set(row * rest + j, sum * scalar);
          }
          continue;
        }
        weights.clear(), rows.clear();
        for (const auto& [i, w] : axis.row(row)) {
          weights.push_back(w * scalar);
          rows.push_back(values + i * rest);
        }
        sum_rows(out, row * rest, weights, rows, rest);
      }
    });
    return out;
  }

  static Limbs<D> fold_elements(const Limbs<D>& now, const AxisRows<D>& axis, std::size_t rest) {
    const std::size_t size = static_cast<std::size_t>(axis.size) * rest, prefix = now.size() / size;
    Limbs<D> out(prefix * axis.rows() * rest);
    parallel_for(prefix * axis.rows(), grain(axis, rest), [&](std::size_t begin, std::size_t end) {
      std::vector<E> weights;
      std::vector<const crypto::Fp*> rows;
      for (std::size_t row = begin; row < end; ++row) {
        const std::size_t from = row / axis.rows() * size;
        const auto entries = axis.row(row % axis.rows());
        if (rest < kShortRow) {
          for (std::size_t j = 0; j < rest; ++j) {
            E sum;
            for (const auto& [i, w] : entries) sum += w * now.at(from + i * rest + j);
            out.set(row * rest + j, sum);
          }
          continue;
        }
        // w (x0 + X x1 + ...) = w x0 + (w X) x1 + ...: every limb is a row over F.
        weights.clear(), rows.clear();
        for (const auto& [i, w] : entries)
          for (std::size_t l = 0; l < D; ++l) {
            weights.push_back(l == 0 ? w : w * E::basis(static_cast<int>(l)));
            rows.push_back(now.limbs[l].data() + from + i * rest);
          }
        sum_rows(out, row * rest, weights, rows, rest);
      }
    });
    return out;
  }

  template <class T>
  static void sum_rows(Limbs<D>& out, std::size_t at, const std::vector<E>& weights, const std::vector<const T*>& rows,
                       std::size_t rest) {
    ExtVec<D> sum(rest);
    if constexpr (sizeof(T) == 8 && std::is_integral_v<T>) {
      std::vector<crypto::Fp> elements(rows.size() * rest);
      std::vector<const crypto::Fp*> starts;
      for (std::size_t k = 0; k < rows.size(); ++k) {
        starts.push_back(elements.data() + k * rest);
        for (std::size_t j = 0; j < rest; ++j) elements[k * rest + j] = crypto::Fp::from_signed(rows[k][j]);
      }
      crypto::accumulate_rows<D>(sum, std::span<const E>(weights), std::span<const crypto::Fp* const>(starts), rest);
    } else {
      crypto::accumulate_rows<D>(sum, std::span<const E>(weights), std::span<const T* const>(rows), rest);
    }
    out.set_row(at, sum);
  }

  /// From axis order, dense, to the letters' bit fields.
  ExtVec<D> place(const Limbs<D>& dense) const {
    ExtVec<D> out(std::size_t{1} << bound_.vars);
    std::vector<std::size_t> sizes;
    std::vector<unsigned> shifts;
    for (const AxisRows<D>& axis : axes_)
      for (std::size_t k = 0; k < axis.kept.size(); ++k) {
        sizes.push_back(static_cast<std::size_t>(axis.kept_sizes[k]));
        shifts.push_back(bound_.shift(axis.kept[k]));
      }
    // The last letter is a run where it has the lowest variables, which is nearly always.
    const bool runs = !sizes.empty() && shifts.back() == 0 && bits_for(sizes.back()) >= 3;
    const std::size_t run = runs ? sizes.back() : 1;
    if (runs) sizes.pop_back(), shifts.pop_back();
    std::vector<std::size_t> at(sizes.size(), 0);
    std::size_t address = 0;
    for (std::size_t from = 0; from < dense.size(); from += run) {
      if (runs)
        set_run(out, address, dense, from, run);
      else
        out.set(address, dense.at(from));
      for (std::size_t k = sizes.size(); k-- > 0;) {
        address += std::size_t{1} << shifts[k];
        if (++at[k] < sizes[k]) break;
        address -= sizes[k] << shifts[k];
        at[k] = 0;
      }
    }
    return out;
  }
  /// address: a multiple of kLanes, as all letters above have at least three variables below them.
  static void set_run(ExtVec<D>& out, std::size_t address, const Limbs<D>& dense, std::size_t from, std::size_t n) {
    for (std::size_t i = 0; i < n; i += kLanes)
      for (std::size_t l = 0; l < D; ++l) {
        std::uint64_t* const to = out.block((address + i) / kLanes) + l * kLanes;
        for (std::size_t j = 0; j < std::min(kLanes, n - i); ++j) to[j] = dense.limbs[l][from + i + j].v;
      }
  }

  IntView tensor_;
  const BoundProduct<D>& bound_;
  const std::vector<AxisRows<D>>& axes_;
};

}  // namespace

template <int D>
ExtVec<D> factor_table(IntView tensor, const BoundProduct<D>& bound, const std::vector<AxisRows<D>>& axes) {
  return Fold<D>(tensor, bound, axes).table();
}

template ExtVec<2> factor_table<2>(IntView, const BoundProduct<2>&, const std::vector<AxisRows<2>>&);
template ExtVec<3> factor_table<3>(IntView, const BoundProduct<3>&, const std::vector<AxisRows<3>>&);

}  // namespace dsperse::relation
