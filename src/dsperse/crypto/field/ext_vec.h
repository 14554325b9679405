// ExtVec: an array of extension elements in blocks of 8 lanes, limb by limb: block b holds limb 0 of elements
// 8b..8b+7, then limb 1, ... One stream for the vector kernels, no shuffles between limbs.
//
// The tail of the last block is zero and every kernel keeps it so. Tested by crypto/field/field_test.cc.
#pragma once

#include <cstring>
#include <span>
#include <utility>

#include "dsperse/base/words.h"
#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

inline constexpr std::size_t kLanes = 8;

template <int D>
class ExtVec {
 public:
  ExtVec() = default;
  /// n zero elements, 64-byte aligned.
  explicit ExtVec(std::size_t n) : n_(n), data_(ZeroedWords((n + kLanes - 1) / kLanes * kBlock)) {}
  /// n elements for a caller that writes every block at once; until then they are undefined, but for the zero tail.
  static ExtVec uninitialized(std::size_t n) {
    ExtVec out;
    out.n_ = n;
    out.data_ = Words(out.blocks() * kBlock);
    if (n % kLanes != 0) std::memset(out.block(n / kLanes), 0, kBlock * sizeof(std::uint64_t));
    return out;
  }
  /// A copy of these.
  static ExtVec of(std::span<const Ext<D>> values) {
    ExtVec out = uninitialized(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) out.set(i, values[i]);
    return out;
  }
  ExtVec(ExtVec&& o) noexcept : n_(std::exchange(o.n_, 0)), data_(std::move(o.data_)) {}
  ExtVec& operator=(ExtVec&& o) noexcept {
    n_ = std::exchange(o.n_, 0);
    data_ = std::move(o.data_);
    return *this;
  }
  ExtVec(const ExtVec& o) : n_(o.n_), data_(o.blocks() * kBlock) {
    if (n_ != 0) std::memcpy(data_.get(), o.data_.get(), blocks() * kBlock * sizeof(std::uint64_t));
  }
  ExtVec& operator=(const ExtVec& o) { return *this = ExtVec(o); }

  [[nodiscard]] std::size_t size() const { return n_; }
  [[nodiscard]] std::size_t blocks() const { return (n_ + kLanes - 1) / kLanes; }
  /// 8 D words of block b.
  [[nodiscard]] std::uint64_t* block(std::size_t b) { return data_.get() + b * kBlock; }
  [[nodiscard]] const std::uint64_t* block(std::size_t b) const { return data_.get() + b * kBlock; }

  [[nodiscard]] Ext<D> operator[](std::size_t i) const {
    Ext<D> e;
    const std::uint64_t* p = block(i / kLanes) + i % kLanes;
    for (std::size_t k = 0; k < D; ++k) e.c[k] = Fp(p[k * kLanes]);
    return e;
  }
  void set(std::size_t i, const Ext<D>& e) {
    std::uint64_t* p = block(i / kLanes) + i % kLanes;
    for (std::size_t k = 0; k < D; ++k) p[k * kLanes] = e.c[k].v;
  }
  void add(std::size_t i, const Ext<D>& e) { set(i, (*this)[i] + e); }
  /// Keeps the first n elements (n <= size()); no reallocation, the new tail is zeroed.
  void truncate(std::size_t n) {
    n_ = n;
    for (std::size_t i = n; i < blocks() * kLanes; ++i) set(i, {});
  }

 private:
  static constexpr std::size_t kBlock = kLanes * static_cast<std::size_t>(D);
  std::size_t n_ = 0;
  Words data_;
};

}  // namespace dsperse::crypto
