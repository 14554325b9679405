// What a coordinator needs of the world beside its engine: a place for its state, a log, and somebody who knows proofs.
//
// Interfaces only; work/coordinator/local.h has the ones of one machine, tests/sim has faulty ones. Source: docs/design/0010.
#pragma once

#include <string_view>

#include "dsperse/trust/ledger/checkpoint.h"
#include "dsperse/work/task/computer.h"

namespace dsperse::work {

/// Values by name. Each call is one durable transaction.
class StateStore {
 public:
  virtual ~StateStore() = default;
  /// All of them or none; an empty value removes the name.
  [[nodiscard]] virtual Status save(const std::vector<std::pair<std::string, Bytes>>& values) = 0;
  [[nodiscard]] virtual Result<std::optional<Bytes>> load(std::string_view name) = 0;
  /// Names that begin with `prefix`, ascending.
  [[nodiscard]] virtual Result<std::vector<std::string>> names(std::string_view prefix) = 0;
};

/// An append-only log (trust/ledger) with its keeper's key.
class Ledger {
 public:
  virtual ~Ledger() = default;
  /// Index of this entry; appends it if it is not there yet. Durable when it returns ok.
  [[nodiscard]] virtual Result<std::uint64_t> add(ByteView entry) = 0;
  /// The entry is the last one of the checkpoint that this gives: adds it and signs, or finds both.
  [[nodiscard]] virtual Result<trust::Envelope> seal(ByteView entry, std::uint64_t time_ms) = 0;
  /// Signs (or gives again) the checkpoint of the newest head.
  [[nodiscard]] virtual Result<trust::Envelope> checkpoint(std::uint64_t time_ms) = 0;
  [[nodiscard]] virtual Result<trust::InclusionProof> inclusion(std::uint64_t index, std::uint64_t size) = 0;
  [[nodiscard]] virtual Result<trust::ConsistencyProof> consistency(std::uint64_t first, std::uint64_t second) = 0;
  [[nodiscard]] virtual const std::string& origin() const = 0;
};

/// What knows the model's key: commitments and proofs. Openings are counted here (store/openings).
class ProofDesk {
 public:
  virtual ~ProofDesk() = default;
  /// Of a run with this nonce of the user and this salt.
  [[nodiscard]] virtual Digest run_id(ByteView nonce, const Digest& salt) = 0;
  /// Commitment of a committed chunk's values (int32, little-endian) under this seed. Errors (bad_input): another size, or
  /// values out of the chunk's range.
  [[nodiscard]] virtual Result<Digest> root_of(std::uint32_t chunk, ByteView values, const Digest& seed) = 0;
  /// Durably takes one opening of the slice's weights for a proof; nothing if the key shows them. Whatever becomes of the proof,
  /// the opening is used. Errors (resource): none is left, or the counters can't be written now: the run asks again for a while.
  [[nodiscard]] virtual Result<std::optional<WeightOpening>> reserve(std::uint32_t slice) = 0;
  /// The verifier's answer to a proof of `task` with these outputs, and, if accepted, one durable opening of each of its boundary
  /// trees: only then may the proof be shown to anybody. Errors: resource (a tree was opened too often: the attempt begins again,
  /// with fresh ones), or those of blobs.
  [[nodiscard]] virtual Result<Verdict> take(const SliceTask& task, const trust::BoundaryRoots& roots_out,
                                             const OutputBlobs& outputs, ByteView proof, engine::BlobStore& blobs) = 0;
  /// The same proof as evidence that stands alone: what a verdict file carries (docs/formats/verdict.md).
  [[nodiscard]] virtual Result<Bytes> evidence(const SliceTask& task, const trust::BoundaryRoots& roots_out,
                                               const OutputBlobs& outputs, ByteView proof, engine::BlobStore& blobs) = 0;
};

}  // namespace dsperse::work
