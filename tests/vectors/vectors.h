// Known-answer vectors: fixed inputs and what the code makes of them, as JSON. Written by make_vectors, pinned by vectors_test,
// checked by check.py, which shares no code with this. Format and meaning: README.md.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "dsperse/base/bytes.h"

namespace dsperse::vectors {

nlohmann::json field_vectors();
nlohmann::json hash_vectors();
nlohmann::json code_vectors();
nlohmann::json merkle_vectors();
nlohmann::json transcript_vectors();

/// File name -> bytes: all JSON files, keys and certificates of the small proofs.
std::map<std::string, Bytes> all_files();
/// The proofs' part of it. Needs fixed randomness, so these proofs hide nothing.
void add_proof_files(std::map<std::string, Bytes>& files);

/// One line for each entry of a list in an object: small diffs.
Bytes to_text(const nlohmann::json& json);
/// Numbers that JSON readers with doubles would spoil are decimal strings.
template <class List>
nlohmann::json decimal(const List& values) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& x : values) {
    if constexpr (requires { x.v; })
      out.push_back(std::to_string(x.v));
    else
      out.push_back(std::to_string(x));
  }
  return out;
}

}  // namespace dsperse::vectors
