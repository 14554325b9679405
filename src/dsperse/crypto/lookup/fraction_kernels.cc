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
  using X = X8<D>;
  DSPERSE_INLINE static X crossed(const X& p0, const X& p1, const X& q0, const X& q1) {
    Acc<D> u = zero_acc<D>();
    mac<D>(u, p0, q1);
    mac<D>(u, p1, q0);
    return loose<D>(u);
  }
  /// Pair i of tables' blocks: h += eq (t0 t3 + t1 t2), or eq t0 t1 of two tables, at 0 and 2.
  template <std::size_t kTables>
  DSPERSE_INLINE static void step(Acc<D>& h0, Acc<D>& h2, const E& eq, const Word* const* t, std::size_t i, std::size_t in) {
    const X weight = digits<D>(eq);
    X zero[kTables], two[kTables];
    for (std::size_t k = 0; k < kTables; ++k) {
      E even, odd;
      pair(t[k], i, in, even, odd);
      zero[k] = digits<D>(even);
      two[k] = at_two<D>(zero[k], digits<D>(odd));
    }
    add_products<kTables>(h0, h2, weight, zero, two);
  }
  template <std::size_t kTables>
  DSPERSE_INLINE static void add_products(Acc<D>& h0, Acc<D>& h2, const X& weight, const X* zero, const X* two) {
    if constexpr (kTables == 4) {
      mac<D>(h0, crossed(zero[0], zero[1], zero[2], zero[3]), weight);
      mac<D>(h2, crossed(two[0], two[1], two[2], two[3]), weight);
    } else {
      mac<D>(h0, loose_product<D>(zero[0], zero[1]), weight);
      mac<D>(h2, loose_product<D>(two[0], two[1]), weight);
    }
  }

  static void sum(const Word* t, std::size_t blocks, Word* out) {
    E lanes = zero_ext<D>();
    for (std::size_t b = 0; b < blocks; ++b) lanes = lanes + at(t, b);
    for (int m = 0; m < D; ++m) {
      Word lane[kLaneCount];
      store(lane, lanes.c[m]);
      out[m] = 0;
      for (const Word x : lane) out[m] = add_scalar(out[m], x);
    }
  }

  static void parents(Word* const* out, const Word* const* t, std::size_t in) {
    for (std::size_t b = 0; 2 * b < in; ++b) {
      E p[2], q[2];
      for (std::size_t side = 0; side < 2; ++side) {
        const std::size_t i = 2 * b + side;
        const E p0 = at_or_zero(t[0], i, in), p1 = at_or_zero(t[1], i, in);
        const E q0 = at_or_zero(t[2], i, in), q1 = at_or_zero(t[3], i, in);
        Acc<D> u = zero_acc<D>();
        mac(u, p0, q1);
        mac(u, p1, q0);
        p[side] = reduced(u);
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

  /// Loops over a few blocks at a time: each keeps its constants in registers, and the next reads from the nearest cache.
  static constexpr std::size_t kStep = 16;

  static void first_round(const Word* eq, Word* const* t, std::size_t in, const Word* lambda, Word* sums) {
    const Const<D> c = constant<D>(lambda);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t first = 0; first < in; first += 2 * kStep) {
      const std::size_t last = first + 2 * kStep < in ? first + 2 * kStep : in;
      for (std::size_t b = first; b < last; ++b) put(t[0], b, add_product<D>(at(t[0], b), at(t[2], b), c));
      for (std::size_t b = first; b < last; b += 2) step<4>(h0, h2, at(eq, b / 2), t, b / 2, in);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  template <std::size_t kTables>
  static void fold_round_of(Word* const* out, const Word* eq, const Word* const* t, std::size_t in, const Word* x, Word* sums) {
    const Const<D> c = constant<D>(x);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    const std::size_t blocks = (in + 1) / 2;
    for (std::size_t first = 0; first < blocks; first += kStep) {
      const std::size_t last = first + kStep < blocks ? first + kStep : blocks;
      for (std::size_t k = 0; k < kTables; ++k)
        for (std::size_t b = first; b < last; ++b) put(out[k], b, folded(t[k], b, in, c));
      for (std::size_t b = first; b < last; b += 2) step<kTables>(h0, h2, at(eq, b / 2), out, b / 2, blocks);
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
        X x[4];
        split4(y, i, leaf);
        for (int k = 0; k < 4; ++k) x[k] = digits<D>(leaf[k]);
        const X p0 = kAll ? x[1] + x[0] : digits<D>(is.keep(leaf[1], 0)) + digits<D>(is.keep(leaf[0], 1));
        const X p1 = kAll ? x[3] + x[2] : digits<D>(is.keep(leaf[3], 2)) + digits<D>(is.keep(leaf[2], 3));
        const X q0 = loose_product<D>(x[0], x[1]), q1 = loose_product<D>(x[2], x[3]);
        Acc<D> u = zero_acc<D>(), v = zero_acc<D>();
        mac<D>(u, p0, q1);
        mac<D>(u, p1, q0);
        mac<D>(v, q0, q1);
        p[side] = reduced(u);
        q[side] = reduced(v);
      }
      put_split(out, b, p, q);
    }
  }
  static void grandparents(Word* const* out, const Word* q, const std::uint8_t* real, std::size_t blocks) {
    real == nullptr ? grandparents_of<true>(out, q, real, blocks) : grandparents_of<false>(out, q, real, blocks);
  }

  // Rounds at the leaves: tables of a few blocks are made from the leaves, then worked on as kept ones are.

  struct Scratch {
    alignas(64) Word words[4][2 * kStep * kBlock];
    Word* t[4];
    DSPERSE_INLINE Scratch() {
      for (int k = 0; k < 4; ++k) t[k] = words[k];
    }
  };
  /// Y0, Y1 of 16 leaves from block 2 b on.
  DSPERSE_INLINE static void leaf_tables(Word* const* t, std::size_t to, const Word* y, std::size_t b) {
    E even, odd;
    deinterleave<D>(at(y, 2 * b), at(y, 2 * b + 1), even, odd);
    put(t[0], to, even);
    put(t[1], to, odd);
  }
  /// (a0, -b1, b0, a1) of group b.
  template <bool kAll>
  DSPERSE_INLINE static void node_tables(Word* const* t, std::size_t to, const Word* y, const std::uint8_t* real, std::size_t b) {
    const Real<kAll> is(real, b);
    E leaf[4];
    split4(y, b, leaf);
    E a0 = leaf[0] * leaf[1], a1 = leaf[2] * leaf[3];
    a0.c[0] = a0.c[0] - is.both(0, 1);
    a1.c[0] = a1.c[0] - is.both(2, 1);
    E b0 = is.keep(leaf[1], 0) + is.keep(leaf[0], 1);
    b0.c[0] = b0.c[0] - is.both(0, 2);
    E b1 = zero_ext<D>() - is.keep(leaf[3], 2) - is.keep(leaf[2], 3);
    b1.c[0] = b1.c[0] + is.both(2, 2);
    put(t[0], to, a0);
    put(t[1], to, b1);
    put(t[2], to, b0);
    put(t[3], to, a1);
  }

  /// make(tables, to, b) writes block b of the tables as block `to`.
  template <std::size_t kTables, class Make>
  DSPERSE_INLINE static void made_round(const Word* eq, std::size_t blocks, Word* sums, const Make& make) {
    Scratch s;
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t first = 0; first < blocks; first += 2 * kStep) {
      const std::size_t n = blocks - first < 2 * kStep ? blocks - first : 2 * kStep;
      for (std::size_t b = 0; b < n; ++b) make(s.t, b, first + b);
      for (std::size_t b = 0; b < n; b += 2) step<kTables>(h0, h2, at(eq, (first + b) / 2), s.t, b / 2, n);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  template <std::size_t kTables, class Make>
  DSPERSE_INLINE static void made_fold_round(Word* const* out, const Word* eq, std::size_t blocks, const Word* x, Word* sums,
                                             const Make& make) {
    Scratch s;
    const Const<D> c = constant<D>(x);
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t first = 0; first < blocks; first += 2 * kStep) {
      const std::size_t n = blocks - first < 2 * kStep ? blocks - first : 2 * kStep;
      for (std::size_t b = 0; b < n; ++b) make(s.t, b, first + b);
      for (std::size_t k = 0; k < kTables; ++k)
        for (std::size_t b = 0; 2 * b < n; ++b) put(out[k], first / 2 + b, folded(s.t[k], b, n, c));
      for (std::size_t b = 0; 4 * b < n; ++b) {
        const std::size_t i = first / 4 + b;
        step<kTables>(h0, h2, at(eq, i), out, i, blocks / 2);
      }
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }

  static void leaf_round(const Word* eq, const Word* y, std::size_t blocks, Word* sums) {
    Acc<D> h0 = zero_acc<D>(), h2 = zero_acc<D>();
    for (std::size_t i = 0; 4 * i < blocks; ++i) {
      E leaf[4];
      split4(y, i, leaf);
      const X zero[2] = {digits<D>(leaf[0]), digits<D>(leaf[1])};
      const X two[2] = {at_two<D>(zero[0], digits<D>(leaf[2])), at_two<D>(zero[1], digits<D>(leaf[3]))};
      add_products<2>(h0, h2, digits<D>(at(eq, i)), zero, two);
    }
    total<D>(h0, sums);
    total<D>(h2, sums + D);
  }
  static void leaf_fold_round(Word* const* out, const Word* eq, const Word* y, std::size_t blocks, const Word* x, Word* sums) {
    made_fold_round<2>(out, eq, blocks / 2, x, sums,
                       [&](Word* const* t, std::size_t to, std::size_t b)
                           __attribute__((always_inline)) { leaf_tables(t, to, y, b); });
  }
  template <bool kAll>
  static void node_round_of(const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks, Word* sums) {
    made_round<4>(eq, blocks / 4, sums, [&](Word* const* t, std::size_t to, std::size_t b) __attribute__((always_inline)) {
      node_tables<kAll>(t, to, y, real, b);
    });
  }
  static void node_round(const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks, Word* sums) {
    real == nullptr ? node_round_of<true>(eq, y, real, blocks, sums) : node_round_of<false>(eq, y, real, blocks, sums);
  }
  template <bool kAll>
  static void node_fold_round_of(Word* const* out, const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks,
                                 const Word* x, Word* sums) {
    made_fold_round<4>(out, eq, blocks / 4, x, sums,
                       [&](Word* const* t, std::size_t to, std::size_t b)
                           __attribute__((always_inline)) { node_tables<kAll>(t, to, y, real, b); });
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
  return {L::sum,
          L::parents,
          L::first_round,
          L::template fold_round_of<4>,
          L::template fold_round_of<2>,
          L::grandparents,
          L::leaf_round,
          L::leaf_fold_round,
          L::node_round,
          L::node_fold_round};
}

}  // namespace

extern const LookupKernels kLookup2;
extern const LookupKernels kLookup3;
constexpr LookupKernels kLookup2 = table<2>();
constexpr LookupKernels kLookup3 = table<3>();

}  // namespace dsperse::crypto::DSPERSE_LANES
