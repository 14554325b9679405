// Loops over blocks, compiled once per instruction set (kernels.h says what each does).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12's own AVX-512 header (bug 105593)
#endif

#include "dsperse/crypto/lookup/kernels.h"

#include "dsperse/crypto/poly/packed_ext.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

using Word = std::uint64_t;

/// x where the lane's bit is set, else y.
DSPERSE_INLINE F8 select(unsigned bits, F8 x, F8 y) {
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512IFMA__)
  return {_mm512_mask_mov_epi64(y.v, static_cast<__mmask8>(bits), x.v)};
#else
  Word a[kLaneCount], b[kLaneCount];
  store(a, x);
  store(b, y);
  for (unsigned i = 0; i < kLaneCount; ++i) a[i] = ((bits >> i) & 1) != 0 ? a[i] : b[i];
  return load(a);
#endif
}
/// Bits k, k + 4, k + 8, ... of 32.
DSPERSE_INLINE unsigned every_fourth(std::uint32_t bits, unsigned k) {
#ifdef __BMI2__
  return _pext_u32(bits, 0x11111111U << k);
#else
  unsigned out = 0;
  for (unsigned i = 0; i < 8; ++i) out |= ((bits >> (4 * i + k)) & 1U) << i;
  return out;
#endif
}

template <int D>
struct Loops {
  using E = E8<D>;
  static constexpr std::size_t kBlock = kLaneCount * static_cast<std::size_t>(D);

  DSPERSE_INLINE static E at(const Word* t, std::size_t b) { return load_ext<D>(t + b * kBlock); }
  DSPERSE_INLINE static E at_or_zero(const Word* t, std::size_t b, std::size_t n) { return b < n ? at(t, b) : zero_ext<D>(); }
  DSPERSE_INLINE static void put(Word* t, std::size_t b, const E& e) { store_ext<D>(t + b * kBlock, e); }
  DSPERSE_INLINE static E select_ext(unsigned bits, const E& x, const E& y) {
    E e;
    for (int m = 0; m < D; ++m) e.c[m] = select(bits, x.c[m], y.c[m]);
    return e;
  }

  /// even, odd of blocks 2b, 2b + 1.
  DSPERSE_INLINE static void pair(const Word* t, std::size_t b, std::size_t in, E& even, E& odd) {
    deinterleave<D>(at(t, 2 * b), at_or_zero(t, 2 * b + 1, in), even, odd);
  }
  DSPERSE_INLINE static E folded(const Word* t, std::size_t b, std::size_t in, const Const<D>& x) {
    if (2 * b >= in) return zero_ext<D>();
    E even, odd;
    pair(t, b, in, even, odd);
    return add_product<D>(even, odd - even, x);
  }
  /// Folds blocks 4i ... 4i + 3 to two, stores them and splits them.
  DSPERSE_INLINE static void fold_pair(Word* out, const Word* t, std::size_t i, std::size_t in, const Const<D>& c, E& even,
                                       E& odd) {
    const E low = folded(t, 2 * i, in, c), high = folded(t, 2 * i + 1, in, c);
    put(out, 2 * i, low);
    if (4 * i + 2 < in) put(out, 2 * i + 1, high);
    deinterleave<D>(low, high, even, odd);
  }
  /// The line through (0, even), (1, odd) at 2.
  DSPERSE_INLINE static E at_two(const E& even, const E& odd) { return odd + (odd - even); }

  DSPERSE_INLINE static E crossed(const E& p0, const E& p1, const E& q0, const E& q1) {
    Acc<D> u = zero_acc<D>();
    mac(u, p0, q1);
    mac(u, p1, q0);
    return reduced(u);
  }
  struct Pairs {
    E even[4], odd[4];  // p0, p1, q0, q1
  };
  DSPERSE_INLINE static void fraction_step(Acc<D>& h0, Acc<D>& h2, const E& eq, const Pairs& t) {
    mac(h0, crossed(t.even[0], t.even[1], t.even[2], t.even[3]), eq);
    E two[4];
    for (int k = 0; k < 4; ++k) two[k] = at_two(t.even[k], t.odd[k]);
    mac(h2, crossed(two[0], two[1], two[2], two[3]), eq);
  }
  DSPERSE_INLINE static void product_step(Acc<D>& h0, Acc<D>& h2, const E& eq, const E& a0, const E& a1, const E& b0,
                                          const E& b1) {
    mac(h0, a0 * b0, eq);
    mac(h2, at_two(a0, a1) * at_two(b0, b1), eq);
  }

