// Weight ties: two slices of a model whose hidden weights are the same, shown by a proof in the key.
//
// Each slice commits its weights in a tree of its own. Where a layer is split over slices, or two layers share a weight, the key
// ties the trees: a masked argument over both, in which one random linear functional of every tied weight, taken from both trees,
// has difference zero. It is the argument of epoch links (slice_argument.h) for trees of different geometry and content.
// Source: docs/protocol/keys.md. Tested by proof/tie_test.cc.
#pragma once

#include "dsperse/proof/argument.h"
#include "dsperse/proof/key.h"

namespace dsperse::proof {

/// Most ties that open one tree, so that openings are left for proofs.
inline constexpr std::uint32_t kMaxTies = 8;

template <int D>
std::pair<ArgumentSpec, Layout> tie_argument(const ModelKey& key, const WeightTie& tie);
template <int D>
void tie_schedule(crypto::Party<D>& party, const ModelKey& key, const WeightTie& tie);
Head tie_head(const ModelKey& key, const WeightTie& tie);

/// Openings of the slice's origin that its proofs may use end before this one: ties use the last ones.
std::uint32_t end_of_openings(const ModelKey& key, std::uint32_t slice);

/// Rules of the ties of a key whose slices have passed check_slice.
[[nodiscard]] Status check_ties(const ModelKey& key);

/// Names both slice keys together with all of a tie: what a user may remember as verified.
Digest tie_digest(const ModelKey& key, const WeightTie& tie);

/// Everything but the proof, and all of it.
void write_tie_body(ByteWriter& w, const WeightTie& tie);
void write_tie(ByteWriter& w, const WeightTie& tie);
/// Least bytes of a tie.
inline constexpr std::size_t kMinTieBytes = 72;
WeightTie read_tie(ByteReader& r);

}  // namespace dsperse::proof
