#include "dsperse/crypto/lookup/leaves.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace dsperse::crypto {
namespace {

/// Runs shorter than this are gathered before they are computed.
constexpr std::size_t kShort = 64;

unsigned bits_for(std::size_t n) { return static_cast<unsigned>(std::bit_width(n - 1)); }

template <int D>
void store_words(std::uint64_t* to, const Ext<D>& e) {
  for (std::size_t m = 0; m < D; ++m) to[m] = e.c[m].v;
}

void set_bits(std::uint8_t* bits, std::size_t first, std::size_t n) {
  for (; n != 0 && first % 8 != 0; ++first, --n) bits[first / 8] |= static_cast<std::uint8_t>(1U << (first % 8));
  std::memset(bits + first / 8, 0xFF, n / 8);
  if (n % 8 != 0) bits[(first + n) / 8] |= static_cast<std::uint8_t>((1U << (n % 8)) - 1);
}

}  // namespace

template <int D>
Leaves<D>::Leaves(std::size_t vars, std::vector<LookupBlock<D>> blocks) : vars_(vars), blocks_(std::move(blocks)) {
  for (const LookupBlock<D>& block : blocks_) {
    Runs runs;
    for (std::size_t k = block.shape.size(); k-- > 0;) {
      const std::size_t size = block.shape[k];
      runs.vars += bits_for(size);
      if (runs.outer.empty() && std::has_single_bit(runs.length)) {
        runs.bits += bits_for(size);
        runs.length *= size;
      } else {
        runs.outer.emplace_back(size, bits_for(size));
      }
    }
    runs.columns.count = block.columns.size();
    for (std::size_t c = 0; c < block.columns.size(); ++c) {
      const LookupColumn& column = block.columns[c];
      runs.columns.bytes[c] = column.narrow != nullptr ? 2 : column.normal != nullptr ? 4 : 8;
      runs.columns.data[c] = column.narrow != nullptr   ? static_cast<const void*>(column.narrow)
                             : column.normal != nullptr ? static_cast<const void*>(column.normal)
                                                        : static_cast<const void*>(column.wide);
    }
    stored_ = std::max(stored_, block.offset + (std::size_t{1} << runs.vars));
    runs_.push_back(std::move(runs));
  }
  stored_ = std::min((stored_ + kUnit - 1) / kUnit * kUnit, std::size_t{1} << vars_);
}

template <int D>
std::size_t Leaves<D>::Runs::at(std::size_t place) const {
  std::size_t flat = 0, stride = 1;
  for (const auto& [size, axis_bits] : outer) {
    const std::size_t i = place & ((std::size_t{1} << axis_bits) - 1);
    if (i >= size) return npos;
    flat += i * stride;
    stride *= size;
    place >>= axis_bits;
  }
  return flat;
}

template <int D>
TupleColumns Leaves<D>::Runs::from(std::size_t first) const {
  TupleColumns out = columns;
  for (std::size_t c = 0; c < out.count; ++c) out.data[c] = static_cast<const char*>(out.data[c]) + first * out.bytes[c];
  return out;
}

template <int D>
Leaves<D>::Affine::Affine(const Leaves& leaves, const Ext<D>& scale, const Ext<D>& shift) {
  store_words(other_.data(), scale);
  for (const LookupBlock<D>& block : leaves.blocks_) {
    TupleMap map{};
    store_words(map.base, block.base * scale + shift);
    store_words(map.other, scale);
    for (std::size_t c = 0; c < block.weights.size(); ++c) store_words(map.weight[c], block.weights[c] * scale);
    maps_.push_back(map);
  }
}

/// The last block that begins at the leaf or before.
template <int D>
std::size_t Leaves<D>::block_at(std::size_t leaf) const {
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), leaf,
                                      [](std::size_t at, const LookupBlock<D>& block) { return at < block.offset; });
  return static_cast<std::size_t>(after - blocks_.begin()) - 1;
}

template <int D>
auto Leaves<D>::straight(std::size_t first, std::size_t n, const Affine& affine) const -> std::optional<Straight> {
  const std::size_t k = block_at(first), place = first - blocks_[k].offset;
  const Runs& runs = runs_[k];
  const std::size_t padded = std::size_t{1} << runs.bits, within = place % padded;
  if (place >> runs.vars != 0 || within + n > runs.length) return std::nullopt;
  const std::size_t run = runs.at(place / padded);
  if (run == npos) return std::nullopt;
  return Straight{runs.from(run * runs.length + within), &affine.maps_[k]};
}

template <int D>
void Leaves<D>::read(std::size_t first, std::size_t n, const Affine& affine, Tile& tile) const {
  std::memset(tile.bits, 0, n / 8);
  std::size_t k = block_at(first), at = first;
  const std::size_t end = first + n;
  for (; k < blocks_.size() && blocks_[k].offset < end; ++k) {
    const std::size_t block_end = std::min(end, blocks_[k].offset + (std::size_t{1} << runs_[k].vars));
    if (block_end <= at) continue;
    read_block(k, at - blocks_[k].offset, block_end - at, affine.maps_[k], at - first, tile);
    at = block_end;
  }
  for (; at % kLanes != 0 && at < end; ++at)
    for (std::size_t m = 0; m < D; ++m) tile.values[((at - first) / kLanes * D + m) * kLanes + at % kLanes] = affine.other_[m];
  for (; at < end; at += kLanes)
    for (std::size_t m = 0; m < D; ++m)
      std::fill_n(tile.values + ((at - first) / kLanes * D + m) * kLanes, kLanes, affine.other_[m]);
}

