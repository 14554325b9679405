#include "dsperse/relation/bulk.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <memory>
#include <optional>

#include "dsperse/base/parallel.h"
#include "dsperse/base/rule.h"
#include "dsperse/relation/counts.h"
#include "dsperse/relation/rounding.h"

namespace dsperse::relation {
namespace {

/// Elements evaluated at a time; their sums are 8 kB.
constexpr std::size_t kBlock = 1024;
/// Elements of a parallel task.
constexpr std::size_t kTask = 16 * kBlock;

/// Where a made tensor or column lies in the storage, and how wide its elements are. bytes 0: nowhere.
struct Place {
  unsigned bytes = 0;
  std::size_t offset = 0, size = 0;
};

unsigned bytes_for(std::int64_t lo, std::int64_t hi) {
  if (lo >= std::numeric_limits<std::int16_t>::min() && hi <= std::numeric_limits<std::int16_t>::max()) return 2;
  return lo >= std::numeric_limits<std::int32_t>::min() && hi <= std::numeric_limits<std::int32_t>::max() ? 4 : 8;
}

/// Stores; 1 if x does not fit, which no honest value does.
template <class T>
std::uint64_t put(T& to, std::int64_t x) {
  to = static_cast<T>(x);
  return static_cast<std::uint64_t>(to != x);
}
std::uint64_t put(Fp& to, std::int64_t x) {
  to = Fp::from_signed(x);
  return 0;
}
template <class T>
std::uint64_t put_all(T* to, const std::int64_t* from, std::size_t n) {
  std::uint64_t misfits = 0;
  for (std::size_t i = 0; i < n; ++i) misfits += put(to[i], from[i]);
  return misfits;
}

/// Shifts of a requantization laid out so that every block of elements reads contiguous entries, whatever its channel.
struct Shifts {
  explicit Shifts(const Requantization& r) {
    const bool same = std::all_of(r.shifts.begin(), r.shifts.end(), [&](std::int32_t s) { return s == r.shifts[0]; });
    period = same ? 1 : r.shifts.size();
    half = laid_out<std::int64_t>([&](std::size_t i) { return r.shifts[i] > 0 ? std::int64_t{1} << (r.shifts[i] - 1) : 0; });
    right = laid_out<std::int32_t>([&](std::size_t i) { return std::max(r.shifts[i], 0); });
    left = laid_out<std::int32_t>([&](std::size_t i) { return std::max(-r.shifts[i], 0); });
    top = laid_out<std::int32_t>([&](std::size_t i) { return top_width(r, i); });
    any_left = std::any_of(r.shifts.begin(), r.shifts.end(), [](std::int32_t s) { return s < 0; });
  }
  template <class T, class OfEntry>
  [[nodiscard]] std::vector<T> laid_out(OfEntry of) const {
    std::vector<T> out(period + kBlock);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i < period ? static_cast<T>(of(i)) : out[i - period];
    return out;
  }
  std::size_t period = 1;
  std::vector<std::int64_t> half;
  std::vector<std::int32_t> right, left, top;
  bool any_left = false;
};

class Bulk {
 public:
  Bulk(const Relation& relation, std::vector<IntView> tensors, const FillProduct& product)
      : relation_(relation), product_(product), made_(relation.tensors.size()), computed_(relation.lookups.size()) {
    out_.tensors = std::move(tensors);
    std::vector<std::size_t> rows;
    for (const Table& t : relation.tables) rows.push_back(t.rows.size());
    index_.resize(rows.size());
    parallel_tasks(rows, [&](std::size_t i) { index_[i] = TableIndex(relation_.tables[i]); });
    find_parts();
    plan_tensors();
    plan_columns();
    out_.storage = Words((bytes_ + 7) / 8);
    for (TensorRef ref = 0; ref < made_.size(); ++ref)
      if (made_[ref].bytes != 0) out_.tensors[ref] = tensor_view(made_[ref]);
    view_columns();
  }

