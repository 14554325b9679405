// What a proof shows, class by class: every byte belongs to one, and each class has tests (classes_test.cc) and a line in
// docs/protocol/zero-knowledge.md.
//
// Tests only.
#pragma once

#include <map>

#include "dsperse/proof/argument.h"

namespace dsperse::soundness {

/// How a word of a class is distributed over honest proofs at fixed challenges.
enum class Kind {
  element,  ///< uniform below p
  digest,   ///< eight bytes of a hash or salt: uniform
  fixed,    ///< the same number in every proof: lengths, nonces of the proofs of work
};
struct Revealed {
  Kind kind = Kind::element;
  std::vector<std::uint64_t> words;
  std::size_t word_bytes = 8;
};
/// Classes by name. given: roots that the statement shows.
using Classes = std::map<std::string, Revealed>;

/// Classes of a proof and its statement's roots. A field of the proof without a class does not compile.
template <int D>
Classes revealed(const proof::Layout& layout, const std::vector<Digest>& given, const proof::ArgumentProof<D>& proof);
/// Differences that are uniform as well, though a fault may leave each part uniform alone: e against the message under its pad,
/// d likewise, u_end against the last sumcheck's messages, neighbouring messages. rho, eps: the challenges.
template <int D>
Classes differences(const proof::Layout& layout, const crypto::Ext<D>& rho, const crypto::Ext<D>& eps,
                    const proof::ArgumentProof<D>& proof);

/// Bytes of the classes that the proof itself holds, without its eight-byte name.
std::size_t proof_bytes(const Classes& classes);

/// Largest deviation over all positions of a class, in standard deviations, and where: each sample against uniform, then each
/// against the first. Chi-square of 16 bins (Wilson-Hilferty). Fixed classes: 1000 if any word differs, else 0.
struct Deviation {
  double sigmas = 0;
  std::string where;
};
using Sample = std::vector<Classes>;
std::map<std::string, Deviation> deviations(const std::vector<Sample>& samples);
/// What no honest class of these tests' sizes reaches but once in a million runs.
inline constexpr double kDeviationLimit = 5.8;

}  // namespace dsperse::soundness