template <int D>
bool Leaves<D>::Tile::none(std::size_t unit) const {
  return std::all_of(bits + unit / 8, bits + (unit + kUnit) / 8, [](std::uint8_t b) { return b == 0; });
}

template <int D>
auto Leaves<D>::Tile::part(std::size_t begin, std::size_t end) const -> Part {
  const bool all = std::all_of(bits + begin / 8, bits + end / 8, [](std::uint8_t b) { return b == 0xFF; });
  return {begin, end - begin, false, all ? nullptr : bits + begin / 8};
}

/// Leaves first ... first + n - 1 of block k, to places `to` ... of the tile.
template <int D>
void Leaves<D>::read_block(std::size_t k, std::size_t first, std::size_t n, const TupleMap& map, std::size_t to,
                           Tile& tile) const {
  const Runs& runs = runs_[k];
  if (runs.vars < 3) return few(k, first, n, map, to, tile);
  if (runs.length < kShort && !runs.outer.empty()) return gather(runs, first, n, map, to, tile);
  const std::size_t padded = std::size_t{1} << runs.bits;
  for (std::size_t done = 0; done < n;) {
    const std::size_t place = first + done, within = place % padded, count = std::min(n - done, padded - within);
    const std::size_t run = runs.at(place / padded);
    const std::size_t real = run == npos || within >= runs.length ? 0 : std::min(count, runs.length - within);
    const TupleColumns columns = runs.from(real == 0 ? 0 : run * runs.length + within);
    compress_kernel<D>()(tile.values + (to + done) * D, count / kLanes, real, columns, map, nullptr);
    set_bits(tile.bits, to + done, real);
    done += count;
  }
}

/// Short runs: their integers are copied to their places first.
template <int D>
void Leaves<D>::gather(const Runs& runs, std::size_t first, std::size_t n, const TupleMap& map, std::size_t to,
                       Tile& tile) const {
  alignas(64) char places[TupleColumns::kMax][kTile * sizeof(std::uint64_t)];
  const std::size_t padded = std::size_t{1} << runs.bits;
  for (std::size_t done = 0; done < n;) {
    const std::size_t place = first + done, within = place % padded, count = std::min(n - done, padded - within);
    const std::size_t run = runs.at(place / padded);
    const std::size_t real = run == npos || within >= runs.length ? 0 : std::min(count, runs.length - within);
    for (std::size_t c = 0; c < runs.columns.count; ++c) {
      const std::size_t bytes = runs.columns.bytes[c];
      std::memset(places[c] + (done + real) * bytes, 0, (count - real) * bytes);
      if (real != 0)
        std::memcpy(places[c] + done * bytes,
                    static_cast<const char*>(runs.columns.data[c]) + (run * runs.length + within) * bytes, real * bytes);
    }
    set_bits(tile.bits, to + done, real);
    done += count;
  }
  TupleColumns columns = runs.columns;
  for (std::size_t c = 0; c < columns.count; ++c) columns.data[c] = places[c];
  compress_kernel<D>()(tile.values + to * D, n / kLanes, n, columns, map, tile.bits + to / 8);
}

/// A block of fewer leaves than lanes.
template <int D>
void Leaves<D>::few(std::size_t k, std::size_t first, std::size_t n, const TupleMap& map, std::size_t to, Tile& tile) const {
  const Runs& runs = runs_[k];
  const std::size_t padded = std::size_t{1} << runs.bits;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t run = runs.at((first + i) / padded), within = (first + i) % padded, leaf = to + i;
    const bool real = run != npos && within < runs.length;
    for (std::size_t m = 0; m < D; ++m) {
      Fp value(map.other[m]);
      if (real) {
        value = Fp(map.base[m]);
        for (std::size_t c = 0; c < runs.columns.count; ++c)
          value += blocks_[k].columns[c].at(run * runs.length + within) * Fp(map.weight[c][m]);
      }
      tile.values[(leaf / kLanes * D + m) * kLanes + leaf % kLanes] = value.v;
    }
    if (real) set_bits(tile.bits, leaf, 1);
  }
}

template <int D>
void Leaves<D>::expand(std::vector<Ext<D>>& p, std::vector<Ext<D>>& q) const {
  p.assign(std::size_t{1} << vars_, {});
  q.assign(p.size(), Ext<D>::one());
  for (std::size_t k = 0; k < blocks_.size(); ++k) {
    const LookupBlock<D>& block = blocks_[k];
    const Runs& runs = runs_[k];
    for (std::size_t place = 0; place < std::size_t{1} << (runs.vars - runs.bits); ++place) {
      const std::size_t run = runs.at(place);
      if (run == npos) continue;
      for (std::size_t i = 0; i < runs.length; ++i) {
        Ext<D> x = block.base;
        for (std::size_t c = 0; c < block.columns.size(); ++c) x += block.weights[c] * block.columns[c].at(run * runs.length + i);
        p[block.offset + (place << runs.bits) + i] = Ext<D>::one();
        q[block.offset + (place << runs.bits) + i] = x;
      }
    }
  }
}

template class Leaves<2>;
template class Leaves<3>;

}  // namespace dsperse::crypto
