#include "dsperse/pipeline/dispute.h"

#include <fmt/format.h>

#include <filesystem>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/pipeline/execute.h"
#include "dsperse/pipeline/slice_prover.h"

namespace dsperse::pipeline {
namespace {

namespace dispute = trust::dispute;

/// A party of a local dispute has no worker key: its run and its place name it.
Digest claimant(const Party& party, dispute::Side side) {
  const std::uint8_t place = side == dispute::Side::a ? 0 : 1;
  return crypto::hash_tagged("dsperse claimant v1", {party.run, {&place, 1}});
}

/// The dispute of two parties about one slice: its machine, and the bytes of the proofs that it took.
class Case {
 public:
  Case(const proof::ModelKey& key, const Claims& claims, const std::array<const Party*, 2>& parties)
      : key_(key), lives_(trust::lives_of(key)), claims_(claims), parties_(parties) {
    for (std::size_t i = 0; i < 2; ++i) {
      digests_[i] = trust::boundary_digests(claims.table(i));
      traces_[i] = trust::trace_of(key, lives_, digests_[i]);
    }
  }

  /// False: the two agree.
  Result<bool> open() {
    DSPERSE_TRY(const auto difference, dispute::first_difference(traces_[0], traces_[1]));
    if (!difference) return false;
    slice_ = difference->slice;
    const dispute::Subject subject{claims_.run(), key_.id(), key_.slices[slice_].digest(), slice_, difference->h_in};
    DSPERSE_TRY(state_, dispute::begin(subject, {claimant(*parties_[0], dispute::Side::a), {}, {}, difference->h_out_a},
                                       {claimant(*parties_[1], dispute::Side::b), {}, {}, difference->h_out_b}, 0));
    return true;
  }

  [[nodiscard]] std::uint32_t slice() const { return slice_; }
  [[nodiscard]] bool decided() const { return state_.outcome != dispute::Outcome::open; }

  /// A proof that a party had before the dispute.
  Status take_stored(dispute::Side side) {
    const auto i = static_cast<std::size_t>(side);
    const Party& party = *parties_[i];
    if (party.run != claims_.run()) return {};  // it speaks of other commitments
    std::optional<proof::SliceProof> proof;
    if (party.folder) {
      DSPERSE_TRY(proof, party.folder->proof(slice_));
    } else {
      for (const proof::SliceProof& s : party.proofs)
        if (s.slice == slice_) proof = s;
    }
    if (!proof) return {};
    std::vector<proof::Boundary> boundaries;
    for (const proof::Port& p : key_.slices[slice_].ports()) boundaries.push_back(claims_.table(i)[p.chunk]);
    const Bytes bytes = encode_evidence(std::move(boundaries), std::move(*proof));
    const bool accepted = trust::check_slice_evidence(key_, state_.subject, traces_[i][slice_ + 1], bytes).accepted;
    DSPERSE_CHECK_OK(dispute::step(state_, dispute::Proof{side, dispute::proof_digest(bytes), accepted}));
    if (accepted && state_.proofs.size() > proofs_.size()) proofs_.push_back(bytes);
    return {};
  }