  static void parents(Word* const* out, const Word* const* t, std::size_t in) {
    for (std::size_t b = 0; 2 * b < in; ++b) {
      E p[2], q[2];
      for (std::size_t side = 0; side < 2; ++side) {
        const std::size_t i = 2 * b + side;
        const E p0 = at_or_zero(t[0], i, in), p1 = at_or_zero(t[1], i, in);
        const E q0 = at_or_zero(t[2], i, in), q1 = at_or_zero(t[3], i, in);
        p[side] = crossed(p0, p1, q0, q1);
        q[side] = q0 * q1;
      }
      put_split(out, b, p, q);
    }
  }
  DSPERSE_INLINE static void put_split(Word* const* out, std::size_t b, const E* p, const E* q) {
    E even, odd;
    deinterleave<D>(p[0], p[1], even, odd);
    put(out[0], b, even);
    put(out[1], b, odd);
    deinterleave<D>(q[0], q[1], even, odd);
    put(out[2], b, even);
    put(out[3], b, odd);
  }

  static void first_round(const Word* eq, Word* const* t, std::size_t in, const Word* lambda, Word* sums) {
    const Const<D> c = constant<D>(lambda);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 2 * i < in; ++i) {
      Pairs p;
      for (std::size_t b = 2 * i; b < 2 * i + 2 && b < in; ++b) put(t[0], b, add_product<D>(at(t[0], b), at(t[2], b), c));
      for (int k = 0; k < 4; ++k) pair(t[k], i, in, p.even[k], p.odd[k]);
      fraction_step(h0, h2, at(eq, i), p);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  static void fold_round(Word* const* out, const Word* eq, const Word* const* t, std::size_t in, const Word* x, Word* sums) {
    const Const<D> c = constant<D>(x);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 4 * i < in; ++i) {
      Pairs p;
      for (int k = 0; k < 4; ++k) fold_pair(out[k], t[k], i, in, c, p.even[k], p.odd[k]);
      fraction_step(h0, h2, at(eq, i), p);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  static void fold_pair_round(Word* const* out, const Word* eq, const Word* const* t, std::size_t in, const Word* x,
                              Word* sums) {
    const Const<D> c = constant<D>(x);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 4 * i < in; ++i) {
      E a0, a1, b0, b1;
      fold_pair(out[0], t[0], i, in, c, a0, a1);
      fold_pair(out[1], t[1], i, in, c, b0, b1);
      product_step(h0, h2, at(eq, i), a0, a1, b0, b1);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }

  // Leaves. Group i: the 32 leaves from 32 i on, split into every fourth.

  DSPERSE_INLINE static void split4(const Word* y, std::size_t i, E* out) {
    E e0, o0, e1, o1;
    deinterleave<D>(at(y, 4 * i), at(y, 4 * i + 1), e0, o0);
    deinterleave<D>(at(y, 4 * i + 2), at(y, 4 * i + 3), e1, o1);
    deinterleave<D>(e0, e1, out[0], out[2]);
    deinterleave<D>(o0, o1, out[1], out[3]);
  }
  /// Numerators of a group; kAll: all are one.
  template <bool kAll>
  struct Real {
    std::uint32_t bits = 0;
    DSPERSE_INLINE Real(const std::uint8_t* real, std::size_t i) {
      if constexpr (!kAll)
        for (unsigned k = 0; k < 4; ++k) bits |= static_cast<std::uint32_t>(real[4 * i + k]) << (8 * k);
    }
    /// Lanes of x whose leaves k mod 4 are real, the others zero.
    DSPERSE_INLINE E keep(const E& x, unsigned k) const {
      if constexpr (kAll) return x;
      return select_ext(every_fourth(bits, k), x, zero_ext<D>());
    }
    /// c where leaves k and k + 1 are both real, else 0.
    DSPERSE_INLINE F8 both(unsigned k, Word c) const {
      if constexpr (kAll) return broadcast(c);
      return select(every_fourth(bits, k) & every_fourth(bits, k + 1), broadcast(c), zero());
    }
  };

  template <bool kAll>
  static void grandparents_of(Word* const* out, const Word* y, const std::uint8_t* real, std::size_t blocks) {
    for (std::size_t b = 0; 8 * b < blocks; ++b) {
      E p[2], q[2];
      for (std::size_t side = 0; side < 2; ++side) {
        const std::size_t i = 2 * b + side;
        const Real<kAll> is(real, i);
        E leaf[4];
        split4(y, i, leaf);
        const E p0 = is.keep(leaf[1], 0) + is.keep(leaf[0], 1), p1 = is.keep(leaf[3], 2) + is.keep(leaf[2], 3);
        const E q0 = leaf[0] * leaf[1], q1 = leaf[2] * leaf[3];
        p[side] = crossed(p0, p1, q0, q1);
        q[side] = q0 * q1;
      }
      put_split(out, b, p, q);
    }
  }
  static void grandparents(Word* const* out, const Word* q, const std::uint8_t* real, std::size_t blocks) {
    real == nullptr ? grandparents_of<true>(out, q, real, blocks) : grandparents_of<false>(out, q, real, blocks);
  }

  static void leaf_round(const Word* eq, const Word* y, std::size_t blocks, Word* sums) {
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 4 * i < blocks; ++i) {
      E leaf[4];
      split4(y, i, leaf);
      product_step(h0, h2, at(eq, i), leaf[0], leaf[2], leaf[1], leaf[3]);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  static void leaf_fold_round(Word* const* out, const Word* eq, const Word* y, std::size_t blocks, const Word* x, Word* sums) {
    const Const<D> c = constant<D>(x);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 8 * i < blocks; ++i) {
      E a[2], b[2];
      for (std::size_t side = 0; side < 2; ++side) {
        E leaf[4];
        split4(y, 2 * i + side, leaf);
        a[side] = add_product<D>(leaf[0], leaf[2] - leaf[0], c);
        b[side] = add_product<D>(leaf[1], leaf[3] - leaf[1], c);
        put(out[0], 2 * i + side, a[side]);
        put(out[1], 2 * i + side, b[side]);
      }
      E a0, a1, b0, b1;
      deinterleave<D>(a[0], a[1], a0, a1);
      deinterleave<D>(b[0], b[1], b0, b1);
      product_step(h0, h2, at(eq, i), a0, a1, b0, b1);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }

  /// Two groups' nodes as even and odd ones of (a0, -b1, b0, a1).
  template <bool kAll>
  DSPERSE_INLINE static void nodes(const Word* y, const std::uint8_t* real, std::size_t i, Pairs& t) {
    E node[2][4];
    for (std::size_t side = 0; side < 2; ++side) {
      const Real<kAll> is(real, 2 * i + side);
      E leaf[4];
      split4(y, 2 * i + side, leaf);
      E* const out = node[side];
      out[0] = leaf[0] * leaf[1];
      out[0].c[0] = out[0].c[0] - is.both(0, 1);
      out[3] = leaf[2] * leaf[3];
      out[3].c[0] = out[3].c[0] - is.both(2, 1);
      out[2] = is.keep(leaf[1], 0) + is.keep(leaf[0], 1);
      out[2].c[0] = out[2].c[0] - is.both(0, 2);
      out[1] = zero_ext<D>() - is.keep(leaf[3], 2) - is.keep(leaf[2], 3);
      out[1].c[0] = out[1].c[0] + is.both(2, 2);
    }
    for (int k = 0; k < 4; ++k) deinterleave<D>(node[0][k], node[1][k], t.even[k], t.odd[k]);
  }
  template <bool kAll>
  static void node_round_of(const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks, Word* sums) {
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 8 * i < blocks; ++i) {
      Pairs t;
      nodes<kAll>(y, real, i, t);
      fraction_step(h0, h2, at(eq, i), t);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  static void node_round(const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks, Word* sums) {
    real == nullptr ? node_round_of<true>(eq, y, real, blocks, sums) : node_round_of<false>(eq, y, real, blocks, sums);
  }
  template <bool kAll>
  static void node_fold_round_of(Word* const* out, const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks,
                                 const Word* x, Word* sums) {
    const Const<D> c = constant<D>(x);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 16 * i < blocks; ++i) {
      E low[4], high[4];
      for (std::size_t side = 0; side < 2; ++side) {
        Pairs t;
        nodes<kAll>(y, real, 2 * i + side, t);
        for (int k = 0; k < 4; ++k) {
          E& to = side == 0 ? low[k] : high[k];
          to = add_product<D>(t.even[k], t.odd[k] - t.even[k], c);
          put(out[k], 2 * i + side, to);
        }
      }
      Pairs t;
      for (int k = 0; k < 4; ++k) deinterleave<D>(low[k], high[k], t.even[k], t.odd[k]);
      fraction_step(h0, h2, at(eq, i), t);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  static void node_fold_round(Word* const* out, const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks,
                              const Word* x, Word* sums) {
    real == nullptr ? node_fold_round_of<true>(out, eq, y, real, blocks, x, sums)
                    : node_fold_round_of<false>(out, eq, y, real, blocks, x, sums);
  }
};

template <int D>
constexpr LookupKernels table() {
  using L = Loops<D>;
  return {L::parents,    L::first_round,     L::fold_round, L::fold_pair_round, L::grandparents,
          L::leaf_round, L::leaf_fold_round, L::node_round, L::node_fold_round};
}

}  // namespace

extern const LookupKernels kLookup2;
extern const LookupKernels kLookup3;
constexpr LookupKernels kLookup2 = table<2>();
constexpr LookupKernels kLookup3 = table<3>();

}  // namespace dsperse::crypto::DSPERSE_LANES
