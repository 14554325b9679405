#include "dsperse/pipeline/challenge.h"

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/trust/lottery/challenge.h"
#include "dsperse/trust/policy/economics.h"

namespace dsperse::pipeline {
namespace {

std::uint32_t count(const proof::ModelKey& key) { return static_cast<std::uint32_t>(key.slices.size()); }

}  // namespace

Result<Digest> challenge_nonce(ByteView nonce) {
  if (nonce.empty() || nonce.size() > 64)
    return fail(ErrorKind::usage, "a challenge's nonce has 1 to 64 bytes", {},
                "take 16 random bytes, after the roots are published");
  return crypto::hash_tagged("dsperse challenge nonce v1", {nonce});
}

Result<std::set<std::uint32_t>> drawn_slices(const proof::ModelKey& key, const ChallengeQuestion& question) {
  DSPERSE_TRY(const auto drawn, trust::lottery::draw_slices(question.bound, count(key), question.draw, question.nonce));
  return std::set<std::uint32_t>(drawn.begin(), drawn.end());
}

Verdict check_challenge(const proof::ModelKey& key, const proof::Certificate& certificate, const ChallengeQuestion& question) {
  const Digest run = proof::run_id(certificate.model_id, certificate.nonce, certificate.salt);
  if (bound_of(run, count(key), certificate.table) != question.bound)
    return Verdict::reject("the published roots are not the certificate's");
  std::vector<std::uint32_t> proved;
  for (const proof::SliceProof& s : certificate.slices) proved.push_back(s.slice);
  return trust::lottery::verify_challenge(question.bound, count(key), question.draw, question.nonce, proved);
}

Result<std::vector<Escape>> escapes(std::uint32_t slices, std::uint32_t draw, std::uint32_t proved) {
  std::vector<Escape> out;
  for (const std::uint32_t wrong : {1U, (slices + 9) / 10, (slices + 1) / 2}) {
    if (wrong > slices - proved || (!out.empty() && wrong <= out.back().wrong)) continue;
    DSPERSE_TRY(const double probability, trust::sampling_miss(slices, wrong, draw));
    out.push_back({wrong, probability});
  }
  return out;
}

}  // namespace dsperse::pipeline