  /// Runs the slice on what both agree on, and proves what comes out.
  Status prove(const ProvingParts& parts) {
    const proof::SliceKey& slice = key_.slices[slice_];
    DSPERSE_TRY(const store::ProvingKey secret, parts.model.proving_key(slice_));
    std::vector<quantize::IntTensor> inputs;
    for (const proof::Port& p : slice.inputs) inputs.push_back(claims_.base()->stored[p.chunk].values);
    DSPERSE_TRY(const quantize::TensorStore trace, slice_trace(slice, secret.weights, inputs));
    std::vector<store::StoredBoundary> boundaries;
    std::vector<proof::Boundary> stated;
    for (const proof::Port& p : slice.ports()) {
      DSPERSE_TRY(store::StoredBoundary b, claims_.commit(p.chunk, trace[p.tensor]));
      stated.push_back({p.chunk, b.root, p.is_public ? b.values : quantize::IntTensor{}});
      boundaries.push_back(std::move(b));
    }
    Bytes bytes;
    DSPERSE_CHECK_OK(prove_between(parts, slice_, claims_.run(), boundaries,
                                   [&](const proof::SliceProof& proof, const store::SliceRecord&) -> Status {
                                     bytes = encode_evidence(stated, proof);
                                     return {};
                                   }));
    DSPERSE_TRY(const trust::SliceEvidence made, trust::decode_slice_evidence(key_, slice_, bytes));
    const Digest h_out = trust::h_out_of(key_, lives_, made), digest = dispute::proof_digest(bytes);
    if (const Verdict v = trust::check_slice_evidence(key_, state_.subject, h_out, bytes); !v)
      return fail(ErrorKind::internal, "a proof that was made here is refused: " + v.reason, v.where);
    dispute::Event event = dispute::OwnProof{h_out, digest};
    if (h_out == state_.claims[0].h_out) event = dispute::Proof{dispute::Side::a, digest, true};
    if (h_out == state_.claims[1].h_out) event = dispute::Proof{dispute::Side::b, digest, true};
    DSPERSE_CHECK_OK(dispute::step(state_, event));
    if (state_.proofs.size() > proofs_.size()) proofs_.push_back(std::move(bytes));
    return {};
  }

  Result<dispute::VerdictFile> verdict() {
    if (!decided()) DSPERSE_CHECK_OK(dispute::step(state_, dispute::Deadline{0}));
    return dispute::make_verdict(state_, std::span(traces_[0]).first(slice_ + 1), proofs_);
  }

 private:
  [[nodiscard]] Bytes encode_evidence(std::vector<proof::Boundary> boundaries, proof::SliceProof proof) const {
    return trust::encode_slice_evidence(
        {trust::live_before(key_, lives_, slice_, digests_[0]), std::move(boundaries), std::move(proof)});
  }

  const proof::ModelKey& key_;
  trust::Lives lives_;
  const Claims& claims_;
  std::array<const Party*, 2> parties_;
  std::array<std::vector<Digest>, 2> digests_, traces_;
  std::uint32_t slice_ = 0;
  dispute::State state_;
  std::vector<Bytes> proofs_;
};

}  // namespace

Result<DisputeReport> settle_dispute(const proof::ModelKey& key, const DisputeRequest& request, const backend::Backend& backend,
                                     store::OpeningStore& openings, const Observer& observer) {
  std::error_code error;
  if (std::filesystem::equivalent(request.a, request.b, error))
    return fail(ErrorKind::usage, "both sides of the dispute are the same", request.a, "name two run folders or certificates");
  DSPERSE_TRY(const Party a, open_party(key, request.a));
  DSPERSE_TRY(const Party b, open_party(key, request.b));
  DSPERSE_TRY(const Claims claims, Claims::make(key, a, b));
  Case open_case(key, claims, {&a, &b});
  DisputeReport out;
  DSPERSE_TRY(const bool differ, open_case.open());
  if (!differ) return out;
  if (const auto& f = key.slices[open_case.slice()].in_float)
    return fail(ErrorKind::unsupported, "the runs differ first in a slice that runs in float: no proof can say who is right",
                fmt::format("slice {}, run in float by {}", open_case.slice(), f->engine_text()));
  DSPERSE_CHECK_OK(open_case.take_stored(dispute::Side::a));
  DSPERSE_CHECK_OK(open_case.take_stored(dispute::Side::b));
  if (!open_case.decided() && claims.base() != nullptr) {
    const std::string& dsm = request.model.empty() ? claims.base()->folder->info().model_path : request.model;
    DSPERSE_TRY(const store::ModelFolder model, store::ModelFolder::open(dsm));
    if (model.model().key.id() != key.id())
      return fail(ErrorKind::bad_input, "the compiled model is not the key's", dsm, "give the right one with --model");
    if (const auto why = backend.unsupported(key.slices[open_case.slice()].program))
      return fail(ErrorKind::unsupported, "the disputed slice cannot be proved: " + *why,
                  "slice " + std::to_string(open_case.slice()));
    std::mutex state;
    DSPERSE_CHECK_OK(open_case.prove({model, openings, backend, observer, state}));
    out.proved_here = true;
  }
  DSPERSE_TRY(out.verdict, open_case.verdict());
  return out;
}

}  // namespace dsperse::pipeline
