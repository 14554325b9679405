// A corpus of certificates for other verifiers: files, what the user knows, and what must be said of them.
//
// `attack_corpus FOLDER` (attack_corpus.cc) fills it; manifest.json lists the entries. Format: README.md. Every entry is judged
// by the verifier from its bytes alone, and an attack must fail for the reason that it means. Not here: the attacks themselves.
// Tested by corpus_test.cc, which judges the files again.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "dsperse/proof/verify.h"

namespace dsperse::soundness {

/// The whole verifier on untrusted bytes: key, certificate, rules. A file that does not decode is rejected with the decoder's
/// words, `where` starting with "key" or "certificate".
Verdict judge(ByteView key, ByteView certificate, const proof::Expectation& user);

nlohmann::json to_json(const proof::Expectation& user);
/// Inverse of to_json, on files that this corpus wrote; throws what the JSON library throws on others.
proof::Expectation expectation_of(const nlohmann::json& json);

class Corpus {
 public:
  /// The folder must exist.
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void accepts(const std::string& name, ByteView key, ByteView certificate, const proof::Expectation& user);
  /// The verifier must say `reason` at a place that starts with `where`.
  void rejects(const std::string& name, const std::string& reason, const std::string& where, ByteView key, ByteView certificate,
               const proof::Expectation& user);
  /// Notes a fault of the corpus itself: an attack that is none, or that the verifier answers otherwise.
  void fault(const std::string& what);
  /// Writes manifest.json and says how much there is. False if an entry was judged otherwise than it should be.
  [[nodiscard]] bool finish();

 private:
  void add(const std::string& name, ByteView key, ByteView certificate, const proof::Expectation& user, const Verdict& verdict);
  /// Writes the bytes once; equal bytes share a file.
  std::string file(const std::string& name, const std::string& ending, ByteView bytes);

  std::filesystem::path folder_;
  nlohmann::json manifest_ = nlohmann::json::array();
  std::map<std::pair<std::string, Digest>, std::string> files_;
  std::map<std::string, std::size_t> names_;
  std::size_t bytes_ = 0, attacks_ = 0, faults_ = 0;
};

}  // namespace dsperse::soundness
