// Small tables over E for the verifier: no threads, no kernels. Bit 0 of an index belongs to point[0].
#pragma once
#include <cstdint>
#include <span>
#include <vector>
#include "dsperse/crypto/field/extension.h"
namespace dsperse::crypto {
template <int D> std::vector<Ext<D>> eq_values(std::span<const Ext<D>> point);
template <int D> Ext<D> eq_at(std::span<const Ext<D>> point, std::uint64_t index);
template <int D> std::vector<Ext<D>> eq_range(std::span<const Ext<D>> point, std::uint64_t begin, std::uint64_t end);
template <int D> Ext<D> inner(std::span<const Ext<D>> a, std::span<const Ext<D>> b);
template <int D> [[nodiscard]] bool invert_all(std::span<Ext<D>> x);
}
