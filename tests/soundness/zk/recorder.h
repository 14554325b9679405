// Watches where the prover's randomness comes from and where it goes.
//
// The program is linked with --wrap for the operating system's generator, seed streams, derived seeds, tree commitments and
// prove_argument; the wrappers (recorder.cc) call the product's functions and write down what passes. So every random symbol is
// known by its origin (seed, label, number, place in the stream) and by its use (pad, slot, mask, end row, row pad, salt seed).
// While recording, seeds of the operating system are replaced by numbered ones, so that tests repeat. Faults change what streams
// give: the detectors of the tests. Tests only. Used by reuse_test.cc, classes_test.cc and secrets_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "dsperse/proof/forge.h"

namespace dsperse::soundness {

/// A stream that was opened: hash of (seed, label, number) is its key.
struct Stream {
  Digest seed{}, key{};
  std::string label;
  std::uint64_t number = 0;
};
/// Bytes [from, to) of a stream that were handed out as field elements, or as other bytes (a seed).
struct Drawn {
  Digest key{};
  std::uint64_t from = 0, to = 0;
  std::vector<std::uint64_t> elements;
  Bytes bytes;
};
/// A committed tree and its coefficient rows (rows x code.k()).
struct CommittedRows {
  crypto::Code code;
  std::vector<crypto::Fp> rows;
  Digest salt_seed{}, root{};
};
/// A call of prove_argument: which trees it opened, what it returned, and the values under its padded messages.
struct Argument {
  proof::Layout layout;
  std::vector<std::vector<Digest>> given;  ///< roots per group
  Bytes proof;
  std::vector<std::size_t> attempts;  ///< for each attempt: number of the first tree committed in it
  /// Limbs of the values of the last attempt, in order of their pads.
  std::vector<std::vector<std::uint64_t>> hidden, last;
};

struct Recording {
  std::vector<Digest> seeds;                       ///< of the operating system, in order
  std::vector<std::pair<Digest, Digest>> derived;  ///< (seed, what a tree's seed was derived to)
  std::vector<Stream> streams;
  std::vector<Drawn> drawn;
  std::vector<CommittedRows> trees;
  std::vector<Argument> arguments;
};

/// What goes wrong. Empty: nothing.
struct Faults {
  /// True: what streams of this label give from this byte on is zeros.
  std::function<bool(std::string_view label, std::uint64_t from)> silent;
  /// Sees and may change each field element handed out (pads, slots, masks, end rows); from: its byte in the stream.
  std::function<void(std::string_view label, std::uint64_t from, crypto::Fp& x)> element;
  /// Streams open with another seed or label.
  std::function<void(Digest& seed, std::string& label, std::uint64_t& number)> stream;
  /// The operating system's n-th seed.
  std::function<void(std::size_t n, Digest& seed)> seed;
  /// Coefficient rows of a tree that is about to be committed.
  std::function<void(const crypto::Code& code, std::vector<crypto::Fp>& rows)> rows;
  /// Challenges of prove_argument's schedule, as Forge::challenge, to force fresh starts; sees its calls only.
  std::function<void(std::string_view label, std::vector<crypto::Fp>& limbs)> challenge;
};

/// Records while it lives; one at a time. `number` sets the operating system's seeds.
class Recorder {
 public:
  explicit Recorder(std::uint64_t number = 0, Faults faults = {}, bool keep = true);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  [[nodiscard]] const Recording& recording() const { return recording_; }

 private:
  friend struct RecorderAccess;
  std::uint64_t number_;
  Faults faults_;
  bool keep_;
  std::size_t seeds_ = 0;
  std::map<Digest, std::string> labels_;  ///< streams by key
  std::optional<Argument> argument_;      ///< under way
  Recording recording_;
};

}  // namespace dsperse::soundness
