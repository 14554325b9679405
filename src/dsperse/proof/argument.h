// One masked argument over committed trees: the schedule's checks, the last sumcheck, the joint opening, the end tree.
//
// Slice proofs, weight range proofs and epoch links are three users. Order of messages (P prover, V verifier):
//   head; roots of all trees with their geometry, group by group, fresh ones included; end root; P work
//   the schedule; V eta; rounds of the last sumcheck (hidden by end pads)
//   per group P v, u;  P h;  V eps;  P u_end;  P work;  V columns per group and for the end tree;  P openings
// Source: docs/protocol/argument.md. Tested by proof/argument_test.cc and proof/slice_test.cc.
#pragma once

#include <functional>
#include <utility>

#include "dsperse/crypto/commit/opening.h"
#include "dsperse/crypto/hidden/party.h"
#include "dsperse/crypto/transcript/transcript.h"
#include "dsperse/proof/layout.h"

namespace dsperse::proof {

/// Labelled bytes absorbed before anything else.
using Head = std::vector<std::pair<std::string, Bytes>>;

template <int D>
using ScheduleFn = std::function<void(crypto::Party<D>&)>;

/// Everything a prover sends. Counts follow from the layout.
template <int D>
struct ArgumentProof {
  std::vector<Digest> fresh_roots;  ///< per group
  Digest end_root{};
  std::uint64_t first_work = 0, column_work = 0;  ///< nonces of the two proofs of work
  std::vector<crypto::Ext<D>> hidden, clear, last;
  std::vector<crypto::Ext<D>> v;               ///< per group
  std::vector<std::vector<crypto::Ext<D>>> u;  ///< per group, code.k() elements
  crypto::Ext<D> h;
  std::vector<crypto::Ext<D>> u_end;
  std::vector<crypto::Opening> openings;  ///< per tree, group by group; end tree last
};

template <int D>
Bytes encode_argument(const Layout& layout, const ArgumentProof<D>& proof);
/// Canonical and bounded by the layout. A rejection's reason says which rule the bytes break.
template <int D>
[[nodiscard]] Verdict decode_argument(const Layout& layout, ByteView bytes, ArgumentProof<D>& out);

/// Dry run of the schedule, then the layout.
template <int D>
Layout layout_for(const ArgumentSpec& spec, const ScheduleFn<D>& schedule);

/// Transcript after head and roots. roots: per group the given trees' roots, then the fresh tree's.
crypto::Transcript begin_transcript(const Layout& layout, const Head& head, const std::vector<std::vector<Digest>>& roots,
                                    const Digest& end_root);
/// Weights of the physical rows of a group in its combination u.
template <int D>
std::vector<crypto::Ext<D>> row_weights(const Layout& layout, const Layout::Group& group, std::span<const crypto::Ext<D>> point);
/// eq of the group's block at the point.
template <int D>
crypto::Ext<D> block_weight(const Layout::Group& group, std::span<const crypto::Ext<D>> point);

/// roots: per group (the witness group last, with none), the roots of the trees that were committed before.
template <int D>
Verdict verify_argument(const Layout& layout, const Head& head, const std::vector<std::vector<Digest>>& roots, ByteView bytes,
                        const ScheduleFn<D>& schedule, std::vector<std::string>* log = nullptr);

}  // namespace dsperse::proof