  BulkValues run() {
    side_by_side(relation_.row_ops.size(), [&](std::size_t i) { return relation_.row_ops[i].rows(); }, &Bulk::fill_rows);
    side_by_side(
        relation_.requantizations.size(), [&](std::size_t i) { return quantize::elements(relation_.requantizations[i].shape); },
        &Bulk::round);
    // A rise may be read by the next one.
    for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i)
      if (relu_[i]) fill_lookup(i);
    side_by_side(
        relation_.lookups.size(), [&](std::size_t i) { return relu_[i] ? 0 : quantize::elements(relation_.lookups[i].shape); },
        &Bulk::fill_lookup_without_rise);
    for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref)
      if (relation_.tensors[ref].kind == Kind::digit) fill_digit(ref);
    count();
    out_.missing = missing_;
    return std::move(out_);
  }

 private:
  // What belongs to a requantization or a lookup.
  struct Rounded {
    std::vector<TensorRef> limbs;
    std::optional<TensorRef> top;
  };
  void find_parts() {
    rounded_.resize(relation_.requantizations.size());
    relu_.resize(relation_.lookups.size());
    rounds_.resize(relation_.lookups.size());
    multiplicities_.resize(relation_.tables.size());
    for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref) {
      const Tensor& t = relation_.tensors[ref];
      if (t.kind == Kind::limb) rounded_[t.index].limbs.push_back(ref);
      if (t.kind == Kind::top) rounded_[t.index].top = ref;
      if (t.kind == Kind::relu) relu_[t.index] = ref;
      if (t.kind == Kind::multiplicity) multiplicities_[t.index] = ref;
    }
    for (std::uint32_t r = 0; r < relation_.requantizations.size(); ++r) rounds_[relation_.requantizations[r].activation] = r;
    any_.resize(relation_.lookups.size());
    if constexpr (kDisarmable)
      for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i)
        if (disarmed("constraint " + relation_.lookups[i].id)) any_[i] = columns_of_a_row(relation_, relation_.lookups[i]);
  }
  [[nodiscard]] const std::vector<Terms>& terms(std::uint32_t i) const {
    return any_[i].empty() ? relation_.lookups[i].columns : any_[i];
  }

  // Storage.
  Place place(unsigned bytes, std::size_t n) {
    const Place p{bytes, bytes_, n};
    bytes_ += (n * bytes + 63) / 64 * 64;
    return p;
  }
  template <class T>
  T* at(const Place& p) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uint8_t*>(out_.storage.get()) + p.offset);
  }
  template <class F>
  auto with_tensor(const Place& p, F f) {
    return p.bytes == 2 ? f(at<std::int16_t>(p)) : p.bytes == 4 ? f(at<std::int32_t>(p)) : f(at<std::int64_t>(p));
  }
  template <class F>
  auto with_column(const Place& p, F f) {
    return p.bytes == 2 ? f(at<std::int16_t>(p)) : p.bytes == 4 ? f(at<std::int32_t>(p)) : f(at<Fp>(p));
  }
  IntView tensor_view(const Place& p) {
    return with_tensor(p, [&](auto* v) { return IntView(std::span<const std::remove_pointer_t<decltype(v)>>(v, p.size)); });
  }
  ColumnView column_view(const Place& p) {
    return {p.bytes == 2 ? at<std::int16_t>(p) : nullptr, p.bytes == 4 ? at<std::int32_t>(p) : nullptr,
            p.bytes == 8 ? at<Fp>(p) : nullptr, p.size};
  }

  void plan_tensors() {
    for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref) {
      const Tensor& t = relation_.tensors[ref];
      const auto n = static_cast<std::size_t>(quantize::elements(t.shape));
      switch (t.kind) {
        case Kind::weight:
        case Kind::value:
          break;
        case Kind::limb: {
          const Requantization& r = relation_.requantizations[t.index];
          std::int64_t width = 0;
          for (std::size_t k = 0; k < r.shifts.size(); ++k) width = std::max(width, limb_width(r, k, t.step));
          made_[ref] = place(bytes_for(0, (std::int64_t{1} << width) - 1), n);
          break;
        }
        case Kind::top: {
          const Requantization& r = relation_.requantizations[t.index];
          std::int32_t width = 0;
          for (std::size_t k = 0; k < r.shifts.size(); ++k) width = std::max(width, top_width(r, k));
          const std::int64_t most = (saturation(r.v_max, r.middle, r.block).big + 1) << width;
          made_[ref] = place(bytes_for(-most, most), n);
          break;
        }
        case Kind::digit:
          made_[ref] = place(2, n);
          break;
        case Kind::relu: {
          const auto& [lo, hi] = index_[relation_.lookups[t.index].table].bounds(1);
          made_[ref] = place(bytes_for(lo, hi), n);
          break;
        }
        case Kind::multiplicity:
          made_[ref] = place(4, n);
          break;
        case Kind::row: {
          const quantize::RowPart& part = relation_.row_ops[t.index].parts()[t.step];
          made_[ref] = place(bytes_for(part.lo, part.hi), n);
          break;
        }
      }
    }
  }

  /// The tensor that the terms read in its own order, if that is all they do and its storage is narrow enough.
  [[nodiscard]] std::optional<TensorRef> in_place(const Terms& terms, const Shape& site) const {
    if (terms.size() != 1) return {};
    const Term& t = terms[0];
    if (t.of != Term::Of::tensor || t.scalar != Fp(1) || !t.scales.empty() || !t.extra.empty() || !reads_in_place(t.view, site))
      return {};
    if (made_[t.id].bytes == 8 || (made_[t.id].bytes == 0 && out_.tensors[t.id].wide != nullptr)) return {};
    return t.id;
  }
  /// The constant that the terms are everywhere, if they are one of 16 bits.
  static std::optional<std::int16_t> constant(const Terms& terms) {
    if (terms.size() != 1) return {};
    const Term& t = terms[0];
    const std::int64_t x = to_signed(t.scalar);
    if (t.of != Term::Of::constant || !t.view.maps.empty() || !t.scales.empty() || !t.extra.empty() || bytes_for(x, x) != 2)
      return {};
    return static_cast<std::int16_t>(x);
  }

  void plan_columns() {
    for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i) {
      const Lookup& lookup = relation_.lookups[i];
      const auto n = static_cast<std::size_t>(quantize::elements(lookup.shape));
      for (std::size_t c = 0; c < lookup.columns.size(); ++c) {
        Place p;
        if (const auto x = constant(terms(i)[c]))
          constants_[*x].size = std::max(constants_[*x].size, n);
        else if (!in_place(terms(i)[c], lookup.shape))
          p = place(bytes_for(index_[lookup.table].bounds(c)[0], index_[lookup.table].bounds(c)[1]), n);
        computed_[i].push_back(p);
      }
    }
    for (auto& [x, p] : constants_) p = place(2, p.size);  // one copy, as long as its longest column
  }
  void view_columns() {
    for (const auto& [x, p] : constants_) std::fill_n(at<std::int16_t>(p), p.size, x);
    out_.columns.resize(relation_.lookups.size());
    for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i) {
      const Lookup& lookup = relation_.lookups[i];
      for (std::size_t c = 0; c < lookup.columns.size(); ++c) {
        ColumnView view = column_view(computed_[i][c]);
        if (const auto x = constant(terms(i)[c])) {
          view = column_view(constants_.at(*x));
          view.size = static_cast<std::size_t>(quantize::elements(lookup.shape));
        } else if (const auto ref = in_place(terms(i)[c], lookup.shape)) {
          const IntView& v = out_.tensors[*ref];
          view = {v.narrow, v.normal, nullptr, v.size};
        }
        out_.columns[i].push_back(view);
      }
    }
  }

  // Values.
  /// fill(i) for every i < n, each of elements(i); small ones beside each other.
  template <class Elements>
  void side_by_side(std::size_t n, const Elements& elements, void (Bulk::*fill)(std::uint32_t)) {
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < n; ++i) sizes.push_back(static_cast<std::size_t>(elements(i)));
    parallel_tasks(sizes, [&](std::size_t i) { (this->*fill)(static_cast<std::uint32_t>(i)); });
  }
  /// In blocks: body(begin, end), on all threads.
  template <class Body>
  void in_blocks(std::size_t n, const Body& body) {
    parallel_for(n, kTask, [&](std::size_t begin, std::size_t end) {
      std::uint64_t misfits = 0;
      for (std::size_t at = begin; at < end; at += kBlock) misfits += body(at, std::min(end, at + kBlock));
      if (misfits != 0) missing_ += misfits;
    });
  }
  [[nodiscard]] IntegerTerms integer_terms(const Terms& terms, const Shape& site) const {
    return {terms, site, [&](const Term& t) { return out_.tensors[t.id]; }};
  }

  /// In blocks of rows, each made in 64 bits before it is stored.
  void fill_rows(std::uint32_t index) {
    const quantize::RowParts& row = relation_.row_ops[index];
    std::vector<const std::int32_t*> x;
    for (const quantize::TensorId t : row.inputs()) x.push_back(out_.tensors[value_ref(relation_, t)].normal);
    const std::vector<TensorRef> refs = row_parts(relation_, index);
    std::size_t per_row = 1;
    for (const quantize::RowPart& part : row.parts()) per_row += static_cast<std::size_t>(part.per_row);
    const std::size_t block = std::max<std::size_t>(1, 4 * kBlock / per_row);
    parallel_for(static_cast<std::size_t>(row.rows()), block, [&](std::size_t begin, std::size_t end) {
      std::vector<std::int64_t> values(std::min(block, end - begin) * per_row);
      std::uint64_t misfits = 0;
      for (std::size_t at = begin; at < end; at += block) {
        const std::size_t rows = std::min(block, end - at);
        std::vector<std::int64_t*> out;
        std::int64_t* next = values.data();
        for (const quantize::RowPart& part : row.parts()) {
          out.push_back(next);
          next += rows * static_cast<std::size_t>(part.per_row);
        }
        row.fill(x, static_cast<std::int64_t>(at), static_cast<std::int64_t>(at + rows), out);
        for (std::size_t k = 0; k < refs.size(); ++k) {
          const auto n = static_cast<std::size_t>(row.parts()[k].per_row);
          misfits += with_tensor(made_[refs[k]], [&](auto* to) { return put_all(to + at * n, out[k], rows * n); });
        }
      }
      if (misfits != 0) missing_ += misfits;
    });
  }

  void round(std::uint32_t index) {
    const Requantization& r = relation_.requantizations[index];
    const auto n = static_cast<std::size_t>(quantize::elements(r.shape));
    std::map<std::uint32_t, Sums> sums;
    for (const Term& t : r.acc)
      if (t.of == Term::Of::product && !sums.contains(t.id)) sums.emplace(t.id, product_sums(t.id));
    const IntegerTerms acc(r.acc, r.shape, [&](const Term& t) {
      return t.of == Term::Of::product ? IntView(sums.at(t.id).view()) : out_.tensors[t.id];
    });
    const Shifts shifts(r);
    std::vector<std::vector<std::int32_t>> masks;
    for (std::uint32_t l = 0; l < rounded_[index].limbs.size(); ++l) {
      masks.push_back(shifts.laid_out<std::int32_t>([&](std::size_t i) { return (std::int32_t{1} << limb_width(r, i, l)) - 1; }));
    }
    Place column;
    if (any_[r.activation].empty()) column = computed_[r.activation][0];
    in_blocks(n, [&](std::size_t begin, std::size_t end) {
      std::array<std::int64_t, kBlock> v;
      acc.evaluate(begin, end, v.data());
      return round_block(r, rounded_[index], shifts, masks, column, begin, end - begin, v.data());
    });
  }
  /// v: accumulators. Unsigned, so that values beyond every bound wrap.
  std::uint64_t round_block(const Requantization& r, const Rounded& parts, const Shifts& shifts,
                            const std::vector<std::vector<std::int32_t>>& masks, const Place& column, std::size_t begin,
                            std::size_t n, std::int64_t* v) {
    const std::size_t first = begin % shifts.period;
    const std::int64_t* const half = shifts.half.data() + first;
    for (std::size_t i = 0; i < n; ++i)
      v[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(v[i]) + static_cast<std::uint64_t>(half[i]));
    for (std::size_t l = 0; l < parts.limbs.size(); ++l) {
      const std::int32_t* const mask = masks[l].data() + first;
      const auto down = static_cast<unsigned>(r.limb_bits * l);
      with_tensor(made_[parts.limbs[l]], [&](auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        for (std::size_t i = 0; i < n; ++i)
          to[begin + i] = static_cast<T>(static_cast<std::int32_t>(static_cast<std::uint64_t>(v[i]) >> down) & mask[i]);
      });
    }
    const std::int32_t* const right = shifts.right.data() + first;
    const std::int32_t* const top = shifts.top.data() + first;
    if (parts.top)
      with_tensor(made_[*parts.top], [&](auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        for (std::size_t i = 0; i < n; ++i)
          to[begin + i] = static_cast<T>(v[i] >> (right[i] - top[i]) & ((std::int64_t{1} << top[i]) - 1));
      });
    for (std::size_t i = 0; i < n; ++i) v[i] >>= right[i];
    if (shifts.any_left) {
      const std::int32_t* const left = shifts.left.data() + first;
      for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(v[i]) << left[i]);
    }
    std::uint64_t misfits = 0;
    const auto saturates = [&](std::int64_t x) {
      return static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(r.middle) >= 2 * static_cast<std::uint64_t>(r.middle);
    };
    bool any = false;
    if (parts.top)
      for (std::size_t i = 0; i < n; ++i) any |= saturates(v[i]);
    if (any)
      with_tensor(made_[*parts.top], [&](auto* to) {
        for (std::size_t i = 0; i < n; ++i) {
          if (!saturates(v[i])) continue;
          const auto offset = static_cast<std::uint64_t>(saturating_offset(v[i], r.v_max, r.middle, r.block));
          const auto low = static_cast<std::uint64_t>(static_cast<std::int64_t>(to[begin + i]));
          misfits += put(to[begin + i], static_cast<std::int64_t>(low - (offset << top[i])));
          v[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(v[i]) + offset);
        }
      });
    if (column.bytes != 0) misfits += with_column(column, [&](auto* to) { return put_all(to + begin, v, n); });
    return misfits;
  }
  struct Sums {
    std::unique_ptr<std::int64_t[]> values;
    std::size_t size = 0;
    [[nodiscard]] std::span<std::int64_t> view() const { return {values.get(), size}; }
  };
  [[nodiscard]] Sums product_sums(std::uint32_t product) const {
    const auto n = static_cast<std::size_t>(quantize::elements(relation_.products[product].shape));
    Sums out{std::make_unique_for_overwrite<std::int64_t[]>(n), n};
    product_(product, out_.tensors, out.view());
    return out;
  }

  void fill_lookup_without_rise(std::uint32_t i) {
    if (!relu_[i]) fill_lookup(i);
  }
  /// Columns that are neither views nor rounded sums, and the positive part of the first if the lookup has one.
  void fill_lookup(std::uint32_t i) {
    const Lookup& lookup = relation_.lookups[i];
    const auto n = static_cast<std::size_t>(quantize::elements(lookup.shape));
    const bool own = any_[i].empty();
    if (relu_[i]) fill_relu(i, own ? computed_[i][0] : Place());
    for (std::size_t c = 0; c < lookup.columns.size(); ++c) {
      const Place p = computed_[i][c];
      if (p.bytes == 0 || (c == 0 && own && (relu_[i] || rounds_[i]))) continue;
      const IntegerTerms sum = integer_terms(terms(i)[c], lookup.shape);
      in_blocks(n, [&](std::size_t begin, std::size_t end) {
        std::array<std::int64_t, kBlock> x;
        sum.evaluate(begin, end, x.data());
        return with_column(p, [&](auto* to) { return put_all(to + begin, x.data(), end - begin); });
      });
    }
  }
  void fill_relu(std::uint32_t i, const Place& column) {
    const Lookup& lookup = relation_.lookups[i];
    const IntegerTerms difference = integer_terms(lookup.columns[0], lookup.shape);
    const Place tensor = made_[*relu_[i]];
    in_blocks(static_cast<std::size_t>(quantize::elements(lookup.shape)), [&](std::size_t begin, std::size_t end) {
      std::array<std::int64_t, kBlock> d;
      const std::size_t n = end - begin;
      difference.evaluate(begin, end, d.data());
      std::uint64_t misfits = 0;
      if (column.bytes != 0) misfits = with_column(column, [&](auto* to) { return put_all(to + begin, d.data(), n); });
      for (std::size_t k = 0; k < n; ++k) d[k] = std::max<std::int64_t>(0, d[k]);
      return misfits + with_tensor(tensor, [&](auto* to) { return put_all(to + begin, d.data(), n); });
    });
  }

  void fill_digit(TensorRef ref) {
    const Tensor& t = relation_.tensors[ref];
    const IntView w = out_.tensors[t.index];
    const auto bound = static_cast<std::uint64_t>(relation_.weight_bounds[t.index]);
    auto* const to = at<std::int16_t>(made_[ref]);
    for (std::size_t i = 0; i < w.size; ++i) {
      const auto weight = static_cast<std::uint64_t>(w.at(i));
      const auto x = static_cast<std::int64_t>(t.step % 2 == 0 ? bound + weight : bound - weight);
      to[i] = static_cast<std::int16_t>((x >> (kDigitBits * (t.step / 2))) & ((1 << kDigitBits) - 1));
    }
  }

  /// All lookups' elements as tasks. Every worker counts for itself; sums do not depend on who took which task.
  void count() {
    std::vector<std::array<std::size_t, 3>> tasks;  // lookup, begin, end
    for (std::uint32_t i = 0; i < relation_.lookups.size(); ++i) {
      const std::size_t n = out_.columns[i][0].size;
      for (std::size_t begin = 0; begin < n; begin += 4 * kTask) tasks.push_back({i, begin, std::min(n, begin + 4 * kTask)});
    }
    const std::size_t workers = std::min(threads(), std::max<std::size_t>(1, tasks.size()));
    std::vector<std::vector<std::vector<std::uint32_t>>> counts(workers, std::vector<std::vector<std::uint32_t>>(index_.size()));
    std::atomic<std::size_t> next{0};
    parallel_for(workers, 1, [&](std::size_t worker, std::size_t) {
      for (std::size_t k = next++; k < tasks.size(); k = next++) {
        const auto [lookup, begin, end] = tasks[k];
        const std::uint32_t table = relation_.lookups[lookup].table;
        std::vector<std::uint32_t>& mine = counts[worker][table];
        if (mine.empty()) mine.resize(index_[table].rows());
        if (const std::uint64_t n = index_[table].count(out_.columns[lookup], begin, end, mine.data()); n != 0) missing_ += n;
      }
    });
    for (std::uint32_t table = 0; table < index_.size(); ++table) {
      auto* const to = at<std::int32_t>(made_[multiplicities_[table]]);
      std::fill_n(to, index_[table].rows(), 0);
      for (const auto& worker : counts)
        for (std::size_t row = 0; row < worker[table].size(); ++row) to[row] += static_cast<std::int32_t>(worker[table][row]);
    }
  }

  const Relation& relation_;
  const FillProduct& product_;
  BulkValues out_;
  std::vector<TableIndex> index_;                     // by table
  std::vector<Rounded> rounded_;                      // by requantization
  std::vector<std::optional<TensorRef>> relu_;        // by lookup
  std::vector<std::optional<std::uint32_t>> rounds_;  // by lookup: the requantization whose v it looks up
  std::vector<TensorRef> multiplicities_;             // by table
  std::vector<std::vector<Terms>> any_;               // by lookup: what stands in for a disarmed one
  std::vector<Place> made_;                           // by TensorRef
  std::vector<std::vector<Place>> computed_;          // by lookup, column
  std::map<std::int16_t, Place> constants_;
  std::size_t bytes_ = 0;
  std::atomic<std::uint64_t> missing_{0};
};

}  // namespace

BulkValues fill_in_bulk(const Relation& relation, std::vector<IntView> tensors, const FillProduct& product) {
  return Bulk(relation, std::move(tensors), product).run();
}

}  // namespace dsperse::relation
