// The verifier: slice proofs, weight ranges, and the rules of a run certificate. No files, no threads, no allocation from
// unchecked lengths; never throws, never aborts on input bytes.
//
// Source: docs/protocol. Tested by proof/slice_test.cc, proof/certificate_test.cc and tests/soundness.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dsperse/proof/statement.h"

namespace dsperse::proof {

/// One slice proof. The statement's boundaries must already be the key's (check_boundaries does that).
/// log: every message and challenge, for tests.
Verdict verify_slice(const SliceKey& key, const Statement& statement, ByteView proof, std::vector<std::string>* log = nullptr);
/// The key's weight range proof.
Verdict verify_ranges(const SliceKey& key);
/// Names a slice key together with the bytes of its range proof: what a user may remember as verified.
Digest range_digest(const SliceKey& key);
/// An epoch holds the weights of its base.
Verdict verify_link(const SliceKey& key, const EpochLink& link);
/// Names a slice key together with all of a link: what a user may remember as verified.
Digest link_digest(const SliceKey& key, const EpochLink& link);

/// Two slices have the same weights. key: has passed check_model_key.
Verdict verify_tie(const ModelKey& key, const WeightTie& tie);

/// A slice proof as certificates carry it: the key's weight ranges, the links from the key's weights to the epoch, the proof.
/// statement: key, run, slice and boundaries; weights and opening are the proof's. known: range_digest() and link_digest() that
/// this user has verified before.
Verdict verify_slice_proof(const SliceKey& key, Statement statement, const SliceProof& proof, const std::set<Digest>& known = {});

/// What the user knows without the certificate.
struct Expectation {
  std::optional<Digest> model_id;                 ///< pinned model
  std::optional<Bytes> nonce;                     ///< freshness
  std::optional<std::set<std::uint32_t>> policy;  ///< slices that must be proved; absent: all
  /// Per input and output edge name: integer values of each chunk (flattened, chunk after chunk), or the roots.
  struct Tensor {
    std::optional<std::vector<std::int32_t>> values;
    std::vector<Digest> roots;
  };
  std::map<std::string, Tensor> inputs, outputs;
  /// range_digest() of slice keys, and tie_digest() of ties, whose proof this user has verified before: it is not checked again.
  std::set<Digest> known_ranges;
  /// link_digest() of epoch links that this user has verified before: the proof is not checked again, the rules are.
  std::set<Digest> known_links;
};

struct Coverage {
  std::uint32_t slices = 0, slices_proved = 0;
  std::uint64_t ops = 0, ops_proved = 0;
  std::uint64_t macs = 0, macs_proved = 0;
  std::uint64_t macs_cone = 0;  ///< in slices whose whole ancestor cone is proved
};

struct SliceReport {
  std::uint32_t slice = 0;
  bool proved = false;
  double verify_s = 0;  ///< zero here; callers that have a clock fill it through `observer`
  std::size_t proof_bytes = 0;
};

struct CertificateVerdict {
  Verdict verdict;
  Coverage coverage;
  bool model_pinned = false, fresh = false;
  std::vector<SliceReport> slices;
  std::vector<Digest> checked_ranges;  ///< range_digest() and tie_digest() of what was verified and accepted
  std::vector<Digest> checked_links;   ///< link_digest() of the links that were verified and accepted
};

/// All certificate rules of docs/protocol/linking.md. `on_slice(i)` is called before each slice proof is checked.
CertificateVerdict verify_certificate(const ModelKey& key, const Certificate& certificate, const Expectation& user,
                                      const std::function<void(std::uint32_t)>& on_slice = {});

}  // namespace dsperse::proof
