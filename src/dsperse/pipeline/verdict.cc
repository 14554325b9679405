#include "dsperse/pipeline/verdict.h"

#include <array>
#include <chrono>
#include <fstream>

#include "dsperse/store/disk/file.h"

namespace dsperse::pipeline {
namespace {

namespace dispute = trust::dispute;
using Clock = std::chrono::steady_clock;

/// Two proofs and the prefix.
constexpr std::uint64_t kMaxVerdictFile = 2 * dispute::kMaxProofBytes + (std::uint64_t{1} << 22);

}  // namespace

bool is_verdict_file(const std::string& path) {
  if (path == "-") return false;
  std::ifstream in(path, std::ios::binary);
  std::array<char, 4> magic{};
  return in.read(magic.data(), magic.size()) && std::string_view(magic.data(), magic.size()) == "VRD1";
}

Result<VerdictReport> verify_verdict_file(const proof::ModelKey& key, const std::string& path, const VerdictRequest& request) {
  const auto start = Clock::now();
  DSPERSE_TRY(const Bytes bytes, store::read_file(path, kMaxVerdictFile));
  auto file = dispute::decode_verdict(bytes);
  if (!file) return std::unexpected(file.error().within(path));
  VerdictReport out;
  out.file = std::move(*file);
  if (request.model_id && *request.model_id != key.id())
    out.verdict = Verdict::reject("the key is not the pinned model");
  else
    out.verdict = trust::verify_dispute_verdict(key, out.file, request.known);
  out.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return out;
}

std::string outcome_word(dispute::Outcome outcome) {
  static constexpr std::array<const char*, 6> kWords = {"open", "a", "b", "neither", "unproved", "contradiction"};
  return kWords.at(static_cast<std::size_t>(outcome));
}

}  // namespace dsperse::pipeline
