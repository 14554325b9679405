// Proofs whose transcripts are examined: a slice's, its weight ranges', an epoch link's, a weight tie's, with all that prover and
// verifier saw.
#pragma once

#include "attack.h"
#include "transcript/records.h"

namespace dsperse::soundness {

template <int D>
struct Subject {
  using E = crypto::Ext<D>;
  std::string name;
  proof::Layout layout;
  proof::Head head;
  std::vector<std::vector<Digest>> roots;                       ///< of the trees that were committed before
  std::vector<std::vector<const proof::CommittedTree*>> trees;  ///< these trees
  std::function<Result<Bytes>(const SliceForge<D>&)> prove;     ///< honest but for the forge
  std::function<Verdict(ByteView, std::vector<std::string>*)> verify;

  Bytes proof;                                        ///< an honest one
  std::vector<std::string> said, heard;               ///< annotated messages: prover's, verifier's
  std::vector<std::pair<std::string, E>> challenges;  ///< the prover's, of schedule and last sumcheck
  Verdict verdict;

  [[nodiscard]] Records records() const { return records_of(layout, head, roots, proof, said); }
};

/// The subjects of a case, which must outlive them: its slice proof; with weights also ranges and a link to a fresh epoch.
template <int D>
Subject<D> slice_subject(const std::string& name, const SliceCase& c);
template <int D>
Subject<D> range_subject(const std::string& name, const SliceCase& c);
/// epoch: another commitment of the case's weights; it must outlive the subject.
template <int D>
Subject<D> link_subject(const std::string& name, const SliceCase& c, const proof::WeightCommitment& epoch);

/// The same weights as those of two slices, tied.
template <int D>
Subject<D> tie_subject(const std::string& name, const SliceCase& c, const proof::WeightCommitment& epoch);

/// The smallest slice with every kind of record: weights of both sizes, a committed input, a public output.
SliceCase small_case(proof::Profile profile);

/// f(subject) for slice, ranges, link and tie of the small case, in both degrees.
template <class F>
void for_small_subjects(F f) {
  const auto with = [&]<int D>(proof::Profile profile) {
    const SliceCase c = small_case(profile);
    const std::string name = "small " + std::to_string(proof::bits(profile));
    const auto epoch = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(5));
    f(slice_subject<D>(name, c));
    f(range_subject<D>(name, c));
    f(link_subject<D>(name, c, epoch));
    f(tie_subject<D>(name, c, epoch));
  };
  with.template operator()<2>(proof::Profile::bits100);
  with.template operator()<3>(proof::Profile::bits128);
}

}  // namespace dsperse::soundness
