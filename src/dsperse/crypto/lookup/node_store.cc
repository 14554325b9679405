#include "dsperse/crypto/lookup/node_store.h"

#include <algorithm>

#include "dsperse/crypto/lookup/kernels.h"

namespace dsperse::crypto {

template <int D>
NodeStore<D>::NodeStore(std::size_t vars, std::size_t blocks) : vars_(vars) {
  std::size_t at = 0;
  for (std::size_t i = 0; i <= vars + 1; ++i) {
    places_.push_back({blocks, at});
    at += 4 * (blocks + kSpare);
    blocks = (blocks + 1) / 2;
  }
  words_ = Words(at * kBlock);
}

template <int D>
auto NodeStore<D>::tables(std::size_t i, std::size_t block) -> Tables {
  Tables out;
  for (std::size_t k = 0; k < 4; ++k) out[k] = words_.get() + (places_[i].at + k * (places_[i].blocks + kSpare) + block) * kBlock;
  return out;
}

template <int D>
void NodeStore<D>::raise(std::size_t i, std::size_t begin, std::size_t end) {
  const std::size_t stored = blocks(i);
  std::size_t in = std::min(2 * end, stored) - 2 * begin;
  if (2 * end > stored && 8 * stored < std::size_t{1} << vars(i)) {  // the neighbour of the last is not stored: (0, 1)
    const Tables next = tables(i, stored);
    for (std::size_t k = 0; k < 4; ++k) fill(next[k], 1, k < 2 ? Ext<D>{} : Ext<D>::one());
    ++in;
  }
  const Tables to = tables(i + 1, begin), from = tables(i, 2 * begin);
  lookup_kernels<D>().parents(to.data(), from.data(), in);
}

template <int D>
void NodeStore<D>::fill(Word* table, std::size_t blocks, const Ext<D>& e) {
  for (std::size_t b = 0; b < blocks; ++b)
    for (std::size_t m = 0; m < D; ++m) std::fill_n(table + b * kBlock + 8 * m, 8, e.c[m].v);
}

template <int D>
std::array<Ext<D>, 2> NodeStore<D>::root() {
  const Tables top = tables(vars_);
  std::array<Ext<D>, 4> e;
  for (std::size_t k = 0; k < 4; ++k)
    for (std::size_t m = 0; m < D; ++m) e[k].c[m] = Fp(top[k][8 * m]);
  return {e[0] * e[3] + e[1] * e[2], e[2] * e[3]};
}

template class NodeStore<2>;
template class NodeStore<3>;

}  // namespace dsperse::crypto
